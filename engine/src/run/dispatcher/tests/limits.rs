//! How many at a time, which tasks, which hosts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::inventory::HostSet;
use crate::run::scenario::{Body, Call, DONE, Scenario};
use crate::run::{NodeStatus, RunStatus};

/// A body that counts how many of it run at once, and the most there ever were.
fn counted() -> (impl Fn(&Call<'_>) -> Body + Clone + Send + Sync + 'static, Arc<AtomicUsize>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let body = move |_: &Call<'_>| {
        seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        (0..50).for_each(|_| std::thread::yield_now());
        now.fetch_sub(1, Ordering::SeqCst);
        DONE
    };
    (body, most)
}

const HOSTS: &str = "h1,h2,h3,h4,h5,h6,h7,h8,h9";

#[test]
fn no_more_than_forks_nodes_run_at_a_time() {
    let (body, most) = counted();
    let mut scenario = Scenario::new(HOSTS);
    scenario.options.forks = 3;
    for name in ["one", "two"] {
        let id = scenario.task(name, body.clone());
        scenario.on(id, "all");
    }
    assert_eq!(scenario.run().report.summary.status, RunStatus::Ok);
    assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
}

#[test]
fn a_throttle_holds_one_task_and_one_fork_is_in_declared_order() {
    let (body, most) = counted();
    let mut scenario = Scenario::new(HOSTS);
    let task = scenario.task("t", body);
    scenario.on(task, "all");
    scenario.at(task).throttle = Some(2);
    scenario.run();
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)));

    let mut scenario = Scenario::new("a,b");
    scenario.options.forks = 1;
    for name in ["one", "two"] {
        let id = scenario.task(name, |_| DONE);
        scenario.on(id, "all");
    }
    assert_eq!(scenario.run().lines("start"), ["one [a]", "one [b]", "two [a]", "two [b]"]);
}

#[test]
fn an_exclusive_key_is_held_by_one_node_of_the_run() {
    let (body, most) = counted();
    let mut scenario = Scenario::new(HOSTS);
    for name in ["one", "two", "three"] {
        let id = scenario.task(name, body.clone());
        scenario.on(id, "all");
        scenario.at(id).exclusive = vec!["db".into(), name.into()];
    }
    let ended = scenario.run();
    assert_eq!(most.load(Ordering::SeqCst), 1);
    assert_eq!(ended.lines("end").len(), 27);
}

#[test]
fn items_run_a_few_at_a_time_on_each_host() {
    let (body, most) = counted();
    let mut scenario = Scenario::new("");
    scenario.options.items = 2;
    let task = scenario.task("t", body);
    scenario.each(task, (0..20).map(|item| json!(item)));
    let ended = scenario.run();
    assert_eq!(ended.report.summary.counts.nodes[&NodeStatus::Ok], 20);
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
}

#[test]
fn the_limit_leaves_hosts_out_and_nobody_left_is_well() {
    let mut scenario = Scenario::new("a,b,c");
    let some = scenario.task("some", |_| DONE);
    let none = scenario.task("none", |_| DONE);
    let behind = scenario.task("behind", |_| DONE);
    scenario.on(some, "all");
    scenario.on(none, "c");
    scenario.sample.needs(behind, &[none]);
    scenario.options.limit = Some(HostSet::pattern("b").expect("a pattern"));
    let ended = scenario.run();
    assert_eq!(ended.lines("start"), ["some [b]", "behind"]);
}

#[test]
fn tasks_that_were_not_chosen_are_as_if_they_were_not_there() {
    let mut scenario = Scenario::new("a");
    let [one, two, three] = ["one", "two", "three"].map(|name| scenario.task(name, |_| DONE));
    scenario.sample.needs(two, &[one]);
    scenario.sample.needs(three, &[two]);
    for id in [one, three] {
        scenario.at(id).tags = vec!["x".into()];
    }
    scenario.options.tags = vec!["x".into()];
    assert_eq!(scenario.run().lines("start"), ["one", "three"]);
}

#[test]
fn only_brings_what_it_needs() {
    let mut scenario = Scenario::new("a");
    let [one, two] = ["one", "two"].map(|name| scenario.task(name, |_| DONE));
    scenario.task("three", |_| DONE);
    scenario.sample.needs(two, &[one]);
    scenario.options.only = vec!["two".into()];
    assert_eq!(scenario.run().lines("start"), ["one", "two"]);
}

#[test]
fn a_chain_of_many_blocked_tasks_is_no_recursion() {
    let mut scenario = Scenario::new("");
    let mut before = scenario.task("t0", |_| crate::run::scenario::fails("no"));
    for index in 1..20_000 {
        let next = scenario.task(&format!("t{index}"), |_| DONE);
        scenario.sample.needs(next, &[before]);
        before = next;
    }
    let ended = scenario.run();
    assert_eq!(ended.report.summary.counts.nodes[&NodeStatus::Blocked], 19_999);
}
