//! Asking a person on the terminal: parameters, passwords, gates.
//!
//! Questions go to standard error, answers come from standard input. A secret is not echoed, and
//! whatever happens the terminal is left as it was found.

use std::io::Stdin;
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
        if self.was_interrupted() {
            return None;
        }
        // Open before it can be seen, and until the terminal is as it was found.
        let open = self.signals.question();
        self.stderr.write(&format!("{} ", oneex_sdk::visible(question)));
        let answer = read(&std::io::stdin(), secret, &open, stopped);
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

fn read(stdin: &Stdin, secret: bool, question: &Question<'_>, stopped: &dyn Fn() -> bool) -> Answer {
    let hidden = if secret { Hidden::on(stdin) } else { None };
    let mut line = Line { bytes: Vec::new(), raw: hidden.is_some() };
    let mut buffer = [0_u8; 256];
    loop {
        if question.is_interrupted() {
            return Answer::Interrupted;
        }
        if stopped() {
            return Answer::None;
        }
        match is_readable(stdin) {
            Ok(false) | Err(rustix::io::Errno::INTR) => continue,
            Ok(true) => {}
            Err(_) => return Answer::None,
        }
        match rustix::io::read(stdin, &mut buffer) {
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

fn is_readable(stdin: &Stdin) -> rustix::io::Result<bool> {
    let timeout = Timespec::try_from(GLANCE).ok();
    let mut fds = [PollFd::new(stdin, PollFlags::IN)];
    Ok(rustix::event::poll(&mut fds, timeout.as_ref())? > 0)
}

/// A terminal that echoes nothing and gives every key at once, Ctrl-C included, until dropped.
struct Hidden<'a> {
    stdin: &'a Stdin,
    before: Termios,
}

impl<'a> Hidden<'a> {
    /// Nothing where standard input is no terminal: then there is no echo either.
    fn on(stdin: &'a Stdin) -> Option<Self> {
        let before = rustix::termios::tcgetattr(stdin).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        rustix::termios::tcsetattr(stdin, OptionalActions::Flush, &quiet).ok()?;
        Some(Self { stdin, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // Nothing is left to be done where the terminal has gone away.
        let _ = rustix::termios::tcsetattr(self.stdin, OptionalActions::Now, &self.before);
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
    use super::{Answer, Line};

    fn typed(raw: bool, pieces: &[&[u8]]) -> Option<Answer> {
        let mut line = Line { bytes: Vec::new(), raw };
        pieces.iter().find_map(|piece| line.push(piece))
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
