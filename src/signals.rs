//! Ctrl-C and its kin, from the start of the program to its end.
//!
//! A signal goes to the run, where there is one; else it ends the question that stands open, so that
//! the terminal is left as it was found; else it ends the program as if nobody listened.
//! What was ignored when the program began stays ignored: nohup(1) and a script's `&` mean it.

use std::io::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oneex_engine::run::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Incoming;

/// The signals that end a run, with their names.
const ENDING: [(i32, &str); 3] = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")];

/// Hears signals; clones share what they know. The default hears nothing.
#[derive(Clone, Default)]
pub(crate) struct Signals {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What stops the run that has begun.
    run: Option<Stop>,
    /// Questions that stand open.
    questions: usize,
    /// A signal came while a question stood open.
    heard: bool,
}

impl Signals {
    /// Hears signals from now on, as long as the program lasts.
    ///
    /// # Errors
    ///
    /// The system does not let the program listen.
    pub(crate) fn listen() -> Result<Self> {
        let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
        let heard = ENDING.into_iter().filter(|(number, _)| ignored & (1 << (number - 1)) == 0);
        let mut incoming = Incoming::new(heard.map(|(number, _)| number))?;
        let signals = Self::default();
        let hearing = signals.clone();
        let thread = std::thread::Builder::new().name("signals".to_owned());
        thread.spawn(move || incoming.forever().for_each(|number| hearing.hear(number)))?;
        Ok(signals)
    }

    /// From now on signals stop this run.
    pub(crate) fn stop(&self, run: Stop) {
        self.state().run = Some(run);
    }

    /// Stops the run that has begun, as a signal would; nothing happens where it is being stopped.
    pub(crate) fn interrupt(&self, signal: &str) {
        let run = self.state().run.clone();
        if let Some(run) = run.filter(|run| !run.graceful().is_cancelled()) {
            run.interrupt(signal);
        }
    }

    /// True once the run that has begun is being stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state().run.as_ref().is_some_and(|run| run.graceful().is_cancelled())
    }

    /// A question stands open until it is closed.
    pub(crate) fn question(&self) -> Question<'_> {
        self.state().questions += 1;
        Question(self)
    }

    fn hear(&self, number: i32) {
        let mut state = self.state();
        if let Some(run) = state.run.clone() {
            drop(state);
            let name = ENDING.iter().find(|(known, _)| *known == number).map_or("a signal", |(_, name)| name);
            run.interrupt(name);
        } else if state.questions > 0 {
            state.heard = true;
        } else if let Err(error) = signal_hook::low_level::emulate_default_handler(number) {
            tracing::error!(%error, number, "a signal without effect");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that stands open.
pub(crate) struct Question<'a>(&'a Signals);

impl Question<'_> {
    /// True once a signal came that no run takes care of.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.0.state().heard
    }

    /// The question is answered and the terminal as it was found; true as above: no signal is lost
    /// between the answer and this.
    pub(crate) fn close(self) -> bool {
        let mut state = self.0.state();
        state.questions = state.questions.saturating_sub(1);
        state.heard
    }
}

/// The signals that are ignored, as the text of a proc_pid_status(5) file has them; none where it
/// does not say.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use oneex_engine::run::Stop;
    use rustix::process::{Signal, getpid, kill_process};

    use super::{Signals, ignored};

    fn within_a_minute(what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_so() {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    // One test, since a signal is for the whole process; SIGTERM keeps clear of the runner's own.
    #[test]
    fn a_signal_ends_the_question_and_then_the_run() {
        let signals = Signals::listen().unwrap();
        let question = signals.question();
        assert!(!question.is_interrupted());
        kill_process(getpid(), Signal::TERM).unwrap();
        within_a_minute("the question goes on", || question.is_interrupted());
        assert!(question.close());

        signals.interrupt("SIGINT");
        assert!(!signals.is_stopped(), "there is no run");
        let run = Stop::default();
        signals.stop(run.clone());
        assert!(!signals.is_stopped());
        kill_process(getpid(), Signal::TERM).unwrap();
        within_a_minute("the run goes on", || run.graceful().is_cancelled());
        assert!(signals.is_stopped());
        signals.interrupt("SIGINT");
        assert!(!run.immediate().is_cancelled(), "it is being stopped already");
        kill_process(getpid(), Signal::TERM).unwrap();
        within_a_minute("the run ends slowly", || run.immediate().is_cancelled());
        assert_eq!(run.signal(), "SIGTERM");
    }

    #[test]
    fn what_is_ignored_is_read_from_the_kernel() {
        for (status, mask) in [
            ("Name:\tsh\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000000006\nSigCgt:\t0\n", 6),
            ("SigIgn:\t8000000000001000\n", 0x8000_0000_0000_1000),
            ("SigIgn:\tno number\n", 0),
            ("", 0),
        ] {
            assert_eq!(ignored(status), mask, "{status:?}");
        }
    }
}
