//! The laws that every operation keeps, as functions that its tests call.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oneex_sdk::{Change, DynOp, Kind, Op, OpResult, Output, Value, Writer, erase};
use sha2::{Digest as _, Sha256};

use crate::TestHost;

/// A host on which a test sees whatever an operation does.
pub trait Watched: Writer {
    /// How many requests had to be answered so far.
    fn trips(&self) -> u64;

    /// Whether commands find everything that lasts read-only from now on.
    fn freeze(&self, frozen: bool);

    /// All that operations may change, in every respect that a change would show in.
    fn seen(&self) -> BTreeMap<PathBuf, String>;
}

impl Watched for TestHost {
    fn trips(&self) -> u64 {
        self.round_trips()
    }

    fn freeze(&self, frozen: bool) {
        TestHost::freeze(self, frozen);
    }

    fn seen(&self) -> BTreeMap<PathBuf, String> {
        snapshot(self.root())
    }
}

/// What came of an operation.
#[derive(Debug)]
pub struct Done {
    /// Whether something changed, as the engine reports it.
    pub changed: bool,
    /// What `diff` found before.
    pub change: Change,
    /// The result's own fields.
    pub output: Output,
}

/// The options as they are shown.
pub fn shown<O: Op>(op: O, options: Value) -> Value {
    erase(op).bind(options).expect("options that fit").shown()
}

/// Runs an operation as the engine does: read, diff and, where that is not empty, apply.
pub async fn run<O: Op>(op: O, host: &dyn Writer, options: Value) -> OpResult<Done> {
    call(&erase(op), host, &options).await
}

/// Reads and differs, as `plan` does.
pub async fn plan<O: Op>(op: O, host: &dyn Writer, options: Value) -> OpResult<Change> {
    let call = erase(op).bind(options)?;
    Ok(call.look(host).await?.change)
}

async fn call(op: &Arc<dyn DynOp>, host: &dyn Writer, options: &Value) -> OpResult<Done> {
    let call = op.bind(options.clone())?;
    let looked = call.look(host).await?;
    let applies = !looked.change.is_empty();
    let output = if applies { call.apply(host, &looked).await? } else { looked.output.clone() };
    let changed = output.changed.unwrap_or(applies && op.manual().kind != Kind::Read);
    Ok(Done { changed, change: looked.change, output })
}

/// Runs an ensure and asserts its laws: `read` costs at most one round trip, needs nothing that can be
/// written and changes nothing; with `apply` it is two at most, beside uploads; after `apply`, `read` and `diff` find
/// nothing; a second run changes nothing. Gives what the first run did.
pub async fn ensures<O: Op>(op: O, host: &impl Watched, options: Value) -> OpResult<Done> {
    let op = erase(op);
    let name = op.manual().full_name();
    let call_before = op.bind(options.clone())?;
    let (before, trips) = (host.seen(), host.trips());
    host.freeze(true);
    let looked = call_before.look(host).await;
    host.freeze(false);
    assert!(host.trips() - trips <= 1, "`{name}` read with {} round trips", host.trips() - trips);
    assert_same(&before, &host.seen(), &format!("`read` of `{name}` changed something"));
    drop(looked?);

    let trips = host.trips();
    let done = call(&op, host, &options).await?;
    assert!(host.trips() - trips <= 2, "`{name}` was done with {} round trips", host.trips() - trips);
    let after = host.seen();
    let again = op.bind(options.clone())?.look(host).await?;
    assert!(again.change.is_empty(), "`{name}` is not done after `apply`: {}", again.change.to_text());
    let second = call(&op, host, &options).await?;
    assert!(!second.changed, "a second run of `{name}` says that it changed something");
    assert_same(&after, &host.seen(), &format!("a second run of `{name}` changed something"));
    Ok(done)
}

/// Asserts that two looks saw the same, and says what differs.
fn assert_same(before: &BTreeMap<PathBuf, String>, after: &BTreeMap<PathBuf, String>, message: &str) {
    let paths: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    let differs = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    let told: Vec<String> = differs
        .map(|path| format!("{}: {:?} → {:?}", path.display(), before.get(path), after.get(path)))
        .collect();
    assert!(told.is_empty(), "{message}:\n{}", told.join("\n"));
}

/// Asserts that an operation may be killed before any program that its scripts start: what `observe`
/// sees is then the old or the new, nothing else, and the next run brings the new and leaves nothing of its own
/// or of the one before. `prepare` fills
/// the folder of a new host and gives the options. Gives the number of places where it was cut.
pub async fn survives_cuts<O: Op, T: PartialEq + std::fmt::Debug>(
    op: O,
    prepare: impl Fn(&TestHost) -> Value,
    observe: impl Fn(&TestHost) -> T,
) -> usize {
    let op = erase(op);
    let (old, new) = {
        let host = TestHost::new();
        let options = prepare(&host);
        let old = observe(&host);
        call(&op, &host, &options).await.expect("a run that nothing cuts");
        (old, observe(&host))
    };
    for place in 0.. {
        let host = TestHost::new();
        let options = prepare(&host);
        let bound = op.bind(options.clone()).expect("options that fit");
        let looked = bound.look(&host).await.expect("the state");
        host.cut_after(place);
        let result = bound.apply(&host, &looked).await;
        if !host.mend() {
            result.expect("a run that nothing cut");
            return place;
        }
        let seen = observe(&host);
        assert!(seen == old || seen == new, "cut at {place}: {seen:?} is neither {old:?} nor {new:?}");
        call(&op, &host, &options).await.expect("the run that finishes");
        assert_eq!(observe(&host), new, "the run after a cut at {place}");
        let staged: Vec<_> = snapshot(host.root()).into_keys().filter(|path| is_staged(path)).collect();
        assert!(seen == new || staged.is_empty(), "the run after a cut at {place} leaves {staged:?}");
    }
    unreachable!("a script starts finitely many programs")
}

/// Whether a name is one that operations give to what is not yet in its place.
fn is_staged(path: &Path) -> bool {
    path.to_string_lossy().contains(".oneex-")
}

/// Asserts that an operation on a full disk of 64 KiB fails and leaves what `observe` sees as it was, and
/// nothing of its own; and that the next run brings the new once there is space. `prepare` fills the
/// folder of a new host and gives the options.
pub async fn survives_a_full_disk<O: Op, T: PartialEq + std::fmt::Debug>(
    op: O,
    prepare: impl Fn(&TestHost) -> Value,
    observe: impl Fn(&TestHost) -> T,
) {
    let op = erase(op);
    let name = op.manual().full_name();
    for free in [0, 1, 2] {
        let host = TestHost::on_disk(64 << 10);
        let options = prepare(&host);
        let old = observe(&host);
        fill(host.root(), free * 4096);
        let names = || snapshot(host.root()).into_keys().collect::<Vec<_>>();
        let before = names();
        let failed = call(&op, &host, &options).await;
        assert!(failed.is_err(), "`{name}` with {free} free pages: {failed:?}");
        assert_eq!(observe(&host), old, "`{name}` with {free} free pages");
        assert_eq!(names(), before, "`{name}` with {free} free pages leaves something");
        std::fs::remove_file(host.root().join(FILLER)).expect("the filler");
        call(&op, &host, &options).await.expect("a run with enough space");
        assert_ne!(observe(&host), old, "`{name}` changes nothing");
    }
}

const FILLER: &str = "filler";

/// Fills the disk of `folder` until only `free` bytes are left.
fn fill(folder: &Path, free: u64) {
    let path = folder.join(FILLER);
    let mut size = 0;
    // The length that was written counts, whatever write failed last.
    while std::fs::write(&path, vec![1; size + 4096]).is_ok() {
        size += 4096;
        assert!(size < 1 << 20, "the disk is not small");
    }
    let file = std::fs::OpenOptions::new().write(true).open(&path).expect("the filler");
    file.set_len((size as u64).saturating_sub(free)).expect("the filler's new length");
}

/// What a folder holds, in every respect that a change would show in; access times left out.
pub fn snapshot(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![root.to_owned()];
    while let Some(path) = left.pop() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        let content = if metadata.is_file() {
            std::fs::read(&path).map(|bytes| format!("{:x}", Sha256::digest(bytes))).unwrap_or_default()
        } else if metadata.is_symlink() {
            std::fs::read_link(&path).map(|target| format!("{target:?}")).unwrap_or_default()
        } else {
            left.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            String::new()
        };
        let line = format!(
            "{:o} {}:{} {} {}.{} {} {content}",
            metadata.mode(),
            metadata.uid(),
            metadata.gid(),
            metadata.ino(),
            metadata.ctime(),
            metadata.ctime_nsec(),
            metadata.size(),
        );
        found.insert(path, line);
    }
    found
}
