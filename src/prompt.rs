//! Asking a person on the terminal: parameters, passwords, gates.
//!
//! Questions go to standard error, answers come from standard input. A secret is not echoed, and
//! whatever happens the terminal is left as it was found.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::termios::{LocalModes, OptionalActions, Termios};

use crate::signals::{Question, Signals};
use crate::term::Output;

/// How soon a question ends after it was cancelled.
const GLANCE: Duration = Duration::from_millis(100);

/// Asks questions.
pub(crate) struct Asker {
    stderr: Output,
    signals: Signals,
    interrupted: AtomicBool,
}

impl Asker {
    /// Asks on standard error; a signal that no run takes care of ends a question.
    pub(crate) fn new(stderr: Output, signals: Signals) -> Self {
        Self { stderr, signals, interrupted: AtomicBool::new(false) }
    }

    /// True once a person has answered with Ctrl-C, or a signal was the answer.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Asks one question; nothing when there is no answer: the input ended, Ctrl-C, a signal,
    /// `stopped`.
    pub(crate) fn ask(&self, question: &str, secret: bool, stopped: &dyn Fn() -> bool) -> Option<String> {
        self.ask_on(std::io::stdin().as_fd(), question, secret, stopped)
    }

    fn ask_on(
        &self,
        input: BorrowedFd<'_>,
        question: &str,
        secret: bool,
        stopped: &dyn Fn() -> bool,
    ) -> Option<String> {
        if self.was_interrupted() || stopped() {
            return None;
        }
        // Both before the question can be seen: an answer may come in the same moment.
        let open = self.signals.question();
        let hidden = if secret { Hidden::on(input) } else { None };
        self.stderr.write(&format!("{} ", oneex_sdk::visible(question)));
        let answer = read(input, hidden.is_some(), &open, stopped);
        drop(hidden);
        let answer = if open.close() { Answer::Interrupted } else { answer };
        // The line break of an answer that is echoed is the person's own.
        if secret || !matches!(answer, Answer::Given(_)) {
            self.stderr.write("\n");
        }
        match answer {
            Answer::Given(text) => Some(text),
            Answer::None => None,
            Answer::Interrupted => {
                self.interrupted.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// Asks for yes or no until one of them is the answer; nothing when there is none.
    pub(crate) fn confirm(&self, question: &str, stopped: &dyn Fn() -> bool) -> Option<bool> {
        loop {
            let answer = self.ask(&format!("{question} [y/N]"), false, stopped)?;
            match answer.trim().to_lowercase().as_str() {
                "y" | "yes" => return Some(true),
                "" | "n" | "no" => return Some(false),
                _ => self.stderr.line("please answer `y` or `n`"),
            }
        }
    }
}

/// What came of a question.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Given(String),
    None,
    Interrupted,
}

fn read(input: BorrowedFd<'_>, raw: bool, question: &Question<'_>, stopped: &dyn Fn() -> bool) -> Answer {
    let mut line = Line { bytes: Vec::new(), raw };
    let mut buffer = [0_u8; 256];
    loop {
        if question.is_interrupted() {
            return Answer::Interrupted;
        }
        if stopped() {
            return Answer::None;
        }
        match is_readable(input) {
            Ok(false) | Err(rustix::io::Errno::INTR) => continue,
            Ok(true) => {}
            Err(_) => return Answer::None,
        }
        match rustix::io::read(input, &mut buffer) {
            Ok(0) => return line.end(),
            Ok(length) => {
                if let Some(answer) = line.push(buffer.get(..length).unwrap_or_default()) {
                    return answer;
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Answer::None,
        }
    }
}

fn is_readable(input: BorrowedFd<'_>) -> rustix::io::Result<bool> {
    let timeout = Timespec::try_from(GLANCE).ok();
    let mut fds = [PollFd::new(&input, PollFlags::IN)];
    Ok(rustix::event::poll(&mut fds, timeout.as_ref())? > 0)
}

/// A terminal that echoes nothing and gives every key at once, Ctrl-C included, until dropped.
struct Hidden<'a> {
    input: BorrowedFd<'a>,
    before: Termios,
}

impl<'a> Hidden<'a> {
    /// Nothing where standard input is no terminal: then there is no echo either.
    fn on(input: BorrowedFd<'a>) -> Option<Self> {
        let before = rustix::termios::tcgetattr(input).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        rustix::termios::tcsetattr(input, OptionalActions::Flush, &quiet).ok()?;
        Some(Self { input, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // Nothing is left to be done where the terminal has gone away.
        let _ = rustix::termios::tcsetattr(self.input, OptionalActions::Now, &self.before);
    }
}

/// A line as it is typed.
struct Line {
    bytes: Vec<u8>,
    /// The terminal edits nothing: keys that edit arrive as bytes.
    raw: bool,
}

impl Line {
    /// Takes what was typed; the answer once it is whole.
    fn push(&mut self, typed: &[u8]) -> Option<Answer> {
        for byte in typed {
            match byte {
                b'\n' | b'\r' => return Some(Answer::Given(self.text())),
                // Ctrl-C
                0x03 if self.raw => return Some(Answer::Interrupted),
                // Ctrl-D
                0x04 if self.raw => return Some(self.end()),
                // Ctrl-U
                0x15 if self.raw => self.bytes.clear(),
                // Backspace, which takes a whole character away.
                0x7f | 0x08 if self.raw => while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
                byte => self.bytes.push(*byte),
            }
        }
        None
    }

    /// The answer where the input ends.
    fn end(&self) -> Answer {
        if self.bytes.is_empty() { Answer::None } else { Answer::Given(self.text()) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Result, Write};
    use std::os::fd::AsFd;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use rustix::termios::{LocalModes, tcgetattr};

    use super::{Answer, Asker, Line};
    use crate::signals::Signals;
    use crate::term::Output;

    fn typed(raw: bool, pieces: &[&[u8]]) -> Option<Answer> {
        let mut line = Line { bytes: Vec::new(), raw };
        pieces.iter().find_map(|piece| line.push(piece))
    }

    /// A person who types the answer in the very moment in which the question is shown.
    struct Eager(Arc<pty_process::blocking::Pty>, &'static [u8]);

    impl Write for Eager {
        fn write(&mut self, shown: &[u8]) -> Result<usize> {
            if shown.starts_with(b"the token") {
                (&*self.0).write_all(self.1)?;
            }
            Ok(shown.len())
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_that_comes_with_the_question_is_neither_lost_nor_shown() {
        for (secret, typed, answer, echoed) in [
            (true, &b"hunter2\r"[..], Some("hunter2"), false),
            (true, b"hunter2\x03", None, false),
            (false, b"hunter2\r", Some("hunter2"), true),
        ] {
            let (pty, pts) = pty_process::blocking::open().unwrap();
            let pty = Arc::new(pty);
            let person = Output::to_writer(Box::new(Eager(Arc::clone(&pty), typed)), false);
            let asker = Asker::new(person, Signals::default());
            let deadline = Instant::now() + Duration::from_secs(20);
            let lost = || Instant::now() > deadline;
            let given = asker.ask_on(pts.as_fd(), "the token:", secret, &lost);
            assert_eq!(given.as_deref(), answer);
            assert_eq!(asker.was_interrupted(), answer.is_none());
            let mode = tcgetattr(pts.as_fd()).unwrap().local_modes;
            assert!(mode.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG), "{mode:?}");
            // The terminal shows what is written to it after all that it has echoed.
            rustix::io::write(pts.as_fd(), b"|").unwrap();
            let mut shown = [0; 64];
            let length = (&*pty).read(&mut shown).unwrap();
            let shown = String::from_utf8_lossy(&shown[..length]).into_owned();
            assert_eq!(shown.contains("hunter2"), echoed, "{shown:?}");
        }
    }

    #[test]
    fn a_line_ends_with_the_return_key() {
        assert_eq!(typed(false, &[b"ye", b"s\nmore"]), Some(Answer::Given("yes".into())));
        assert_eq!(typed(true, &[b"\r"]), Some(Answer::Given(String::new())));
        assert_eq!(typed(false, &[b"unfinished"]), None);
    }

    #[test]
    fn hidden_lines_can_be_edited_and_left() {
        assert_eq!(typed(true, &["pä\x7f\x7f\x7fok\n".as_bytes()]), Some(Answer::Given("ok".into())));
        assert_eq!(typed(true, &[b"wrong\x15right\n"]), Some(Answer::Given("right".into())));
        assert_eq!(typed(true, &[b"half\x03"]), Some(Answer::Interrupted));
        assert_eq!(typed(true, &[b"\x04"]), Some(Answer::None));
        assert_eq!(typed(true, &[b"whole\x04"]), Some(Answer::Given("whole".into())));
    }
}
