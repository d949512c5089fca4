//! Rolling updates and blocks.

use std::time::Duration;

use serde_json::json;

use crate::graph::{Amount, Batch, TaskId};
use crate::run::scenario::{Call, DONE, Scenario, code, fails};
use crate::run::{Interrupt, Mode, NodeStatus, RunStatus};

fn rolling(ladder: &[Amount]) -> Batch {
    Batch { ladder: ladder.to_vec(), pause: Duration::ZERO, check: None }
}

fn rolled(hosts: &str, batch: Batch, fail: &'static str, max_fail: usize) -> (Scenario, TaskId) {
    let mut scenario = Scenario::new(hosts);
    let task = scenario.task("roll", move |call| if call.host() == fail { fails("no") } else { DONE });
    scenario.on(task, "all");
    scenario.at(task).batch = Some(Box::new(batch));
    scenario.at(task).max_fail = Amount::Count(max_fail);
    (scenario, task)
}

#[test]
fn a_ladder_rolls_in_inventory_order_and_its_last_step_repeats() {
    let ladder = [Amount::Count(1), Amount::Percent(50.0)];
    let (scenario, _) = rolled("e,d,c,b,a", rolling(&ladder), "", 0);
    let ended = scenario.run();
    assert_eq!(ended.lines("batch"), ["roll 1: e", "roll 2: d,c", "roll 3: b,a"]);
    ended.in_order(&["end roll [e] ok", "batch roll 2: d,c", "end roll [d] ok", "batch roll 3: b,a"]);
    ended.in_order(&["end roll [c] ok", "batch roll 3: b,a", "start roll [b]"]);
}

#[test]
fn rolling_stops_after_more_failures_than_allowed() {
    let (mut scenario, roll) = rolled("a,b,c,d", rolling(&[Amount::Count(1)]), "b", 0);
    let behind = scenario.task("behind", |_| DONE);
    scenario.sample.after(behind, &[roll]);
    let ended = scenario.run();
    assert_eq!(ended.lines("batch"), ["roll 1: a", "roll 2: b"]);
    for host in ["c", "d"] {
        let node = format!("roll [{host}]");
        assert_eq!(ended.status(&node), NodeStatus::Blocked);
        assert_eq!(
            ended.reason(&node),
            "batch 2 of `roll` was the last: 1 host did not end well, `max_fail` is 0"
        );
    }
    assert_eq!(ended.status("behind"), NodeStatus::Blocked);
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
}

#[test]
fn rolling_goes_on_while_failures_are_within_the_limit() {
    let (scenario, _) = rolled("a,b,c,d", rolling(&[Amount::Count(1)]), "b", 1);
    let ended = scenario.run();
    assert_eq!(ended.lines("batch").len(), 4);
    assert_eq!(ended.report.summary.status, RunStatus::Ok);
}

#[test]
fn the_check_between_batches_decides_and_a_plan_only_asks_it() {
    for (mode, batches) in [(Mode::Run, 1), (Mode::Plan, 3)] {
        let check = code(|_| Ok(json!(false)));
        let batch =
            Batch { pause: Duration::from_millis(1), check: Some(check), ..rolling(&[Amount::Count(1)]) };
        let (mut scenario, _) = rolled("a,b,c", batch, "", 0);
        scenario.mode = mode;
        let ended = scenario.run();
        assert_eq!(ended.lines("batch").len(), batches);
        if mode == Mode::Run {
            assert_eq!(ended.reason("roll [c]"), "the check after batch 1 of `roll` said no");
            assert_eq!(ended.report.summary.status, RunStatus::Failed);
        }
    }
}

#[test]
fn a_check_answers_with_a_bool_or_nothing_and_may_fail_or_skip() {
    type Check = fn(&Call<'_>) -> crate::run::scenario::Body;
    let cases: [(Check, Option<&str>); 7] = [
        (|_| Ok(json!(true)), None),
        (|_| DONE, None),
        (|_| Err(Interrupt::Skipped("fine".into())), None),
        (|_| Ok(json!(false)), Some("said no")),
        (|_| Ok(json!("no")), Some("returned `\"no\"`, which is no bool")),
        (|_| fails("503"), Some("failed: 503")),
        (|_| panic!("on purpose"), Some("failed: internal error: on purpose")),
    ];
    for (check, stopped) in cases {
        let batch = Batch { check: Some(code(check)), ..rolling(&[Amount::Count(1)]) };
        let (scenario, _) = rolled("a,b", batch, "", 0);
        let ended = scenario.run();
        let expected =
            stopped.map(|why| format!("the check after batch 1 of `roll` {why}")).unwrap_or_default();
        assert_eq!(ended.reason("roll [b]"), expected);
        let status = if stopped.is_some() { RunStatus::Failed } else { RunStatus::Ok };
        assert_eq!(ended.report.summary.status, status, "{expected}");
    }
}

#[test]
fn hosts_that_are_blocked_before_their_batch_count_as_failed() {
    let (mut scenario, roll) = rolled("a,b,c", rolling(&[Amount::Count(1)]), "", 0);
    let first = scenario.task("first", |call| if call.host() == "a" { fails("no") } else { DONE });
    scenario.on(first, "all");
    scenario.sample.needs(roll, &[first]);
    let ended = scenario.run();
    assert_eq!(ended.status("roll [b]"), NodeStatus::Blocked);
    assert!(ended.lines("batch").is_empty());
}

fn block(
    hosts: &str,
    names: &[&str],
    body: fn(&Call<'_>, &str) -> crate::run::scenario::Body,
) -> (Scenario, usize) {
    let mut scenario = Scenario::new(hosts);
    let block = scenario.sample.block("shop", None, false);
    for name in names {
        let own = (*name).to_owned();
        let id = scenario.in_block(block, name, move |call| body(call, &own));
        scenario.on(id, "all");
    }
    (scenario, block)
}

#[test]
fn a_block_runs_in_order_host_by_host_and_a_failed_host_stops_alone() {
    let (scenario, _) = block("a,b", &["one", "two", "three"], |call, name| {
        if call.host() == "a" && name == "two" { fails("no") } else { DONE }
    });
    let ended = scenario.run();
    ended.in_order(&[
        "end shop/one [b] ok",
        "start shop/two [b]",
        "end shop/two [b] ok",
        "start shop/three [b]",
    ]);
    assert_eq!(ended.status("shop/three [a]"), NodeStatus::Blocked);
    assert_eq!(ended.reason("shop/three [a]"), "`shop/two` failed on `a`");
    assert_eq!(ended.status("shop/three [b]"), NodeStatus::Ok);
}

#[test]
fn a_host_that_skips_a_task_of_its_block_still_keeps_the_order() {
    let mut scenario = Scenario::new("a,b");
    let block = scenario.sample.block("shop", None, false);
    let one = scenario.in_block(block, "one", |call| if call.host() == "a" { fails("no") } else { DONE });
    let two = scenario.in_block(block, "two", |_| DONE);
    let three = scenario.in_block(block, "three", |_| DONE);
    scenario.on(one, "all");
    scenario.on(two, "b");
    scenario.on(three, "all");
    let ended = scenario.run();
    assert_eq!(ended.status("shop/three [a]"), NodeStatus::Blocked);
    ended.in_order(&[
        "end shop/one [b] ok",
        "start shop/two [b]",
        "end shop/two [b] ok",
        "start shop/three [b]",
    ]);
}

#[test]
fn a_task_without_hosts_in_a_block_is_a_barrier_there() {
    let mut scenario = Scenario::new("a,b");
    let block = scenario.sample.block("shop", None, false);
    let one = scenario.in_block(block, "one", |_| DONE);
    scenario.in_block(block, "two", |_| DONE);
    let three = scenario.in_block(block, "three", |_| DONE);
    scenario.on(one, "all");
    scenario.on(three, "all");
    let ended = scenario.run();
    for host in ["a", "b"] {
        let (end, start) = (format!("end shop/one [{host}] ok"), format!("start shop/three [{host}]"));
        ended.in_order(&[&end, "start shop/two", "end shop/two ok", &start]);
    }
}

#[test]
fn a_batch_rolls_through_the_whole_block() {
    let (mut scenario, block) = block("a,b,c,d", &["one", "two"], |_, _| DONE);
    scenario.sample.blocks[block].batch = Some(Box::new(rolling(&[Amount::Count(2)])));
    let ended = scenario.run();
    assert_eq!(ended.lines("batch"), ["shop 1: a,b", "shop 2: c,d"]);
    for host in ["a", "b"] {
        let end = format!("end shop/two [{host}] ok");
        ended.in_order(&[&end, "batch shop 2: c,d", "start shop/one [c]"]);
    }
}

#[test]
fn a_block_stops_rolling_when_a_host_has_failed_in_any_task() {
    let (mut scenario, block) =
        block("a,b", &["one", "two"], |_, name| if name == "one" { fails("no") } else { DONE });
    scenario.sample.blocks[block].batch = Some(Box::new(rolling(&[Amount::Count(1)])));
    let ended = scenario.run();
    assert_eq!(ended.lines("start"), ["shop/one [a]"]);
    for node in ["shop/two [a]", "shop/one [b]", "shop/two [b]"] {
        assert_eq!(ended.status(node), NodeStatus::Blocked, "{node}");
    }
}

#[test]
fn what_cannot_roll_ends_blocked_and_does_not_hang() {
    // `middle` waits for all hosts of `one`, and the second batch of the block for `middle`.
    let (mut scenario, block) = block("a,b", &["one", "two"], |_, _| DONE);
    scenario.sample.blocks[block].batch = Some(Box::new(rolling(&[Amount::Count(1)])));
    let [one, two] = [TaskId(0), TaskId(1)];
    let middle = scenario.task("middle", |_| DONE);
    scenario.on(middle, "all");
    scenario.sample.after(middle, &[one]);
    scenario.sample.needs(two, &[middle]);
    let ended = scenario.run();
    assert_eq!(ended.status("shop/one [b]"), NodeStatus::Blocked);
    assert!(ended.reason("shop/one [b]").starts_with("waits for something that waits for it"));
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
}
