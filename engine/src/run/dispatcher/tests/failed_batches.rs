//! A batch in which too many hosts have failed: what of it still runs is cancelled at once.

use std::time::Duration;

use oneex_sdk::ErrorKind;
use serde_json::json;

use crate::graph::{Amount, Batch, Retry, TaskId};
use crate::run::scenario::{Body, Call, DONE, Ended, Scenario, code, fails, fails_as};
use crate::run::{Mode, NodeStatus, RunStatus};

fn batch(size: usize) -> Option<Box<Batch>> {
    Some(Box::new(Batch { ladder: vec![Amount::Count(size)], pause: Duration::ZERO, check: None }))
}

/// Blocks until `count` nodes of a task have ended.
fn until_ended(call: &Call<'_>, task: TaskId, count: usize) {
    while call.context.run.outputs.get(task).map_or(0, |results| results.len()) < count {
        std::thread::yield_now();
    }
}

/// A host, and what the task does there.
type Host = (&'static str, fn(&Call<'_>) -> Body);

/// A task `roll` on hosts, in batches of `size`; each host does what stands behind its name.
fn roll(size: usize, max_fail: usize, hosts: &'static [Host]) -> (Scenario, TaskId) {
    let names: Vec<&str> = hosts.iter().map(|(name, _)| *name).collect();
    let mut scenario = Scenario::new(&names.join(","));
    let task = scenario.task("roll", |call| {
        let (_, body) = hosts.iter().find(|(name, _)| *name == call.host()).expect("a host of the test");
        body(call)
    });
    scenario.on(task, "all");
    scenario.at(task).batch = batch(size);
    scenario.at(task).max_fail = Amount::Count(max_fail);
    (scenario, task)
}

fn well(_: &Call<'_>) -> Body {
    DONE
}

fn broken(_: &Call<'_>) -> Body {
    fails("no")
}

fn away(_: &Call<'_>) -> Body {
    fails_as(ErrorKind::Unreachable, "nobody answers")
}

fn forever(call: &Call<'_>) -> Body {
    call.until_cancelled()
}

/// Fails once another host has ended.
fn broken_second(call: &Call<'_>) -> Body {
    until_ended(call, TaskId(0), 1);
    fails("no")
}

/// How each host ended, and why.
fn ends(ended: &Ended) -> Vec<(String, String)> {
    let mut ends: Vec<_> = ended
        .ends()
        .map(|(key, status, _)| {
            let host = key.host.as_deref().or(key.item.as_deref()).unwrap_or_default();
            let line = format!("{} {}", status.as_str(), ended.reason(&key.to_string()));
            (host.to_owned(), line.trim().to_owned())
        })
        .collect();
    ends.sort();
    ends
}

struct Case {
    hosts: &'static [Host],
    size: usize,
    max_fail: usize,
    ends: &'static [&'static str],
    status: RunStatus,
}

#[test]
fn the_limit_decides_what_of_a_batch_goes_on() {
    let cases = [
        Case {
            hosts: &[("a", broken), ("b", forever), ("c", forever), ("d", well)],
            size: 3,
            max_fail: 0,
            ends: &[
                "failed",
                "cancelled batch stopped: a failed",
                "cancelled batch stopped: a failed",
                "blocked batch 1 of `roll` was the last: 1 host did not end well, `max_fail` is 0",
            ],
            status: RunStatus::Failed,
        },
        Case {
            hosts: &[("a", broken), ("b", broken_second), ("c", forever), ("d", well), ("e", well)],
            size: 3,
            max_fail: 1,
            ends: &[
                "failed",
                "failed",
                "cancelled batch stopped: b failed",
                "blocked batch 1 of `roll` was the last: 2 hosts did not end well, `max_fail` is 1",
                "blocked batch 1 of `roll` was the last: 2 hosts did not end well, `max_fail` is 1",
            ],
            status: RunStatus::Failed,
        },
        // Within the limit nobody is disturbed.
        Case {
            hosts: &[
                ("a", broken),
                ("b", |call| {
                    until_ended(call, TaskId(0), 1);
                    if call.context.cancel.is_cancelled() {
                        Err(crate::run::Interrupt::Cancelled)
                    } else {
                        DONE
                    }
                }),
            ],
            size: 2,
            max_fail: 1,
            ends: &["failed", "ok"],
            status: RunStatus::Ok,
        },
        // The last batch has nothing behind it, and is stopped all the same.
        Case {
            hosts: &[
                ("a", well),
                ("b", well),
                ("c", |call| {
                    until_ended(call, TaskId(0), 2);
                    fails("no")
                }),
                ("d", forever),
            ],
            size: 2,
            max_fail: 0,
            ends: &["ok", "ok", "failed", "cancelled batch stopped: c failed"],
            status: RunStatus::Failed,
        },
        Case {
            hosts: &[("a", away), ("b", forever)],
            size: 2,
            max_fail: 0,
            ends: &["unreachable", "cancelled batch stopped: a was unreachable"],
            status: RunStatus::Unreachable,
        },
        // A body that does not look and ends well has ended well.
        Case {
            hosts: &[
                ("a", broken),
                ("b", |call| {
                    let _ = call.until_cancelled();
                    DONE
                }),
            ],
            size: 2,
            max_fail: 0,
            ends: &["failed", "ok"],
            status: RunStatus::Failed,
        },
    ];
    for case in cases {
        let ended = roll(case.size, case.max_fail, case.hosts).0.run();
        let expected =
            case.hosts.iter().zip(case.ends).map(|((host, _), end)| ((*host).to_owned(), (*end).to_owned()));
        assert_eq!(ends(&ended), expected.collect::<Vec<_>>());
        assert_eq!(ended.report.summary.status, case.status, "{:#?}", ended.log());
        assert!(ended.lines("interrupted").is_empty(), "a stopped batch is no interrupt");
    }
}

#[test]
fn a_plan_lets_a_batch_go_on() {
    let (mut scenario, _) = roll(
        2,
        0,
        &[
            ("a", broken),
            ("b", |call| {
                until_ended(call, TaskId(0), 1);
                if call.context.cancel.is_cancelled() { Err(crate::run::Interrupt::Cancelled) } else { DONE }
            }),
        ],
    );
    scenario.mode = Mode::Plan;
    assert_eq!(scenario.run().status("roll [b]"), NodeStatus::Ok);
}

#[test]
fn rescue_does_not_run_and_always_does() {
    let (mut scenario, task) = roll(3, 0, &[("a", broken), ("b", forever), ("c", forever)]);
    scenario.at(task).rescue =
        Some(code(|call| if call.host() == "a" { fails("rescued in vain") } else { DONE }));
    scenario.at(task).always = Some(code(|call| {
        assert!(!call.context.cancel.is_cancelled(), "its token is fresh");
        DONE
    }));
    let ended = scenario.run();
    assert_eq!(ended.lines("rescue"), ["roll [a]"]);
    let mut always = ended.lines("always");
    always.sort();
    assert_eq!(always, ["roll [a]", "roll [b]", "roll [c]"]);
    assert_eq!(ended.status("roll [b]"), NodeStatus::Cancelled);
}

#[test]
fn a_rescue_and_the_wait_for_an_attempt_are_cancelled_too() {
    // `a` fails once `b` is being rescued and `c` waits for its second attempt.
    let mut scenario = Scenario::new("a,b,c");
    let (tell, hear) = std::sync::mpsc::channel();
    let hear = std::sync::Mutex::new(hear);
    let from_body = tell.clone();
    let task = scenario.task("roll", move |call| {
        match call.host() {
            "a" => (0..2).for_each(|_| hear.lock().expect("one hears").recv().expect("both speak")),
            "c" => from_body.send(()).expect("`a` listens"),
            _ => {}
        }
        fails_as(if call.host() == "c" { ErrorKind::Timeout } else { ErrorKind::Failed }, "no")
    });
    scenario.on(task, "all");
    scenario.at(task).batch = batch(3);
    let hour = Duration::from_secs(3600);
    scenario.at(task).retry = Some(Box::new(Retry {
        times: 1,
        wait: hour,
        max_wait: hour,
        on: vec!["timeout".into()],
        ..Retry::default()
    }));
    scenario.at(task).rescue = Some(code(move |call| {
        if call.host() != "b" {
            return fails("in vain");
        }
        tell.send(()).expect("`a` listens");
        call.until_cancelled()
    }));
    let ended = scenario.run();
    for host in ["b", "c"] {
        let node = format!("roll [{host}]");
        assert_eq!(ended.status(&node), NodeStatus::Cancelled, "{:#?}", ended.log());
        assert_eq!(ended.reason(&node), "batch stopped: a failed");
        assert_eq!(ended.failure(&node).message, "no", "what went wrong first is kept");
    }
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
}

#[test]
fn what_waits_for_its_turn_is_blocked_and_gives_the_turn_away() {
    for throttled in [true, false] {
        let (mut scenario, task) = roll(3, 0, &[("a", broken), ("b", well), ("c", well)]);
        if throttled {
            scenario.at(task).throttle = Some(1);
        } else {
            scenario.at(task).exclusive = vec!["lock".into()];
        }
        let other = scenario.task("other", |_| DONE);
        scenario.at(other).exclusive = vec!["lock".into()];
        let ended = scenario.run();
        assert_eq!(ended.lines("start roll"), ["[a]"], "{:#?}", ended.log());
        for node in ["roll [b]", "roll [c]"] {
            assert_eq!(ended.status(node), NodeStatus::Blocked);
            assert_eq!(ended.reason(node), "batch stopped: a failed");
        }
        assert_eq!(ended.status("other"), NodeStatus::Ok);
    }
}

#[test]
fn a_batch_of_a_block_is_stopped_in_all_its_tasks() {
    let mut scenario = Scenario::new("a,b,c");
    let block = scenario.sample.block("shop", None, false);
    scenario.sample.blocks[block].batch = batch(2);
    let reload = scenario.handler("reload", |_| DONE);
    let (began, begins) = std::sync::mpsc::channel();
    let begins = std::sync::Mutex::new(begins);
    let one = scenario.in_block(block, "one", move |call| {
        call.notify(reload);
        if call.host() == "b" {
            return DONE;
        }
        begins.lock().expect("one hears").recv().expect("`b` is in `two`");
        fails("no")
    });
    let two = scenario.in_block(block, "two", move |call| {
        began.send(()).expect("`a` listens");
        call.until_cancelled()
    });
    let three = scenario.in_block(block, "three", |_| DONE);
    let outside = scenario.task("outside", move |call| {
        until_ended(call, two, 2);
        if call.context.cancel.is_cancelled() { fails("it is in no batch") } else { DONE }
    });
    for id in [one, two, three, reload, outside] {
        scenario.on(id, "all");
    }
    scenario.sample.notifies(one, reload);
    let ended = scenario.run();
    for (node, status, reason) in [
        ("shop/one [a]", "failed", ""),
        ("shop/two [a]", "blocked", "`shop/one` failed on `a`"),
        ("shop/two [b]", "cancelled", "batch stopped: a failed"),
        ("shop/three [b]", "blocked", "batch stopped: a failed"),
        (
            "shop/one [c]",
            "blocked",
            "batch 1 of `shop` was the last: 1 host did not end well, `max_fail` is 0",
        ),
        ("outside [a]", "ok", ""),
        ("reload [a]", "ok", ""),
        ("reload [b]", "ok", ""),
        ("reload [c]", "skipped", "not notified"),
    ] {
        assert_eq!((ended.status(node).as_str(), &*ended.reason(node)), (status, reason), "{node}");
    }
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
}

#[test]
fn items_without_hosts_roll_and_stop_alike() {
    let mut scenario = Scenario::new("");
    let task = scenario.task("roll", |call| match call.item.and_then(serde_json::Value::as_str) {
        Some("x") => fails("no"),
        _ => call.until_cancelled(),
    });
    scenario.each(task, [json!("x"), json!("y"), json!("z")]);
    scenario.at(task).batch = batch(2);
    let ended = scenario.run();
    assert_eq!(ended.reason("roll [y]"), "batch stopped: x failed");
    assert_eq!(ended.status("roll [z]"), NodeStatus::Blocked);
}

#[test]
fn a_handler_that_rolls_is_blocked_only_where_it_is_notified() {
    let mut scenario = Scenario::new("a,b,c");
    let reload = scenario.handler("reload", |_| fails("no"));
    let change = scenario.task("change", move |call| {
        if call.host() != "c" {
            call.notify(reload);
        }
        DONE
    });
    for id in [reload, change] {
        scenario.on(id, "all");
    }
    scenario.sample.notifies(change, reload);
    scenario.at(reload).batch = batch(1);
    let ended = scenario.run();
    for (host, status) in [("a", "failed"), ("b", "blocked"), ("c", "skipped")] {
        assert_eq!(ended.status(&format!("reload [{host}]")).as_str(), status, "{:#?}", ended.log());
    }
    let pending: Vec<_> = ended.report.pending_handlers.iter().map(ToString::to_string).collect();
    assert_eq!(pending, ["reload [b]"]);
}

#[test]
fn an_interrupt_after_a_stopped_batch_is_an_interrupt() {
    let (mut scenario, task) = roll(2, 0, &[("a", broken), ("b", forever)]);
    let stop = scenario.stop.clone();
    let other = scenario.task("other", move |call| {
        until_ended(call, task, 2);
        stop.interrupt("SIGINT");
        call.until_cancelled()
    });
    let ended = scenario.run();
    assert_eq!(ended.status("other"), NodeStatus::Cancelled);
    assert_eq!(ended.reason("roll [b]"), "batch stopped: a failed");
    assert_eq!(ended.report.summary.status, RunStatus::Interrupted);
    assert_eq!(other, TaskId(1));
}
