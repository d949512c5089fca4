//! What an operation fails with.

use crate::CommandOutput;

/// The result of everything an operation does.
pub type OpResult<T> = Result<T, OpError>;

/// The class of a failure, as `kind` of a script's error map shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The target answered, and the answer was a failure.
    Failed,
    /// The target could not be reached, or the connection to it was lost.
    Unreachable,
    /// A time limit passed.
    Timeout,
    /// The target refused: authentication, permission, a host key that does not match.
    Denied,
    /// The call itself is wrong: an option, a path, a name that does not exist.
    Invalid,
    /// The run, the node or the attempt was cancelled. Scripts cannot catch it.
    Cancelled,
}

impl ErrorKind {
    /// The word that scripts and reports see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The command that a failure came from, as a person would type it, and what it said.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedCommand {
    /// The command line, quoted for a shell.
    pub command: String,
    /// Exit status and output.
    pub output: CommandOutput,
}

/// A failed operation.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct OpError {
    /// The class of the failure.
    pub kind: ErrorKind,
    /// A lower-case fragment with literals in back-quotes.
    pub message: String,
    /// What to do next, where that is known.
    pub hint: Option<String>,
    /// The place in a file of the project, as a template, that the error is about: file, line, column.
    pub place: Option<Box<(String, u32, u32)>>,
    /// The command that failed, where one did.
    pub command: Option<Box<FailedCommand>>,
    /// A command was begun, and nobody knows how it ended.
    pub is_fate_unknown: bool,
}

impl OpError {
    /// Makes an error of any kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, place: None, command: None, is_fate_unknown: false }
    }

    /// The target answered with a failure.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// The call itself is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// The target could not be reached.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreachable, message)
    }

    /// The target refused.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, message)
    }

    /// A time limit passed.
    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Timeout, message)
    }

    /// The call was cancelled.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled")
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds that a command was begun, and nobody knows how it ended.
    #[must_use]
    pub fn fate_unknown(mut self) -> Self {
        self.is_fate_unknown = true;
        self
    }

    /// Adds the command that failed.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>, output: CommandOutput) -> Self {
        self.command = Some(Box::new(FailedCommand { command: command.into(), output }));
        self
    }
}
