//! The connections to jump hosts: one for all that go through it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError, Weak};
use std::time::Instant;

use oneex_sdk::{OpError, OpResult};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::SshTransport;

/// Everything by which two jump hosts differ: how each is written, from this machine on, and where it is looked
/// up.
pub(super) type Route = (Vec<super::Jump>, super::ConfigSource);

/// Connections that are being opened at a time through one jump host: all that they say goes through one process
/// there, and one thread here.
const HANDSHAKES: usize = 16;

/// The open connections, by their routes.
#[derive(Debug, Clone, Default)]
pub(super) struct Bastions(Arc<StdMutex<HashMap<Route, Arc<Bastion>>>>);

/// One jump host.
#[derive(Debug)]
struct Bastion {
    slot: Mutex<Slot>,
    handshakes: Arc<Semaphore>,
}

impl Default for Bastion {
    fn default() -> Self {
        Self { slot: Mutex::default(), handshakes: Arc::new(Semaphore::new(HANDSHAKES)) }
    }
}

/// Its connection. Whoever opens its connection holds the lock, and the others wait for it.
#[derive(Debug, Default)]
struct Slot {
    open: Weak<SshTransport>,
    /// Why the last attempt failed, and when.
    failed: Option<(Instant, OpError)>,
}

impl Bastions {
    /// The connection of that route; `open` makes it where there is none, or the one there is was lost.
    ///
    /// An attempt that fails fails for everybody who waited for it: a jump host that is down costs its time
    /// limit once, not once for each host behind it.
    pub(super) async fn get<F>(&self, route: Route, open: F) -> OpResult<Arc<SshTransport>>
    where
        F: Future<Output = OpResult<SshTransport>>,
    {
        let asked = Instant::now();
        let bastion = self.bastion(route);
        let mut slot = bastion.slot.lock().await;
        if let Some(open) = slot.open.upgrade().filter(|open| open.fate().is_none()) {
            return Ok(open);
        }
        if let Some((_, error)) = slot.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(error.clone());
        }
        match open.await {
            Ok(transport) => {
                let transport = Arc::new(transport);
                slot.open = Arc::downgrade(&transport);
                Ok(transport)
            }
            Err(error) => {
                slot.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Waits for a turn to open a connection through that route's last host; nothing where nobody gives turns any
    /// more.
    pub(super) async fn turn(&self, route: Route) -> Option<OwnedSemaphorePermit> {
        let handshakes = Arc::clone(&self.bastion(route).handshakes);
        handshakes.acquire_owned().await.ok()
    }

    fn bastion(&self, route: Route) -> Arc<Bastion> {
        let mut bastions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bastions.entry(route).or_default())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::{Bastions, HANDSHAKES, Route};
    use crate::ssh::{ConfigSource, Jump};

    fn route(host: &str) -> Route {
        (vec![Jump { user: None, host: host.into(), port: None }], ConfigSource::None)
    }

    #[test]
    fn turns_are_counted_for_each_jump_host() {
        let bastions = Bastions::default();
        let turn = |host: &str| bastions.turn(route(host)).now_or_never().flatten();
        let mut taken: Vec<_> = (0..HANDSHAKES).map(|_| turn("a").expect("there is room")).collect();
        assert!(turn("a").is_none(), "one more has to wait");
        assert!(turn("b").is_some(), "another jump host has turns of its own");
        taken.pop();
        assert!(turn("a").is_some(), "a turn that is over is the next one's");
    }
}
