//! The connections to jump hosts: one for all that go through it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError, Weak};
use std::time::Instant;

use oneex_sdk::{OpError, OpResult};
use tokio::sync::Mutex;

use super::SshTransport;

/// Everything by which two jump hosts differ: how each is written, from this machine on, and where it is looked
/// up.
pub(super) type Route = (Vec<super::Jump>, super::ConfigSource);

/// The open connections, by their routes.
#[derive(Debug, Clone, Default)]
pub(super) struct Bastions(Arc<StdMutex<HashMap<Route, Arc<Mutex<Slot>>>>>);

/// One jump host. Whoever opens its connection holds the lock, and the others wait for it.
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
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(route).or_default())
        };
        let mut slot = slot.lock().await;
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
}
