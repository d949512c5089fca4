//! A guard stops the run.

use crate::run::scenario::{DONE, Scenario, code};
use crate::run::{Halt, Interrupt, NodeStatus, RunStatus};

#[test]
fn what_runs_is_cancelled_and_what_has_not_begun_does_not_begin() {
    let mut scenario = Scenario::new("a,b");
    let (runs, other_runs) = std::sync::mpsc::channel();
    let other_runs = std::sync::Mutex::new(other_runs);
    let other = scenario.task("other", move |call| {
        runs.send(()).expect("the other hears");
        call.until_cancelled()
    });
    let slow = scenario.task("slow", move |call| {
        other_runs.lock().expect("one hears").recv().expect("it runs");
        call.context.run.guards.halt(Halt::new("lost"));
        Err(Interrupt::Cancelled)
    });
    let behind = scenario.task("behind", |_| DONE);
    let reload = scenario.handler("reload", |_| DONE);
    for (id, host) in [(slow, "a"), (other, "b"), (behind, "a,b"), (reload, "a")] {
        scenario.on(id, host);
    }
    scenario.sample.needs(behind, &[slow]);
    scenario.sample.notifies(slow, reload);
    scenario.at(slow).rescue = Some(code(|_| DONE));
    scenario.at(slow).always = Some(code(|call| {
        assert!(!call.context.cancel.is_cancelled(), "it may look and clean up what is here");
        DONE
    }));
    scenario.on_end.push(code(|call| {
        assert_eq!(call.status, Some("failed"));
        DONE
    }));
    let ended = scenario.run();
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
    assert!(ended.lines("rescue").is_empty() && ended.lines("interrupted").is_empty());
    for node in ["slow [a]", "other [b]", "behind [a]", "behind [b]"] {
        assert_eq!((ended.status(node), &*ended.reason(node)), (NodeStatus::Cancelled, "lost"), "{node}");
    }
    assert_eq!(ended.lines("halted"), ["lost"]);
    ended.in_order(&["halted lost", "end other [b] cancelled"]);
}

#[test]
fn a_halt_at_the_very_end_is_told_and_fails_the_run() {
    let mut scenario = Scenario::new("");
    scenario.task("last", |call| {
        call.context.run.guards.halt(Halt::new("lost"));
        DONE
    });
    let ended = scenario.run();
    assert_eq!(ended.lines("halted"), ["lost"]);
    assert_eq!(ended.status("last"), NodeStatus::Ok);
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
}

#[test]
fn an_interrupt_beside_a_halt_is_told_too_and_the_halt_decides() {
    let mut scenario = Scenario::new("");
    let stop = scenario.stop.clone();
    scenario.task("slow", move |call| {
        call.context.run.guards.halt(Halt::new("lost"));
        stop.interrupt("SIGINT");
        stop.interrupt("SIGINT");
        call.until_cancelled()
    });
    let ended = scenario.run();
    assert_eq!(ended.lines("halted"), ["lost"]);
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
    assert_eq!(ended.status("slow"), NodeStatus::Cancelled);
}
