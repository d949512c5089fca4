//! Failures, retries, time limits, `rescue`, `always`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use oneex_sdk::ErrorKind;
use serde_json::json;

use crate::graph::{Amount, Condition, Retry, TaskId};
use crate::run::scenario::{Body, DONE, Scenario, code, fails, fails_as};
use crate::run::{Interrupt, Mode, NodeStatus, RunEvent, RunStatus};

/// Fails so many times, then is done.
fn flaky(scenario: &mut Scenario, name: &str, times: u32) -> TaskId {
    let left = AtomicU32::new(times);
    scenario.task(name, move |_| {
        let fail = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if fail { fails("not yet") } else { DONE }
    })
}

fn waits(events: &[RunEvent]) -> Vec<f64> {
    let wait = |event: &RunEvent| match event {
        RunEvent::NodeRetry { wait, .. } => Some(*wait),
        _ => None,
    };
    events.iter().filter_map(wait).collect()
}

#[test]
fn a_failed_host_stops_only_what_depends_on_it() {
    let mut scenario = Scenario::new("a,b");
    let first = scenario.task("first", |call| if call.host() == "a" { fails("no") } else { DONE });
    let second = scenario.task("second", |_| DONE);
    let other = scenario.task("other", |_| DONE);
    for id in [first, second, other] {
        scenario.on(id, "all");
    }
    scenario.sample.needs(second, &[first]);
    let ended = scenario.run();
    assert_eq!(ended.status("second [a]"), NodeStatus::Blocked);
    for node in ["second [b]", "other [a]", "other [b]"] {
        assert_eq!(ended.status(node), NodeStatus::Ok, "{node}");
    }
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
    let failed: Vec<_> = ended.report.summary.failed.iter().map(ToString::to_string).collect();
    assert_eq!(failed, ["first [a]"]);
}

#[test]
fn a_body_is_run_again_after_waits_that_grow() {
    let mut scenario = Scenario::new("");
    let flaky = flaky(&mut scenario, "flaky", 3);
    scenario.at(flaky).retry = Some(Box::new(Retry {
        times: 3,
        wait: Duration::from_millis(1),
        backoff: 2.0,
        max_wait: Duration::from_millis(3),
        on: vec![],
    }));
    let ended = scenario.run();
    assert_eq!(waits(&ended.events), [0.001, 0.002, 0.003]);
    ended.in_order(&["start flaky", "again flaky 2", "again flaky 3", "again flaky 4", "end flaky ok"]);
}

#[test]
fn retries_end_and_are_only_for_the_named_kinds() {
    let mut scenario = Scenario::new("");
    let often = scenario.task("often", |_| fails("no"));
    let once = scenario.task("once", |_| fails_as(ErrorKind::Denied, "no"));
    scenario.at(often).retry = Some(Box::new(Retry { times: 2, ..Retry::default() }));
    scenario.at(once).retry =
        Some(Box::new(Retry { times: 2, on: vec!["unreachable".into()], ..Retry::default() }));
    let ended = scenario.run();
    assert_eq!(ended.lines("again"), ["often 2", "often 3"]);
    assert_eq!(ended.status("often"), NodeStatus::Failed);
    assert_eq!(ended.failure("once").kind, ErrorKind::Denied);
}

#[test]
fn a_plan_does_not_wait_before_it_tries_again() {
    let mut scenario = Scenario::new("");
    let flaky = flaky(&mut scenario, "flaky", 1);
    scenario.at(flaky).retry =
        Some(Box::new(Retry { times: 1, wait: Duration::from_secs(3600), ..Retry::default() }));
    scenario.mode = Mode::Plan;
    let ended = scenario.run();
    assert_eq!(waits(&ended.events), [0.0]);
    assert_eq!(ended.status("flaky"), NodeStatus::Ok);
}

#[test]
fn a_time_limit_cancels_the_attempt_and_rescue_gets_its_own() {
    let mut scenario = Scenario::new("");
    let slow = scenario.task("slow", |call| call.until_cancelled());
    scenario.at(slow).timeout = Some(Duration::from_millis(20));
    scenario.at(slow).rescue = Some(code(|call| {
        assert!(!call.context.cancel.is_cancelled());
        Ok(json!(call.failure.expect("a failure").message))
    }));
    let ended = scenario.run();
    assert_eq!(ended.status("slow"), NodeStatus::Rescued);
    assert_eq!(ended.failure("slow").kind, ErrorKind::Timeout);
    let results = ended.context.outputs.get(slow).expect("it has ended");
    assert_eq!(results[0].output, json!("took longer than 20ms"));
}

#[test]
fn each_attempt_has_its_own_time() {
    let mut scenario = Scenario::new("");
    let slow =
        scenario.task("slow", |call| if call.context.attempt == 1 { call.until_cancelled() } else { DONE });
    scenario.at(slow).timeout = Some(Duration::from_millis(20));
    scenario.at(slow).retry =
        Some(Box::new(Retry { times: 1, on: vec!["timeout".into()], ..Retry::default() }));
    let ended = scenario.run();
    ended.in_order(&["start slow", "again slow 2", "end slow ok"]);
}

fn rescued(
    rescue: impl Fn(&crate::run::scenario::Call<'_>) -> Body + Send + Sync + 'static,
) -> (NodeStatus, String) {
    let mut scenario = Scenario::new("a");
    let task = scenario.task("t", |_| fails("first"));
    let behind = scenario.task("behind", |_| DONE);
    scenario.on(task, "a");
    scenario.on(behind, "a");
    scenario.sample.needs(behind, &[task]);
    scenario.at(task).rescue = Some(code(rescue));
    scenario.at(task).always = Some(code(|_| DONE));
    let ended = scenario.run();
    ended.in_order(&["start t [a]", "rescue t [a]", "always t [a]"]);
    let status = ended.status("t [a]");
    assert_eq!(ended.status("behind [a]").is_well(), status.is_well());
    (status, ended.failure("t [a]").message.clone())
}

#[test]
fn a_rescue_that_returns_makes_the_node_rescued_and_one_that_throws_fails_it() {
    assert_eq!(rescued(|_| DONE), (NodeStatus::Rescued, "first".into()));
    assert_eq!(rescued(|_| fails("second")), (NodeStatus::Failed, "second".into()));
    let unreachable = rescued(|_| fails_as(ErrorKind::Unreachable, "gone"));
    assert_eq!(unreachable, (NodeStatus::Unreachable, "gone".into()));
}

#[test]
fn always_runs_after_success_failure_and_skip_and_its_failure_counts() {
    let mut scenario = Scenario::new("");
    let mut with_always = |name: &str, body: fn() -> Body, always: fn() -> Body| {
        let id = scenario.task(name, move |_| body());
        scenario.at(id).always = Some(code(move |_| always()));
    };
    with_always("well", || DONE, || DONE);
    with_always("bad", || fails("no"), || fails("too"));
    with_always("skipped", || Err(Interrupt::Skipped("why not".into())), || DONE);
    with_always("late", || DONE, || fails("at the end"));
    let ended = scenario.run();
    assert_eq!(ended.lines("always").len(), 4);
    assert_eq!(ended.status("well"), NodeStatus::Ok);
    assert_eq!(ended.failure("bad").message, "no");
    assert_eq!(ended.lines("message"), ["`always` failed too: too"]);
    assert_eq!((ended.status("skipped"), ended.reason("skipped")), (NodeStatus::Skipped, "why not".into()));
    assert_eq!((ended.status("late"), &*ended.failure("late").message), (NodeStatus::Failed, "at the end"));
}

#[test]
fn unreachable_is_an_outcome_of_its_own() {
    let mut scenario = Scenario::new("a,b");
    let first = scenario.task("first", |call| {
        if call.host() == "a" { fails_as(ErrorKind::Unreachable, "no route") } else { DONE }
    });
    let second = scenario.task("second", |_| DONE);
    scenario.on(first, "all");
    scenario.on(second, "all");
    scenario.sample.needs(second, &[first]);
    let ended = scenario.run();
    assert_eq!(ended.status("first [a]"), NodeStatus::Unreachable);
    assert_eq!(ended.reason("second [a]"), "`a` was unreachable in `first`");
    assert_eq!(ended.status("second [b]"), NodeStatus::Ok);
    assert_eq!(ended.report.summary.status, RunStatus::Unreachable);
}

#[test]
fn a_condition_decides_node_by_node() {
    let mut scenario = Scenario::new("a,b");
    let task = scenario.task("t", |_| DONE);
    let never = scenario.task("never", |_| DONE);
    let odd = scenario.task("odd", |_| DONE);
    let behind = scenario.task("behind", |_| DONE);
    scenario.on(task, "all");
    scenario.on(behind, "all");
    scenario.when(task, |call| call.host() == "a");
    scenario.at(never).when = vec![Condition::Fixed(true), Condition::Fixed(false)];
    scenario.at(odd).when = vec![Condition::Code(code(|_| Ok(json!("yes"))))];
    scenario.sample.needs(behind, &[task]);
    let ended = scenario.run();
    assert_eq!(ended.status("t [a]"), NodeStatus::Ok);
    assert_eq!(
        (ended.status("t [b]"), ended.reason("t [b]")),
        (NodeStatus::Skipped, "its condition is false".into())
    );
    assert!(!ended.log().contains(&"start t [b]".to_owned()));
    assert_eq!(ended.status("behind [b]"), NodeStatus::Ok);
    assert_eq!(ended.status("never"), NodeStatus::Skipped);
    assert_eq!(ended.failure("odd").message, "the condition returned `\"yes\"`, which is no bool");
}

#[test]
fn a_panic_is_a_failed_node_and_no_hang() {
    let mut scenario = Scenario::new("");
    scenario.task("t", |_| panic!("oh no"));
    let ended = scenario.run();
    assert_eq!(ended.failure("t").message, "internal error: oh no");
    assert_eq!(ended.report.summary.status, RunStatus::Failed);
}

#[test]
fn failures_within_max_fail_are_allowed() {
    for (limit, allowed) in
        [(Amount::Count(1), true), (Amount::Percent(50.0), true), (Amount::Percent(25.0), false)]
    {
        let mut scenario = Scenario::new("a,b,c");
        let first = scenario.task("first", |call| if call.host() == "a" { fails("no") } else { DONE });
        let second = scenario.task("second", |_| DONE);
        scenario.on(first, "all");
        scenario.at(first).max_fail = limit;
        scenario.sample.after(second, &[first]);
        let ended = scenario.run();
        assert_eq!(ended.status("second").is_well(), allowed, "{limit:?}");
        assert_eq!(ended.report.summary.status == RunStatus::Ok, allowed, "{limit:?}");
    }
}

#[test]
fn what_a_sensitive_task_returns_is_not_shown() {
    let mut scenario = Scenario::new("");
    let quiet = scenario.task("quiet", |_| Ok(json!("the key")));
    scenario.at(quiet).sensitive = true;
    let ended = scenario.run();
    let shown = ended.events.iter().find_map(|event| match event {
        RunEvent::NodeFinished { output, .. } => Some(output.clone()),
        _ => None,
    });
    assert_eq!(shown, Some(json!("•••")));
    assert_eq!(ended.context.outputs.get(quiet).expect("it has ended")[0].output, json!("the key"));
}

#[test]
fn on_end_runs_last_in_any_case_and_its_failure_is_a_warning() {
    for (fail, status) in [(false, RunStatus::Failed), (true, RunStatus::Failed)] {
        let mut scenario = Scenario::new("");
        scenario.task("t", move |_| if fail { fails("no") } else { DONE });
        let expected = if fail { "failed" } else { "ok" };
        scenario.on_end.push(code(move |call| {
            assert_eq!(call.status, Some(expected));
            fails("no chat today")
        }));
        let ended = scenario.run();
        assert_eq!(ended.lines("message"), ["`on_end` failed: no chat today"]);
        assert_eq!(ended.report.summary.status, status);
    }
}
