//! Handlers.

use crate::run::scenario::{DONE, Scenario, fails};
use crate::run::{NodeStatus, RunEvent, RunStatus};

#[test]
fn a_handler_runs_once_on_notified_hosts_after_all_that_may_notify_it() {
    let mut scenario = Scenario::new("a,b");
    let reload = scenario.handler("reload", |_| DONE);
    let tasks = ["one", "two"].map(|name| {
        scenario.task(name, move |call| {
            if call.host() == "a" {
                call.notify(reload);
                call.notify(reload);
            }
            DONE
        })
    });
    for id in tasks {
        scenario.on(id, "all");
        scenario.sample.notifies(id, reload);
    }
    scenario.on(reload, "all");
    let ended = scenario.run();
    assert_eq!(ended.lines("start").iter().filter(|line| line.starts_with("reload")).count(), 1);
    for first in ["end one [a] changed", "end two [a] changed"] {
        ended.in_order(&[first, "start reload [a]"]);
    }
    assert_eq!(ended.status("reload [b]"), NodeStatus::Skipped);
    assert_eq!(ended.report.summary.counts.nodes.get(&NodeStatus::Skipped), None, "passed over, not counted");
}

#[test]
fn a_host_that_fails_after_a_change_still_gets_its_reload() {
    let mut scenario = Scenario::new("a");
    let reload = scenario.handler("reload", |_| DONE);
    let change = scenario.task("change", move |call| {
        call.notify(reload);
        fails("after the change")
    });
    scenario.on(change, "a");
    scenario.on(reload, "a");
    scenario.sample.notifies(change, reload);
    let ended = scenario.run();
    ended.in_order(&["end change [a] failed", "start reload [a]", "end reload [a] ok"]);
}

#[test]
fn a_task_may_need_a_handler_host_by_host() {
    let mut scenario = Scenario::new("a,b");
    let reload = scenario.handler("reload", |_| DONE);
    let change = scenario.task("change", move |call| {
        if call.host() == "a" {
            call.notify(reload);
        }
        DONE
    });
    let after = scenario.task("after", |_| DONE);
    for id in [reload, change, after] {
        scenario.on(id, "all");
    }
    scenario.sample.notifies(change, reload);
    scenario.sample.needs(after, &[reload]);
    let ended = scenario.run();
    ended.in_order(&["end reload [a] ok", "start after [a]"]);
    ended.in_order(&["end change [b] ok", "start after [b]"]);
    assert_eq!(ended.report.summary.status, RunStatus::Ok);
}

#[test]
fn handlers_may_notify_handlers() {
    let mut scenario = Scenario::new("a");
    let second = scenario.handler("second", |_| DONE);
    let first = scenario.handler("first", move |call| {
        call.notify(second);
        DONE
    });
    let change = scenario.task("change", move |call| {
        call.notify(first);
        DONE
    });
    for id in [first, second, change] {
        scenario.on(id, "a");
    }
    scenario.sample.notifies(change, first);
    scenario.sample.notifies(first, second);
    scenario.run().in_order(&["end change [a] changed", "end first [a] changed", "end second [a] ok"]);
}

#[test]
fn a_handler_without_hosts_is_notified_by_any_host() {
    let mut scenario = Scenario::new("a,b");
    let report = scenario.handler("report", |_| DONE);
    let change = scenario.task("change", move |call| {
        call.notify(report);
        DONE
    });
    scenario.on(change, "all");
    scenario.sample.notifies(change, report);
    let ended = scenario.run();
    assert_eq!(ended.lines("start").iter().filter(|line| *line == "report").count(), 1);
    ended.in_order(&["end change [a] changed", "start report"]);
    ended.in_order(&["end change [b] changed", "start report"]);
}

#[test]
fn code_that_may_notify_any_handler_holds_all_of_them() {
    let mut scenario = Scenario::new("a");
    let reload = scenario.handler("reload", |_| DONE);
    let change = scenario.task("change", move |call| {
        call.notify(reload);
        DONE
    });
    scenario.on(reload, "a");
    scenario.on(change, "a");
    scenario.at(change).notifies.any = true;
    scenario.run().in_order(&["end change [a] changed", "start reload [a]"]);
}

#[test]
fn a_notified_handler_whose_needs_failed_is_blocked_and_reported_as_pending() {
    let mut scenario = Scenario::new("a,b");
    let reload = scenario.handler("reload", |_| DONE);
    let change = scenario.task("change", move |call| {
        if call.host() == "a" {
            call.notify(reload);
        }
        DONE
    });
    let broken = scenario.task("broken", |_| fails("no"));
    for id in [reload, change, broken] {
        scenario.on(id, "all");
    }
    scenario.sample.notifies(change, reload);
    scenario.sample.needs(reload, &[broken]);
    let ended = scenario.run();
    assert_eq!(ended.status("reload [a]"), NodeStatus::Blocked);
    assert_eq!(ended.status("reload [b]"), NodeStatus::Skipped);
    let pending: Vec<_> = ended.report.pending_handlers.iter().map(ToString::to_string).collect();
    assert_eq!(pending, ["reload [a]"]);
}

#[test]
fn a_notification_that_comes_too_late_is_warned_of() {
    let mut scenario = Scenario::new("a,b");
    let reload = scenario.handler("reload", |_| DONE);
    let change = scenario.task("change", move |call| {
        if call.host() == "b" {
            // Another host, whose own part may have ended long ago.
            let run = &call.context.run;
            while run.outputs.get(reload).is_none_or(|results| results.is_empty()) {
                std::thread::yield_now();
            }
            run.notified.add(reload, Some("a".into()));
        }
        DONE
    });
    scenario.on(change, "all");
    scenario.on(reload, "all");
    scenario.sample.notifies(change, reload);
    let ended = scenario.run();
    let warned = ended.events.iter().any(|event| {
        matches!(event, RunEvent::Message { text, .. } if text.starts_with("`reload` was notified on `a` too late"))
    });
    assert!(warned, "{:#?}", ended.log());
}
