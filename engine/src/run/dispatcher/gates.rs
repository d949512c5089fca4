//! Gates: each is asked on a thread of its own, since a person may think for hours.

use std::sync::Arc;

use oneex_sdk::ErrorKind;
use serde_json::Value;

use super::main_loop::{Dispatcher, Message};
use super::state::NodeState;
use crate::run::executor::guarded;
use crate::run::life::NodeEnd;
use crate::run::{Decision, Failure, Mode, NodeStatus, RunEvent};

impl Dispatcher {
    /// All that the gate needs has ended well: asks. A plan says that it would, and goes on.
    pub(super) fn ask_gate(&mut self, node: u32, gate: &Arc<str>, message: &str) {
        if self.context.past().is_none_or(|past| past.approved(gate).is_none()) {
            self.gate_event(gate, message, "asked", None);
        }
        if self.context.mode == Mode::Plan {
            return self.end(node, NodeEnd::with(NodeStatus::Ok, Some("would ask".to_owned())));
        }
        if let Some(by) = self.context.past().and_then(|past| past.approved(gate)).cloned() {
            let by = by.unwrap_or_default();
            return self
                .end(node, NodeEnd { output: Value::String(by), ..NodeEnd::with(NodeStatus::Ok, None) });
        }
        self.nodes[node as usize].state = NodeState::Running;
        self.outside += 1;
        let (keeper, sender) = (Arc::clone(self.gates()), self.sender.clone());
        let (name, text, cancel) = (Arc::clone(gate), message.to_owned(), self.context.cancel.clone());
        let ask = move || {
            let decision = guarded(|| keeper.decide(&name, &text, &cancel)).unwrap_or(Decision::Waiting);
            let _ = sender.send(Message::Gate(node, decision));
        };
        if let Err(error) = std::thread::Builder::new().name("gate".to_owned()).spawn(ask) {
            tracing::warn!(%error, gate = &**gate, "no thread to ask on");
            let _ = self.sender.send(Message::Gate(node, Decision::Waiting));
        }
    }

    /// Somebody has decided, or nobody is there.
    pub(super) fn gate_decided(&mut self, node: u32, decision: Decision) {
        let graph = Arc::clone(&self.graph);
        let spec = &graph.tasks[self.nodes[node as usize].task as usize];
        let crate::graph::TaskKind::Gate(message) = &spec.kind else { return };
        if self.is_cancelled() && !matches!(decision, Decision::Approved(_)) {
            return self
                .end(node, NodeEnd::with(NodeStatus::Cancelled, Some("the run was interrupted".to_owned())));
        }
        match decision {
            Decision::Approved(by) => {
                self.gate_event(&spec.name, message, "approved", Some(by.clone()));
                self.end(node, NodeEnd { output: Value::String(by), ..NodeEnd::with(NodeStatus::Ok, None) });
            }
            Decision::Refused(by) => {
                let failure = Failure::new(ErrorKind::Denied, format!("`{}` was refused by {by}", spec.name));
                self.gate_event(&spec.name, message, "refused", Some(by));
                self.end(node, NodeEnd::failed(failure));
            }
            Decision::Waiting => {
                self.gate_event(&spec.name, message, "waiting", None);
                self.end(
                    node,
                    NodeEnd::with(NodeStatus::Waiting, Some("nobody has approved it yet".to_owned())),
                );
            }
        }
    }

    fn gate_event(&self, gate: &Arc<str>, message: &str, decision: &'static str, by: Option<String>) {
        let (gate, message) = (Arc::clone(gate), message.to_owned());
        self.context.events.emit(RunEvent::Gate { gate, message, decision, by });
    }
}
