//! The only place that writes to the terminal: standard output has the product, standard error
//! what went wrong. A reader that has gone away is no error; a disk that is full is one.

use std::fmt::Write as _;
use std::io::{Error, ErrorKind, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anstyle::{AnsiColor, Style};

/// Good and unchanged.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// Changed, or about to.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Failed.
pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
/// Removed lines of a diff.
pub(crate) const RED_TEXT: Style = AnsiColor::Red.on_default();
/// Names, positions in a diff.
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Headings.
pub(crate) const BOLD: Style = Style::new().bold();

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Decides about colours: the flag first, then `NO_COLOR` (no-color.org), `CLICOLOR_FORCE`
/// (bixense.com/clicolors), then whether it is a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Colors {
    choice: ColorChoice,
    no_color: bool,
    force: bool,
    dumb: bool,
}

impl Colors {
    /// Reads the flag and the environment.
    pub(crate) fn new(choice: ColorChoice, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        Self {
            choice,
            no_color: set("NO_COLOR"),
            force: variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0"),
            dumb: variable("TERM").is_some_and(|term| term == "dumb"),
        }
    }

    /// No colours at all.
    pub(crate) fn plain() -> Self {
        Self::new(ColorChoice::Never, |_| None)
    }

    fn decide(self, terminal: bool) -> bool {
        match self.choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if self.no_color => false,
            ColorChoice::Auto => self.force || (terminal && !self.dumb),
        }
    }
}

/// A stream that text leaves through; copies write to the same stream.
#[derive(Clone)]
pub(crate) struct Output {
    sink: Arc<Mutex<Sink>>,
    color: bool,
    live: bool,
}

struct Sink {
    writer: Box<dyn Write + Send>,
    /// Why nothing is written any more.
    lost: Option<Error>,
    /// When something was written last.
    written: Instant,
}

impl Output {
    /// Standard output.
    pub(crate) fn stdout(colors: Colors) -> Self {
        let terminal = std::io::stdout().is_terminal();
        Self::new(Box::new(std::io::stdout()), colors.decide(terminal), terminal && !colors.dumb)
    }

    /// Standard error.
    pub(crate) fn stderr(colors: Colors) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self::new(Box::new(std::io::stderr()), colors.decide(terminal), terminal && !colors.dumb)
    }

    fn new(writer: Box<dyn Write + Send>, color: bool, live: bool) -> Self {
        Self { sink: Arc::new(Mutex::new(Sink { writer, lost: None, written: Instant::now() })), color, live }
    }

    /// True when it is coloured.
    pub(crate) fn is_colored(&self) -> bool {
        self.color
    }

    /// True when it is a terminal that can move its cursor.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    fn sink(&self) -> MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes text as it is: what came from elsewhere has been through [`oneex_sdk::visible`]. After
    /// the first error (a broken pipe, most likely) everything is dropped.
    pub(crate) fn write(&self, text: &str) {
        let mut sink = self.sink();
        if sink.lost.is_none() && !text.is_empty() {
            let written = sink.writer.write_all(text.as_bytes()).and_then(|()| sink.writer.flush());
            sink.lost = written.err();
            sink.written = Instant::now();
        }
    }

    /// Why something could not be written: a full disk, say. Nothing for a reader that has gone away:
    /// it has read what it wanted.
    pub(crate) fn failure(&self) -> Option<String> {
        let sink = self.sink();
        let error = sink.lost.as_ref().filter(|error| error.kind() != ErrorKind::BrokenPipe);
        error.map(|error| oneex_sdk::io_reason(error).to_string())
    }

    /// When something was written last; the beginning where nothing was.
    pub(crate) fn written(&self) -> Instant {
        self.sink().written
    }

    /// Writes a line.
    pub(crate) fn line(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// Colours text where the stream is coloured.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        paint(self.color, style, text)
    }
}

/// Colours text where `color` is true.
pub(crate) fn paint(color: bool, style: Style, text: &str) -> String {
    if color && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// Indents every line of `text` by two spaces a level and ends it with a line break.
pub(crate) fn indent(text: &str, levels: usize) -> String {
    text.lines().fold(String::with_capacity(text.len() + 16), |mut out, line| {
        let blank = if line.is_empty() { 0 } else { levels * 2 };
        let _ = writeln!(out, "{:blank$}{line}", "");
        out
    })
}

#[cfg(test)]
pub(crate) mod capture {
    //! A stream for tests.

    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::Output;

    /// What was written so far.
    #[derive(Clone, Default)]
    pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        /// The text.
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A stream and what was written to it.
    pub(crate) fn output(color: bool) -> (Output, Captured) {
        let captured = Captured::default();
        (Output::new(Box::new(captured.clone()), color, false), captured)
    }

    impl Output {
        /// A stream to any writer.
        pub(crate) fn to_writer(writer: Box<dyn Write + Send>, color: bool) -> Self {
            Self::new(writer, color, true)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind, Write};

    use super::{ColorChoice, Colors, Output, RED, capture, indent};

    type Variables<'a> = &'a [(&'a str, &'a str)];

    fn colors(choice: ColorChoice, variables: Variables<'_>, terminal: bool) -> bool {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Colors::new(choice, find).decide(terminal)
    }

    #[test]
    fn the_flag_beats_the_environment_and_that_beats_the_terminal() {
        use ColorChoice::{Always, Auto, Never};
        let cases: [(ColorChoice, Variables, bool, bool); 9] = [
            (Auto, &[], true, true),
            (Auto, &[], false, false),
            (Auto, &[("NO_COLOR", "1")], true, false),
            (Auto, &[("NO_COLOR", "")], true, true),
            (Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (Auto, &[("TERM", "dumb")], true, false),
            (Always, &[("NO_COLOR", "1")], false, true),
            (Never, &[("CLICOLOR_FORCE", "1")], true, false),
        ];
        for (choice, variables, terminal, expected) in cases {
            assert_eq!(colors(choice, variables, terminal), expected, "{choice:?} {variables:?} {terminal}");
        }
    }

    #[test]
    fn colours_only_where_the_stream_is_coloured() {
        assert_eq!(capture::output(false).0.paint(RED, "x"), "x");
        assert!(capture::output(true).0.paint(RED, "x").starts_with("\x1b["));
    }

    #[test]
    fn an_error_ends_the_writing_and_only_a_broken_pipe_is_quiet() {
        struct Broken(usize, ErrorKind);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                self.0 += 1;
                assert_eq!(self.0, 1, "written to after the error");
                Err(Error::from(self.1))
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        for (kind, told) in [(ErrorKind::BrokenPipe, false), (ErrorKind::StorageFull, true)] {
            let output = Output::new(Box::new(Broken(0, kind)), false, false);
            output.line("one");
            output.line("two");
            assert_eq!(output.failure().is_some(), told, "{kind}");
        }
        assert_eq!(capture::output(false).0.failure(), None);
    }

    #[test]
    fn indents_lines_but_not_empty_ones() {
        assert_eq!(indent("a\n\nb", 2), "    a\n\n    b\n");
    }
}
