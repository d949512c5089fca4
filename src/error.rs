//! The one error of the command line: what went wrong, what to do next, how the program ends.

use oneex_engine::diag::{Diagnostic, Diagnostics};
use oneex_engine::journal::JournalError;
use oneex_engine::run::Mistake;
use oneex_sdk::{OpError, visible};

use crate::exit::Exit;
use crate::report::diagnostic;
use crate::term::Output;

/// The most mistakes that are shown at once: the first ones are often the cause of the others.
const SHOWN: usize = 20;

/// What kind of failure it is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// What the person asked for cannot be done: flags, names, a script, a project file.
    Usage,
    /// It could be done and was not: a file that cannot be written, a program that is missing.
    Failed,
    /// A person, or a signal, stopped it.
    Interrupted,
    /// A person must approve it first.
    Waiting,
    /// Another run has the lock.
    Locked,
}

/// A failed command.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(crate) struct CommandError {
    /// What kind of failure it is.
    pub(crate) kind: ErrorKind,
    /// A lower-case fragment with literals in back-quotes; empty when the diagnostics say it all.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hints: Vec<String>,
    /// Mistakes in what people wrote, with their places.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl From<JournalError> for CommandError {
    fn from(error: JournalError) -> Self {
        let made = match error {
            JournalError::NoRun(_) | JournalError::Missing(_) => Self::usage(error.to_string()),
            _ => Self::failed(error.to_string()),
        };
        match error.hint() {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}

impl CommandError {
    fn new(kind: ErrorKind, message: String) -> Self {
        Self { kind, message, hints: Vec::new(), diagnostics: Vec::new() }
    }

    /// What the person asked for cannot be done.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message.into())
    }

    /// It could be done and was not.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message.into())
    }

    /// A person must approve it first.
    pub(crate) fn waiting(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Waiting, message.into())
    }

    /// Another run has the lock.
    pub(crate) fn locked(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Locked, message.into())
    }

    /// A person stopped it.
    pub(crate) fn interrupted() -> Self {
        Self::new(ErrorKind::Interrupted, "interrupted".to_owned())
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// It as data.
    pub(crate) fn mistakes(&self) -> Vec<Mistake> {
        let of = |diagnostic: &Diagnostic| Mistake {
            code: Some(diagnostic.code).filter(|code| !code.is_empty()),
            message: diagnostic.message.clone(),
            position: diagnostic.labels.first().map(|label| label.position.clone()),
            hints: diagnostic.hints.clone(),
        };
        let own = (!self.message.is_empty()).then(|| Mistake {
            code: None,
            message: self.message.clone(),
            position: None,
            hints: self.hints.clone(),
        });
        self.diagnostics.iter().map(of).chain(own).collect()
    }

    /// Shows it and says how the program ends.
    pub(crate) fn show(&self, stderr: &Output) -> Exit {
        stderr.write(&self.render(stderr.is_colored()));
        match self.kind {
            ErrorKind::Usage => Exit::Usage,
            ErrorKind::Failed => Exit::Failed,
            ErrorKind::Interrupted => Exit::Interrupted,
            ErrorKind::Waiting => Exit::Waiting,
            ErrorKind::Locked => Exit::Locked,
        }
    }

    /// The text that people see.
    pub(crate) fn render(&self, color: bool) -> String {
        let mut out = String::new();
        for diagnostic in self.diagnostics.iter().take(SHOWN) {
            out.push_str(&diagnostic::render(diagnostic, color));
        }
        if let Some(more) = self.diagnostics.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let rest =
                Diagnostic::error("", format!("there are {more} more mistakes")).hint("mend these first");
            out.push_str(&diagnostic::render(&rest, color));
        }
        if !self.message.is_empty() {
            let mut plain = Diagnostic::error("", visible(&self.message));
            plain.hints.clone_from(&self.hints);
            out.push_str(&diagnostic::render(&plain, color));
        }
        out
    }
}

impl From<Diagnostics> for CommandError {
    fn from(diagnostics: Diagnostics) -> Self {
        let mut error = Self::usage("");
        error.diagnostics = diagnostics.0;
        error
    }
}

impl From<Diagnostic> for CommandError {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics::from(diagnostic).into()
    }
}

impl From<OpError> for CommandError {
    fn from(error: OpError) -> Self {
        let mut failed = Self::failed(error.message);
        failed.hints.extend(error.hint);
        failed
    }
}

#[cfg(test)]
mod tests {
    use oneex_engine::diag::{Diagnostic, Diagnostics};

    use super::{CommandError, SHOWN};
    use crate::exit::Exit;
    use crate::term::capture;

    #[test]
    fn shows_the_message_and_the_hints_and_decides_the_exit() {
        let (output, captured) = capture::output(false);
        let error = CommandError::usage("there is no runbook `x`").hint("did you mean `y`?");
        assert_eq!(error.show(&output), Exit::Usage);
        assert_eq!(captured.text(), "error: there is no runbook `x`\n |\n = help: did you mean `y`?\n");
    }

    #[test]
    fn of_many_mistakes_the_first_are_shown_and_the_others_counted() {
        let mistakes = |count: usize| {
            let all = (0..count).map(|number| Diagnostic::error("x", format!("no {number}"))).collect();
            CommandError::from(Diagnostics(all)).render(false)
        };
        assert!(mistakes(SHOWN).ends_with("error[x]: no 19\n"));
        let text = mistakes(SHOWN + 3);
        assert!(
            text.ends_with("no 19\nerror: there are 3 more mistakes\n |\n = help: mend these first\n"),
            "{text}"
        );
    }

    #[test]
    fn control_characters_of_a_message_are_written_out() {
        let (output, captured) = capture::output(false);
        CommandError::failed("bad \x1b[2J name").show(&output);
        assert_eq!(captured.text(), "error: bad \\x1b[2J name\n");
    }
}
