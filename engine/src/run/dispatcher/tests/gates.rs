//! Gates.

use crate::run::scenario::{DONE, Ended, Scenario, fails};
use crate::run::{Decision, Mode, NodeStatus, RunStatus};

fn gated(decision: Option<Decision>, mode: Mode, other_fails: bool) -> Ended {
    let mut scenario = Scenario::new("a");
    let build = scenario.task("build", |_| DONE);
    let gate = scenario.gate("go");
    let deploy = scenario.task("deploy", |_| DONE);
    scenario.task("other", move |_| if other_fails { fails("no") } else { DONE });
    scenario.on(deploy, "all");
    scenario.sample.needs(gate, &[build]);
    scenario.sample.needs(deploy, &[gate]);
    scenario.mode = mode;
    scenario.decisions.extend(decision.map(|decision| ("go".to_owned(), decision)));
    scenario.run()
}

#[test]
fn an_approved_gate_lets_go_on_after_all_it_needs() {
    let ended = gated(Some(Decision::Approved("ada".into())), Mode::Run, false);
    ended.in_order(&["end build ok", "gate go asked", "gate go approved", "start deploy [a]"]);
    assert_eq!(ended.report.summary.status, RunStatus::Ok);
}

#[test]
fn a_refused_gate_blocks_what_needs_it_and_fails_the_run() {
    let ended = gated(Some(Decision::Refused("ada".into())), Mode::Run, false);
    assert_eq!(ended.status("deploy"), NodeStatus::Blocked);
    assert_eq!(ended.reason("deploy"), "`go` was refused");
    assert_eq!(ended.status("other"), NodeStatus::Ok);
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
}

#[test]
fn a_gate_that_nobody_answers_leaves_the_run_waiting_unless_something_failed() {
    let ended = gated(None, Mode::Run, false);
    assert_eq!((ended.status("go"), ended.status("deploy")), (NodeStatus::Waiting, NodeStatus::Waiting));
    assert_eq!(ended.status("other"), NodeStatus::Ok);
    assert_eq!(ended.report.summary.status, RunStatus::Waiting);
    assert_eq!(gated(None, Mode::Run, true).report.summary.status, RunStatus::Failed);
}

#[test]
fn a_plan_says_that_it_would_ask() {
    let ended = gated(None, Mode::Plan, false);
    assert_eq!(ended.lines("gate"), ["go asked"]);
    assert_eq!(ended.status("deploy [a]"), NodeStatus::Ok);
}
