//! The seam between the scheduler and the script: code that a task carries.

use std::collections::BTreeMap;
use std::sync::Arc;

use oneex_sdk::{ErrorKind, OpError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{NodeContext, RunSummary};
use crate::diag::Position;

/// What code is called with.
#[derive(Debug, Clone, Copy)]
pub enum Arg<'a> {
    /// The node's host, by name.
    Host(&'a str),
    /// The node's item.
    Item(&'a Value),
    /// The failure that `rescue` is for.
    Failure(&'a Failure),
    /// The run that has ended, for `on_end`.
    Run(&'a RunSummary),
}

/// What code returned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Returned {
    /// Plain data.
    pub value: Value,
    /// True under `plan` when the value depends on what only a run can know.
    pub unknown: bool,
}

/// Why code did not return.
#[derive(Debug, Clone)]
pub enum Interrupt {
    /// It failed; the only one that a script can catch.
    Failed(Box<Failure>),
    /// It called `skip`, with the reason.
    Skipped(String),
    /// The context's token was cancelled: by Ctrl-C, by a timeout; who cancelled knows why.
    Cancelled,
    /// Under `plan`: it asked for what only a run can know; the text says what.
    KnownAfterRun(String),
}

/// A failure, as scripts, events and reports hold it: the error map of `language.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The class: `failed unreachable timeout denied invalid`.
    pub kind: ErrorKind,
    /// What went wrong.
    pub message: String,
    /// The operation that failed: `packages`, `http::get`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The host, URL or thing it failed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The command that failed, as a person would type it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Its exit status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// Its standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// Its standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// Where in the script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The calls that led there, the innermost first: position, and what was called there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<(Position, String)>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// Whatever else the script put into the map it threw; of a command, what was not kept of its output, as
    /// [`oneex_sdk::CutOutput::fields`] has it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Value>,
}

impl Failure {
    /// A failure with nothing but its class and message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            operation: None,
            target: None,
            command: None,
            code: None,
            stdout: None,
            stderr: None,
            position: None,
            frames: Vec::new(),
            hints: Vec::new(),
            extra: BTreeMap::new(),
        }
    }

    /// The failure that an operation's error is.
    pub fn of(error: OpError) -> Self {
        let mut failure = Self::new(error.kind, error.message);
        failure.hints.extend(error.hint);
        if let Some(command) = error.command {
            failure.command = Some(command.command);
            failure.code = Some(command.output.code());
            failure.stdout = Some(command.output.stdout_text());
            failure.stderr = Some(command.output.stderr_text());
            if command.output.truncated() {
                failure.extra.extend(command.output.cut.fields());
            }
        }
        failure
    }
}

/// A body, a condition, a rescue …: a closure of the script, or of a test.
pub trait Code: Send + Sync + std::fmt::Debug {
    /// Calls it on the present thread, which it blocks until it returns. It ends soon after
    /// `context.cancel` fires.
    fn call(&self, context: &Arc<NodeContext>, args: &[Arg<'_>]) -> Result<Returned, Interrupt>;
}
