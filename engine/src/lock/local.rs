//! Locks of one machine: a register in a folder, and a file for each owner that only a living process has locked.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oneex_sdk::{BoxFuture, OpError, io_reason};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::register::Register;
use super::{Attempt, Break, Breaking, Holder, Lease, LockError, LockStore, RenewError, Scope};

/// How long a run goes by what it has seen of its lease: so soon it knows that somebody broke it.
const SEEN: Duration = Duration::from_secs(6);

/// The ending of the files of owners.
const ENDING: &str = ".owner";

/// How long another process may keep the register to itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps locks in a folder of a file system that all runs share.
///
/// An owner has a file there that it holds by flock(2) as long as it lives. The kernel gives that up with the last
/// process that has it, so a dead owner's lock is free at once, whatever process numbers, containers, reboots and
/// clocks do; no lease of this store ends by itself.
#[derive(Clone)]
pub struct LocalLocks {
    folder: PathBuf,
    /// The files of the runs of this process.
    owned: Arc<Mutex<HashMap<String, File>>>,
}

impl LocalLocks {
    /// Keeps them in `folder`, which is made with the first lock.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), owned: Arc::default() }
    }

    fn owned(&self) -> MutexGuard<'_, HashMap<String, File>> {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn register(&self) -> PathBuf {
        self.folder.join("register.json")
    }

    /// The file of an owner; none for a word that could lead elsewhere.
    fn file(&self, owner: &str) -> Option<PathBuf> {
        let is_word = !owner.is_empty() && owner.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        is_word.then(|| self.folder.join(format!("{owner}{ENDING}")))
    }

    /// Looks whether any process holds the owner's file; many may look at once.
    fn is_dead(&self, owner: &str) -> bool {
        let file = self.file(owner).and_then(|path| File::open(path).ok());
        file.is_none_or(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_ok())
    }

    /// Makes the owner's file, and holds it.
    fn live(&self, owner: &str) -> Result<(), LockError> {
        let Some(path) = self.file(owner) else {
            return Err(LockError::Unavailable(OpError::invalid(format!("`{owner}` is no owner's word"))));
        };
        let file = hold(&path)?;
        self.owned().insert(owner.to_owned(), file);
        Ok(())
    }

    fn die(&self, owner: &str) {
        if self.owned().remove(owner).is_some()
            && let Some(path) = self.file(owner)
        {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Changes the register while no other process does.
    fn change<T>(&self, change: impl FnOnce(&mut Register) -> T) -> Result<T, LockError> {
        std::fs::create_dir_all(&self.folder).map_err(|error| unavailable(&self.folder, &error))?;
        let _turn = hold(&self.folder.join("turn"))?;
        let path = self.register();
        let mut register = self.read()?;
        let before = register.clone();
        register.sweep(Duration::ZERO, |entry| self.is_dead(&entry.holder.owner));
        self.bury();
        let changed = change(&mut register);
        if register != before {
            self.write(&register.text()?).map_err(|error| unavailable(&path, &error))?;
        }
        Ok(changed)
    }

    /// Removes the files of owners that are dead, also of those that died before they had a lease. Nobody makes one
    /// meanwhile.
    fn bury(&self) {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for path in files.map(|entry| entry.path()) {
            let owner = path.file_name().and_then(|name| name.to_str()?.strip_suffix(ENDING));
            if owner.is_some_and(|owner| self.is_dead(owner)) {
                let _ = std::fs::remove_file(&path);
            }
        }
    }

    fn read(&self) -> Result<Register, LockError> {
        let path = self.register();
        let mut text = String::new();
        match File::open(&path).and_then(|mut file| file.read_to_string(&mut text)) {
            Ok(_) => Register::parse(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Register::default()),
            Err(error) => Err(unavailable(&path, &error)),
        }
    }

    /// Replaces the register in one step, so that a crash leaves the old or the new one. Which of them does not matter
    /// after a power loss, which no owner outlives; that it is whole does.
    fn write(&self, text: &str) -> std::io::Result<()> {
        let new = self.folder.join("register.new");
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        std::fs::rename(new, self.register())
    }

    fn acquire_now(&self, wanted: &Holder) -> Result<Attempt, LockError> {
        let acquired = self.change(|register| {
            let is_new = !self.owned().contains_key(&wanted.owner);
            if is_new {
                self.live(&wanted.owner)?;
            }
            let acquired = register.acquire(wanted, None);
            if acquired.is_err() && is_new {
                self.die(&wanted.owner);
            }
            Ok(acquired)
        });
        Ok(Attempt::acquired(acquired.flatten()?, wanted))
    }

    /// Does it on a thread that may block.
    fn apart<'a, T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, LockError> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, LockError>> {
        let store = self.clone();
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&store)).await;
            done.unwrap_or_else(|error| Err(LockError::Unavailable(OpError::failed(error.to_string()))))
        })
    }
}

/// Opens a file, and waits until nobody else holds it.
fn hold(path: &Path) -> Result<File, LockError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| unavailable(path, &error))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(unavailable(path, &error.into())),
        }
    }
}

fn unavailable(path: &Path, error: &std::io::Error) -> LockError {
    LockError::Unavailable(OpError::failed(format!("`{}`: {}", path.display(), io_reason(error))))
}

impl LockStore for LocalLocks {
    fn place(&self) -> String {
        format!("`{}`", self.folder.display())
    }

    fn ttl(&self) -> Duration {
        SEEN
    }

    fn acquire<'a>(&'a self, wanted: &'a Holder) -> BoxFuture<'a, Result<Attempt, LockError>> {
        let wanted = wanted.clone();
        self.apart(move |store| store.acquire_now(&wanted))
    }

    fn extend<'a>(
        &'a self,
        lease: &'a Lease,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Attempt, RenewError>> {
        let (lease, longer) = (lease.clone(), lease.clone().with(scope));
        let wanted = longer.holder.clone();
        let extended =
            self.apart(move |store| store.change(|register| register.extend(&wanted, lease.fence, None)));
        Box::pin(async move { Ok(Attempt::of(extended.await??, longer)) })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), RenewError>> {
        let lease = lease.clone();
        // The register is replaced in one step: reading it needs no turn.
        let renewed = self.apart(move |store| Ok(store.read()?.renew(&lease.holder, lease.fence, None)));
        Box::pin(async move { Ok(renewed.await??) })
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LockError>> {
        // The register forgets the dead with its next change.
        self.die(&lease.holder.owner);
        Box::pin(std::future::ready(Ok(())))
    }

    fn show(&self) -> BoxFuture<'_, Result<Vec<Holder>, LockError>> {
        self.apart(|store| {
            let mut register = store.read()?;
            register.sweep(Duration::ZERO, |entry| store.is_dead(&entry.holder.owner));
            Ok(register.holders())
        })
    }

    fn breaks(&self) -> BoxFuture<'_, Result<Vec<Break>, LockError>> {
        self.apart(|store| Ok(store.read()?.breaks))
    }

    fn break_locks<'a>(&'a self, breaking: &'a Breaking) -> BoxFuture<'a, Result<Vec<Break>, LockError>> {
        let breaking = breaking.clone();
        self.apart(move |store| store.change(|register| register.break_locks(&breaking)).flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{run, run_on, wait};
    use super::super::{Attempt, Breaking, Lease, LockError, LockStore, RenewError};
    use super::LocalLocks;

    fn store() -> (tempfile::TempDir, LocalLocks) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = LocalLocks::new(folder.path().join("locks"));
        (folder, store)
    }

    fn held(attempt: Result<Attempt, LockError>) -> Lease {
        match attempt.expect("the store answers") {
            Attempt::Held(lease) => lease,
            Attempt::HeldBy(holders) => panic!("{holders:?}"),
        }
    }

    /// Another process on the same folder.
    fn other(store: &LocalLocks) -> LocalLocks {
        LocalLocks::new(&store.folder)
    }

    #[test]
    fn a_dead_owners_lock_is_free_at_once_and_a_living_ones_is_not() {
        let (_folder, store) = store();
        let lease = held(wait(store.acquire(&run("one", "prod"))));
        let other = other(&store);
        let others = wait(other.acquire(&run("two", "prod"))).expect("an answer");
        assert_eq!(others, Attempt::HeldBy(vec![run("one", "prod")]));
        assert!(!other.folder.join("two.owner").exists(), "who is refused leaves nothing");
        assert_eq!(wait(other.show()).expect("read").len(), 1);
        // What the kernel does when the process is killed.
        store.owned().clear();
        assert!(wait(other.show()).expect("read").is_empty());
        let newer = held(wait(other.acquire(&run("two", "prod"))));
        assert!(newer.fence > lease.fence);
        assert!(matches!(wait(store.renew(&lease)), Err(RenewError::Lost(_))));
    }

    #[test]
    fn of_many_at_once_one_is_first() {
        let (_folder, store) = store();
        let fences = std::thread::scope(|scope| {
            let ask = |number: u32| {
                let store = other(&store);
                scope.spawn(move || match wait(store.acquire(&run(&format!("run-{number}"), "prod"))) {
                    // The owner lives on after the thread.
                    Ok(Attempt::Held(lease)) => (std::mem::forget(store), Some(lease.fence)).1,
                    Ok(Attempt::HeldBy(_)) => None,
                    Err(error) => panic!("{error}"),
                })
            };
            let threads: Vec<_> = (0..20).map(ask).collect();
            threads.into_iter().filter_map(|thread| thread.join().expect("no panic")).collect::<Vec<u64>>()
        });
        assert_eq!(fences, [1]);
    }

    #[test]
    fn a_lock_that_is_given_back_leaves_no_owner() {
        let (_folder, store) = store();
        let lease = held(wait(store.acquire(&run_on("one", "prod", "a"))));
        let scope = run_on("one", "prod", "b").scope;
        let longer = wait(store.extend(&lease, &scope)).expect("an answer");
        assert!(matches!(longer, Attempt::Held(ref longer) if longer.fence == lease.fence));
        assert!(matches!(wait(other(&store).acquire(&run_on("two", "prod", "b"))), Ok(Attempt::HeldBy(_))));
        wait(store.release(&lease)).expect("released");
        let names: Vec<_> = std::fs::read_dir(&store.folder).expect("a folder").collect();
        assert_eq!(names.len(), 2, "the register and whose turn it is: {names:?}");
        assert!(matches!(wait(store.extend(&lease, &scope)), Err(RenewError::Lost(_))));
    }

    #[test]
    fn whoever_died_before_it_had_a_lease_leaves_nothing() {
        let (_folder, store) = store();
        std::fs::create_dir(&store.folder).expect("a folder");
        store.live("early").expect("it lives");
        held(wait(other(&store).acquire(&run("one", "prod"))));
        assert!(store.folder.join("early.owner").exists(), "it lives still");
        store.owned().clear();
        let attempt = wait(other(&store).acquire(&run("two", "prod"))).expect("an answer");
        assert!(matches!(attempt, Attempt::Held(_)), "the first is dead too");
        assert!(!store.folder.join("early.owner").exists());
    }

    #[test]
    fn looking_makes_nothing() {
        let (_folder, store) = store();
        assert!(
            wait(store.show()).expect("read").is_empty() && wait(store.breaks()).expect("read").is_empty()
        );
        assert!(!store.folder.exists());
    }

    #[test]
    fn a_break_is_remembered_and_fences() {
        let (_folder, store) = store();
        let lease = held(wait(store.acquire(&run("one", "prod"))));
        let at = "2026-03-01T11:00:00Z".parse().expect("a time");
        let breaking = Breaking { which: Some("prod".into()), by: "eve".into(), reason: "x".into(), at };
        wait(other(&store).break_locks(&breaking)).expect("broken");
        assert_eq!(wait(store.breaks()).expect("read")[0].by, "eve");
        assert!(matches!(wait(store.renew(&lease)), Err(RenewError::Lost(_))));
        assert!(wait(other(&store).break_locks(&breaking)).is_err(), "it is free");
    }

    #[test]
    fn what_is_damaged_or_leads_elsewhere_is_no_lock() {
        let (folder, store) = store();
        let outside = folder.path().join("precious.owner");
        std::fs::write(&outside, "").expect("a file");
        held(wait(store.acquire(&run("one", "prod"))));
        let text = std::fs::read_to_string(store.register()).expect("a register");
        let register = |text: &str| std::fs::write(store.register(), text).expect("a register");
        register(&text.replace("\"one\"", "\"../precious\""));
        assert!(wait(store.show()).expect("read").is_empty());
        assert!(outside.exists());
        register(&text[..text.len() / 2]);
        let error = wait(store.acquire(&run("two", "prod"))).expect_err("damaged");
        assert!(matches!(error, LockError::Damaged(_)), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let (folder, _) = store();
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("a file");
        let error =
            wait(LocalLocks::new(file.join("locks")).acquire(&run("one", "prod"))).expect_err("no folder");
        assert!(error.to_string().starts_with(&format!("`{}/locks`: ", file.display())), "{error}");
    }
}
