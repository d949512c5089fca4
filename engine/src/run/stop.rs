//! Stopping a run from outside.

use std::sync::{Arc, OnceLock};

use oneex_sdk::CancellationToken;

/// Stops a run: the first time gracefully, the second time at once. Clones stop the same run.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    graceful: CancellationToken,
    immediate: CancellationToken,
    signal: Arc<OnceLock<String>>,
}

impl Stop {
    /// Stops the run. The first time no new nodes begin and running bodies are cancelled, while
    /// `always` and `on_end` still run; from the second time on these are cancelled too. `signal`
    /// is what people see: `SIGINT`.
    pub fn interrupt(&self, signal: &str) {
        if self.graceful.is_cancelled() {
            self.immediate.cancel();
        } else {
            let _ = self.signal.set(signal.to_owned());
            self.graceful.cancel();
        }
    }

    /// Fires the first time.
    pub fn graceful(&self) -> &CancellationToken {
        &self.graceful
    }

    /// Fires the second time.
    pub fn immediate(&self) -> &CancellationToken {
        &self.immediate
    }

    /// What stopped the run first; empty when nothing has.
    pub fn signal(&self) -> &str {
        self.signal.get().map(String::as_str).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Stop;

    #[test]
    fn the_second_interrupt_is_the_immediate_one() {
        let stop = Stop::default();
        let other = stop.clone();
        stop.interrupt("SIGINT");
        assert!(other.graceful().is_cancelled() && !other.immediate().is_cancelled());
        other.interrupt("SIGTERM");
        assert!(stop.immediate().is_cancelled());
        assert_eq!(stop.signal(), "SIGINT");
    }
}
