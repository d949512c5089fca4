//! A task as the script declared it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::diag::Position;
use crate::inventory::HostSet;
use crate::run::Code;

/// A task's place in the graph: its index in [`super::Graph::tasks`], in order of declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct TaskId(pub u32);

impl TaskId {
    /// The index in [`super::Graph::tasks`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What kind of task it is.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskKind {
    /// An ordinary task.
    Task,
    /// Runs only on the hosts whose changes notified it, once each.
    Handler,
    /// Waits for a person; the text is what the person is asked.
    Gate(String),
}

/// Where a task's hosts come from.
#[derive(Debug, Clone)]
pub enum HostsFrom {
    /// A lazy set, resolved when the task is ready.
    Set(HostSet),
    /// A closure; returns an array of host names.
    Code(Arc<dyn Code>),
}

/// Where a task's items come from.
#[derive(Debug, Clone)]
pub enum ItemsFrom {
    /// A list that was known at load.
    List(Vec<Value>),
    /// A closure; returns an array.
    Code(Arc<dyn Code>),
}

/// Whether a node runs.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Known at load.
    Fixed(bool),
    /// Asked when the node is ready, with the body's arguments; returns a bool.
    Code(Arc<dyn Code>),
}

/// A number of hosts or nodes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many.
    Count(usize),
    /// A share of all, in percent, rounded down; a batch has at least one.
    Percent(f64),
}

impl Amount {
    /// The number out of `all`.
    pub fn of(self, all: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => {
                let share = all as f64 * percent / 100.0;
                // 32.3 % of 1000 is 323, though as binary fractions they make a little less.
                let whole = share.round();
                let whole = if (share - whole).abs() <= whole * 1e-9 { whole } else { share.floor() };
                whole as usize
            }
        }
    }
}

/// A rolling update.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The sizes of the batches; the last one repeats.
    pub ladder: Vec<Amount>,
    /// How long to wait between batches.
    pub pause: Duration,
    /// Asked between batches, without arguments; false or an error stops the rolling.
    pub check: Option<Arc<dyn Code>>,
}

/// When a failed body is run again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// How many more times; 0 for none.
    pub times: u32,
    /// How long before the first of them.
    pub wait: Duration,
    /// Each further wait is so many times the one before; 1 when left out.
    pub backoff: f64,
    /// No wait is longer.
    pub max_wait: Duration,
    /// The kinds of error that are retried (`failed unreachable timeout …`); all when empty.
    pub on: Vec<String>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            times: 0,
            wait: Duration::ZERO,
            backoff: 1.0,
            max_wait: Duration::from_secs(3600),
            on: Vec::new(),
        }
    }
}

/// Which handlers a task's code may notify, found by reading the code.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Notifies {
    /// Named by literals or by handles.
    pub handlers: Vec<TaskId>,
    /// True when the code notifies a name that only the run will know: then it may be any.
    pub any: bool,
}

/// A reference to what must end first, with the place where the script says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Needed {
    /// The tasks; more than one for a group or a block.
    pub tasks: Vec<TaskId>,
    /// Where the script says so.
    pub position: Position,
}

/// A block of tasks.
#[derive(Debug, Clone)]
pub struct Block {
    /// The name, with the names of the blocks around it: `web/deploy`.
    pub name: Arc<str>,
    /// The block around it: an index in [`super::Graph::blocks`].
    pub parent: Option<usize>,
    /// Its tasks in the order written, those of inner blocks included.
    pub tasks: Vec<TaskId>,
    /// True when its tasks are not run in the order written.
    pub parallel: bool,
    /// A batch rolls through the whole block: all tasks of it on the batch's hosts, then the next.
    pub batch: Option<Box<Batch>>,
    /// How many hosts of the block may fail before no further batch begins; the tasks carry it too.
    pub max_fail: Amount,
    /// Where it was declared.
    pub position: Position,
}

/// A task as the script declared it.
///
/// There may be 100,000 of them: what few tasks have is boxed.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its place in the graph.
    pub id: TaskId,
    /// The name, with the names of its role and blocks: `web/nginx:install`.
    pub name: Arc<str>,
    /// What kind of task it is.
    pub kind: TaskKind,
    /// Where it was declared.
    pub position: Position,
    /// The innermost block it is in: an index in [`super::Graph::blocks`].
    pub block: Option<usize>,
    /// Its hosts; without them there is one node.
    pub on: Option<HostsFrom>,
    /// Its items; without them there is one node a host.
    pub each: Option<ItemsFrom>,
    /// Host-wise: must have ended well.
    pub needs: Vec<Needed>,
    /// Barriers: must have ended well on all their hosts, within their `max_fail`.
    pub after: Vec<Needed>,
    /// Barriers: must have ended, however.
    pub after_any: Vec<Needed>,
    /// Whether a node runs; all must be true (a block's conditions come before the task's own).
    pub when: Vec<Condition>,
    /// A rolling update.
    pub batch: Option<Box<Batch>>,
    /// How many nodes may fail before what waits for the whole of it is blocked.
    pub max_fail: Amount,
    /// At most so many nodes of this task at a time.
    pub throttle: Option<usize>,
    /// At most one node of the run that holds any of these keys.
    pub exclusive: Vec<String>,
    /// When a failed body is run again; without it never.
    pub retry: Option<Box<Retry>>,
    /// How long an attempt of the body may take.
    pub timeout: Option<Duration>,
    /// The user that operations on the body's own host run as.
    pub sudo: Option<String>,
    /// For `--tags` and `--skip-tags`.
    pub tags: Vec<String>,
    /// An empty set of hosts is allowed.
    pub allow_empty: bool,
    /// The groups that this task fills.
    pub adds_hosts: Vec<String>,
    /// Its output and diffs are shown as `•••`.
    pub sensitive: bool,
    /// What it is for.
    pub doc: String,
    /// The body; a gate has none.
    pub body: Option<Arc<dyn Code>>,
    /// Runs after a body that failed in all its attempts.
    pub rescue: Option<Arc<dyn Code>>,
    /// Runs after the body in any case.
    pub always: Option<Arc<dyn Code>>,
    /// Which handlers its code may notify.
    pub notifies: Notifies,
}
