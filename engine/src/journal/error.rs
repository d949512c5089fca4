//! What a journal fails with.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// The result of everything that is done with a journal.
pub type JournalResult<T> = Result<T, JournalError>;

/// What is wrong with a journal.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// There is none.
    #[error("there is no journal `{}`", .0.display())]
    Missing(PathBuf),
    /// The file is something else.
    #[error("`{}` is not a journal of oneex", .0.display())]
    Foreign(PathBuf),
    /// A newer oneex wrote it.
    #[error("the journal `{}` has format {found}, and this oneex knows formats up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// What the file holds cannot be read as a database.
    #[error("the journal `{}` is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says of it.
        why: String,
    },
    /// It cannot be opened, read or written.
    #[error("the journal `{}` cannot be used: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A record is not as this format has it.
    #[error("record {seq} of run {run} cannot be read: {why}")]
    Record {
        /// The run's id.
        run: String,
        /// Its number in the run.
        seq: u64,
        /// Why.
        why: String,
    },
    /// The run goes on in another process.
    #[error("the run {0} goes on in another process")]
    Running(String),
    /// No run fits what was asked for.
    #[error("{0}")]
    NoRun(String),
    /// What is sealed cannot be opened.
    #[error("what is sealed in the journal cannot be opened: {0}")]
    Sealed(String),
}

impl JournalError {
    /// What SQLite failed with on this file.
    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, why) = (path.to_owned(), error.to_string());
        // A value of another kind than the table's was put there by somebody else.
        if let rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::FromSqlConversionFailure(..) = error
        {
            return Self::Damaged { path, why };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign(path),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, why },
            _ => Self::Unusable { path, why },
        }
    }

    /// What the file system failed with on this file.
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::Unusable { path: path.to_owned(), why: error.to_string() }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Missing(_) => "`oneex run` makes it; `--journal PATH` names another",
            Self::Foreign(_) => "`--journal PATH` names another",
            Self::Newer { .. } => "use the version of oneex that wrote it, or a newer one",
            Self::Damaged { .. } => {
                "`oneex journal verify` says what can still be read; move the file away to begin a new one"
            }
            Self::Unusable { .. } => {
                "check the disk and the rights to the folder, or name another with `--journal PATH`"
            }
            Self::Record { .. } => "`oneex journal verify` says whether it was changed",
            Self::Running(_) => "wait for its end, or stop it with Ctrl-C",
            Self::NoRun(_) => "`oneex history` lists the runs",
            Self::Sealed(_) => {
                "the key that sealed it is needed: the file that `journal.key` of `oneex.toml` names"
            }
        })
    }
}
