//! Files for output that is too long for memory: `RUNS/RUN/outputs/OPERATION-HOST.STREAM` on the controller.
//!
//! They are for people, who look at them soon or never: where a run needs such a file, those of old runs are removed.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, SystemTime};

use oneex_sdk::Stream;

use crate::redact::{Masker, Redactor};

/// The files of so many runs are kept, this one included.
const MOST_RUNS: usize = 20;
/// And so many bytes of them.
const MOST_BYTES: u64 = 8 << 30;
/// What was written so lately may be of a run that goes on beside this one.
const RECENT: Duration = Duration::from_secs(3600);
/// So much of a file is masked at a time.
const CHUNK: usize = 64 << 10;
/// The folder of these files in a run's own.
const FOLDER: &str = "outputs";

/// Where a run keeps such files.
#[derive(Debug)]
pub struct KeptOutputs {
    /// The folder of all runs, and in it that of this one.
    places: Option<(PathBuf, PathBuf)>,
    swept: Once,
    /// The files, and how many secrets were known when each was begun.
    files: Mutex<Vec<(PathBuf, usize)>>,
}

impl KeptOutputs {
    /// In the folder `runs`, for the run with this id; nowhere without a folder.
    pub(super) fn new(runs: Option<PathBuf>, id: &str) -> Self {
        let places = runs.map(|runs| (runs.join(id).join(FOLDER), runs)).map(|(own, runs)| (runs, own));
        Self { places, swept: Once::new(), files: Mutex::default() }
    }

    /// True where there is a place for them.
    pub(super) fn is_possible(&self) -> bool {
        self.places.is_some()
    }

    /// The path for a stream of an operation's command on a host.
    pub(super) fn path(&self, op: u64, host: &str, stream: Stream) -> Option<PathBuf> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let host: String = host.chars().map(|c| if is_plain(c) { c } else { '_' }).take(100).collect();
        Some(self.places.as_ref()?.1.join(format!("{op}-{host}.{}", stream.as_str())))
    }

    /// Makes the new file `path`, which nobody else may read, and removes those of old runs before the first. What this
    /// redactor knows is masked in what comes.
    pub(super) fn create(&self, path: &Path, redactor: &Redactor) -> io::Result<File> {
        if let Some((runs, own)) = &self.places {
            DirBuilder::new().recursive(true).mode(0o700).create(own)?;
            self.swept.call_once(|| sweep(runs, own, (MOST_RUNS, MOST_BYTES), SystemTime::now()));
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.push((path.to_owned(), redactor.known()));
        Ok(file)
    }

    /// Masks in the files of this run, which nobody writes any more, the secrets that became known after they were
    /// begun. The files of a run that is killed before that stay as they are.
    ///
    /// # Errors
    ///
    /// A file cannot be read or replaced. It is left then, and so are those behind it.
    pub fn mask_again(&self, redactor: &Redactor) -> io::Result<()> {
        let files = std::mem::take(&mut *self.files.lock().unwrap_or_else(PoisonError::into_inner));
        files
            .iter()
            .filter(|(_, known)| *known < redactor.known())
            .try_for_each(|(path, _)| mask(path, redactor))
    }
}

/// Replaces a file by what can be shown of it, where there is a secret in it.
fn mask(path: &Path, redactor: &Redactor) -> io::Result<()> {
    let (mut old, mut new) =
        (File::open(path)?, tempfile::NamedTempFile::new_in(path.parent().unwrap_or(path))?);
    let (mut masker, mut bytes) = (Masker::default(), vec![0; CHUNK]);
    loop {
        let count = old.read(&mut bytes)?;
        if count == 0 {
            break;
        }
        new.write_all(&masker.feed(redactor, bytes[..count].to_vec()))?;
    }
    new.write_all(&masker.finish(redactor))?;
    if masker.has_masked() {
        new.persist(path)?;
    }
    Ok(())
}

/// Removes the files of the oldest runs where there are more runs, or bytes, than these. What cannot be removed stays:
/// it is no reason to fail.
fn sweep(runs: &Path, own: &Path, (most_runs, most_bytes): (usize, u64), now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(runs) else { return };
    // The ids of runs begin with their time.
    let is_run = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| uuid::Uuid::parse_str(name).is_ok())
    };
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_run).collect();
    folders.sort_unstable_by(|a, b| b.cmp(a));
    let (mut count, mut bytes) = (0, 0);
    for folder in folders {
        let outputs = folder.join(FOLDER);
        let Some((size, written)) = measure(&outputs) else { continue };
        (count, bytes) = (count + 1, bytes + size);
        let old = now.duration_since(written).is_ok_and(|age| age >= RECENT);
        if (count > most_runs || bytes > most_bytes) && outputs != own && old {
            let removed = std::fs::remove_dir_all(&outputs);
            tracing::debug!(folder = %outputs.display(), ?removed, "old outputs");
            // What else is there of the run stays.
            let _ = std::fs::remove_dir(&folder);
        }
    }
}

/// The bytes of the files in a folder, and when one was written last.
fn measure(folder: &Path) -> Option<(u64, SystemTime)> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.metadata().ok());
    let written = std::fs::metadata(folder).and_then(|folder| folder.modified()).ok()?;
    Some(files.fold((0, written), |(bytes, last), file| {
        (bytes + file.len(), file.modified().map_or(last, |written| written.max(last)))
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::SystemTime;

    use oneex_sdk::Stream;

    use super::{FOLDER, KeptOutputs, RECENT, sweep};
    use crate::redact::Redactor;

    /// The id of the run at this time.
    fn id(time: u32) -> String {
        format!("0000{time:04}-0000-7000-8000-000000000000")
    }

    fn runs(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_for_nobody_else_and_have_plain_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let runs = folder.path().join(".oneex/runs");
        let kept = KeptOutputs::new(Some(runs.clone()), &id(1));
        assert!(!runs.exists(), "nothing before the first file");
        let path = kept.path(7, "../web 1/ü", Stream::Stderr).expect("a place");
        assert_eq!(path, runs.join(id(1)).join("outputs/7-.._web_1__.stderr"));
        kept.create(&path, &Redactor::default()).expect("it is made");
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
        assert_eq!((mode(&runs), mode(&runs.join(id(1)))), (0o700, 0o700));
        assert!(kept.create(&path, &Redactor::default()).is_err(), "nothing is written over");
        assert_eq!(KeptOutputs::new(None, "x").path(1, "web", Stream::Stdout), None);
    }

    #[test]
    fn secrets_that_became_known_late_are_masked_when_the_run_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = KeptOutputs::new(Some(folder.path().to_owned()), &id(1));
        let redactor = Redactor::default();
        redactor.register_all(["early-secret"]);
        let text = format!("{}late-secret and more", "x".repeat(super::CHUNK - 3));
        let write = |op| {
            let path = kept.path(op, "h1", Stream::Stdout).expect("a place");
            kept.create(&path, &redactor)
                .expect("it is made")
                .write_all(text.as_bytes())
                .expect("it is written");
            path
        };
        let before = write(1);
        redactor.register_all(["late-secret", "another one"]);
        let after = write(2);
        kept.mask_again(&redactor).expect("they are masked");
        let read = |path: &Path| std::fs::read_to_string(path).expect("it is there");
        assert_eq!(read(&before), text.replace("late-secret", "•••"));
        assert_eq!(before.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
        assert!(read(&after) == text, "what was masked while it came is left alone");
        assert_eq!(std::fs::read_dir(before.parent().expect("a folder")).expect("a folder").count(), 2);
        std::fs::remove_file(&before).expect("it is removed");
        kept.mask_again(&redactor).expect("nothing is left to do");
    }

    #[test]
    fn old_runs_lose_their_outputs_and_nothing_else() {
        let later = SystemTime::now() + 2 * RECENT;
        for (limits, now, left) in [
            ((3, 1000), later, vec![3, 4, 5]),
            ((9, 25), later, vec![4, 5]),
            ((9, 9), later, vec![5]),
            ((0, 0), later, vec![5]),
            ((9, 1000), later, vec![1, 2, 3, 4, 5]),
            ((1, 9), SystemTime::now(), vec![1, 2, 3, 4, 5]),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            for time in 1..=5 {
                let outputs = folder.path().join(id(time)).join(FOLDER);
                std::fs::create_dir_all(&outputs).expect("a folder");
                std::fs::write(outputs.join("1-web.stdout"), "ten bytes.").expect("a file");
            }
            // What is not a run's, and what else a run has.
            std::fs::create_dir_all(folder.path().join("mine").join(FOLDER)).expect("a folder");
            std::fs::write(folder.path().join(id(2)).join("note"), "").expect("a file");
            sweep(folder.path(), &folder.path().join(id(5)).join(FOLDER), limits, now);
            let mut expected: Vec<u32> = left.clone();
            expected.push(2);
            expected.sort_unstable();
            expected.dedup();
            let expected: Vec<String> = expected.into_iter().map(id).chain(["mine".to_owned()]).collect();
            assert_eq!(runs(folder.path()), expected, "{limits:?}");
            assert_eq!(folder.path().join(id(2)).join(FOLDER).exists(), left.contains(&2), "{limits:?}");
        }
    }
}
