//! One call of code: its context, its token, its time limit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use oneex_sdk::{CancellationToken, ErrorKind};

use super::executor::guarded;
use super::policy::shown;
use super::{Arg, Code, Failure, Interrupt, NodeContext, NodeKey, Phase, Returned, RunContext};
use crate::ahead::Ahead;
use crate::graph::{Task, TaskId};

/// What all calls for one node share.
pub(super) struct Caller {
    pub(super) run: Arc<RunContext>,
    pub(super) node: NodeKey,
    pub(super) task: Option<TaskId>,
    pub(super) changed: Arc<AtomicBool>,
    pub(super) assumes: Arc<Mutex<Option<String>>>,
}

impl Caller {
    pub(super) fn new(run: &Arc<RunContext>, node: NodeKey, task: Option<TaskId>) -> Self {
        Self { run: Arc::clone(run), node, task, changed: Arc::default(), assumes: Arc::default() }
    }

    /// Calls code under a child of `parent`. A time limit that passed and a panic are failures, so
    /// what is left of [`Interrupt::Cancelled`] means that `parent` fired.
    pub(super) fn call(
        &self,
        code: &Arc<dyn Code>,
        (phase, attempt): (Phase, u32),
        parent: &CancellationToken,
        limit: Option<Duration>,
        args: &[Arg<'_>],
    ) -> Result<Returned, Interrupt> {
        let task = self.task.and_then(|id| self.run.graph.task(id));
        let cancel = parent.child_token();
        let context = Arc::new(NodeContext {
            run: Arc::clone(&self.run),
            node: self.node.clone(),
            task: self.task,
            phase,
            attempt,
            cancel: cancel.clone(),
            sudo: task.and_then(|task| task.sudo.clone()),
            sensitive: task.is_some_and(|task| task.sensitive),
            changed: Arc::clone(&self.changed),
            assumes: Arc::clone(&self.assumes),
            ahead: self.ahead(phase, task),
            cancelled_at: OnceLock::new(),
        });
        let timer = limit.map(|limit| Timer::start(&self.run, limit, cancel));
        let result = guarded(|| code.call(&context, args));
        let late = timer.and_then(Timer::stop);
        if let (Some(ahead), Ok(Ok(_))) = (&context.ahead, &result) {
            ahead.learn(&self.run.reads);
        }
        match result {
            Err(panic) => Err(Interrupt::Failed(Box::new(internal(&panic)))),
            Ok(Err(Interrupt::Failed(failure))) if failure.kind != ErrorKind::Cancelled => {
                Err(Interrupt::Failed(failure))
            }
            Ok(Err(Interrupt::Cancelled | Interrupt::Failed(_))) => match late {
                Some(limit) => {
                    let mut failure =
                        Failure::new(ErrorKind::Timeout, format!("took longer than {}", shown(limit)));
                    if let Some(at) = context.cancelled_at.get().cloned() {
                        (failure.position, failure.frames) = (Some(at.position), at.frames);
                    }
                    Err(Interrupt::Failed(Box::new(failure)))
                }
                None if parent.is_cancelled() || self.run.guards.why().is_some() => Err(Interrupt::Cancelled),
                None => {
                    let failure = Failure::new(ErrorKind::Failed, "was cancelled, and not by this run");
                    Err(Interrupt::Failed(Box::new(failure)))
                }
            },
            Ok(other) => other,
        }
    }

    /// Only what a body reads comes again as it was; what a sensitive task reads is not for a file.
    fn ahead(&self, phase: Phase, task: Option<&Task>) -> Option<Ahead> {
        let remembered = phase == Phase::Body && task.is_some_and(|task| !task.sensitive);
        (remembered && !self.run.reads.is_off()).then(Ahead::default)
    }
}

/// What a defect of the program looks like to people.
pub(super) fn internal(panic: &str) -> Failure {
    let mut failure = Failure::new(ErrorKind::Failed, format!("internal error: {panic}"));
    failure.hints.push("this is a defect of oneex: please report it with the runbook's lines".to_owned());
    failure
}

/// Cancels a token after a time.
struct Timer {
    limit: Duration,
    fired: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Timer {
    fn start(run: &RunContext, limit: Duration, cancel: CancellationToken) -> Self {
        let fired = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&fired);
        let task = run.runtime.spawn(async move {
            tokio::time::sleep(limit).await;
            mark.store(true, Ordering::Release);
            cancel.cancel();
        });
        Self { limit, fired, task }
    }

    /// Says the limit where it has passed.
    fn stop(self) -> Option<Duration> {
        self.task.abort();
        self.fired.load(Ordering::Acquire).then_some(self.limit)
    }
}
