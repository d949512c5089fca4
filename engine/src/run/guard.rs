//! What may stop a run before its next change: a lock that is lost, a journal that cannot be written.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use oneex_sdk::{BoxFuture, CancellationToken, OpError};

/// Is asked before every change of a run.
pub trait Guard: Send + Sync {
    /// Says whether a change may begin, on a host of the inventory or, without one, elsewhere: by an API, in
    /// memory. It is asked often, and answers from memory where it can.
    ///
    /// # Errors
    ///
    /// Why not, and whether it is only this change or all of the run.
    fn may_change<'a>(&'a self, host: Option<&'a str>) -> BoxFuture<'a, Result<(), Refusal>>;
}

/// Why a change may not begin.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// This change fails, as if the operation had; the script may catch it.
    Change(OpError),
    /// The run stops: nothing further is changed, and no script can catch it.
    Run(Halt),
}

/// Why a run was stopped by a guard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Halt {
    /// A lower-case fragment: "the lock was lost: …".
    pub message: String,
    /// What to do next, where that is known.
    pub hint: Option<String>,
}

impl Halt {
    /// Makes one without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The guards of a run, in the order in which they are asked.
#[derive(Default)]
pub struct Guards {
    all: RwLock<Vec<Arc<dyn Guard>>>,
    halt: OnceLock<Halt>,
    halted: CancellationToken,
}

impl Guards {
    /// Adds a guard; changes that have begun are not asked again.
    pub fn add(&self, guard: Arc<dyn Guard>) {
        self.all.write().unwrap_or_else(PoisonError::into_inner).push(guard);
    }

    /// Asks all of them. Once one has stopped the run, none is asked and nothing may be changed.
    ///
    /// # Errors
    ///
    /// The error that the change ends with; [`OpError::cancelled`] where the run is stopped.
    pub async fn may_change(&self, host: Option<&str>) -> Result<(), OpError> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner).clone();
        for guard in all {
            if self.halted.is_cancelled() {
                break;
            }
            match guard.may_change(host).await {
                Ok(()) => {}
                Err(Refusal::Change(error)) => return Err(error),
                Err(Refusal::Run(halt)) => self.halt(halt),
            }
        }
        if self.halted.is_cancelled() { Err(OpError::cancelled()) } else { Ok(()) }
    }

    /// Stops the run before its next change. Only the first reason counts.
    pub fn halt(&self, halt: Halt) {
        let _ = self.halt.set(halt);
        self.halted.cancel();
    }

    /// Why the run was stopped, where it was.
    pub fn why(&self) -> Option<&Halt> {
        self.halt.get()
    }

    /// Fires when the run is stopped.
    pub(super) fn halted(&self) -> &CancellationToken {
        &self.halted
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use oneex_sdk::{BoxFuture, ErrorKind, OpError};

    use super::{Guard, Guards, Halt, Refusal};

    /// Answers always the same, and counts how often it is asked.
    struct Fixed(Result<(), Refusal>, Arc<AtomicU32>);

    impl Guard for Fixed {
        fn may_change<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<(), Refusal>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { self.0.clone() })
        }
    }

    fn ask(guards: &Guards) -> Result<(), ErrorKind> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(guards.may_change(Some("web1"))).map_err(|error| error.kind)
    }

    #[test]
    fn the_first_refusal_decides_and_a_halt_is_for_good() {
        let halt = |text: &str| Err(Refusal::Run(Halt::new(text)));
        let one = Err(Refusal::Change(OpError::denied("held")));
        for (answers, first, asked, why) in [
            (vec![], Ok(()), 0, None),
            (vec![Ok(()), Ok(())], Ok(()), 4, None),
            (vec![Ok(()), one.clone(), halt("x")], Err(ErrorKind::Denied), 4, None),
            (vec![halt("lost"), one], Err(ErrorKind::Cancelled), 1, Some("lost")),
            (vec![Ok(()), halt("a"), halt("b")], Err(ErrorKind::Cancelled), 2, Some("a")),
        ] {
            let (guards, count) = (Guards::default(), Arc::new(AtomicU32::new(0)));
            for answer in answers {
                guards.add(Arc::new(Fixed(answer, Arc::clone(&count))));
            }
            assert_eq!((ask(&guards), ask(&guards)), (first, first));
            assert_eq!(count.load(Ordering::Relaxed), asked);
            assert_eq!(guards.why().map(|halt| halt.message.as_str()), why);
            assert_eq!(guards.halted().is_cancelled(), why.is_some());
        }
    }

    #[test]
    fn who_stops_first_is_remembered() {
        let guards = Guards::default();
        guards.halt(Halt::new("first").hint("look"));
        guards.halt(Halt::new("second"));
        assert_eq!(guards.why(), Some(&Halt { message: "first".into(), hint: Some("look".into()) }));
        assert_eq!(ask(&guards), Err(ErrorKind::Cancelled));
    }
}
