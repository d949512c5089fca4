//! The end of a run: its summary, and `on_end`.

use std::sync::Arc;

use super::main_loop::{Dispatcher, Errand, Message};
use crate::run::call::Caller;
use crate::run::policy::{Verdicts, run_status};
use crate::run::{
    Arg, Counts, Interrupt, Level, NodeKey, NodeStatus, Phase, RunEvent, RunReport, RunStatus, RunSummary,
};

impl Dispatcher {
    /// Everything has ended: runs `on_end` and says how it went.
    pub(super) fn finish(mut self) -> RunReport {
        self.warn_of_late_notifications();
        let mut summary = self.summary();
        let graph = Arc::clone(&self.graph);
        for code in &graph.on_end {
            let key = NodeKey { task: "on_end".into(), host: None, item: None };
            let caller = Caller::new(&self.context, key, None);
            let (code, shown, immediate) =
                (Arc::clone(code), summary.clone(), self.stop().immediate().clone());
            self.run_errand(Errand {
                work: Box::new(move || {
                    let args = [Arg::Run(&shown)];
                    Message::OnEnd(Box::new(caller.call(&code, (Phase::OnEnd, 1), &immediate, None, &args)))
                }),
                panicked: Box::new(|interrupt| Message::OnEnd(Box::new(Err(interrupt)))),
            });
            if let Some(Err(interrupt)) = self.hear_on_end() {
                self.on_end_failed(interrupt, &mut summary);
            }
        }
        self.halted();
        if self.is_interrupted {
            // The second interrupt may have ended the last of the work before it was heard of.
            self.interrupted();
        }
        let [operations, changed, certain] = self.operations();
        (summary.counts.operations, summary.counts.changed, summary.counts.certain) =
            (operations, changed, certain);
        summary.changed = changed;
        self.context.events.emit(RunEvent::RunFinished { summary: summary.clone() });
        RunReport { summary, pending_handlers: self.tally.pending_handlers }
    }

    fn on_end_failed(&self, interrupt: Interrupt, summary: &mut RunSummary) {
        let (text, position) = match interrupt {
            Interrupt::Failed(failure) => (format!("`on_end` failed: {}", failure.message), failure.position),
            Interrupt::Cancelled => ("`on_end` was cancelled".to_owned(), None),
            Interrupt::Skipped(_) | Interrupt::KnownAfterRun(_) => return,
        };
        self.context.events.emit(RunEvent::Message { node: None, level: Level::Warning, text, position });
        if summary.status == RunStatus::Ok {
            summary.status = RunStatus::Failed;
        }
    }

    /// What was notified on a host after the handler had passed it over is lost; people must know.
    fn warn_of_late_notifications(&self) {
        if self.stopping || self.tally.passed_over.is_empty() {
            return;
        }
        let passed: std::collections::HashSet<_> = self.tally.passed_over.iter().cloned().collect();
        for (handler, host) in self.context.notified.all() {
            let Some(host) = host.filter(|host| passed.contains(&(handler, Arc::clone(host)))) else {
                continue;
            };
            let name = self.graph.task(handler).map(|task| Arc::clone(&task.name)).unwrap_or_default();
            let text = format!(
                "`{name}` was notified on `{host}` too late: every task that runs there had ended, and another host's \
                 task notified it; let the handler come `.after` that task"
            );
            self.context.events.emit(RunEvent::Message {
                node: None,
                level: Level::Warning,
                text,
                position: None,
            });
        }
    }

    fn summary(&self) -> RunSummary {
        let [operations, changed, certain] = self.operations();
        let duration = self.started.elapsed().as_secs_f64();
        RunSummary {
            id: self.context.id.clone(),
            name: self.context.name.clone(),
            status: run_status(self.verdicts()),
            summary: self.line(duration),
            failed: self.tally.failed.clone(),
            changed,
            duration,
            counts: Counts { nodes: self.tally.nodes.clone(), operations, changed, certain },
        }
    }

    fn verdicts(&self) -> Verdicts {
        let any = |status| self.tally.nodes.contains_key(&status);
        let cancelled = self.tally.nodes.get(&NodeStatus::Cancelled).copied().unwrap_or_default();
        let mut verdicts = Verdicts {
            halted: self.context.guards.why().is_some(),
            interrupted: self.cut_short || cancelled > self.tally.stopped,
            failed: any(NodeStatus::Failed),
            unreachable: any(NodeStatus::Unreachable),
            blocked: any(NodeStatus::Blocked) || self.tally.stopped > 0,
            waiting: any(NodeStatus::Waiting),
            ..Verdicts::default()
        };
        for (spec, state) in self.graph.tasks.iter().zip(&self.tasks) {
            let lost = (state.failed + state.unreachable) as usize;
            if lost > spec.max_fail.of(state.count as usize) {
                verdicts.failed_too_often |= state.failed > 0;
                verdicts.unreachable_too_often |= state.unreachable > 0;
            }
        }
        verdicts
    }

    fn line(&self, duration: f64) -> String {
        let counts = self.tally.nodes.iter().map(|(status, count)| format!("{count} {}", status.as_str()));
        let counts: Vec<String> = counts.collect();
        let counts = if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") };
        format!("{counts} in {duration:.1}s")
    }
}
