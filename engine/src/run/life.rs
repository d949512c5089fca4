//! The life of a node: conditions, attempts with their retries, `rescue`, `always`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use oneex_sdk::CancellationToken;
use serde_json::Value;

use super::call::Caller;
use super::expansion::Items;
use super::policy::{status_of, wait_after};
use super::{Arg, Failure, Interrupt, Level, Mode, NodeStatus, Phase, Returned, RunEvent};
use crate::graph::{Condition, Task};
use crate::journal::{Ended, Entry, Turn, sealed};
use crate::redact::MASK;

/// How a node ended.
#[derive(Debug)]
pub(super) struct NodeEnd {
    pub(super) status: NodeStatus,
    pub(super) reason: Option<String>,
    pub(super) failure: Option<Box<Failure>>,
    pub(super) output: Value,
    pub(super) unknown: bool,
    /// Seconds from the first attempt's start.
    pub(super) duration: f64,
    /// It ended in an earlier part of the run.
    pub(super) recalled: bool,
}

impl NodeEnd {
    /// An end of that kind, with why.
    pub(super) fn with(status: NodeStatus, reason: Option<String>) -> Self {
        Self {
            status,
            reason,
            failure: None,
            output: Value::Null,
            unknown: false,
            duration: 0.0,
            recalled: false,
        }
    }

    /// How it stood in the earlier part of the run.
    pub(super) fn recalled(ended: Ended) -> Self {
        let Ended { status, reason, failure, output, duration } = ended;
        Self { failure: failure.map(Box::new), output, duration, ..Self::with(status, reason) }
    }

    /// A failure.
    pub(super) fn failed(failure: impl Into<Box<Failure>>) -> Self {
        let failure = failure.into();
        Self {
            status: status_of(failure.kind),
            failure: Some(failure),
            ..Self::with(NodeStatus::Failed, None)
        }
    }

    fn returned(status: NodeStatus, returned: Returned) -> Self {
        Self { output: returned.value, unknown: returned.unknown, ..Self::with(status, None) }
    }

    /// The end of code that did not return.
    pub(super) fn interrupted(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::Failed(failure) => Self::failed(failure),
            Interrupt::Skipped(reason) => Self::with(NodeStatus::Skipped, Some(reason)),
            Interrupt::Cancelled => Self::with(NodeStatus::Cancelled, None),
            Interrupt::KnownAfterRun(what) => Self::with(NodeStatus::KnownAfterRun, Some(what)),
        }
    }
}

/// A node that is ready.
pub(super) struct Life {
    pub(super) caller: Caller,
    pub(super) item: Option<(Arc<Items>, usize)>,
    /// Fires when the run is interrupted, or the node's batch is stopped: the parent of all but `always`.
    pub(super) cancel: CancellationToken,
    /// Fires when the run is interrupted for the second time: the parent of what `always` gets.
    pub(super) immediate: CancellationToken,
}

impl Life {
    /// Lives it.
    pub(super) fn live(&self, task: &Task) -> NodeEnd {
        let started = Instant::now();
        let turn = self.caller.run.past().and_then(|past| past.turn(&self.caller.node)).cloned();
        let mut end = match turn {
            Some(turn) if turn.phase == "always" => NodeEnd::recalled(turn.ended),
            Some(Turn { ended: Ended { failure: Some(failure), .. }, .. }) => self.rescue(task, failure),
            _ => {
                if let Some(end) = self.conditions(task) {
                    return end;
                }
                match self.attempts(task) {
                    Ok(end) => end,
                    Err(failure) => self.rescue(task, *failure),
                }
            }
        };
        self.always(task, &mut end);
        end.status = self.with_changes(end.status);
        end.duration = started.elapsed().as_secs_f64();
        end
    }

    /// The body's arguments, and the failure.
    fn args<'a>(&'a self, failure: Option<&'a Failure>) -> Vec<Arg<'a>> {
        let host = self.caller.node.host.as_deref().map(Arg::Host);
        let item = self.item.as_ref().and_then(|(items, index)| items.values.get(*index)).map(Arg::Item);
        host.into_iter().chain(item).chain(failure.map(Arg::Failure)).collect()
    }

    fn conditions(&self, task: &Task) -> Option<NodeEnd> {
        for (number, condition) in (1..).zip(&task.when) {
            let holds = match condition {
                Condition::Fixed(holds) => *holds,
                Condition::Code(code) => {
                    let cancel = &self.cancel;
                    match self.caller.call(
                        code,
                        (Phase::Condition, number),
                        cancel,
                        task.timeout,
                        &self.args(None),
                    ) {
                        Ok(Returned { unknown: true, .. }) => {
                            let reason = "its condition is known after the run".to_owned();
                            return Some(NodeEnd::with(NodeStatus::KnownAfterRun, Some(reason)));
                        }
                        Ok(Returned { value: Value::Bool(holds), .. }) => holds,
                        Ok(Returned { value, .. }) => {
                            let message = format!("the condition returned `{value}`, which is no bool");
                            let failure = Failure::new(oneex_sdk::ErrorKind::Invalid, message);
                            return Some(NodeEnd::failed(failure));
                        }
                        Err(interrupt) => return Some(NodeEnd::interrupted(interrupt)),
                    }
                }
            };
            if !holds {
                return Some(condition_is_false());
            }
        }
        None
    }

    /// The end of the attempts, or the failure that is left for `rescue`.
    fn attempts(&self, task: &Task) -> Result<NodeEnd, Box<Failure>> {
        let run = &self.caller.run;
        let (mut attempt, left) =
            run.past().map_or((1, 0.0), |past| past.attempt(&self.caller.node, Timestamp::now()));
        let left = Duration::try_from_secs_f64(left).unwrap_or_default();
        if !left.is_zero() {
            let waiting = async { tokio::time::timeout(left, self.cancel.cancelled()).await };
            if run.runtime.block_on(waiting).is_ok() {
                return Ok(NodeEnd::with(NodeStatus::Cancelled, Some(BEFORE_NEXT.to_owned())));
            }
        }
        loop {
            run.events.emit(RunEvent::NodeStarted { node: self.caller.node.clone(), attempt });
            let result = match &task.body {
                Some(body) => self.caller.call(
                    body,
                    (Phase::Body, attempt),
                    &self.cancel,
                    task.timeout,
                    &self.args(None),
                ),
                None => Ok(Returned::default()),
            };
            let failure = match result {
                Ok(returned) => return Ok(NodeEnd::returned(NodeStatus::Ok, returned)),
                Err(Interrupt::Failed(failure)) => failure,
                Err(other) => return Ok(NodeEnd::interrupted(other)),
            };
            let wait = task.retry.as_ref().and_then(|retry| wait_after(retry, attempt, failure.kind));
            let Some(wait) = wait else {
                return Err(failure);
            };
            if self.cancel.is_cancelled() {
                return Ok(before_next_attempt(failure));
            }
            // A plan looks at the present state; it is the same after a wait.
            let wait = if run.mode == Mode::Plan { Duration::ZERO } else { wait };
            run.events.emit(RunEvent::NodeRetry {
                node: self.caller.node.clone(),
                attempt,
                wait: wait.as_secs_f64(),
                failure: self.shown(*failure.clone()),
            });
            if !wait.is_zero() {
                let waiting = async { tokio::time::timeout(wait, self.cancel.cancelled()).await };
                if run.runtime.block_on(waiting).is_ok() {
                    return Ok(before_next_attempt(failure));
                }
            }
            attempt += 1;
        }
    }

    fn rescue(&self, task: &Task, failure: Failure) -> NodeEnd {
        let Some(code) = task.rescue.as_ref().filter(|_| !self.cancel.is_cancelled()) else {
            return NodeEnd::failed(failure);
        };
        self.turn("rescue", &NodeEnd::failed(failure.clone()));
        self.phase("rescue");
        let args = self.args(Some(&failure));
        match self.caller.call(code, (Phase::Rescue, 1), &self.cancel, task.timeout, &args) {
            Ok(returned) => NodeEnd {
                failure: Some(Box::new(failure)),
                ..NodeEnd::returned(NodeStatus::Rescued, returned)
            },
            Err(Interrupt::Cancelled) => NodeEnd {
                failure: Some(Box::new(failure)),
                ..NodeEnd::with(NodeStatus::Cancelled, Some("while it was being rescued".to_owned()))
            },
            Err(other) => NodeEnd::interrupted(other),
        }
    }

    fn always(&self, task: &Task, end: &mut NodeEnd) {
        let Some(code) = &task.always else { return };
        self.turn("always", end);
        self.phase("always");
        let args = self.args(None);
        match self.caller.call(code, (Phase::Always, 1), &self.immediate, task.timeout, &args) {
            Ok(_) | Err(Interrupt::Skipped(_) | Interrupt::KnownAfterRun(_)) => {}
            Err(Interrupt::Cancelled) if end.status.is_well() => {
                *end = NodeEnd::with(NodeStatus::Cancelled, Some("in its `always`".to_owned()));
            }
            Err(Interrupt::Cancelled) => {}
            Err(Interrupt::Failed(failure)) if end.status.is_well() => *end = NodeEnd::failed(*failure),
            // What went wrong first is what people must see.
            Err(Interrupt::Failed(failure)) => self.caller.run.events.emit(RunEvent::Message {
                node: Some(self.caller.node.clone()),
                level: Level::Warning,
                text: format!("`always` failed too: {}", failure.message),
                position: failure.position.clone(),
            }),
        }
    }

    /// How the node ends where it ends so, by what it has changed.
    fn with_changes(&self, status: NodeStatus) -> NodeStatus {
        let changed = status == NodeStatus::Ok && self.caller.changed.load(Ordering::Acquire);
        if changed { NodeStatus::Changed } else { status }
    }

    /// Writes down how the node stands, so that a run that is resumed need not run its body again.
    fn turn(&self, phase: &str, end: &NodeEnd) {
        let run = &self.caller.run;
        if run.chronicle.is_none() {
            return;
        }
        let node = self.caller.node.clone();
        let sensitive = self.caller.task.and_then(|id| run.graph.task(id)).is_some_and(|task| task.sensitive);
        let mut value = serde_json::json!({ "output": end.output, "failure": end.failure });
        if sensitive || run.is_hidden(&value) {
            run.seal(&sealed::name(sealed::TURN, &node, phase), &value);
        }
        run.redactor.value(&mut value);
        let mut failure = end.failure.as_deref().cloned();
        failure.iter_mut().for_each(|failure| run.redactor.failure(failure));
        run.note(&Entry::Turned {
            node,
            phase: phase.to_owned(),
            status: self.with_changes(end.status),
            reason: end.reason.as_deref().map(|reason| run.redactor.text(reason)),
            failure: failure.map(|failure| Box::new(if sensitive { masked(failure) } else { failure })),
            output: if sensitive { MASK.into() } else { value["output"].take() },
        });
    }

    fn phase(&self, phase: &'static str) {
        self.caller.run.events.emit(RunEvent::NodePhase { node: self.caller.node.clone(), phase });
    }

    fn shown(&self, failure: Failure) -> Failure {
        let task = self.caller.task.and_then(|id| self.caller.run.graph.task(id));
        if task.is_some_and(|task| task.sensitive) { masked(failure) } else { failure }
    }
}

const BEFORE_NEXT: &str = "while it waited for its next attempt";

/// The end of a node that was to be tried again.
fn before_next_attempt(failure: Box<Failure>) -> NodeEnd {
    NodeEnd { failure: Some(failure), ..NodeEnd::with(NodeStatus::Cancelled, Some(BEFORE_NEXT.to_owned())) }
}

/// The end of a node that was not to run.
pub(super) fn condition_is_false() -> NodeEnd {
    NodeEnd::with(NodeStatus::Skipped, Some("its condition is false".to_owned()))
}

/// A failure of a sensitive task: what the command said is not shown, nor what was thrown with the message.
pub(super) fn masked(mut failure: Failure) -> Failure {
    let told =
        failure.extra.values_mut().filter(|value| value.is_string() || value.is_array() || value.is_object());
    told.for_each(|value| *value = MASK.into());
    for text in [&mut failure.stdout, &mut failure.stderr].into_iter().flatten() {
        *text = crate::redact::MASK.to_owned();
    }
    failure
}
