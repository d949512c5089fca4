//! Holders, clocks and shared texts for tests.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oneex_sdk::{BoxFuture, OpError, OpResult, SharedReading, SharedText};

use super::{Clock, Holder, Scope};

/// A run that wants an environment.
pub(super) fn run(id: &str, environment: &str) -> Holder {
    Holder {
        run: id.to_owned(),
        owner: id.to_owned(),
        name: "deploy".to_owned(),
        user: "ada".to_owned(),
        machine: "ops1".to_owned(),
        process: 7,
        job: None,
        since: "2026-03-01T10:00:00Z".parse().expect("a time"),
        scope: Scope::environment(Some(environment)),
        expires: None,
    }
}

/// A run that wants hosts, with a letter each.
pub(super) fn run_on(id: &str, environment: &str, hosts: &str) -> Holder {
    let hosts = hosts.chars().map(String::from);
    Holder { scope: Scope::hosts(Some(environment), hosts), ..run(id, environment) }
}

/// Runs a future to its end.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// A clock that is set, in seconds.
#[derive(Clone, Default)]
pub(super) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(super) fn add(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn read(&self) -> Duration {
        Duration::from_secs((1_000_000 + self.0.load(Ordering::SeqCst)).unsigned_abs())
    }
}

impl Clock for TestClock {
    fn now(&self) -> Duration {
        self.read()
    }
}

/// A text in memory, which can be out of reach.
#[derive(Clone, Default)]
pub(super) struct TestText {
    pub(super) clock: TestClock,
    pub(super) is_gone: Arc<AtomicBool>,
    text: Arc<Mutex<(String, i64)>>,
}

impl TestText {
    pub(super) fn set_gone(&self, gone: bool) {
        self.is_gone.store(gone, Ordering::SeqCst);
    }

    fn check(&self) -> OpResult<()> {
        if self.is_gone.load(Ordering::SeqCst) { Err(OpError::unreachable("no route")) } else { Ok(()) }
    }
}

impl SharedText for TestText {
    fn place(&self) -> String {
        "the test".to_owned()
    }

    fn read(&self) -> BoxFuture<'_, OpResult<SharedReading>> {
        Box::pin(async {
            self.check()?;
            let (text, revision) = self.text.lock().expect("not poisoned").clone();
            Ok(SharedReading { text, revision, now: self.clock.read() })
        })
    }

    fn write<'a>(&'a self, text: &'a str, after: &'a SharedReading) -> BoxFuture<'a, OpResult<bool>> {
        Box::pin(async move {
            // Others may come between the reading and the writing.
            tokio::task::yield_now().await;
            self.check()?;
            let mut held = self.text.lock().expect("not poisoned");
            let first = held.1 == after.revision;
            if first {
                *held = (text.to_owned(), after.revision + 1);
            }
            Ok(first)
        })
    }
}
