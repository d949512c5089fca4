//! `--output json`: one event a line, for programs.
//!
//! Every line is one JSON object, a [`Stamped`] event, with
//!
//! - `v`: the version of the format, raised when a field changes its meaning or goes away; fields
//!   and events may be added without raising it,
//! - `seq`: the number of the event in the run, from 1, without gaps,
//! - `time`: when it happened (RFC 3339, UTC),
//! - `event`: what happened: `run_started` is the first, `run_finished` the last,
//! - and the fields of that event, as [`oneex_engine::run::RunEvent`] documents them.
//!
//! No line has a control character, those of Unicode included, so that it may be shown as it is.

use std::fmt::Write as _;

use oneex_engine::run::{Listener, Stamped};
use oneex_sdk::visible;

use crate::term::Output;

/// Writes events as JSON.
pub(crate) struct JsonLines {
    output: Output,
    follows: bool,
}

impl JsonLines {
    /// A listener that writes to `output`; with `follows`, what commands write while they run too.
    pub(crate) fn new(output: Output, follows: bool) -> Self {
        Self { output, follows }
    }
}

impl Listener for JsonLines {
    fn follows(&self) -> bool {
        self.follows
    }

    fn on_event(&mut self, event: &Stamped) {
        if let Ok(line) = serde_json::to_string(event) {
            self.output.line(&escape(&line));
        }
    }
}

/// Writes the control characters that JSON allows as escapes: DEL, C1 and what reorders text. They
/// stand inside strings only, where an escape means the same.
pub(crate) fn escape(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut buffer = [0; 4];
    for c in json.chars() {
        if c.is_ascii() && c != '\x7f'
            || matches!(visible(c.encode_utf8(&mut buffer)), std::borrow::Cow::Borrowed(_))
        {
            out.push(c);
        } else {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use oneex_engine::run::Listener;

    use super::{JsonLines, escape};
    use crate::report::samples;
    use crate::term::capture;

    fn lines() -> Vec<String> {
        let (output, captured) = capture::output(false);
        let mut listener = JsonLines::new(output, false);
        for event in samples::stamped(samples::run().0) {
            listener.on_event(&event);
        }
        captured.text().lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_format_is_stable() {
        insta::assert_snapshot!(lines().join("\n"));
    }

    #[test]
    fn every_line_is_an_event_in_order() {
        for (index, line) in lines().iter().enumerate() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!((event["v"].as_u64(), event["seq"].as_u64()), (Some(1), Some(index as u64 + 1)));
            assert!(!line.contains(char::is_control));
        }
    }

    #[test]
    fn escapes_mean_the_same() {
        let text = "a\u{7f}\u{9b}31m\u{202e}ü\x1b\n";
        let json = escape(&serde_json::to_string(text).unwrap());
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        assert!(!json.contains(char::is_control) && !json.contains('\u{202e}'), "{json}");
    }
}
