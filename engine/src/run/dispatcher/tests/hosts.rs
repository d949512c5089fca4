//! Hosts and items that are found during the run.

use serde_json::json;

use crate::graph::{HostsFrom, ItemsFrom};
use crate::inventory::{HostSet, NewHost};
use crate::run::scenario::{DONE, Scenario, code, fails};
use crate::run::{Interrupt, Mode, NodeStatus, RunEvent, RunStatus};

fn adds(scenario: &mut Scenario, hosts: &'static [&'static str]) -> crate::graph::TaskId {
    scenario.task("machines", move |call| {
        let mut inventory = call.context.run.inventory.write().expect("no panic");
        for name in hosts {
            let new = NewHost {
                name: (*name).to_owned(),
                groups: vec!["workers".to_owned()],
                ..NewHost::default()
            };
            inventory.add_host(new).expect("a name");
        }
        DONE
    })
}

#[test]
fn hosts_made_in_the_run_are_found_by_what_needs_their_maker() {
    let mut scenario = Scenario::new("");
    let machines = adds(&mut scenario, &["w1", "w2"]);
    let base = scenario.task("base", |_| DONE);
    let app = scenario.task("app", |_| DONE);
    scenario.on(base, "workers");
    scenario.on(app, "workers");
    scenario.sample.needs(base, &[machines]);
    scenario.sample.needs(app, &[base]);
    let ended = scenario.run();
    ended.in_order(&["end machines ok", "start base [w1]", "end base [w1] ok", "start app [w1]"]);
    ended.in_order(&["end machines ok", "start base [w2]", "end base [w2] ok", "start app [w2]"]);
}

#[test]
fn hosts_of_a_maker_that_failed_are_not_looked_for() {
    let mut scenario = Scenario::new("");
    let machines = scenario.task("machines", |_| fails("no"));
    let base = scenario.task("base", |_| DONE);
    scenario.on(base, "workers");
    scenario.sample.needs(base, &[machines]);
    let ended = scenario.run();
    assert_eq!(ended.status("base"), NodeStatus::Blocked);
    assert_eq!(ended.reason("base"), "`machines` failed");
}

#[test]
fn an_empty_set_fails_the_task_unless_that_is_allowed() {
    let mut scenario = Scenario::new("a");
    let nobody = scenario.task("nobody", |_| DONE);
    let allowed = scenario.task("allowed", |_| DONE);
    let behind = scenario.task("behind", |_| DONE);
    scenario.on(nobody, "none");
    scenario.on(allowed, "none");
    scenario.at(allowed).allow_empty = true;
    scenario.sample.needs(behind, &[allowed]);
    let ended = scenario.run();
    assert_eq!(ended.status("nobody"), NodeStatus::Failed);
    assert_eq!(ended.failure("nobody").message, "`nobody` has no hosts: its set is empty");
    assert_eq!(ended.status("behind"), NodeStatus::Ok);
}

#[test]
fn a_plan_does_not_know_who_will_be_there() {
    let mut scenario = Scenario::new("");
    let machines = scenario.task("machines", |_| Err(Interrupt::KnownAfterRun("an address".into())));
    let base = scenario.task("base", |_| DONE);
    scenario.at(machines).adds_hosts = vec!["workers".into()];
    scenario.on(base, "workers");
    scenario.sample.needs(base, &[machines]);
    scenario.mode = Mode::Plan;
    let ended = scenario.run();
    assert_eq!(ended.status("machines"), NodeStatus::KnownAfterRun);
    assert_eq!(ended.status("base"), NodeStatus::KnownAfterRun);
    assert_eq!(ended.reason("base"), "its hosts are known after `machines` has run");
    assert_eq!(ended.report.summary.status, RunStatus::Ok);
}

#[test]
fn an_unknown_host_fails_the_task() {
    let mut scenario = Scenario::new("web1,web2");
    let by_name = scenario.task("by name", |_| DONE);
    let by_code = scenario.task("by code", |_| DONE);
    scenario.at(by_name).on = Some(HostsFrom::Set(HostSet::host("web3")));
    scenario.at(by_code).on = Some(HostsFrom::Code(code(|_| Ok(json!(["web1", "db"])))));
    let ended = scenario.run();
    assert_eq!(ended.failure("by name").message, "there is no host `web3`");
    assert_eq!(ended.failure("by code").message, "there is no host `db`");
}

#[test]
fn closures_are_asked_when_the_task_is_ready() {
    let mut scenario = Scenario::new("b,a");
    let list = scenario.task("list", |_| Ok(json!(["x", "y"])));
    let all = scenario.task("all", |_| DONE);
    scenario.at(all).on = Some(HostsFrom::Code(code(|_| Ok(json!(["a", "b"])))));
    scenario.at(all).each = Some(ItemsFrom::Code(code(move |call| {
        Ok(call.context.run.outputs.get(list).expect("it has ended")[0].output.clone())
    })));
    scenario.sample.needs(all, &[list]);
    let ended = scenario.run();
    let hosts = ended.events.iter().find_map(|event| match event {
        RunEvent::TaskExpanded { task, hosts, nodes: 4 } if &**task == "all" => Some(hosts.clone()),
        _ => None,
    });
    assert_eq!(hosts.expect("expanded").join(","), "b,a", "in inventory order");
    assert_eq!(ended.status("all [a, y]"), NodeStatus::Ok);
}

#[test]
fn a_closure_that_fails_fails_the_task() {
    let mut scenario = Scenario::new("a");
    let first = scenario.task("first", |_| DONE);
    let second = scenario.task("second", |_| DONE);
    let third = scenario.task("third", |_| DONE);
    scenario.at(first).on = Some(HostsFrom::Code(code(|_| fails("no hosts today"))));
    scenario.at(third).on = Some(HostsFrom::Code(code(|_| panic!("out of order"))));
    scenario.on(second, "a");
    scenario.sample.needs(second, &[first]);
    let ended = scenario.run();
    assert_eq!(ended.failure("first").message, "no hosts today");
    assert_eq!(ended.status("second [a]"), NodeStatus::Blocked);
    assert_eq!(ended.failure("third").message, "internal error: out of order");
}

#[test]
fn two_items_of_one_name_fail_the_task() {
    let mut scenario = Scenario::new("");
    let twice = scenario.task("twice", |_| DONE);
    scenario.each(twice, [json!({"name": "x"}), json!({"name": "x"})]);
    assert_eq!(scenario.run().failure("twice").message, "two items of `.each` are named `x`");
}

#[test]
fn no_items_are_no_nodes_and_well() {
    let mut scenario = Scenario::new("a");
    let none = scenario.task("none", |_| DONE);
    let behind = scenario.task("behind", |_| DONE);
    scenario.on(none, "a");
    scenario.each(none, []);
    scenario.on(behind, "a");
    scenario.sample.needs(behind, &[none]);
    let ended = scenario.run();
    assert_eq!(ended.log(), ["start behind [a]", "end behind [a] ok"]);
}
