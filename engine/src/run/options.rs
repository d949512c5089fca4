//! What a run is asked to do.

use std::sync::Arc;

use super::RunStatus;
use crate::inventory::HostSet;

/// What a run is asked to do, besides the runbook.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Nodes at a time.
    pub forks: usize,
    /// Items of one `.each` at a time.
    pub items: usize,
    /// Only tasks with one of these tags; all when empty. Handlers and gates always count.
    pub tags: Vec<String>,
    /// No tasks with one of these tags.
    pub skip_tags: Vec<String>,
    /// Only these hosts.
    pub limit: Option<HostSet>,
    /// Only these tasks, with what they need; all when empty. A name may be a block or a glob.
    pub only: Vec<String>,
    /// Not what was declared before this task or block, unless it waits for it, and not what it waits for.
    pub from: Option<String>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            forks: 64,
            items: 16,
            tags: Vec::new(),
            skip_tags: Vec::new(),
            limit: None,
            only: Vec::new(),
            from: None,
        }
    }
}

/// What a person, or a flag in a person's name, says of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Go on; the text says who decided.
    Approved(String),
    /// A person said no: what needs the gate is blocked and the run fails.
    Refused(String),
    /// Nobody is there: what needs the gate waits and the run ends as [`RunStatus::Waiting`].
    Waiting,
}

/// Decides gates; the command line asks on a terminal or looks at its flags.
pub trait GateKeeper: Send + Sync {
    /// Decides one gate. Blocks while a person thinks; ends when `cancel` fires.
    fn decide(&self, gate: &Arc<str>, message: &str, cancel: &oneex_sdk::CancellationToken) -> Decision;
}

impl RunStatus {
    /// The word that `run.status` shows to `on_end`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Interrupted => "interrupted",
            Self::Waiting => "waiting",
        }
    }
}
