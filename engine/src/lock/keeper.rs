//! Holds the lock of a run: renews it in the background, and lets no change begin without it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use oneex_sdk::{BoxFuture, OpError};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::{Attempt, Clock, Holder, Lease, LockError, LockStore, Lost, RenewError, Scope};
use crate::run::{Guard, Halt, Refusal};

/// How long is waited before a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long a change waits for a renewal that is overdue, and the end of a run for its lock to be given back.
const LAST: Duration = Duration::from_secs(5);

/// Holds the lock of a run until it is released.
///
/// A run may go by a lease for [`LockStore::ttl`] after it was asked for the last time, by a clock that nobody sets; a
/// third of that time after each renewal comes the next. Where the store could not be asked in time, and where it says
/// that the lease is lost, no change begins any more.
pub struct Keeper {
    store: Arc<dyn LockStore>,
    clock: Arc<dyn Clock>,
    lease: Mutex<Lease>,
    /// Until when the run may go by the lease, in milliseconds of the clock.
    until: AtomicU64,
    lost: OnceLock<Lost>,
    /// Why the newest renewal failed.
    failed: Mutex<Option<LockError>>,
    renewing: OnceLock<AbortHandle>,
    /// Only one asks the store at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Keeper {
    /// Takes a lock; gives back who holds it where that is not possible.
    ///
    /// # Errors
    ///
    /// The store cannot be asked.
    pub async fn take(
        store: Arc<dyn LockStore>,
        clock: Arc<dyn Clock>,
        wanted: &Holder,
    ) -> Result<Result<Arc<Self>, Vec<Holder>>, LockError> {
        let asked = clock.now();
        match store.acquire(wanted).await? {
            Attempt::HeldBy(holders) => Ok(Err(holders)),
            Attempt::Held(lease) => Ok(Ok(Arc::new(Self {
                until: AtomicU64::new(milliseconds(asked + store.ttl())),
                store,
                clock,
                lease: Mutex::new(lease),
                lost: OnceLock::new(),
                failed: Mutex::default(),
                renewing: OnceLock::new(),
                turn: tokio::sync::Mutex::default(),
            }))),
        }
    }

    /// Renews the lease from now on.
    pub fn renew_on(self: &Arc<Self>, runtime: &Handle) {
        let keeper = Arc::clone(self);
        let renewing = runtime.spawn(async move {
            let third = keeper.store.ttl() / 3;
            while keeper.lost.get().is_none() {
                let pause = if keeper.renew().await.is_ok() { third } else { AGAIN.min(third) };
                tokio::time::sleep(pause).await;
            }
        });
        let _ = self.renewing.set(renewing.abort_handle());
    }

    /// Asks the store to go on holding the lease.
    ///
    /// # Errors
    ///
    /// It is lost, or the store cannot be asked.
    pub async fn renew(&self) -> Result<(), RenewError> {
        let _turn = self.turn.lock().await;
        if let Some(lost) = self.lost.get() {
            return Err(lost.clone().into());
        }
        let (asked, lease) = (self.clock.now(), self.lease());
        let renewed = self.store.renew(&lease).await;
        match &renewed {
            Ok(()) => {
                self.until.store(milliseconds(asked + self.store.ttl()), Ordering::Release);
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            Err(RenewError::Lost(lost)) => {
                let _ = self.lost.set(lost.clone());
            }
            Err(RenewError::Store(error)) => {
                tracing::debug!(%error, "the lock is not renewed");
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
            }
        }
        renewed
    }

    /// Gives the lock back. It waits for the store, though not for long.
    ///
    /// # Errors
    ///
    /// The store cannot be asked.
    pub async fn release(&self) -> Result<(), LockError> {
        if let Some(renewing) = self.renewing.get() {
            renewing.abort();
        }
        let lease = self.lease();
        let released = tokio::time::timeout(LAST, self.store.release(&lease)).await;
        released.unwrap_or_else(|_| Err(LockError::Unavailable(OpError::timeout("it does not answer"))))
    }

    /// The lease as it is now.
    pub fn lease(&self) -> Lease {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_fresh(&self) -> bool {
        self.lost.get().is_none() && milliseconds(self.clock.now()) < self.until.load(Ordering::Acquire)
    }

    /// Says whether the lock is still the run's; asks the store where that was not heard for too long.
    async fn holds(&self) -> Result<(), Halt> {
        if self.is_fresh() {
            return Ok(());
        }
        let overdue = tokio::time::timeout(LAST, self.renew()).await;
        match overdue {
            Ok(Ok(())) => Ok(()),
            Ok(Err(RenewError::Lost(lost))) => Err(halt(&lost)),
            Ok(Err(RenewError::Store(error))) => Err(self.not_renewed(error.to_string())),
            Err(_) => {
                let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let why = failed.map_or_else(|| "it does not answer".to_owned(), |error| error.to_string());
                Err(self.not_renewed(why))
            }
        }
    }

    fn not_renewed(&self, why: String) -> Halt {
        let until = Duration::from_millis(self.until.load(Ordering::Acquire));
        let since = self.clock.now().saturating_sub(until) + self.store.ttl();
        let (place, seconds) = (self.store.place(), since.as_secs());
        Halt::new(format!("the lock was lost: {place} could not be asked for {seconds} s: {why}"))
            .hint("another run may have it by now; `oneex lock show` says who")
    }

    /// Takes a host that the run did not know of when it began.
    async fn reach(&self, host: &str) -> Result<(), Refusal> {
        if self.reaches(host) {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        let lease = self.lease();
        let scope = Scope::hosts(lease.holder.scope.environment.as_deref(), [host.to_owned()]);
        match self.store.extend(&lease, &scope).await {
            Ok(Attempt::Held(longer)) => {
                *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = longer;
                Ok(())
            }
            Ok(Attempt::HeldBy(holders)) => {
                let who = holders.first().map(ToString::to_string).unwrap_or_default();
                let error = OpError::denied(format!("the host `{host}` is locked: {who}"));
                Err(Refusal::Change(error.hint("`oneex lock show` lists all locks")))
            }
            Err(RenewError::Lost(lost)) => {
                let halt = halt(&lost);
                let _ = self.lost.set(lost);
                Err(Refusal::Run(halt))
            }
            Err(RenewError::Store(error)) => {
                let place = self.store.place();
                let error = format!("the host `{host}` cannot be locked in {place}: {error}");
                Err(Refusal::Change(OpError::failed(error)))
            }
        }
    }

    /// Says whether the lease is enough for a change on this host. The controller is nobody's, as
    /// [`super::known_hosts`] has it.
    fn reaches(&self, host: &str) -> bool {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        lease.holder.scope.hosts.as_ref().is_none_or(|hosts| hosts.contains(host) || is_controller(host))
    }
}

impl Guard for Keeper {
    fn may_change<'a>(&'a self, host: Option<&'a str>) -> BoxFuture<'a, Result<(), Refusal>> {
        Box::pin(async move {
            self.holds().await.map_err(Refusal::Run)?;
            match host {
                Some(host) => self.reach(host).await,
                None => Ok(()),
            }
        })
    }
}

fn is_controller(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1")
}

fn halt(lost: &Lost) -> Halt {
    let hint = match lost {
        Lost::Broken(_) => "run it again when nobody else is at work",
        Lost::Taken(_) | Lost::Gone => {
            "it could not be renewed in time; `oneex lock show` says who has it now"
        }
    };
    Halt::new(format!("the lock was lost: {lost}")).hint(hint)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use oneex_sdk::ErrorKind;

    use super::super::samples::{TestText, run, run_on, wait};
    use super::super::{Attempt, Breaking, Holder, LockStore, SharedLocks};
    use super::Keeper;
    use crate::run::{Guard, Refusal};

    const MINUTE: Duration = Duration::from_secs(60);

    struct World {
        text: TestText,
        store: Arc<SharedLocks>,
    }

    impl World {
        fn new() -> Self {
            let text = TestText::default();
            Self { store: Arc::new(SharedLocks::new(Arc::new(text.clone()), MINUTE)), text }
        }

        fn take(&self, wanted: &Holder) -> Arc<Keeper> {
            let clock = Arc::new(self.text.clock.clone());
            let taken = wait(Keeper::take(self.store.clone(), clock, wanted));
            taken.expect("the store answers").expect("the lock is free")
        }

        fn is_free(&self, wanted: &Holder) -> bool {
            matches!(wait(self.store.acquire(wanted)), Ok(Attempt::Held(_)))
        }
    }

    /// What a guard says of a change: nothing, why the change fails, why the run stops.
    fn asked(keeper: &Keeper, host: &str) -> Result<(), String> {
        wait(keeper.may_change(Some(host))).map_err(|refusal| match refusal {
            Refusal::Change(error) => format!("{:?}: {error}", error.kind),
            Refusal::Run(halt) => format!("stop: {halt}"),
        })
    }

    #[test]
    fn a_lease_that_is_renewed_in_time_lets_changes_begin() {
        let world = World::new();
        let keeper = world.take(&run("one", "prod"));
        for _ in 0..5 {
            world.text.clock.add(50);
            wait(keeper.renew()).expect("renewed");
            // The store may be away for as long as the lease lasts: no change asks for it.
            world.text.set_gone(true);
            world.text.clock.add(9);
            assert!(wait(keeper.renew()).is_err());
            assert_eq!(asked(&keeper, "a"), Ok(()));
            world.text.set_gone(false);
        }
        assert!(!world.is_free(&run("two", "prod")));
        wait(keeper.release()).expect("released");
        assert!(world.is_free(&run("two", "prod")));
    }

    #[test]
    fn a_lease_that_could_not_be_renewed_stops_the_run() {
        let world = World::new();
        let keeper = world.take(&run("one", "prod"));
        world.text.set_gone(true);
        world.text.clock.add(60);
        let stop = "stop: the lock was lost: the test could not be asked for 60 s: no route";
        assert_eq!(asked(&keeper, "a"), Err(stop.into()));
        assert!(wait(keeper.release()).is_err());
    }

    #[test]
    fn an_overdue_lease_that_nobody_took_goes_on() {
        let world = World::new();
        let keeper = world.take(&run("one", "prod"));
        world.text.clock.add(3_600);
        assert_eq!(asked(&keeper, "a"), Ok(()), "the machine slept");
        assert!(!world.is_free(&run("two", "prod")));
    }

    #[test]
    fn a_stale_owner_is_fenced() {
        let world = World::new();
        let keeper = world.take(&run("one", "prod"));
        world.text.clock.add(60);
        let other = world.take(&run("two", "prod"));
        assert!(other.lease().fence > keeper.lease().fence);
        let said = asked(&keeper, "a").expect_err("it is another's");
        assert!(said.starts_with("stop: the lock was lost: another run has it: ada on ops1"), "{said}");
        wait(other.release()).expect("released");
        assert!(asked(&keeper, "a").is_err(), "what is lost stays lost");
        assert_eq!(asked(&other, "a"), Ok(()), "it asks only what it must");
    }

    #[test]
    fn a_broken_lock_stops_the_run_with_the_next_renewal() {
        let world = World::new();
        let keeper = world.take(&run("one", "prod"));
        let at = "2026-03-01T11:00:00Z".parse().expect("a time");
        let breaking = Breaking { which: None, by: "eve on ops2".into(), reason: "it hangs".into(), at };
        assert_eq!(wait(world.store.break_locks(&breaking)).expect("broken").len(), 1);
        assert_eq!(asked(&keeper, "a"), Ok(()), "it has not heard of it");
        assert!(wait(keeper.renew()).is_err());
        let said = asked(&keeper, "a").expect_err("it is broken");
        assert_eq!(said, "stop: the lock was lost: eve on ops2 broke it at 2026-03-01T11:00:00Z: it hangs");
        assert_eq!(wait(world.store.breaks()).expect("read")[0].holder.run, "one");
    }

    #[test]
    fn hosts_are_taken_when_they_come() {
        let world = World::new();
        let keeper = world.take(&run_on("one", "prod", "a"));
        let other = world.take(&run_on("two", "prod", "b"));
        assert_eq!(asked(&keeper, "a"), Ok(()));
        assert_eq!(asked(&keeper, "c"), Ok(()));
        assert!(wait(keeper.may_change(None)).is_ok(), "an API is no host");
        for host in ["c", "b"] {
            let taken_by = if host == "c" { &other } else { &keeper };
            let said = asked(taken_by, host).expect_err("it is another's");
            let start = format!("{:?}: the host `{host}` is locked: ada on ops1", ErrorKind::Denied);
            assert!(said.starts_with(&start), "{said}");
        }
        wait(other.release()).expect("released");
        assert_eq!(asked(&keeper, "b"), Ok(()));
        world.text.set_gone(true);
        assert_eq!(asked(&keeper, "c"), Ok(()), "it has that");
        let said = asked(&keeper, "d").expect_err("nobody can say");
        assert_eq!(said, "Failed: the host `d` cannot be locked in the test: no route");
    }

    #[test]
    fn a_lease_is_renewed_in_the_background_and_taken_back_at_the_end() {
        let text = TestText::default();
        let ttl = Duration::from_millis(30);
        let store = Arc::new(SharedLocks::new(Arc::new(text.clone()), ttl));
        wait(async {
            let clock = Arc::new(text.clock.clone());
            let keeper = Keeper::take(store.clone(), clock, &run("one", "prod")).await;
            let keeper = keeper.expect("the store answers").expect("the lock is free");
            keeper.renew_on(&tokio::runtime::Handle::current());
            let until = |keeper: &Keeper| keeper.until.load(std::sync::atomic::Ordering::Acquire);
            // A renewal that failed is tried again, until one is done.
            text.set_gone(true);
            let failed = || keeper.failed.lock().expect("not poisoned").is_some();
            while !failed() {
                tokio::task::yield_now().await;
            }
            let before = until(&keeper);
            text.clock.add(1);
            text.set_gone(false);
            while until(&keeper) == before || failed() {
                tokio::task::yield_now().await;
            }
            keeper.release().await.expect("released");
            assert!(store.show().await.expect("read").is_empty());
        });
    }
}
