//! What the present thread runs: the load, or code of a node. Native functions of the language look
//! here, because Rhai hands them nothing else that differs from node to node.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Instant;

use super::error::Thrown;
use super::limits::{self, Excess};
use super::load::Script;
use crate::run::{Branch, NodeContext};

/// What the present thread runs.
#[derive(Clone)]
pub(crate) struct Current {
    /// The loaded, or loading, script.
    pub(crate) script: Arc<Script>,
    /// The node; none while the script loads.
    pub(crate) node: Option<Arc<NodeContext>>,
    /// Numbers the calls of the node; none while the script loads.
    pub(crate) branch: Option<Arc<Branch>>,
    /// When the script itself began to run, or came back from what it waited for.
    pub(crate) since: Instant,
    /// Why the code must end; once set, nothing of the script runs on, `catch` included.
    pub(crate) stop: Option<Stop>,
}

/// Why code ends without having failed. A script cannot catch it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stop {
    /// It called `skip`.
    Skipped(String),
    /// Its token was cancelled.
    Cancelled,
    /// Under `plan`: it asked for what only a run can know.
    KnownAfterRun(String),
    /// `params` was reached, and nothing more was asked for.
    ParamsReached,
    /// It had too much of something: it is in an endless loop, or in an endless recursion.
    Excess(Excess),
}

impl Current {
    /// Code of a node, or of the load.
    pub(crate) fn new(script: Arc<Script>, node: Option<Arc<NodeContext>>) -> Self {
        let branch = node.as_ref().map(|node| Branch::root(node.phase, node.attempt));
        Self { script, node, branch, since: Instant::now(), stop: None }
    }

    /// The same in another branch.
    pub(crate) fn within(mut self, branch: Arc<Branch>) -> Self {
        self.branch = Some(branch);
        self
    }

    /// The place of the next call; empty while the script loads.
    pub(crate) fn place(&self) -> String {
        self.branch.as_ref().map(|branch| branch.next()).unwrap_or_default()
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
    /// The code has run too long: the next variable that it reads ends it.
    static OVERDUE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` as `current`; returns what it returned and why it was stopped, if it was.
pub(crate) fn enter<T>(current: Current, work: impl FnOnce() -> T) -> (T, Option<Stop>) {
    struct Restore(Option<Current>, bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            OVERDUE.set(self.1);
            CURRENT.with(|slot| *slot.borrow_mut() = self.0.take());
        }
    }
    let before = CURRENT.with(|slot| slot.borrow_mut().replace(current));
    let restore = Restore(before, OVERDUE.replace(false));
    let result = work();
    let stop = CURRENT.with(|slot| slot.borrow_mut().as_mut().and_then(|current| current.stop.take()));
    drop(restore);
    (result, stop)
}

/// What the present thread runs. Fails outside of a run, where no script code can be.
pub(crate) fn current() -> Result<Current, Thrown> {
    CURRENT
        .with(|slot| slot.borrow().clone())
        .ok_or_else(|| Thrown::text("this function works only in a runbook"))
}

/// The present node. Fails while the script loads, naming the `word` that needs a task.
pub(crate) fn node(word: &str) -> Result<(Current, Arc<NodeContext>), Thrown> {
    let current = current()?;
    match current.node.clone() {
        Some(node) => Ok((current, node)),
        None => {
            Err(Thrown::invalid(format!("`{word}` touches the world, and the script is only being loaded"))
                .hint("call it in the body of a task: `task(\"name\").run(|| …)`"))
        }
    }
}

/// Notes that the code waited for something just now.
pub(crate) fn waited() {
    CURRENT.with(|slot| {
        if let Some(current) = slot.borrow_mut().as_mut() {
            current.since = Instant::now();
        }
    });
}

/// Does `work` in the branch of this index below the call at `place`.
pub(crate) fn in_branch<T>(place: &str, index: usize, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Arc<Branch>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            drop(exchange(self.0.take()));
        }
    }
    fn exchange(branch: Option<Arc<Branch>>) -> Option<Arc<Branch>> {
        CURRENT.with(|slot| {
            slot.borrow_mut().as_mut().and_then(|current| std::mem::replace(&mut current.branch, branch))
        })
    }
    let _restore = Restore(exchange(Some(Branch::below(place, index))));
    work()
}

/// The present node, for words that touch nothing but have a meaning in bodies alone.
pub(crate) fn body(word: &str) -> Result<(Current, Arc<NodeContext>), Thrown> {
    let current = current()?;
    match current.node.clone() {
        Some(node) => Ok((current, node)),
        None => Err(Thrown::invalid(format!("`{word}` works only in the body of a task"))
            .hint("call it in a body: `task(\"name\").run(|| …)`")),
    }
}

/// Ends the present code for a reason that cannot be caught.
pub(crate) fn stop(reason: Stop) -> Thrown {
    CURRENT.with(|slot| {
        if let Some(current) = slot.borrow_mut().as_mut() {
            current.stop.get_or_insert(reason);
        }
    });
    Thrown::Stopped
}

/// Asked by Rhai at each step of the script: says whether it must end.
pub(crate) fn must_end(operations: u64) -> bool {
    CURRENT.with(|slot| {
        let mut slot = slot.borrow_mut();
        let Some(current) = slot.as_mut() else { return false };
        // Looking at the token takes a lock, and the script does some ten million steps a second.
        if operations.is_multiple_of(256) {
            if current.node.as_ref().is_some_and(|node| node.cancel.is_cancelled()) {
                current.stop.get_or_insert(Stop::Cancelled);
            } else if limits::is_overdue(current.since.elapsed(), operations) && OVERDUE.replace(true) {
                // It has read no variable since it was overdue, which would have been the better end.
                current.stop.get_or_insert(Stop::Excess(Excess::Steps));
            }
        }
        current.stop.is_some()
    })
}

/// Whether the code has run too long, and reads variables still.
pub(super) fn is_overdue() -> bool {
    OVERDUE.get()
}
