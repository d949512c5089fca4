//! Guards in a run of a script: what is changed before one of them says no, and what after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oneex_sdk::{BoxFuture, CancellationToken, OpError};

use super::store::{Store, registry};
use super::{Events, Site};
use crate::ahead::Memory;
use crate::run::{
    Decision, GateKeeper, Guard, Halt, Mode, NodeStatus, Refusal, RunEvent, RunIntroduction, RunOptions,
    RunRequest, RunStatus, Stop, run,
};

/// Allows so many changes, and then halts; refuses the host `taken` always.
struct Allowance(AtomicUsize);

impl Guard for Allowance {
    fn may_change<'a>(&'a self, host: Option<&'a str>) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async move {
            if host == Some("taken") {
                return Err(Refusal::Change(OpError::denied("`taken` is held").hint("wait")));
            }
            let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            left.map(|_| ()).map_err(|_| Refusal::Run(Halt::new("the lock was lost").hint("look")))
        })
    }
}

struct NoGates;

impl GateKeeper for NoGates {
    fn decide(&self, _: &Arc<str>, _: &str, _: &CancellationToken) -> Decision {
        Decision::Waiting
    }
}

struct Ran {
    status: RunStatus,
    held: Vec<String>,
    /// Each node: its name, how it ended, why.
    ends: Vec<(String, NodeStatus, String)>,
    halted: Vec<String>,
}

fn ran(script: &str, changes: usize, mode: Mode) -> Ran {
    let store = Store::default();
    let mut site = Site::new(script);
    site.registry = registry(&store);
    let loaded = site.loaded();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let events = Events::default();
    let listeners: Vec<Box<dyn crate::run::Listener>> = vec![Box::new(events.clone())];
    let context = loaded.context(mode, Memory::off(), None, None, listeners, runtime.handle().clone());
    let context = context.expect("a run");
    context.guards.add(Arc::new(Allowance(AtomicUsize::new(changes))));
    let report = run(RunRequest {
        selection: context.graph.select(&RunOptions::default()).expect("everything"),
        context,
        options: RunOptions { forks: 1, ..RunOptions::default() },
        gates: Arc::new(NoGates),
        stop: Stop::default(),
        introduction: RunIntroduction::default(),
    });
    let held = store.0.lock().expect("not poisoned").keys().cloned().collect();
    let events = events.0.lock().expect("not poisoned").clone();
    let (mut ends, mut halted) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            RunEvent::NodeFinished { node, status, reason, .. } => {
                ends.push((node.to_string(), status, reason.unwrap_or_default()));
            }
            RunEvent::Halted { reason, hint } => {
                halted.push(format!("{reason}: {}", hint.unwrap_or_default()))
            }
            _ => {}
        }
    }
    ends.sort();
    Ran { status: report.summary.status, held, ends, halted }
}

const SCRIPT: &str = "
    let h = local();
    let first = task(\"first\").run(|| { h.put(\"a\", \"1\"); h.put(\"a\", \"1\"); h.act(\"b\"); });
    let second = task(\"second\").needs(first)
        .rescue(|e| h.put(\"rescue\", \"1\"))
        .always(|| h.put(\"always\", \"1\"))
        .run(|| { h.get_value(\"a\"); try { h.put(\"c\", \"1\"); } catch (e) { h.put(\"caught\", \"1\"); } });
    task(\"third\").needs(second).run(|| h.act(\"d\"));
    on_end(|r| h.put(\"end\", \"1\"));
";

#[test]
fn after_a_halt_nothing_is_changed_and_no_script_catches_it() {
    let ran = ran(SCRIPT, 2, Mode::Run);
    assert_eq!(ran.held, ["localhost/a", "localhost/b"], "what is as it should be asks nobody");
    let end = |name: &str, status| (name.to_owned(), status, "the lock was lost".to_owned());
    assert_eq!(ran.ends[0].1, NodeStatus::Changed, "{:?}", ran.ends);
    assert_eq!(ran.ends[1..], [end("second", NodeStatus::Cancelled), end("third", NodeStatus::Cancelled)]);
    assert_eq!(ran.halted, ["the lock was lost: look"], "it is told once");
    assert_eq!(ran.status, RunStatus::Failed);
}

#[test]
fn a_plan_asks_no_guard() {
    let ran = ran(
        "let h = local(); task(\"t\").run(|| { h.put(\"a\", \"1\"); add_host(#{ name: \"taken\" }); });",
        0,
        Mode::Plan,
    );
    assert_eq!((ran.status, ran.halted.len()), (RunStatus::Ok, 0));
}

#[test]
fn a_change_that_is_refused_is_an_error_like_others() {
    let script =
        "task(\"t\").run(|| { let seen = (); try { add_host(#{ name: \"taken\" }); } catch (e) { seen = e; }
        [seen.kind, seen.message, seen.target, hosts(\"all\").len()] });
        let t = task(\"free\").run(|| { add_host(#{ name: \"free\" }); });";
    let ran = ran(script, 1, Mode::Run);
    assert_eq!(ran.status, RunStatus::Ok, "{:?}", ran.ends);
    assert!(ran.halted.is_empty());
}
