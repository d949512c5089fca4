//! Whether a run goes on: as long as it does, its process holds the lock of a file beside the journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{JournalError, JournalResult};

/// The run goes on as long as this is there.
#[derive(Debug)]
pub(super) struct Alive {
    path: PathBuf,
    _locked: File,
}

impl Alive {
    /// The run goes on from now on; an error where it does in another process.
    pub(super) fn begin(journal: &Path, run: &str) -> JournalResult<Self> {
        let path = file(journal, run);
        let io = |error| JournalError::io(&path, &error);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, _locked: file }),
            Err(TryLockError::WouldBlock) => Err(JournalError::Running(run.to_owned())),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether the run goes on in some process.
pub(super) fn is_alive(journal: &Path, run: &str) -> bool {
    let Ok(file) = File::open(file(journal, run)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn file(journal: &Path, run: &str) -> PathBuf {
    let mut name = journal.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{run}.lock"));
    journal.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::{Alive, is_alive};
    use crate::journal::JournalError;

    #[test]
    fn a_run_goes_on_in_one_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder.path().join("journal.db");
        assert!(!is_alive(&journal, "a"));
        let alive = Alive::begin(&journal, "a").expect("it begins");
        assert!(is_alive(&journal, "a") && !is_alive(&journal, "b"));
        assert!(matches!(Alive::begin(&journal, "a"), Err(JournalError::Running(run)) if run == "a"));
        drop(alive);
        assert!(!is_alive(&journal, "a"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left");
        drop(Alive::begin(&journal, "a").expect("it goes on"));
    }
}
