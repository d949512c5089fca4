//! Ctrl-C and its kin: whoever listens hears each of them by name.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Makes the kind of a signal.
type Kind = fn() -> SignalKind;

/// The signals that end a run, with their names.
const ENDING: [(Kind, &str); 3] =
    [(SignalKind::interrupt, "SIGINT"), (SignalKind::terminate, "SIGTERM"), (SignalKind::hangup, "SIGHUP")];

/// Calls `heard` for each signal from now on; must be called within a runtime, and lasts as long.
///
/// # Errors
///
/// The system does not let the program listen.
pub(crate) fn listen(heard: impl Fn(&'static str) + Send + 'static) -> std::io::Result<()> {
    let mut signals = Vec::with_capacity(ENDING.len());
    for (kind, name) in ENDING {
        signals.push((signal(kind())?, name));
    }
    tokio::spawn(async move {
        loop {
            let name = next(&mut signals).await;
            heard(name);
        }
    });
    Ok(())
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
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    use super::listen;

    // Each test has a process of its own under nextest; SIGHUP keeps clear of the test runner's own.
    #[test]
    fn every_signal_is_heard_by_name() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (sender, names) = mpsc::channel();
        runtime.block_on(async { listen(move |name| sender.send(name).unwrap()) }).unwrap();
        for _ in 0..2 {
            kill_process(getpid(), Signal::HUP).unwrap();
            assert_eq!(names.recv_timeout(Duration::from_secs(60)), Ok("SIGHUP"));
        }
    }
}
