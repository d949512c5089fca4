//! A program on a terminal of its own, and what a person would see there.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Termios, tcgetattr};
use vt100::Parser;

use crate::project::{code_of, wait};

/// How many lines that left the screen are kept.
const SCROLLBACK: usize = 100_000;

/// A program on a pseudo-terminal.
pub struct Terminal {
    child: Child,
    pty: Arc<pty_process::blocking::Pty>,
    shared: Arc<Mutex<Shared>>,
    reader: JoinHandle<()>,
    /// How the terminal was before the program had it.
    found: Termios,
}

struct Shared {
    parser: Parser,
    raw: Vec<u8>,
}

/// What is left of a terminal after its program has ended.
pub struct Transcript {
    /// The exit code, as [`crate::project::Finished::code`].
    pub code: i32,
    /// The screen as it was left, without trailing spaces.
    pub screen: String,
    /// Every line that scrolled off the screen, and then the screen.
    pub history: Vec<String>,
    /// Every byte that the program wrote.
    pub raw: Vec<u8>,
    /// The terminal echoes, edits and translates as it did before the program.
    pub restored: bool,
}

impl Terminal {
    pub(crate) fn spawn(command: pty_process::blocking::Command, rows: u16, columns: u16) -> Self {
        let (pty, pts) = pty_process::blocking::open().expect("a pseudo-terminal");
        pty.resize(pty_process::Size::new(rows, columns)).expect("the size of a pseudo-terminal");
        let [height, width] = [rows, columns].map(|size| NonZeroU16::new(size).expect("a size above 0"));
        let parser = Parser::new(height, width, SCROLLBACK);
        let found = tcgetattr(&pty).expect("the mode of a pseudo-terminal");
        let child = command.spawn(pts).expect("a program on a pseudo-terminal");
        let pty = Arc::new(pty);
        let shared = Arc::new(Mutex::new(Shared { parser, raw: Vec::new() }));
        let reader = {
            let (pty, shared) = (Arc::clone(&pty), Arc::clone(&shared));
            std::thread::spawn(move || follow(&pty, &shared))
        };
        Self { child, pty, shared, reader, found }
    }

    /// What stands on the screen now.
    pub fn screen(&self) -> String {
        lock(&self.shared).parser.screen().contents()
    }

    /// Waits until the screen is as `wanted` says.
    ///
    /// # Panics
    /// When it is not within a minute; the message holds the screen.
    pub fn wait_for(&self, what: &str, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return;
            }
            assert!(Instant::now() < deadline, "no {what} on the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types: `"\x03"` is Ctrl-C.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn send(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("keys for a terminal");
    }

    /// Sends a signal to the program alone.
    ///
    /// # Panics
    /// When the program has ended already.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a signal to a running program");
    }

    /// Whether the terminal is as it was before the program.
    fn is_restored(&self) -> bool {
        let mode = |termios: &Termios| {
            (termios.local_modes, termios.input_modes, termios.output_modes, termios.control_modes)
        };
        mode(&tcgetattr(&*self.pty).expect("the mode of a pseudo-terminal")) == mode(&self.found)
    }

    /// Gives the window another size, as a person does who drags its corner.
    ///
    /// # Panics
    /// When the terminal is gone, or a size is 0.
    pub fn resize(&self, rows: u16, columns: u16) {
        let [height, width] = [rows, columns].map(|size| NonZeroU16::new(size).expect("a size above 0"));
        lock(&self.shared).parser.set_size(height, width);
        self.pty.resize(pty_process::Size::new(rows, columns)).expect("a new size of a pseudo-terminal");
    }

    /// Waits for the end of the program.
    ///
    /// # Panics
    /// When it takes longer than two minutes.
    pub fn finish(mut self) -> Transcript {
        let code = code_of(wait(&mut self.child));
        let restored = self.is_restored();
        self.reader.join().expect("the reader of a terminal");
        let mut shared = lock(&self.shared);
        let history = history(&mut shared.parser);
        let screen = shared.parser.screen().contents();
        Transcript { code, screen, history, raw: std::mem::take(&mut shared.raw), restored }
    }
}

/// Reads until the last program has closed the terminal, which Linux reports as an error.
fn follow(pty: &pty_process::blocking::Pty, shared: &Mutex<Shared>) {
    let mut buffer = [0; 8192];
    let mut stream = pty;
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        let mut shared = lock(shared);
        shared.parser.process(&buffer[..count]);
        shared.raw.extend_from_slice(&buffer[..count]);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that can be seen by scrolling back, from the first line.
fn history(parser: &mut Parser) -> Vec<String> {
    let (rows, columns) = parser.screen().size();
    let mut lines = Vec::new();
    parser.screen_mut().set_scrollback(usize::MAX);
    let above = parser.screen().scrollback();
    for offset in (1..=above).rev() {
        parser.screen_mut().set_scrollback(offset);
        lines.extend(parser.screen().rows(0, columns.get()).next());
    }
    parser.screen_mut().set_scrollback(0);
    lines.extend(parser.screen().rows(0, columns.get()).take(usize::from(rows.get())));
    lines
}

#[cfg(test)]
mod tests {
    use crate::project::TestProject;

    #[test]
    fn a_program_sees_a_terminal_of_the_size_it_was_given() {
        let project = TestProject::new("/bin/sh");
        let terminal = project.terminal(5, 40, ["-c", "test -t 1 && stty size; read line; echo got $line"]);
        terminal.wait_for("size", |screen| screen.contains("5 40"));
        terminal.send("it\n");
        let transcript = terminal.finish();
        assert_eq!(transcript.code, 0);
        assert!(transcript.screen.contains("got it"), "{}", transcript.screen);
    }

    #[test]
    fn a_terminal_that_is_left_without_echo_is_told_from_one_that_is_restored() {
        for (script, restored) in
            [("stty -echo; stty echo", true), ("stty -echo", false), ("stty -icanon", false)]
        {
            let transcript = TestProject::new("/bin/sh").terminal(5, 40, ["-c", script]).finish();
            assert_eq!((transcript.code, transcript.restored), (0, restored), "{script}");
        }
    }

    #[test]
    fn lines_that_scrolled_away_are_kept() {
        let project = TestProject::new("/bin/sh");
        let transcript = project.terminal(5, 40, ["-c", "seq 1 20"]).finish();
        let lines: Vec<&str> = transcript.history.iter().map(String::as_str).collect();
        let wanted: Vec<String> = (1..=20).map(|number| number.to_string()).collect();
        assert_eq!(lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>(), wanted);
        assert!(transcript.raw.starts_with(b"1\r\n2\r\n"));
    }
}
