//! Who waits for whom.

use std::sync::mpsc::channel;
use std::sync::{Barrier, Mutex};

use serde_json::json;

use crate::run::scenario::{DONE, Scenario, fails};
use crate::run::{NodeStatus, RunEvent, RunStatus};

#[test]
fn a_slow_host_does_not_hold_a_fast_one() {
    let mut scenario = Scenario::new("fast,slow");
    let (go, wait) = channel::<()>();
    let (go, wait) = (Mutex::new(Some(go)), Mutex::new(wait));
    let first = scenario.task("first", move |call| {
        if call.host() == "slow" {
            // Ends only after the fast host's second task has begun.
            let _ = wait.lock().expect("one waits").recv();
        }
        DONE
    });
    let second = scenario.task("second", move |call| {
        if call.host() == "fast" {
            go.lock().expect("one goes").take();
        }
        DONE
    });
    scenario.on(first, "all");
    scenario.on(second, "all");
    scenario.sample.needs(second, &[first]);
    let ended = scenario.run();
    ended.in_order(&[
        "end first [fast] ok",
        "start second [fast]",
        "end first [slow] ok",
        "start second [slow]",
    ]);
    assert_eq!(ended.report.summary.status, RunStatus::Ok);
}

#[test]
fn a_barrier_holds_every_host() {
    let mut scenario = Scenario::new("a,b,c");
    let first = scenario.task("first", |_| DONE);
    let second = scenario.task("second", |_| DONE);
    scenario.on(first, "all");
    scenario.on(second, "all");
    scenario.sample.after(second, &[first]);
    let log = scenario.run().log();
    let last_end = log.iter().rposition(|line| line.starts_with("end first")).expect("it ended");
    let first_start = log.iter().position(|line| line.starts_with("start second")).expect("it began");
    assert!(last_end < first_start, "{log:#?}");
}

#[test]
fn independent_nodes_run_at_the_same_time_on_one_host_too() {
    let mut scenario = Scenario::new("a");
    let together = std::sync::Arc::new(Barrier::new(3));
    for name in ["x", "y", "z"] {
        let together = std::sync::Arc::clone(&together);
        let id = scenario.task(name, move |_| {
            together.wait();
            DONE
        });
        scenario.on(id, "a");
    }
    assert_eq!(scenario.run().report.summary.status, RunStatus::Ok);
}

#[test]
fn a_host_that_is_not_in_the_needed_task_waits_for_all_of_it() {
    let mut scenario = Scenario::new("a,b,c");
    let first = scenario.task("first", |call| if call.host() == "b" { fails("no") } else { DONE });
    let second = scenario.task("second", |_| DONE);
    scenario.on(first, "a,b");
    scenario.on(second, "a,c");
    scenario.sample.needs(second, &[first]);
    let ended = scenario.run();
    assert_eq!(ended.status("second [a]"), NodeStatus::Ok);
    assert_eq!(ended.status("second [c]"), NodeStatus::Blocked);
    assert_eq!(ended.reason("second [c]"), "`first` did not end well on 1 of 2 nodes");
}

#[test]
fn a_task_without_hosts_waits_for_the_whole() {
    let mut scenario = Scenario::new("a,b");
    let first = scenario.task("first", |_| DONE);
    let second = scenario.task("second", |_| DONE);
    let third = scenario.task("third", |_| DONE);
    scenario.on(first, "all");
    scenario.on(third, "all");
    scenario.sample.needs(second, &[first]);
    scenario.sample.needs(third, &[second]);
    let ended = scenario.run();
    ended.in_order(&["end first [a] ok", "start second", "end second ok", "start third [a]"]);
    ended.in_order(&["end first [b] ok", "start second", "end second ok", "start third [b]"]);
}

#[test]
fn after_any_waits_for_the_end_however_it_was() {
    let mut scenario = Scenario::new("a,b");
    let first = scenario.task("first", |call| if call.host() == "a" { fails("no") } else { DONE });
    let clean = scenario.task("clean", |_| DONE);
    scenario.on(first, "all");
    scenario.sample.after_any(clean, &[first]);
    let ended = scenario.run();
    assert_eq!(ended.status("clean"), NodeStatus::Ok);
    ended.in_order(&["end first [a] failed", "start clean"]);
    ended.in_order(&["end first [b] ok", "start clean"]);
}

#[test]
fn items_of_a_host_hold_that_host_alone() {
    let mut scenario = Scenario::new("a,b");
    let first = scenario.task("first", |call| {
        if call.host() == "a" && call.item == Some(&json!(2)) { fails("no") } else { DONE }
    });
    let second = scenario.task("second", |_| DONE);
    scenario.on(first, "all");
    scenario.each(first, [json!(1), json!(2)]);
    scenario.on(second, "all");
    scenario.sample.needs(second, &[first]);
    let ended = scenario.run();
    assert_eq!(ended.status("second [a]"), NodeStatus::Blocked);
    assert_eq!(ended.reason("second [a]"), "`first` failed on `a`");
    ended.in_order(&["end first [b, 1] ok", "start second [b]"]);
    ended.in_order(&["end first [b, 2] ok", "start second [b]"]);
}

#[test]
fn a_failed_item_does_not_stop_its_siblings() {
    let mut scenario = Scenario::new("");
    let all = scenario.task("all", |call| if call.item == Some(&json!("b")) { fails("no") } else { DONE });
    scenario.each(all, ["a", "b", "c"].map(|item| json!(item)));
    let ended = scenario.run();
    let statuses = ["all [a]", "all [b]", "all [c]"].map(|node| ended.status(node));
    assert_eq!(statuses, [NodeStatus::Ok, NodeStatus::Failed, NodeStatus::Ok]);
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
}

#[test]
fn results_are_there_for_what_waits_and_in_order_at_the_end() {
    let mut scenario = Scenario::new("a,b,c");
    let first = scenario.task("first", |call| Ok(json!(call.host())));
    let second = scenario.task("second", move |call| {
        let results = call.context.run.outputs.get(first).expect("it has ended here");
        let own = results.iter().find(|result| result.node.host == call.context.node.host);
        Ok(own.expect("its own host").output.clone())
    });
    scenario.on(first, "all");
    scenario.on(second, "all");
    scenario.sample.needs(second, &[first]);
    let ended = scenario.run();
    let results = ended.context.outputs.get(second).expect("it has ended");
    let outputs: Vec<_> = results.iter().map(|result| result.output.clone()).collect();
    assert_eq!(outputs, [json!("a"), json!("b"), json!("c")]);
}

#[test]
fn the_stream_begins_and_ends_as_promised() {
    let mut scenario = Scenario::new("a");
    let only = scenario.task("only", |call| {
        call.context.mark_changed();
        DONE
    });
    scenario.on(only, "a");
    let ended = scenario.run();
    assert!(matches!(ended.events.first(), Some(RunEvent::RunStarted { tasks: 1, .. })));
    assert!(matches!(&ended.events[1], RunEvent::TaskExpanded { nodes: 1, hosts, .. } if hosts.len() == 1));
    assert!(matches!(ended.events.last(), Some(RunEvent::RunFinished { .. })));
    assert_eq!(ended.status("only [a]"), NodeStatus::Changed);
    assert!(ended.report.summary.summary.starts_with("1 changed in "));
}

#[test]
fn nothing_to_do_is_well() {
    let ended = Scenario::new("").run();
    assert_eq!(ended.report.summary.status, RunStatus::Ok);
    assert_eq!(ended.events.len(), 2);
}
