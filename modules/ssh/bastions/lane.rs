//! One of the connections to a jump host that others go through.

use std::sync::{Arc, Mutex as StdMutex, PoisonError, Weak};
use std::time::Instant;

use oneex_sdk::{OpError, OpResult};
use tokio::sync::Mutex;

use super::Open;
use crate::ssh::SshTransport;

/// A connection that is opened when somebody needs it, and closed with the last of those that go through it.
#[derive(Debug, Default)]
pub(super) struct Lane {
    open: StdMutex<Weak<SshTransport>>,
    /// Why the last attempt failed, and when. Whoever opens the connection holds the lock, and the others wait for
    /// it.
    failed: Mutex<Option<(Instant, OpError)>>,
}

impl Lane {
    /// The connection, where there is one that was not lost.
    pub(super) fn current(&self) -> Option<Arc<SshTransport>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        open.filter(|open| open.fate().is_none())
    }

    /// The connection; `open` makes it where there is none.
    ///
    /// An attempt that fails fails for everybody who waited for it: a jump host that is down costs its time
    /// limit once, not once for each host behind it.
    pub(super) async fn get(&self, open: Open<'_>) -> OpResult<Arc<SshTransport>> {
        let asked = Instant::now();
        let mut failed = self.failed.lock().await;
        if let Some(current) = self.current() {
            return Ok(current);
        }
        if let Some((_, error)) = failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(error.clone());
        }
        match open().await {
            Ok(transport) => {
                let transport = Arc::new(transport);
                *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&transport);
                Ok(transport)
            }
            Err(error) => {
                *failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}
