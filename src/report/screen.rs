//! A terminal on which every line of the picture ends where its text ends.
//!
//! indicatif fills each line with blanks up to the last column and lets the terminal wrap there. A
//! terminal that is made wider then takes these lines for one long one and flows them together, and
//! what is cleared next is no longer the picture. Here a line ends with a line break instead.

use std::io::Result;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::TermLike;

/// Draws on `inner` without blanks up to the last column.
#[derive(Debug)]
pub(crate) struct Screen<T> {
    inner: T,
    /// A line has ended; a further one begins on a row of its own.
    ended: AtomicBool,
}

impl<T> Screen<T> {
    /// Draws on `inner`, with the cursor at the beginning of a line.
    pub(crate) fn new(inner: T) -> Self {
        Self { inner, ended: AtomicBool::new(false) }
    }

    fn moved(&self) -> &T {
        self.ended.store(false, Ordering::Relaxed);
        &self.inner
    }
}

impl<T: TermLike> TermLike for Screen<T> {
    fn width(&self) -> u16 {
        self.inner.width()
    }

    fn height(&self) -> u16 {
        self.inner.height()
    }

    fn move_cursor_up(&self, n: usize) -> Result<()> {
        self.moved().move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> Result<()> {
        self.moved().move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> Result<()> {
        self.moved().move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> Result<()> {
        self.moved().move_cursor_left(n)
    }

    fn write_line(&self, s: &str) -> Result<()> {
        self.moved().write_line(s)
    }

    /// Rows are cleared before they are drawn, so blanks to the end of one need not be written.
    fn write_str(&self, s: &str) -> Result<()> {
        if s.bytes().all(|byte| byte == b' ') {
            self.ended.store(true, Ordering::Relaxed);
            return Ok(());
        }
        if self.ended.swap(false, Ordering::Relaxed) {
            self.inner.write_line("")?;
        }
        self.inner.write_str(s)
    }

    fn clear_line(&self) -> Result<()> {
        self.moved().clear_line()
    }

    fn flush(&self) -> Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, ProgressBar, ProgressDrawTarget, ProgressStyle};

    use super::Screen;

    #[test]
    fn lines_end_where_their_text_ends_and_are_drawn_over() {
        let terminal = InMemoryTerm::new(10, 40);
        let target = ProgressDrawTarget::term_like(Box::new(Screen::new(terminal.clone())));
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap());
        for (message, shown) in [
            ("one\ntwo two\nthree", "one\ntwo two\nthree"),
            ("1\n2", "1\n2"),
            ("a\nb\nc\nd", "a\nb\nc\nd"),
            ("alone", "alone"),
        ] {
            bar.set_message(message);
            assert_eq!(terminal.contents(), shown);
            let drawn = terminal.moves_since_last_check();
            assert!(!drawn.contains("   "), "blanks to the end of a row: {drawn}");
        }
        bar.finish_and_clear();
        assert_eq!(terminal.contents(), "");
    }
}
