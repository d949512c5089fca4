//! The live picture on a terminal: lines for what changed or failed, and under them what runs now.
//!
//! Events are noted at once and drawn ten times a second by a thread of its own, so that ten
//! thousand events cost no more drawings than ten.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use oneex_engine::run::{Listener, RunEvent, Stamped};

use super::human::Human;
use super::picture::Picture;
use super::screen::Screen;
use crate::term::Output;

/// How long the picture stands still.
const TICK: Duration = Duration::from_millis(100);

/// Bytes of text that do not wait for the picture's next turn.
const MUCH: usize = 256 * 1024;

/// Draws the picture and writes the lines above it.
pub(crate) struct Live {
    state: Mutex<State>,
    wake: Condvar,
    bar: ProgressBar,
    output: Output,
    /// Columns and rows.
    size: Box<dyn Fn() -> (usize, usize) + Send + Sync>,
}

struct State {
    human: Human,
    picture: Picture,
    pending: String,
    ended: bool,
}

impl Live {
    /// A picture on standard output, which is a terminal.
    pub(crate) fn on_stdout(human: Human, output: Output) -> Arc<Self> {
        let size = || {
            let (rows, columns) = console::Term::stdout().size();
            (usize::from(columns), usize::from(rows))
        };
        let screen = Screen::new(console::Term::buffered_stdout());
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen), 20);
        Self::new(human, output, target, Box::new(size))
    }

    fn new(
        human: Human,
        output: Output,
        target: ProgressDrawTarget,
        size: Box<dyn Fn() -> (usize, usize) + Send + Sync>,
    ) -> Arc<Self> {
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let picture = Picture::new(output.is_colored(), Instant::now());
        let state = Mutex::new(State { human, picture, pending: String::new(), ended: false });
        Arc::new(Self { state, wake: Condvar::new(), bar, output, size })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the picture away while `ask` talks to a person.
    pub(crate) fn paused<T>(&self, ask: impl FnOnce() -> T) -> T {
        let pending = std::mem::take(&mut self.state().pending);
        self.bar.suspend(|| {
            self.output.write(&pending);
            ask()
        })
    }

    /// Writes what there is to say and draws the picture.
    fn draw(&self) {
        let (width, height) = (self.size)();
        let (pending, lines) = {
            let mut state = self.state();
            (std::mem::take(&mut state.pending), state.picture.lines(Instant::now(), width, height))
        };
        if !pending.is_empty() {
            self.bar.suspend(|| self.output.write(&pending));
        }
        self.bar.set_message(lines.join("\n"));
    }

    /// Takes the picture away for good and writes what is left to say.
    fn clear(&self) {
        self.bar.finish_and_clear();
        let pending = std::mem::take(&mut self.state().pending);
        self.output.write(&pending);
    }

    /// Draws until the run has ended.
    fn keep_drawing(&self) {
        let mut state = self.state();
        while !state.ended {
            drop(state);
            self.draw();
            state = self.state();
            if !state.ended {
                let waited = self.wake.wait_timeout(state, TICK);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

/// The listener: notes events, and ends the drawing with the run.
pub(crate) struct Progress {
    live: Arc<Live>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts drawing.
    pub(crate) fn start(live: Arc<Live>) -> Self {
        let drawing = Arc::clone(&live);
        let thread =
            std::thread::Builder::new().name("picture".to_owned()).spawn(move || drawing.keep_drawing());
        // Without a thread there is no picture, and the lines come at the end of the run.
        Self { live, thread: thread.ok() }
    }

    fn stop(&mut self) {
        self.live.state().ended = true;
        self.live.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has drawn its last anyway.
            let _ = thread.join();
            self.live.clear();
        }
    }
}

impl Listener for Progress {
    fn follows(&self) -> bool {
        self.live.state().human.follows()
    }

    fn on_event(&mut self, event: &Stamped) {
        let is_much = {
            let mut state = self.live.state();
            let text = state.human.render(&event.event);
            state.pending.push_str(&text);
            state.picture.note(&event.event, Instant::now());
            state.pending.len() > MUCH
        };
        if is_much {
            // Whoever writes faster than the terminal shows waits for it.
            self.live.draw();
        }
        if matches!(event.event, RunEvent::RunFinished { .. }) {
            self.stop();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};
    use oneex_engine::run::{Listener, NodeStatus, RunEvent, RunStatus};

    use super::{Live, Progress, Screen};
    use crate::context::Verbosity;
    use crate::report::{human::Human, look::Look, samples};
    use crate::term::Output;

    /// Writes to the terminal of the test as a real one is written to.
    struct Writer(InMemoryTerm);

    impl std::io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.write_str(&String::from_utf8_lossy(bytes).replace('\n', "\r\n"))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn live(rows: u16, columns: u16) -> (Arc<Live>, InMemoryTerm) {
        let screen = InMemoryTerm::new(rows, columns);
        let look = Look::run(true, Verbosity::default(), true);
        let human = Human::new(look, Arc::default());
        let target = ProgressDrawTarget::term_like(Box::new(Screen::new(screen.clone())));
        let size = move || (usize::from(columns), usize::from(rows));
        let output = Output::to_writer(Box::new(Writer(screen.clone())), true);
        (Live::new(human, output, target, Box::new(size)), screen)
    }

    fn events(nodes: usize) -> Vec<RunEvent> {
        let mut events = vec![samples::started("run", 1)];
        let task: Arc<str> = "a rather long name of a task that goes on".into();
        events.push(RunEvent::TaskExpanded { task: Arc::clone(&task), nodes, hosts: vec![] });
        for n in 0..nodes {
            let host = format!("host-{n}.with-a-long-name.in-a-long-domain.example");
            let node = samples::node(&task, Some(&host));
            events.push(RunEvent::NodeStarted { node: node.clone(), attempt: 1 });
            if n % 3 == 0 {
                events.push(samples::operation(&node, "exec", "true", oneex_engine::run::OpStatus::Done));
            }
            if n >= 64 {
                let first = samples::node(&task, Some(&host.replace(&n.to_string(), &(n - 64).to_string())));
                events.push(samples::finished(&first, NodeStatus::Changed, 0.0));
            }
        }
        events
    }

    #[test]
    fn ten_thousand_nodes_stay_within_a_small_terminal() {
        let (live, screen) = live(24, 80);
        for (index, event) in samples::stamped(events(10_000)).into_iter().enumerate() {
            {
                let mut state = live.state();
                let text = state.human.render(&event.event);
                state.pending.push_str(&text);
                state.picture.note(&event.event, std::time::Instant::now());
            }
            if index % 997 == 0 {
                live.draw();
            }
        }
        live.draw();
        let shown = screen.contents();
        let last = shown.lines().last().unwrap_or_default();
        assert!(last.starts_with("9936/10000  9936 changed  64 running"), "{shown}");
        assert_eq!(shown.matches("running").count(), 1, "the picture stands once:\n{shown}");
        assert!(shown.lines().count() <= 24);
        let rows: Vec<&str> = shown.lines().collect();
        assert!(rows.iter().all(|row| console::measure_text_width(row) <= 80), "{shown}");
        assert!(rows.iter().any(|row| row.starts_with("  … and 56 more")), "{shown}");
    }

    #[test]
    fn the_picture_goes_when_the_run_ends_and_the_lines_stay() {
        let (live, screen) = live(24, 80);
        let mut progress = Progress::start(Arc::clone(&live));
        let (mut all, _) = samples::run();
        all.truncate(8);
        all.push(RunEvent::RunFinished {
            summary: samples::summary(RunStatus::Ok, "1 changed in 4.2s", samples::counts()),
        });
        for event in samples::stamped(all) {
            progress.on_event(&event);
        }
        let shown = screen.contents();
        assert!(shown.contains("changed     release [web1]  file /etc/shop.conf"), "{shown}");
        assert!(shown.ends_with("ok          1 changed in 4.2s"), "{shown}");
        assert!(!shown.contains("running"), "{shown}");
    }

    #[test]
    fn a_question_stands_alone() {
        let (live, screen) = live(24, 80);
        live.draw();
        assert!(screen.contents().contains("running"));
        let seen = live.paused(|| screen.contents());
        assert!(!seen.contains("running"), "{seen}");
    }
}
