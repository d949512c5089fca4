//! Everything that happens, as one stream in one order. Terminal, JSON, JUnit, journal and report
//! all read it.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::word::{Word, word};
use super::{Failure, NodeKey};
use crate::diag::Position;
use crate::redact::Redactor;

/// The version of the stream's format: raised when a field changes its meaning or goes away.
pub const EVENT_VERSION: u32 = 1;

/// How a node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// Well, and nothing changed.
    Ok,
    /// Well, and something changed.
    Changed,
    /// A condition was false, or the body called `skip`.
    Skipped,
    /// The body failed and `rescue` did not.
    Rescued,
    /// The body failed, or its rescue, or its `always`.
    Failed,
    /// The host could not be reached, and nothing rescued that.
    Unreachable,
    /// What it needs did not end well.
    Blocked,
    /// The run was interrupted, or its batch stopped, while it ran or before.
    Cancelled,
    /// A gate that nobody has approved yet, and what needs it.
    Waiting,
    /// Under `plan`: what it does is known only after a run.
    KnownAfterRun,
}

impl NodeStatus {
    /// True where what waits for the node may go on.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Ok | Self::Changed | Self::Skipped | Self::Rescued | Self::KnownAfterRun)
    }

    /// The word that people see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Changed => "changed",
            Self::Skipped => "skipped",
            Self::Rescued => "rescued",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
            Self::Waiting => "waiting",
            Self::KnownAfterRun => "known after run",
        }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OpStatus {
    /// Nothing was to be done, or it was a read.
    Ok,
    /// Something was changed.
    Changed,
    /// An action that ran.
    Done,
    /// It failed.
    Failed,
    /// Under `plan`: nothing would change.
    NoChange,
    /// Under `plan`: it would change what `change` says.
    WillChange,
    /// Under `plan`: an action, which would run.
    Action,
}

/// A message's weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// `print` and `info` of a script.
    Info,
    /// `warn` of a script, and what the engine warns of.
    Warning,
}

/// How the run as a whole ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Every node ended well, or failed within its `max_fail` and was not needed.
    Ok,
    /// A node failed, or something that the run depends on was lost.
    Failed,
    /// No node failed, and at least one was unreachable.
    Unreachable,
    /// Ctrl-C, or a signal.
    Interrupted,
    /// Everything else is done, and a gate waits for its approval.
    Waiting,
}

/// Counts by state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Nodes by how they ended.
    pub nodes: std::collections::BTreeMap<NodeStatus, u64>,
    /// Operations that were called.
    pub operations: u64,
    /// Operations that changed something; under `plan`, that would.
    pub changed: u64,
    /// Under `plan`: operations whose result was certain.
    pub certain: u64,
}

/// What the end of a run says of it; `on_end` gets the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run's id: a UUIDv7.
    pub id: String,
    /// The runbook's name.
    pub name: String,
    /// How it ended.
    pub status: RunStatus,
    /// One line: `12 ok, 3 changed, 1 failed in 4.2s`.
    pub summary: String,
    /// Nodes that failed or were unreachable.
    pub failed: Vec<NodeKey>,
    /// Operations that changed something.
    pub changed: u64,
    /// Seconds.
    pub duration: f64,
    /// Counts by state.
    pub counts: Counts,
}

/// One thing that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "events pass the listeners one at a time")]
pub enum RunEvent {
    /// Always the first.
    RunStarted {
        /// The run's id.
        id: String,
        /// The runbook's name: its path as given.
        name: String,
        /// `run`, `plan` or `exec`.
        #[serde(deserialize_with = "word")]
        mode: Word,
        /// The chosen environment.
        environment: Option<String>,
        /// The parameters, secrets masked.
        params: Value,
        /// How many tasks are selected.
        tasks: usize,
    },
    /// A task's nodes are known.
    TaskExpanded {
        /// The task.
        task: Arc<str>,
        /// How many nodes it has.
        nodes: usize,
        /// Its hosts, in inventory order; empty for a task without hosts.
        hosts: Vec<Arc<str>>,
    },
    /// A batch of a rolling update begins.
    BatchStarted {
        /// The task or block.
        task: Arc<str>,
        /// Number of the batch, from 1.
        batch: usize,
        /// Its hosts.
        hosts: Vec<Arc<str>>,
    },
    /// An attempt of a node's body begins.
    NodeStarted {
        /// The node.
        node: NodeKey,
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// A body failed and will be run again.
    NodeRetry {
        /// The node.
        node: NodeKey,
        /// The attempt that failed.
        attempt: u32,
        /// Seconds until the next.
        wait: f64,
        /// Why it failed.
        failure: Failure,
    },
    /// `rescue` or `always` begins.
    NodePhase {
        /// The node.
        node: NodeKey,
        /// `rescue` or `always`.
        #[serde(deserialize_with = "word")]
        phase: Word,
    },
    /// A node has ended.
    NodeFinished {
        /// The node.
        node: NodeKey,
        /// How.
        status: NodeStatus,
        /// Why, for `skipped`, `blocked`, `cancelled` and `known after run`.
        reason: Option<String>,
        /// What it failed with; for `rescued`, what was rescued.
        failure: Option<Failure>,
        /// What the body returned; `•••` for a sensitive task.
        output: Value,
        /// Seconds from the first attempt's start.
        duration: f64,
        /// It ended in an earlier part of a run that was resumed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        recalled: bool,
    },
    /// An operation begins.
    OperationStarted {
        /// The node.
        node: NodeKey,
        /// Its number in the run; the same in `Operation`.
        op: u64,
        /// Its name.
        name: String,
        /// Its target.
        target: String,
    },
    /// What a long operation is doing.
    Progress {
        /// The node.
        node: NodeKey,
        /// The operation.
        op: u64,
        /// What it is doing.
        message: String,
    },
    /// A line that a command of `exec`, `query` or `script` wrote, as soon as it did. Only where somebody follows.
    Output {
        /// The node.
        node: NodeKey,
        /// The operation.
        op: u64,
        /// `stdout` or `stderr`.
        #[serde(deserialize_with = "word")]
        stream: Word,
        /// The line without its end.
        text: String,
        /// The line is long and goes on in the next event of the stream.
        continued: bool,
    },
    /// An operation has ended.
    Operation {
        /// The node.
        node: NodeKey,
        /// Its number in the run.
        op: u64,
        /// Its name: `packages`, `http::get`.
        name: String,
        /// `read`, `ensure` or `action`.
        #[serde(deserialize_with = "word")]
        kind: Word,
        /// The host, URL or thing.
        target: String,
        /// One line that says what it is about: `/etc/motd`, `systemctl restart shop`.
        subject: String,
        /// Its arguments, secrets masked.
        args: Value,
        /// How it ended.
        status: OpStatus,
        /// What changed, or would.
        change: Option<oneex_sdk::Change>,
        /// Under `plan`: the pending change that this one's result assumes.
        assumes: Option<String>,
        /// What it failed with.
        failure: Option<Failure>,
        /// The result's fields.
        output: Value,
        /// Seconds.
        duration: f64,
        /// Where in the script.
        position: Option<Position>,
        /// Where in the life of its node: phase, attempt, number: `body/1/3`, `body/1/4.2.1` in a branch.
        #[serde(default)]
        place: String,
    },
    /// A changed operation notified a handler.
    Notified {
        /// The node.
        node: NodeKey,
        /// The handler.
        handler: Arc<str>,
        /// The place of the operation that changed something, as in `Operation`.
        #[serde(default)]
        place: String,
    },
    /// A task added a host, or changed one that it had added.
    HostAdded {
        /// The node.
        node: NodeKey,
        /// The host.
        host: Arc<str>,
        /// Its groups.
        groups: Vec<String>,
    },
    /// `print`, `info`, `warn`, and warnings of the engine.
    Message {
        /// The node; none for the load and the engine.
        node: Option<NodeKey>,
        /// Its weight.
        level: Level,
        /// The text.
        text: String,
        /// Where in the script.
        position: Option<Position>,
    },
    /// A gate was decided, or waits.
    Gate {
        /// The gate.
        gate: Arc<str>,
        /// The question.
        message: String,
        /// `asked`, `approved`, `refused` or `waiting`.
        #[serde(deserialize_with = "word")]
        decision: Word,
        /// Who approved: a user's name, `--yes`, `--approve`.
        by: Option<String>,
    },
    /// Ctrl-C or a signal: no new nodes begin, and those that run are cancelled.
    Interrupted {
        /// What it was the first time: `SIGINT`.
        signal: String,
        /// The second time: `always` and `on_end` are cancelled too. There is no third.
        at_once: bool,
    },
    /// Something that the run depends on is lost, as its lock: nothing further is changed, and the run ends as after an
    /// interrupt.
    Halted {
        /// What it is: "the lock was lost: …".
        reason: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// No run begins, since the load failed: the last event, with nothing but messages before it.
    LoadFailed {
        /// What is wrong, as far as it was found.
        errors: Vec<Mistake>,
    },
    /// Always the last of a run.
    RunFinished {
        /// What there is to say of the run.
        summary: RunSummary,
    },
}

/// Something that is wrong with what people wrote or asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// A stable word for its kind: `unknown-option`; none for what has no place in a file.
    #[serde(deserialize_with = "super::word::maybe")]
    pub code: Option<Word>,
    /// A lower-case fragment with literals in back-quotes.
    pub message: String,
    /// Where.
    pub position: Option<Position>,
    /// What to do next.
    pub hints: Vec<String>,
}

/// An event with its place in the stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stamped {
    /// See [`EVENT_VERSION`].
    pub v: u32,
    /// Number in the run, from 1, without gaps.
    pub seq: u64,
    /// When it happened.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: RunEvent,
}

/// Reads the stream. Called in order, never by two threads at once; must not block for long.
pub trait Listener: Send {
    /// One thing happened.
    fn on_event(&mut self, event: &Stamped);

    /// True where it wants [`RunEvent::Output`], which there is only where a listener does.
    fn follows(&self) -> bool {
        false
    }
}

/// The one door through which events leave: numbers them, masks secrets, and hands them to every
/// listener before the caller goes on.
pub struct EventSink {
    redactor: Arc<Redactor>,
    followed: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    seq: u64,
    listeners: Vec<Box<dyn Listener>>,
}

impl EventSink {
    /// Makes a sink for these listeners.
    pub fn new(redactor: Arc<Redactor>, listeners: Vec<Box<dyn Listener>>) -> Self {
        let followed = listeners.iter().any(|listener| listener.follows());
        Self { redactor, followed, inner: Mutex::new(Inner { seq: 0, listeners }) }
    }

    /// True where a listener wants what commands write while they run.
    pub fn is_followed(&self) -> bool {
        self.followed
    }

    /// Sends an event.
    pub fn emit(&self, event: RunEvent) {
        let event = self.redactor.event(event);
        let mut inner = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.seq += 1;
        let stamped = Stamped { v: EVENT_VERSION, seq: inner.seq, time: Timestamp::now(), event };
        for listener in &mut inner.listeners {
            listener.on_event(&stamped);
        }
    }
}
