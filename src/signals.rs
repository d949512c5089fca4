//! Ctrl-C and its kin, as cancellation: the first signal asks the run to end, the second ends it.

use oneex_sdk::CancellationToken;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a run, with their names.
const ENDING: [(fn() -> SignalKind, &str); 3] =
    [(SignalKind::interrupt, "SIGINT"), (SignalKind::terminate, "SIGTERM"), (SignalKind::hangup, "SIGHUP")];

/// Two tokens and the name of the signal that fired the first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupts {
    /// Fires with the first signal: no new nodes, running ones are cancelled, `always` still runs.
    pub(crate) first: CancellationToken,
    /// Fires with the second: at once.
    pub(crate) second: CancellationToken,
}

impl Interrupts {
    /// Listens from now on; must be called within a runtime. `note` hears of the first signal
    /// before its token fires.
    ///
    /// # Errors
    ///
    /// The system does not let the program listen.
    pub(crate) fn listen(&self, note: impl Fn(&'static str) + Send + 'static) -> std::io::Result<()> {
        let mut signals = Vec::with_capacity(ENDING.len());
        for (kind, name) in ENDING {
            signals.push((signal(kind())?, name));
        }
        let tokens = self.clone();
        tokio::spawn(async move {
            let name = next(&mut signals).await;
            note(name);
            tokens.first.cancel();
            next(&mut signals).await;
            tokens.second.cancel();
        });
        Ok(())
    }
}

/// Waits for any of the signals and gives its name.
async fn next(signals: &mut [(Signal, &'static str)]) -> &'static str {
    std::future::poll_fn(|context| {
        for (signal, name) in signals.iter_mut() {
            if signal.poll_recv(context).is_ready() {
                return std::task::Poll::Ready(*name);
            }
        }
        std::task::Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use rustix::process::{Signal, getpid, kill_process};

    use super::Interrupts;

    // Each test has a process of its own under nextest; SIGHUP keeps clear of the test runner's own.
    #[test]
    fn the_first_signal_asks_and_the_second_ends() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let interrupts = Interrupts::default();
        let (sender, names) = mpsc::channel();
        runtime.block_on(async {
            interrupts.listen(move |name| sender.send(name).unwrap()).unwrap();
            kill_process(getpid(), Signal::HUP).unwrap();
            interrupts.first.cancelled().await;
            assert!(!interrupts.second.is_cancelled());
            kill_process(getpid(), Signal::HUP).unwrap();
            interrupts.second.cancelled().await;
        });
        assert_eq!(names.recv().unwrap(), "SIGHUP");
    }
}
