//! What is stopped before its time: the run by an interrupt, a batch by its failures.

use std::sync::Arc;

use oneex_sdk::CancellationToken;

use super::main_loop::Dispatcher;
use super::state::{Action, Doom, NodeState};
use crate::graph::TaskKind;
use crate::run::life::NodeEnd;
use crate::run::{Mode, NodeStatus, RunEvent};

/// A node of a batch that runs.
pub(super) struct InBatch {
    cancel: CancellationToken,
    /// Why its batch was stopped.
    stopped: Option<Arc<str>>,
}

impl Dispatcher {
    /// The run was interrupted, or interrupted again: no new nodes begin. What runs was cancelled
    /// by whoever saw the interrupt first. Each of the two is told once.
    pub(super) fn interrupted(&mut self) {
        if !std::mem::replace(&mut self.is_interrupted, true) {
            self.tell_interrupt(false);
            self.cut_short |= self.end_what_has_not_begun("the run was interrupted");
        }
        if self.stop().immediate().is_cancelled() && !std::mem::replace(&mut self.at_once, true) {
            self.tell_interrupt(true);
        }
    }

    /// A guard has stopped the run: it ends as after an interrupt, and says why. Told once.
    pub(super) fn halted(&mut self) {
        let Some(halt) = self.context.guards.why().cloned() else { return };
        if std::mem::replace(&mut self.is_halted, true) {
            return;
        }
        self.context.events.emit(RunEvent::Halted { reason: halt.message.clone(), hint: halt.hint });
        self.end_what_has_not_begun(&halt.message);
    }

    /// From now on nothing begins. Says whether anything was left.
    fn end_what_has_not_begun(&mut self, why: &str) -> bool {
        self.stopping = true;
        if self.tasks_left > 0 {
            self.end_the_rest(NodeStatus::Cancelled, why);
            return true;
        }
        false
    }

    fn tell_interrupt(&self, at_once: bool) {
        let signal = self.stop().signal().to_owned();
        self.context.events.emit(RunEvent::Interrupted { signal, at_once });
    }

    /// What cancels a node that begins: the run, or its batch where it is in one.
    pub(super) fn token_of(&mut self, node: u32) -> CancellationToken {
        let task = self.nodes[node as usize].task;
        if self.tasks[task as usize].rolls.is_empty() {
            return self.context.cancel.clone();
        }
        let cancel = self.context.cancel.child_token();
        self.in_batch.insert(node, InBatch { cancel: cancel.clone(), stopped: None });
        cancel
    }

    /// A node that ran has ended: says why, where its batch or the run was stopped under it.
    pub(super) fn leave_batch(&mut self, node: u32, end: &mut NodeEnd) {
        let stopped = self.in_batch.remove(&node).and_then(|own| own.stopped);
        if let Some(halt) = self.context.guards.why().filter(|_| end.status == NodeStatus::Cancelled) {
            end.reason.get_or_insert_with(|| halt.message.clone());
        }
        let Some(why) = stopped else { return };
        if end.status == NodeStatus::Cancelled {
            end.reason = Some(why.to_string());
            self.tally.stopped += 1;
        }
    }

    /// Too many hosts of a rolling update have failed: what runs of the present batch is cancelled,
    /// and nothing further of the update begins. A plan goes on: it changes nothing on any host.
    pub(super) fn stop_batch(&mut self, roll: u32, node: u32, status: NodeStatus) {
        if self.context.mode == Mode::Plan || !matches!(status, NodeStatus::Failed | NodeStatus::Unreachable)
        {
            return;
        }
        let Some((nodes, behind)) = self.lost_batch(roll) else { return };
        let key = self.key(node);
        let who = key.host.or(key.item).unwrap_or(key.task);
        let how = if status == NodeStatus::Failed { "failed" } else { "was unreachable" };
        let why: Arc<str> = format!("batch stopped: {who} {how}").into();
        for node in nodes {
            if let Some(own) = self.in_batch.get_mut(&node) {
                own.stopped.get_or_insert_with(|| Arc::clone(&why));
                own.cancel.cancel();
            } else {
                self.block(node, &why);
            }
        }
        self.stop_rolling(roll, &behind);
    }

    /// A node that has not begun is blocked; a handler's only where it is notified.
    pub(super) fn block(&mut self, node: u32, why: &str) {
        let task = self.nodes[node as usize].task as usize;
        if self.nodes[node as usize].state == NodeState::Ready {
            self.nodes[node as usize].state = NodeState::Pending;
            self.tasks[task].ready.retain(|ready| *ready != node);
        }
        self.doom(node, &Doom { status: NodeStatus::Blocked, reason: why.into() });
        if self.graph.tasks[task].kind == TaskKind::Handler {
            self.actions.push_back(Action::Try(node));
        }
    }
}
