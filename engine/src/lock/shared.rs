//! Locks of several machines: a register in a text that they share, with leases that end by its keeper's clock.

use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{BoxFuture, OpError, SharedText};

use super::register::{Register, Term};
use super::{Attempt, Break, Breaking, Holder, Lease, LockError, LockStore, RenewError, Scope};

/// How often somebody else may be faster before this one gives up.
const TRIES: u32 = 200;

/// Keeps locks in a shared text, as a row of a database. A lease that nobody renews ends after its time.
#[derive(Clone)]
pub struct SharedLocks {
    text: Arc<dyn SharedText>,
    ttl: Duration,
}

impl SharedLocks {
    /// Keeps them in `text`; a lease holds for `ttl` after it was renewed.
    pub fn new(text: Arc<dyn SharedText>, ttl: Duration) -> Self {
        Self { text, ttl }
    }

    /// Changes the register, again and again until nobody was faster.
    async fn change<T>(&self, change: impl Fn(&mut Register, Term) -> T) -> Result<T, LockError> {
        for attempt in 0..TRIES {
            let reading = self.text.read().await.map_err(LockError::Unavailable)?;
            let mut register = Register::parse(&reading.text)?;
            let before = register.clone();
            let changed = change(&mut register, Term::new(reading.now, self.ttl));
            if register == before {
                return Ok(changed);
            }
            let text = register.text()?;
            if self.text.write(&text, &reading).await.map_err(LockError::Unavailable)? {
                return Ok(changed);
            }
            // Whoever lost several times waits longer, and not as long as the others.
            let most = 1_u64 << attempt.min(6);
            tokio::time::sleep(Duration::from_millis(rand::random_range(0..=most))).await;
        }
        Err(LockError::Unavailable(OpError::timeout(format!("others were faster {TRIES} times"))))
    }

    async fn swept<T>(&self, change: impl Fn(&mut Register, Term) -> T) -> Result<T, LockError> {
        let changed = self.change(|register, term| {
            register.sweep(term.begins(), |_| false);
            change(register, term)
        });
        changed.await
    }

    async fn read(&self) -> Result<Register, LockError> {
        let reading = self.text.read().await.map_err(LockError::Unavailable)?;
        let mut register = Register::parse(&reading.text)?;
        register.sweep(reading.now, |_| false);
        Ok(register)
    }
}

impl LockStore for SharedLocks {
    fn place(&self) -> String {
        self.text.place()
    }

    fn ttl(&self) -> Duration {
        self.ttl
    }

    fn acquire<'a>(&'a self, wanted: &'a Holder) -> BoxFuture<'a, Result<Attempt, LockError>> {
        Box::pin(async move {
            let acquired = self.swept(|register, term| register.acquire(wanted, Some(term))).await?;
            Ok(Attempt::acquired(acquired, wanted))
        })
    }

    fn extend<'a>(
        &'a self,
        lease: &'a Lease,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Attempt, RenewError>> {
        Box::pin(async move {
            let longer = lease.clone().with(scope);
            let extended = self
                .swept(|register, term| register.extend(&longer.holder, lease.fence, Some(term)))
                .await??;
            Ok(Attempt::of(extended, longer))
        })
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), RenewError>> {
        // A lease that has ended and that nobody has taken since goes on: nothing happened in between.
        Box::pin(async move {
            let renewed =
                self.change(|register, term| register.renew(&lease.holder, lease.fence, Some(term)));
            Ok(renewed.await??)
        })
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LockError>> {
        Box::pin(self.change(|register, _| register.release(lease.fence)))
    }

    fn show(&self) -> BoxFuture<'_, Result<Vec<Holder>, LockError>> {
        Box::pin(async { Ok(self.read().await?.holders()) })
    }

    fn breaks(&self) -> BoxFuture<'_, Result<Vec<Break>, LockError>> {
        Box::pin(async { Ok(self.read().await?.breaks) })
    }

    fn break_locks<'a>(&'a self, breaking: &'a Breaking) -> BoxFuture<'a, Result<Vec<Break>, LockError>> {
        Box::pin(async move { self.swept(|register, _| register.break_locks(breaking)).await.flatten() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::samples::{TestText, run, run_on, wait};
    use super::super::{Attempt, LockStore, RenewError};
    use super::SharedLocks;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn of_many_at_once_one_is_first_and_all_hosts_are_given() {
        let text = TestText::default();
        wait(async {
            let ask = |wanted| {
                let store = SharedLocks::new(Arc::new(text.clone()), MINUTE);
                async move { store.acquire(&wanted).await.expect("the store answers") }
            };
            let all = (0..20).map(|number| ask(run(&format!("run{number}"), "prod")));
            let answers = futures_util::future::join_all(all).await;
            let held = answers.iter().filter(|answer| matches!(answer, Attempt::Held(_))).count();
            assert_eq!(held, 1);
            let hosts = ('a'..'u').map(|host| ask(run_on(&format!("on-{host}"), "test", &host.to_string())));
            let answers = futures_util::future::join_all(hosts).await;
            let mut fences: Vec<u64> = answers
                .iter()
                .map(|answer| match answer {
                    Attempt::Held(lease) => lease.fence,
                    Attempt::HeldBy(others) => panic!("they are disjoint: {others:?}"),
                })
                .collect();
            fences.sort_unstable();
            assert_eq!(fences, (2..22).collect::<Vec<u64>>());
        });
    }

    #[test]
    fn a_clock_that_jumps_back_leaves_a_living_owner_its_lease_and_frees_a_dead_one() {
        let text = TestText::default();
        let store = SharedLocks::new(Arc::new(text.clone()), MINUTE);
        let Ok(Attempt::Held(alive)) = wait(store.acquire(&run("alive", "prod"))) else { panic!("free") };
        wait(store.acquire(&run("dead", "test"))).expect("the store answers");
        text.clock.add(-900_000);
        let is_free = |environment: &str| {
            matches!(wait(store.acquire(&run("other", environment))), Ok(Attempt::Held(_)))
        };
        assert!(!is_free("prod") && !is_free("test"), "both were asked for: their time begins now");
        text.clock.add(40);
        wait(store.renew(&alive)).expect("renewed");
        text.clock.add(40);
        assert!(!is_free("prod") && is_free("test"));
    }

    #[test]
    fn what_cannot_be_read_is_not_overwritten() {
        let text = TestText::default();
        let store = SharedLocks::new(Arc::new(text.clone()), MINUTE);
        wait(async {
            use oneex_sdk::SharedText;
            let reading = text.read().await.expect("a reading");
            assert!(text.write("{\"format\":9}", &reading).await.expect("written"));
            let lease = super::super::Lease { fence: 1, holder: run("one", "prod") };
            assert!(store.acquire(&lease.holder).await.is_err() && store.release(&lease).await.is_err());
            assert!(matches!(store.renew(&lease).await, Err(RenewError::Store(_))));
            assert_eq!(text.read().await.expect("a reading").text, "{\"format\":9}");
        });
    }
}
