//! Connections to a jump host that carry nothing, and only find out whether hosts answer it: libssh2 can do no more
//! with one that waits for an answer, and it is closed and opened again where that takes too long.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use oneex_sdk::OpResult;
use tokio::sync::Semaphore;

use super::{Destination, Open};
use crate::ssh::SshTransport;

/// Connections at a time.
const PLACES: usize = 4;

/// Those of them that wait for a host for the whole of its time limit: the others are left to hosts that were not
/// looked at yet.
const PATIENT: usize = PLACES - 1;

/// How long a host is waited for at first. Long enough for one SYN that was lost, which TCP repeats after a second.
const GLANCE: Duration = Duration::from_millis(1500);

/// The connections to one jump host.
#[derive(Debug)]
pub(super) struct Lookouts {
    places: Semaphore,
    patient: Semaphore,
    /// How many hosts are to be looked at.
    needed: AtomicUsize,
    /// Open and with nothing to do.
    idle: Mutex<Vec<SshTransport>>,
}

impl Default for Lookouts {
    fn default() -> Self {
        Self {
            places: Semaphore::new(PLACES),
            patient: Semaphore::new(PATIENT),
            needed: AtomicUsize::new(0),
            idle: Mutex::default(),
        }
    }
}

impl Lookouts {
    /// Waits until the host has answered the jump host; an error where it does not, or refuses. Where there can be
    /// no other connection to the jump host, nothing is known of the host, and nothing is said against it.
    pub(super) async fn look(&self, there: &Destination<'_>, open: Open<'_>) -> OpResult<()> {
        let _needed = Needed::new(self);
        if there.limit > GLANCE {
            let _place = self.places.acquire().await;
            let glance = Destination { limit: GLANCE, ..*there };
            if let Some(answer) = self.ask(&glance, open).await.settled() {
                return answer;
            }
        }
        tracing::debug!(host = there.host, port = there.port, "the jump host gets no answer of it yet");
        let _patient = self.patient.acquire().await;
        let _place = self.places.acquire().await;
        self.ask(there, open).await.0
    }

    async fn ask(&self, there: &Destination<'_>, open: Open<'_>) -> Asked {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let lookout = match idle {
            Some(lookout) => lookout,
            None => match open().await {
                Ok(lookout) => lookout,
                Err(error) => {
                    tracing::debug!(%error, "there is no further connection to the jump host");
                    return Asked(Ok(()), true);
                }
            },
        };
        let answer = match lookout.turns().next().await {
            Ok(turn) => lookout.forward(there, turn).await,
            Err(error) => Err(error),
        };
        let is_free = lookout.turns().is_free();
        if is_free && lookout.fate().is_none() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lookout);
        }
        Asked(answer.map(drop), is_free)
    }
}

/// What came of a look, and whether that is all that will come of it.
struct Asked(OpResult<()>, bool);

impl Asked {
    fn settled(self) -> Option<OpResult<()>> {
        self.1.then_some(self.0)
    }
}

/// Closes the connections when nobody needs one any more.
struct Needed<'a>(&'a Lookouts);

impl<'a> Needed<'a> {
    fn new(lookouts: &'a Lookouts) -> Self {
        lookouts.needed.fetch_add(1, Ordering::AcqRel);
        Self(lookouts)
    }
}

impl Drop for Needed<'_> {
    fn drop(&mut self) {
        if self.0.needed.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}
