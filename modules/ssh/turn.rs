//! Whose turn it is to open a channel to another host: libssh2 keeps the state of one in the session, so that the
//! next has to wait until the server has answered, however long that takes.

use std::sync::Arc;

use oneex_sdk::OpResult;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::error::lost;

/// Gives one turn at a time, in the order in which they are asked for.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    gate: Arc<Semaphore>,
    stuck: watch::Sender<bool>,
}

/// The right to open a channel, for as long as it is kept.
#[derive(Debug)]
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
    stuck: watch::Sender<bool>,
}

impl Turns {
    /// The first turn is free.
    pub(super) fn new() -> Self {
        Self { gate: Arc::new(Semaphore::new(1)), stuck: watch::Sender::new(false) }
    }

    /// Waits for a turn.
    pub(super) async fn next(&self) -> OpResult<Turn> {
        let permit = Arc::clone(&self.gate).acquire_owned().await;
        let permit = permit.map_err(|_closed| lost("before it led on"))?;
        Ok(Turn { _permit: permit, stuck: self.stuck.clone() })
    }

    /// Says whether nobody has a turn.
    pub(super) fn is_free(&self) -> bool {
        self.gate.available_permits() > 0
    }

    /// Says whether the turn that is taken lasts too long.
    pub(super) fn is_stuck(&self) -> bool {
        *self.stuck.borrow()
    }

    /// Waits until the turn that is taken lasts too long.
    pub(super) async fn stuck(&self) {
        // It ends with the last sender, of which this is one.
        let _ = self.stuck.subscribe().wait_for(|stuck| *stuck).await;
    }
}

impl Turn {
    /// Says that it lasts too long for others to wait for its end.
    pub(super) fn get_stuck(&self) {
        self.stuck.send_replace(true);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before the next can have one.
        self.stuck.send_replace(false);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::Turns;

    #[test]
    fn who_waits_is_told_that_a_turn_lasts_too_long_and_that_it_is_over() {
        let turns = Turns::new();
        let mut turn = turns.next().now_or_never().expect("it is free").expect("it is given");
        for _ in 0..2 {
            assert!(!turns.is_free() && !turns.is_stuck());
            let next = turns.next();
            tokio::pin!(next);
            assert!(next.as_mut().now_or_never().is_none(), "two have it at a time");
            assert!(turns.stuck().now_or_never().is_none(), "it has only begun");
            turn.get_stuck();
            assert!(turns.is_stuck() && turns.stuck().now_or_never().is_some());
            drop(turn);
            assert!(!turns.is_stuck(), "the next one has only begun");
            turn = next.now_or_never().expect("it is free").expect("it is given");
        }
    }
}
