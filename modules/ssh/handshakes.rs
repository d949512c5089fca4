//! How many connections are being opened at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oneex_sdk::{OpError, OpResult};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

/// For each processor. Opening one takes seven round trips and 2 ms of work, so that even a host which answers at once
/// is waited for most of the time.
const TURNS: usize = 16;

/// How long one may take before it counts as waiting for a host that is silent, or for a person: it does no work then,
/// and keeps nobody else from any.
const SLOW: Duration = Duration::from_secs(1);

/// How many of these there may be. Each has a thread, of which there are 512 (`Builder::max_blocking_threads` of tokio).
const SLOW_TURNS: usize = 256;

/// Gives turns to open a connection.
#[derive(Debug, Clone)]
pub(super) struct Handshakes {
    turns: Arc<Semaphore>,
    slow: Arc<Semaphore>,
}

impl Handshakes {
    /// As many as the processors bear.
    pub(super) fn new() -> Self {
        Self::of(std::thread::available_parallelism().map_or(2, usize::from) * TURNS)
    }

    /// So many at a time.
    pub(super) fn of(turns: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(turns)), slow: Arc::new(Semaphore::new(SLOW_TURNS)) }
    }

    /// Opens one, which blocks, on a thread of its own when it has its turn; `other` is a turn that it needs beside that.
    /// Both are given back when it is over, and before where it takes long.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        other: Option<OwnedSemaphorePermit>,
        open: impl FnOnce() -> T + Send + 'static,
    ) -> OpResult<T> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        let held = Arc::new(Mutex::new([turn, other]));
        // Whoever waits for the thread may go away, and the thread goes on.
        let kept = Arc::clone(&held);
        let thread = spawn_blocking(move || {
            let opened = open();
            drop(kept);
            opened
        });
        tokio::pin!(thread);
        let slow = async {
            tokio::time::sleep(SLOW).await;
            Arc::clone(&self.slow).acquire_owned().await.ok()
        };
        let opened = tokio::select! {
            biased;
            opened = &mut thread => opened,
            turn = slow => {
                *held.lock().unwrap_or_else(PoisonError::into_inner) = [turn, None];
                thread.await
            }
        };
        opened.map_err(|error| OpError::failed(format!("the connection was not opened: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::Handshakes;

    #[tokio::test]
    async fn who_takes_long_keeps_nobody_waiting_and_others_take_turns() {
        let handshakes = Handshakes::of(1);
        let (told, hears) = channel();
        let waits = handshakes.run(None, move || hears.recv().expect("somebody tells"));
        // One of one at a time: these two end only when the first has given its turn back.
        let others = async {
            let one = handshakes.run(None, || 1).await.expect("it is opened");
            let two = handshakes.run(None, || 2).await.expect("it is opened");
            assert_eq!(handshakes.turns.available_permits(), 1, "the turn is the next one's");
            told.send(one + two).expect("it is heard");
        };
        let (waited, ()) = tokio::join!(waits, others);
        assert_eq!(waited.expect("it is opened"), 3);
        assert_eq!(handshakes.slow.available_permits(), super::SLOW_TURNS);
    }
}
