//! Waiting for a server that has too much to do: `MaxStartups` of sshd_config(5) turns away who comes when too
//! many are logging in.

use std::time::{Duration, Instant};

use rand::Rng;

/// The first wait.
const FIRST: Duration = Duration::from_millis(50);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(2);

/// Waits that grow, so that a crowd thins out.
#[derive(Debug)]
pub(super) struct Backoff {
    begun: Instant,
    next: Duration,
}

impl Backoff {
    /// Begins to count.
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), next: FIRST }
    }

    /// How long to wait before the next attempt; nothing when `limit` would pass from the beginning. Somewhere between half of
    /// the step and the whole, so that those who were turned away together do not come back together.
    pub(super) fn pause(&mut self, limit: Duration) -> Option<Duration> {
        let pause = rand::rng().random_range(self.next / 2..=self.next);
        self.next = (self.next * 2).min(LONGEST);
        (self.begun.elapsed() + pause < limit).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, FIRST, LONGEST};

    #[test]
    fn waits_grow_to_the_longest_and_end_with_the_limit() {
        let mut backoff = Backoff::new();
        let pauses: Vec<Duration> =
            (0..12).filter_map(|_| backoff.pause(Duration::from_secs(3600))).collect();
        assert_eq!(pauses.len(), 12);
        for (step, pause) in pauses.iter().enumerate() {
            let most = (FIRST * (1 << step)).min(LONGEST);
            assert!((most / 2..=most).contains(pause), "step {step}: {pause:?}");
        }
        assert_eq!(Backoff::new().pause(Duration::ZERO), None);
    }
}
