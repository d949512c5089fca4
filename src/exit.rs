//! The exit codes: documented, distinct, and a promise to scripts that call oneex.

use std::process::ExitCode;

use oneex_engine::run::RunStatus;

/// How the program ends.
///
/// | code | meaning |
/// | --- | --- |
/// | 0 | everything ended well |
/// | 1 | a task failed, or a file could not be written |
/// | 2 | a usage or script error: nothing was run |
/// | 3 | no task failed, and a host was unreachable |
/// | 4 | everything else is done, and a gate waits for approval |
/// | 5 | `plan --exit-code`: a run would change something; `diff`: two runs differ |
/// | 6 | another run has the lock: nothing was run |
/// | 130 | interrupted by Ctrl-C or a signal |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything ended well.
    Ok,
    /// A task failed, or a file could not be written.
    Failed,
    /// A usage or script error.
    Usage,
    /// No task failed, and a host was unreachable.
    Unreachable,
    /// A gate waits for approval.
    Waiting,
    /// A run would change something.
    WouldChange,
    /// Another run has the lock.
    Locked,
    /// Ctrl-C, or a signal.
    Interrupted,
}

/// The table above, as the long help shows it.
pub(crate) const HELP: &str = "\
Exit codes:
  0    everything ended well
  1    a task failed, or a file could not be written
  2    a usage or script error: nothing was run
  3    no task failed, and a host was unreachable
  4    everything else is done, and a gate waits for approval
  5    `plan --exit-code`: a run would change something; `diff`: two runs differ
  6    another run has the lock: nothing was run
  130  interrupted by Ctrl-C or a signal";

impl Exit {
    /// The number that the calling process sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Waiting => 4,
            Self::WouldChange => 5,
            Self::Locked => 6,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

impl From<RunStatus> for Exit {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Ok => Self::Ok,
            RunStatus::Failed => Self::Failed,
            RunStatus::Unreachable => Self::Unreachable,
            RunStatus::Interrupted => Self::Interrupted,
            RunStatus::Waiting => Self::Waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Exit, HELP};

    #[test]
    fn codes_are_distinct_and_all_in_the_help() {
        let all = [
            Exit::Ok,
            Exit::Failed,
            Exit::Usage,
            Exit::Unreachable,
            Exit::Waiting,
            Exit::WouldChange,
            Exit::Locked,
            Exit::Interrupted,
        ];
        let codes: BTreeSet<u8> = all.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes.len(), all.len());
        for code in codes {
            assert!(HELP.lines().any(|line| line.trim_start().starts_with(&format!("{code} "))), "{code}");
        }
    }
}
