//! The end of a node, and what it means for others.

use std::sync::Arc;

use serde_json::Value;

use super::main_loop::Dispatcher;
use super::state::{Action, NodeState};
use crate::graph::TaskKind;
use crate::journal::sealed;
use crate::redact::MASK;
use crate::run::life::{NodeEnd, masked};
use crate::run::{Failure, NodeResult, NodeStatus, RunEvent};

impl Dispatcher {
    /// A node ends, whether it ran or not. Only the first end counts.
    pub(super) fn end(&mut self, node: u32, end: NodeEnd) {
        if matches!(self.nodes[node as usize].state, NodeState::Ended(_)) {
            return;
        }
        let status = end.status;
        let pending = self.graph.tasks[self.nodes[node as usize].task as usize].kind == TaskKind::Handler
            && matches!(status, NodeStatus::Blocked | NodeStatus::Cancelled | NodeStatus::Waiting)
            && self.is_notified(node);
        let key = self.key(node);
        *self.tally.nodes.entry(status).or_default() += 1;
        if matches!(status, NodeStatus::Failed | NodeStatus::Unreachable) {
            self.tally.failed.push(key.clone());
        }
        if pending {
            self.tally.pending_handlers.push(key);
        }
        self.settle_end(node, end);
    }

    /// A handler's node that nobody has notified: it ends, and does not count.
    pub(super) fn pass_over(&mut self, node: u32) {
        let key = self.key(node);
        if let Some(host) = key.host {
            let id = self.graph.tasks[self.nodes[node as usize].task as usize].id;
            self.tally.passed_over.push((id, host));
        }
        self.settle_end(node, NodeEnd::with(NodeStatus::Skipped, Some("not notified".to_owned())));
    }

    /// Says whether a handler's node is notified: on its host, or, by what has no host, on all. A
    /// handler without hosts is notified by any.
    pub(super) fn is_notified(&self, node: u32) -> bool {
        let task = self.nodes[node as usize].task;
        let (id, key) = (self.graph.tasks[task as usize].id, self.key(node));
        let notified = &self.context.notified;
        match &key.host {
            None => notified.is_notified(id),
            host => notified.contains(id, host.as_ref()) || notified.contains(id, None),
        }
    }

    fn settle_end(&mut self, node: u32, end: NodeEnd) {
        let task = self.nodes[node as usize].task;
        self.nodes[node as usize].state = NodeState::Ended(end.status);
        self.dooms.remove(&node);
        let status = end.status;
        let state = &mut self.tasks[task as usize];
        let (place, _) = state.place_of(node);
        state.left -= 1;
        state.pushed.push(node - state.first);
        state.not_well += u32::from(!status.is_well());
        state.failed += u32::from(status == NodeStatus::Failed);
        state.unreachable += u32::from(status == NodeStatus::Unreachable);
        state.waiting += u32::from(status == NodeStatus::Waiting);
        let ended = state.left == 0;
        let host_ended = match state.groups.get_mut(place as usize) {
            Some(group) => {
                group.left -= 1;
                if !status.is_well() && group.bad.is_none_or(|bad| bad == NodeStatus::Waiting) {
                    group.bad = Some(status);
                }
                group.left == 0
            }
            None => state.hosts.is_some(),
        };
        self.report(node, end);
        self.next_item(task, place);
        if host_ended {
            self.host_ended(task, place);
        }
        self.unit_ended(node, status);
        if ended {
            self.actions.push_back(Action::TaskEnded(task));
        }
    }

    /// Gives the place of an item that has ended to the next.
    fn next_item(&mut self, task: u32, place: u32) {
        let state = &mut self.tasks[task as usize];
        let (size, first) = (state.per_host(), state.first);
        let Some(next) = state.next_item.get_mut(place as usize).filter(|next| **next < size) else { return };
        let node = first + place * size + *next;
        *next += 1;
        let waits = &mut self.nodes[node as usize].waits;
        *waits = waits.saturating_sub(1);
        self.actions.push_back(Action::Try(node));
    }

    /// Makes the end known: first what depends on it may look it up, then everybody hears of it.
    fn report(&self, node: u32, end: NodeEnd) {
        let spec = &self.graph.tasks[self.nodes[node as usize].task as usize];
        let key = self.key(node);
        let failure = end.failure.map(|failure| {
            // A failure without a place of its own is shown where the task is declared.
            let position = failure.position.clone().or_else(|| Some(spec.position.clone()));
            Failure { position, ..*failure }
        });
        let shown = |failure| if spec.sensitive { masked(failure) } else { failure };
        let event = RunEvent::NodeFinished {
            node: key.clone(),
            status: end.status,
            reason: end.reason,
            failure: failure.clone().map(shown),
            output: if spec.sensitive { Value::String(MASK.to_owned()) } else { end.output.clone() },
            duration: end.duration,
            recalled: end.recalled,
        };
        self.context.seal_new_secrets();
        if !end.recalled && self.context.chronicle.is_some() && end.status.is_well() {
            let value = serde_json::json!({ "output": end.output, "failure": failure });
            if spec.sensitive || self.context.is_hidden(&value) {
                self.context.seal(&sealed::name(sealed::NODE, &key, ""), &value);
            }
        }
        self.context.outputs.push(
            spec.id,
            NodeResult {
                node: key,
                item: self.item(node),
                status: end.status,
                output: end.output,
                unknown: end.unknown,
                failure: failure.map(Box::new),
            },
        );
        self.context.events.emit(event);
    }

    /// Ends all nodes that do not run, and all tasks without nodes.
    pub(super) fn end_the_rest(&mut self, status: NodeStatus, why: &str) {
        let graph = Arc::clone(&self.graph);
        self.queue.clear(&mut self.tasks);
        self.errands.clear();
        self.rolls.iter_mut().for_each(super::rolling::Roll::give_up);
        for node in 0..self.nodes.len() as u32 {
            if !matches!(self.nodes[node as usize].state, NodeState::Pending | NodeState::Ready) {
                continue;
            }
            let task = &graph.tasks[self.nodes[node as usize].task as usize];
            if task.kind == TaskKind::Handler && !self.is_notified(node) {
                self.pass_over(node);
            } else {
                self.end(node, NodeEnd::with(status, Some(why.to_owned())));
            }
        }
        let selected: Vec<_> = self.request.selection.iter().collect();
        for id in selected {
            if self.tasks[id.index()].count > 0 || self.is_ended(id.0) {
                continue;
            }
            let quiet =
                graph.tasks[id.index()].kind == TaskKind::Handler && !self.context.notified.is_notified(id);
            if quiet {
                let only = self.one_node(id.0);
                self.pass_over(only);
            } else {
                self.end_without_hosts(id.0, NodeEnd::with(status, Some(why.to_owned())));
            }
        }
    }
}
