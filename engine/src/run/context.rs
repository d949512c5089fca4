//! What code can see of the run and of its node.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use oneex_sdk::{CancellationToken, Registry};
use serde::{Deserialize, Serialize};

use super::{Chronicle, Connections, EventSink, Guards, KeptOutputs, Outputs, ProjectFiles};
use crate::ahead::{Ahead, Memory};
use crate::diag::{Position, SourceMap};
use crate::graph::{Graph, TaskId};
use crate::inventory::Inventory;
use crate::plan::Pending;
use crate::redact::Redactor;
use crate::template::Templates;

/// A node's name in events and reports.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeKey {
    /// The task.
    pub task: Arc<str>,
    /// The host; none for a task without hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Arc<str>>,
    /// The item's name; none for a task without `each`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<Arc<str>>,
}

impl std::fmt::Display for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.task)?;
        match (&self.host, &self.item) {
            (Some(host), Some(item)) => write!(f, " [{host}, {item}]"),
            (Some(one), None) | (None, Some(one)) => write!(f, " [{one}]"),
            (None, None) => Ok(()),
        }
    }
}

/// Whether the run changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Reads, differs and applies.
    Run,
    /// Reads and differs.
    Plan,
}

/// Everything that the nodes of a run share.
pub struct RunContext {
    /// The run's id: a UUIDv7.
    pub id: String,
    /// The runbook's name.
    pub name: String,
    /// Whether it changes anything.
    pub mode: Mode,
    /// The tasks.
    pub graph: Arc<Graph>,
    /// The hosts; grows by `add_host`.
    pub inventory: Arc<RwLock<Inventory>>,
    /// What the modules bring.
    pub registry: Registry,
    /// Connections, facts and traffic by host.
    pub connections: Connections,
    /// Where events go.
    pub events: EventSink,
    /// What masks secrets.
    pub redactor: Arc<Redactor>,
    /// What each task read on each host last time.
    pub reads: Memory,
    /// Where output goes that is too long for memory.
    pub kept: KeptOutputs,
    /// Templates and their engine.
    pub templates: Templates,
    /// The texts that positions point into.
    pub sources: Arc<SourceMap>,
    /// What ended tasks returned.
    pub outputs: Outputs,
    /// Hosts that handlers are notified on.
    pub notified: Notified,
    /// Under `plan`: what would have changed so far.
    pub pending: Pending,
    /// Runs futures; bodies block on it.
    pub runtime: tokio::runtime::Handle,
    /// Fires when the run is interrupted; every node's token is its child.
    pub cancel: CancellationToken,
    /// What may stop it before its next change.
    pub guards: Guards,
    /// Finds files of the project for operations.
    pub files: Arc<dyn ProjectFiles>,
    /// Numbers operations.
    pub next_op: std::sync::atomic::AtomicU64,
    /// Counts operations by what came of them.
    pub counters: OpCounters,
    /// Its hold on its journal; none for a plan, which writes nothing.
    pub chronicle: Option<Chronicle>,
}

/// Counts operations for the summary and `--stats`.
#[derive(Debug, Default)]
pub struct OpCounters {
    /// Called.
    pub operations: std::sync::atomic::AtomicU64,
    /// Changed something; under `plan`, would.
    pub changed: std::sync::atomic::AtomicU64,
    /// Under `plan`: the result was certain.
    pub certain: std::sync::atomic::AtomicU64,
}

/// Which part of a node's life code is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `.on`, `.each`: before there are nodes.
    Expand,
    /// `.when`.
    Condition,
    /// The body.
    Body,
    /// `rescue`.
    Rescue,
    /// `always`.
    Always,
    /// Between batches.
    BatchCheck,
    /// After everything.
    OnEnd,
}

/// What one call of code can see: made by the executor for each attempt and phase.
pub struct NodeContext {
    /// The run.
    pub run: Arc<RunContext>,
    /// The node; for `Expand` and `BatchCheck` the task alone.
    pub node: NodeKey,
    /// The task; none for `OnEnd`.
    pub task: Option<TaskId>,
    /// The part of its life.
    pub phase: Phase,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Ends this call: a child of the run's token, also cancelled by the attempt's timeout.
    pub cancel: CancellationToken,
    /// The user that operations on the body's own host run as.
    pub sudo: Option<String>,
    /// True for a sensitive task.
    pub sensitive: bool,
    /// Set once an operation changed something; shared by all phases of the node.
    pub changed: Arc<AtomicBool>,
    /// Under `plan`: the pending change that what follows assumes; shared by all phases of the node.
    pub assumes: Arc<Mutex<Option<String>>>,
    /// What the call reads on hosts, where that is remembered for the next run: in a body that is not sensitive.
    pub(crate) ahead: Option<Ahead>,
    /// Where in the script the call was when it was cancelled, set by the code itself.
    pub cancelled_at: OnceLock<CancelledAt>,
}

/// Where in the script a call was when it was cancelled.
#[derive(Debug, Clone)]
pub struct CancelledAt {
    /// The place.
    pub position: Position,
    /// The calls that led there, as in [`super::Failure`].
    pub frames: Vec<(Position, String)>,
}

impl NodeContext {
    /// Notes that an operation of the node changed something.
    pub fn mark_changed(&self) {
        self.changed.store(true, Ordering::Relaxed);
    }
}

/// Hosts that handlers are notified on.
#[derive(Debug, Default)]
pub struct Notified(Mutex<std::collections::HashMap<TaskId, indexmap::IndexSet<Option<Arc<str>>>>>);

impl Notified {
    /// Notifies a handler on a host; on none for a handler without hosts. Says whether it is new.
    pub fn add(&self, handler: TaskId, host: Option<Arc<str>>) -> bool {
        let mut map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        map.entry(handler).or_default().insert(host)
    }

    /// Everything that was notified: the handler and the host.
    pub fn all(&self) -> Vec<(TaskId, Option<Arc<str>>)> {
        let map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let all = map.iter().flat_map(|(handler, hosts)| hosts.iter().map(|host| (*handler, host.clone())));
        let mut all: Vec<_> = all.collect();
        all.sort_unstable();
        all
    }

    /// Says whether the handler is notified on any host, or on none.
    pub fn is_notified(&self, handler: TaskId) -> bool {
        let map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        map.get(&handler).is_some_and(|hosts| !hosts.is_empty())
    }

    /// Says whether the handler is notified on the host.
    pub fn contains(&self, handler: TaskId, host: Option<&Arc<str>>) -> bool {
        let map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        map.get(&handler).is_some_and(|hosts| hosts.contains(&host.cloned()))
    }
}
