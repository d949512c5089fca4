//! What a run that is resumed knows of its earlier part: what ended, what was answered, what was begun.

mod node;
mod reading;
pub(crate) mod sealed;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use oneex_sdk::{Change, ErrorKind, Map};
use serde_json::Value;

use self::node::{NodePast, Standing};
use super::{Began, Intent};
use crate::run::{Failure, NodeKey, NodeStatus, OpStatus};

/// How a node ended that is not run again.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// How.
    pub status: NodeStatus,
    /// Why.
    pub reason: Option<String>,
    /// What was rescued.
    pub failure: Option<Failure>,
    /// What it returned.
    pub output: Value,
    /// Seconds.
    pub duration: f64,
}

/// A body that has ended where `rescue` or `always` had begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// `rescue` or `always`.
    pub phase: String,
    /// How the node stood then.
    pub ended: Ended,
}

/// A call that a body makes again.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its place in the node.
    pub place: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its target.
    pub target: &'a str,
    /// Its arguments, secrets masked.
    pub args: &'a Value,
    /// `read`, `ensure` or `action`.
    pub kind: &'a str,
}

/// What the journal says to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Nothing: it is to be made.
    New,
    /// It was made, and this came of it.
    Given {
        /// How it ended.
        status: OpStatus,
        /// What it changed.
        change: Change,
        /// Its result's fields.
        fields: Map<String, Value>,
    },
    /// It was made, and failed.
    Failed(Box<Failure>),
    /// It was begun, and is to be made again: what is done by now, it may have done before.
    Begun,
    /// It was begun, and nobody here knows what became of it.
    Unknown(Box<Intent>),
    /// Another call was made in its place.
    Differs(String),
}

/// What a run that is resumed knows of its earlier part.
#[derive(Debug, Default)]
pub struct Past {
    began: Option<Box<Began>>,
    nodes: HashMap<NodeKey, NodePast>,
    gates: HashMap<String, Option<String>>,
    batches: HashMap<String, usize>,
    hosts: Vec<(NodeKey, Value)>,
    notified: Vec<Notice>,
    inputs: HashMap<String, String>,
    drawn_at_load: Vec<Value>,
    asked_for: Option<Value>,
    secrets: Vec<String>,
    last_operation: u64,
    /// Nodes whose body went another way than before.
    strayed: Mutex<HashSet<NodeKey>>,
    /// Handlers, with their hosts, that were notified after they had run.
    reopened: Mutex<HashSet<(String, Option<Arc<str>>)>>,
}

/// A handler was notified.
#[derive(Debug)]
struct Notice {
    node: NodeKey,
    handler: String,
    place: String,
    /// Its number in the journal.
    seq: u64,
}

impl Past {
    /// How the run began.
    pub fn began(&self) -> Option<&Began> {
        self.began.as_deref()
    }

    /// SHA-256 of what the run read, by its name.
    pub fn inputs(&self) -> &HashMap<String, String> {
        &self.inputs
    }

    /// What the run was asked to do, with secrets: [`super::Request::options`].
    pub fn asked_for(&self) -> Option<&Value> {
        self.asked_for.as_ref().or_else(|| Some(&self.began.as_ref()?.request.as_ref()?.options))
    }

    /// What became a secret in the run.
    pub fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// What was drawn while the script was loaded.
    pub fn drawn_at_load(&self) -> &[Value] {
        &self.drawn_at_load
    }

    /// The highest number of an operation.
    pub fn last_operation(&self) -> u64 {
        self.last_operation
    }

    /// How many nodes are not run again.
    pub fn over(&self) -> usize {
        self.nodes.values().filter(|node| node.is_over()).count()
    }

    /// How the node ended, where it is not run again.
    pub fn ended(&self, node: &NodeKey) -> Option<&Ended> {
        let past = self.nodes.get(node).filter(|past| past.is_over())?;
        let handler = (node.task.to_string(), node.host.clone());
        let reopened = self.reopened.lock().unwrap_or_else(PoisonError::into_inner).contains(&handler);
        past.ended.as_ref().filter(|_| !reopened)
    }

    /// The attempt with which the node goes on, and how long it still waits before that, in seconds.
    pub fn attempt(&self, node: &NodeKey, now: Timestamp) -> (u32, f64) {
        let Some(past) = self.nodes.get(node) else { return (1, 0.0) };
        let wait =
            past.pause.map_or(0.0, |(since, wait)| wait - now.duration_since(since).as_secs_f64().max(0.0));
        (past.attempt.max(1), wait.max(0.0))
    }

    /// Where the node was cut off after its body.
    pub fn turn(&self, node: &NodeKey) -> Option<&Turn> {
        let past = self.nodes.get(node).filter(|past| past.ended.is_none())?;
        // A body that was cancelled has not had its end yet.
        past.turn.as_ref().filter(|turn| turn.ended.status != NodeStatus::Cancelled)
    }

    /// Who approved a gate.
    pub fn approved(&self, gate: &str) -> Option<&Option<String>> {
        self.gates.get(gate)
    }

    /// Whether a batch of a rolling update had begun, by its number.
    pub fn had_begun(&self, rolling: &str, batch: usize) -> bool {
        self.batches.get(rolling).is_some_and(|last| *last >= batch)
    }

    /// The hosts that nodes added which are not run again, in their order.
    pub fn hosts(&self) -> impl Iterator<Item = &Value> {
        self.hosts.iter().filter(|(node, _)| self.ended(node).is_some()).map(|(_, host)| host)
    }

    /// The handlers that nodes notified whose bodies are not run again, each with its node.
    pub fn notified(&self) -> impl Iterator<Item = (&str, &NodeKey)> {
        let is_over = |node: &NodeKey| self.ended(node).is_some() || self.turn(node).is_some();
        let over = self.notified.iter().filter(move |notice| is_over(&notice.node));
        over.map(|notice| (notice.handler.as_str(), &notice.node))
    }

    /// A handler is notified by the call at `place` of a node that runs again. Where it ran before that, it runs again.
    pub fn notified_again(&self, node: &NodeKey, place: &str, handler: &str) {
        let is_it =
            |notice: &&Notice| notice.node == *node && notice.place == place && notice.handler == handler;
        if !self.notified.iter().any(|notice| is_it(&notice)) {
            self.reopen(handler, node);
        }
    }

    fn reopen(&self, handler: &str, node: &NodeKey) {
        let mut reopened = self.reopened.lock().unwrap_or_else(PoisonError::into_inner);
        reopened.extend([(handler.to_owned(), node.host.clone()), (handler.to_owned(), None)]);
    }

    /// What was notified after the handler had run is still to be run.
    fn reopen_late(&self) {
        for notice in &self.notified {
            let ran_before = |host: Option<Arc<str>>| {
                let ran = |(node, past): (&NodeKey, &NodePast)| {
                    *node.task == *notice.handler && node.host == host && past.ended_at < notice.seq
                };
                self.nodes.iter().any(|node| node.1.is_over() && ran(node))
            };
            if ran_before(notice.node.host.clone()) || ran_before(None) {
                self.reopen(&notice.handler, &notice.node);
            }
        }
    }

    /// What the journal says to a call.
    pub fn answer(&self, node: &NodeKey, asked: Asked<'_>) -> Answer {
        let Some(past) = self.nodes.get(node) else { return Answer::New };
        let standing = past.standing();
        let in_body =
            ["expand/", "condition/", "body/", "check/"].iter().any(|phase| asked.place.starts_with(phase));
        // Each end of a node has its own `rescue` and `always`, and each end of a run its `on_end`.
        if asked.place.starts_with("end/") || (past.ended.is_some() && !in_body) {
            return Answer::New;
        }
        let gave_up = standing == Standing::GaveUp;
        if gave_up && (asked.kind != "action" || self.has_strayed(node)) {
            return Answer::New;
        }
        let intent = past.intents.get(asked.place);
        let Some(call) = past.calls.get(asked.place) else {
            return match intent {
                Some(intent) if intent.name != asked.name || intent.target != asked.target => {
                    self.differs(node, gave_up, format!("`{}` on `{}`", intent.name, intent.target))
                }
                Some(intent) if asked.kind == "action" => Answer::Unknown(Box::new(intent.clone())),
                Some(_) => Answer::Begun,
                None => Answer::New,
            };
        };
        if call.name != asked.name || call.target != asked.target {
            return self.differs(node, gave_up, format!("`{}` on `{}`", call.name, call.target));
        }
        if call.args != *asked.args {
            return self.differs(node, gave_up, format!("`{}` with {}", call.name, call.args));
        }
        let Some(failure) = &call.failure else {
            let change = call.change.clone().unwrap_or_default();
            return Answer::Given { status: call.status, change, fields: call.fields.clone() };
        };
        let is_lost = failure.kind == ErrorKind::Unreachable;
        match intent {
            // Nobody heard how it ended.
            Some(intent) if is_lost && asked.kind == "action" => Answer::Unknown(Box::new(intent.clone())),
            _ if standing == Standing::FailedByCall && past.is_last(asked.place) => Answer::New,
            _ => Answer::Failed(Box::new(failure.clone())),
        }
    }

    fn differs(&self, node: &NodeKey, may_stray: bool, what: String) -> Answer {
        if !may_stray {
            return Answer::Differs(what);
        }
        self.strayed.lock().unwrap_or_else(PoisonError::into_inner).insert(node.clone());
        Answer::New
    }

    fn has_strayed(&self, node: &NodeKey) -> bool {
        self.strayed.lock().unwrap_or_else(PoisonError::into_inner).contains(node)
    }

    /// What was drawn at this place.
    pub fn drawn(&self, node: &NodeKey, place: &str, name: &str) -> Option<&Value> {
        let past = self.nodes.get(node).filter(|_| !place.starts_with("end/"))?;
        past.drawn.get(place).filter(|(drawn, _)| drawn == name).map(|(_, value)| value)
    }
}
