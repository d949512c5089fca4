//! Ctrl-C, once and twice.

use crate::run::scenario::{DONE, Scenario, code};
use crate::run::{NodeStatus, RunStatus};

#[test]
fn the_first_interrupt_cancels_bodies_and_lets_always_and_on_end_run() {
    let mut scenario = Scenario::new("a");
    let stop = scenario.stop.clone();
    let reload = scenario.handler("reload", |_| DONE);
    let slow = scenario.task("slow", move |call| {
        call.notify(reload);
        stop.interrupt("SIGINT");
        call.until_cancelled()
    });
    let behind = scenario.task("behind", |_| DONE);
    for id in [slow, behind, reload] {
        scenario.on(id, "a");
    }
    scenario.sample.notifies(slow, reload);
    scenario.sample.needs(behind, &[slow]);
    scenario.at(slow).rescue = Some(code(|_| DONE));
    scenario.at(slow).always = Some(code(|call| {
        assert!(!call.context.cancel.is_cancelled(), "its token is fresh");
        DONE
    }));
    scenario.on_end.push(code(|call| {
        assert_eq!(call.status, Some("interrupted"));
        assert!(!call.context.cancel.is_cancelled(), "its token is fresh");
        DONE
    }));
    let ended = scenario.run();
    ended.in_order(&["start slow [a]", "always slow [a]", "end slow [a] cancelled"]);
    assert_eq!(ended.lines("interrupted"), ["SIGINT"]);
    assert!(ended.lines("rescue").is_empty());
    assert_eq!(ended.status("behind [a]"), NodeStatus::Cancelled);
    assert_eq!(ended.status("reload [a]"), NodeStatus::Cancelled);
    assert_eq!(ended.report.pending_handlers.len(), 1);
    assert!(ended.lines("message").is_empty(), "on_end is well");
    assert_eq!(ended.report.summary.status, RunStatus::Interrupted);
}

#[test]
fn the_second_interrupt_cancels_always_too() {
    let mut scenario = Scenario::new("");
    let stop = scenario.stop.clone();
    let again = scenario.stop.clone();
    let slow = scenario.task("slow", move |call| {
        stop.interrupt("SIGINT");
        call.until_cancelled()
    });
    scenario.at(slow).always = Some(code(move |call| {
        again.interrupt("SIGINT");
        again.interrupt("SIGINT");
        call.until_cancelled()
    }));
    let ended = scenario.run();
    assert_eq!(ended.lines("interrupted"), ["SIGINT", "SIGINT again"], "the third says nothing");
    assert_eq!(ended.status("slow"), NodeStatus::Cancelled);
    assert_eq!(ended.report.summary.status, RunStatus::Interrupted);
}

#[test]
fn tasks_whose_hosts_are_not_known_are_cancelled_and_gates_are_not_waited_for() {
    let mut scenario = Scenario::new("");
    let stop = scenario.stop.clone();
    let slow = scenario.task("slow", move |call| {
        stop.interrupt("SIGTERM");
        call.until_cancelled()
    });
    let later = scenario.task("later", |_| DONE);
    scenario.on(later, "none yet");
    scenario.sample.needs(later, &[slow]);
    let gate = scenario.gate("go");
    scenario.sample.after_any(gate, &[slow]);
    let ended = scenario.run();
    assert_eq!(ended.status("later"), NodeStatus::Cancelled);
    assert_eq!(ended.status("go"), NodeStatus::Cancelled);
    assert!(ended.lines("gate").is_empty());
}

#[test]
fn a_wait_before_the_next_attempt_ends_at_once() {
    let mut scenario = Scenario::new("");
    let stop = scenario.stop.clone();
    let (failed, hears) = std::sync::mpsc::channel();
    let hears = std::sync::Mutex::new(hears);
    let flaky = scenario.task("flaky", move |_| {
        let _ = failed.send(());
        crate::run::scenario::fails("no")
    });
    scenario.at(flaky).retry = Some(Box::new(crate::graph::Retry {
        times: 1,
        wait: std::time::Duration::from_secs(3600),
        max_wait: std::time::Duration::from_secs(3600),
        ..Default::default()
    }));
    scenario.task("stop", move |_| {
        hears.lock().expect("one hears").recv().expect("it runs");
        stop.interrupt("SIGINT");
        DONE
    });
    let ended = scenario.run();
    assert_eq!(ended.report.summary.status, RunStatus::Interrupted);
    assert!(ended.lines("again").is_empty());
    assert_eq!(ended.status("flaky"), NodeStatus::Cancelled);
    assert_eq!(ended.reason("flaky"), "while it waited for its next attempt");
    assert_eq!(ended.failure("flaky").message, "no");
}
