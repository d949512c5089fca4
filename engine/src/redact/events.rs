//! Masks what happens: every text of every event.

use std::sync::Arc;

use oneex_sdk::Change;

use super::Redactor;
use crate::run::{Failure, NodeKey, RunEvent};

impl Redactor {
    fn shared(&self, text: &mut Arc<str>) {
        if let Some(masked) = self.masked(text, false) {
            *text = masked.into();
        }
    }

    fn option(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.string(text);
        }
    }

    fn node(&self, node: &mut NodeKey) {
        self.shared(&mut node.task);
        node.host.iter_mut().chain(&mut node.item).for_each(|text| self.shared(text));
    }

    fn change(&self, change: &mut Change) {
        for item in &mut change.items {
            self.string(&mut item.what);
            self.option(&mut item.before);
            self.option(&mut item.after);
            self.option(&mut item.diff);
        }
    }

    /// Masks every secret in a failure.
    pub fn failure(&self, failure: &mut Failure) {
        self.string(&mut failure.message);
        for text in [&mut failure.target, &mut failure.command, &mut failure.stdout, &mut failure.stderr] {
            self.option(text);
        }
        failure.hints.iter_mut().for_each(|hint| self.string(hint));
        failure.extra.values_mut().for_each(|value| self.value(value));
    }

    /// Masks every secret in an event.
    pub fn event(&self, mut event: RunEvent) -> RunEvent {
        if self.layers().is_empty() {
            return event;
        }
        match &mut event {
            RunEvent::RunStarted { name, environment, params, .. } => {
                self.string(name);
                self.option(environment);
                self.value(params);
            }
            RunEvent::TaskExpanded { task, hosts, .. } | RunEvent::BatchStarted { task, hosts, .. } => {
                self.shared(task);
                hosts.iter_mut().for_each(|host| self.shared(host));
            }
            RunEvent::NodeStarted { node, .. } | RunEvent::NodePhase { node, .. } => self.node(node),
            RunEvent::NodeRetry { node, failure, .. } => {
                self.node(node);
                self.failure(failure);
            }
            RunEvent::NodeFinished { node, reason, failure, output, .. } => {
                self.node(node);
                self.option(reason);
                failure.iter_mut().for_each(|failure| self.failure(failure));
                self.value(output);
            }
            RunEvent::OperationStarted { node, target, .. } => {
                self.node(node);
                self.string(target);
            }
            RunEvent::Progress { node, message, .. } => {
                self.node(node);
                self.string(message);
            }
            RunEvent::Output { node, text, .. } => {
                self.node(node);
                self.string(text);
            }
            RunEvent::Operation { node, target, subject, args, change, assumes, failure, output, .. } => {
                self.node(node);
                self.string(target);
                self.string(subject);
                self.value(args);
                change.iter_mut().for_each(|change| self.change(change));
                self.option(assumes);
                failure.iter_mut().for_each(|failure| self.failure(failure));
                self.value(output);
            }
            RunEvent::Notified { node, handler, .. } => {
                self.node(node);
                self.shared(handler);
            }
            RunEvent::HostAdded { node, host, groups } => {
                self.node(node);
                self.shared(host);
                groups.iter_mut().for_each(|group| self.string(group));
            }
            RunEvent::Message { node, text, .. } => {
                node.iter_mut().for_each(|node| self.node(node));
                self.string(text);
            }
            RunEvent::Gate { gate, message, by, .. } => {
                self.option(by);
                self.shared(gate);
                self.string(message);
            }
            RunEvent::Interrupted { .. } => {}
            RunEvent::Halted { reason, hint } => {
                self.string(reason);
                self.option(hint);
            }
            RunEvent::LoadFailed { errors } => {
                for mistake in errors {
                    self.string(&mut mistake.message);
                    mistake.hints.iter_mut().for_each(|hint| self.string(hint));
                }
            }
            RunEvent::RunFinished { summary } => {
                self.string(&mut summary.name);
                self.string(&mut summary.summary);
                summary.failed.iter_mut().for_each(|node| self.node(node));
            }
        }
        event
    }
}
