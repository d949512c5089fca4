//! A sign of life where there is no live picture: what has been running for long, after a minute in
//! which nothing else was said. A CI job that is silent for long is taken for dead.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use oneex_engine::run::{Listener, RunEvent, Stamped};

use super::look::Look;
use super::picture::Picture;
use crate::context::Verbosity;
use crate::term::{DIM, Output};

/// How long it may be silent.
const SILENCE: Duration = Duration::from_secs(60);
/// So many nodes are named.
const NAMED: usize = 3;

/// Says what runs when nothing else has been said for a while.
pub(crate) struct Heartbeat {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    look: Look,
    output: Output,
    silence: Duration,
}

struct State {
    picture: Picture,
    ended: bool,
}

impl Heartbeat {
    /// A listener that writes to `output`; none where the person wants it quiet.
    pub(crate) fn start(look: Look, output: &Output) -> Option<Self> {
        look.shows(Verbosity::default()).then(|| Self::every(SILENCE, look, output.clone()))
    }

    fn every(silence: Duration, look: Look, output: Output) -> Self {
        let picture = Picture::new(look.color, Instant::now());
        let state = Mutex::new(State { picture, ended: false });
        let shared = Arc::new(Shared { state, wake: Condvar::new(), look, output, silence });
        let beating = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("heartbeat".to_owned()).spawn(move || beating.beat());
        // Without a thread there is no sign of life, and the run is none the worse for it.
        Self { shared, thread: thread.ok() }
    }

    fn stop(&mut self) {
        self.shared.state().ended = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked beats no more.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Speaks up whenever it has been silent for too long, until the run has ended.
    fn beat(&self) {
        let mut state = self.state();
        while !state.ended {
            let silent = self.output.written().elapsed();
            let rest = self.silence.saturating_sub(silent);
            if rest.is_zero() {
                let text = lines(&state.picture, self.look, Instant::now());
                self.output.write(&text);
            }
            let wait = if rest.is_zero() { self.silence } else { rest };
            state = self.wake.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What runs at `now`, the longest first; nothing where nothing does.
fn lines(picture: &Picture, look: Look, now: Instant) -> String {
    let running = picture.running(now);
    let named = running.iter().take(NAMED).map(|text| look.line(DIM, "running", text));
    let mut out: String = named.collect();
    let more = running.len().saturating_sub(NAMED);
    if more > 0 {
        out.push_str(&look.line(DIM, "running", &format!("… and {more} more")));
    }
    out
}

impl Listener for Heartbeat {
    fn on_event(&mut self, event: &Stamped) {
        self.shared.state().picture.note(&event.event, Instant::now());
        if matches!(event.event, RunEvent::RunFinished { .. }) {
            self.stop();
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use oneex_engine::run::{Listener, NodeStatus, RunEvent, RunStatus};

    use super::{Heartbeat, lines};
    use crate::context::Verbosity;
    use crate::report::look::Look;
    use crate::report::picture::Picture;
    use crate::report::samples::{self, finished, node};
    use crate::term::capture;

    fn look(verbosity: Verbosity) -> Look {
        Look::run(false, verbosity, true)
    }

    #[test]
    fn the_longest_are_named_and_the_others_counted() {
        let begin = Instant::now();
        let mut picture = Picture::new(false, begin);
        let said =
            |picture: &Picture| lines(picture, look(Verbosity::default()), begin + Duration::from_secs(90));
        assert_eq!(said(&picture), "");
        for second in 0..5 {
            let started = RunEvent::NodeStarted {
                node: node("release", Some(&format!("web{second}\x1b[2J"))),
                attempt: 1,
            };
            picture.note(&started, begin + Duration::from_secs(second));
        }
        let web0 = node("release", Some("web0\x1b[2J"));
        picture.note(&finished(&web0, NodeStatus::Ok, 1.0), begin);
        assert_eq!(
            said(&picture),
            "running     release [web1\\x1b[2J] 1m 29s\nrunning     release [web2\\x1b[2J] 1m 28s\n\
             running     release [web3\\x1b[2J] 1m 27s\nrunning     … and 1 more\n"
        );
    }

    #[test]
    fn it_beats_while_a_node_runs_and_not_after_the_end() {
        let (output, captured) = capture::output(false);
        let mut heartbeat = Heartbeat::every(Duration::from_millis(5), look(Verbosity::default()), output);
        let web1 = node("release", Some("web1"));
        let events = samples::stamped(vec![
            RunEvent::NodeStarted { node: web1.clone(), attempt: 1 },
            finished(&web1, NodeStatus::Ok, 1.0),
            RunEvent::RunFinished { summary: samples::summary(RunStatus::Ok, "", samples::counts()) },
        ]);
        heartbeat.on_event(&events[0]);
        let deadline = Instant::now() + Duration::from_secs(60);
        while captured.text().lines().count() < 2 {
            assert!(Instant::now() < deadline, "no sign of life");
            std::thread::yield_now();
        }
        events[1..].iter().for_each(|event| heartbeat.on_event(event));
        assert!(heartbeat.thread.is_none(), "the thread has ended with the run");
        let text = captured.text();
        assert!(text.lines().all(|line| line.starts_with("running     release [web1]")), "{text}");
    }

    #[test]
    fn a_quiet_run_has_none() {
        let (output, _) = capture::output(false);
        assert!(Heartbeat::start(look(Verbosity::QUIET), &output).is_none());
        assert!(Heartbeat::start(look(Verbosity::default()), &output).is_some());
    }
}
