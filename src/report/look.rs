//! How reports for people look: what is shown, and the shape of a line.

use anstyle::Style;
use oneex_sdk::visible;

use crate::context::Verbosity;
use crate::term::paint;

/// The width of the first column: `unreachable` and a space.
const COLUMN: usize = 12;
/// The width of the first column of a plan: `known after run` and a space.
const PLAN_COLUMN: usize = 16;

/// What is shown, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Coloured.
    pub(crate) color: bool,
    /// How much.
    pub(crate) verbosity: Verbosity,
    /// Diffs of what changed.
    pub(crate) diff: bool,
    /// The width of the first column.
    column: usize,
}

impl Look {
    /// The look of a run.
    pub(crate) fn run(color: bool, verbosity: Verbosity, diff: bool) -> Self {
        Self { color, verbosity, diff, column: COLUMN }
    }

    /// The look of a plan.
    pub(crate) fn plan(color: bool, verbosity: Verbosity, diff: bool) -> Self {
        Self { column: PLAN_COLUMN, ..Self::run(color, verbosity, diff) }
    }

    /// Says whether so much is to be shown.
    pub(crate) fn shows(self, verbosity: Verbosity) -> bool {
        self.verbosity >= verbosity
    }

    /// Colours text.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        paint(self.color, style, text)
    }

    /// A line: what happened, padded to a column, then the rest. The rest may come from anywhere.
    pub(crate) fn line(self, style: Style, word: &str, rest: &str) -> String {
        let pad = self.column.saturating_sub(word.chars().count()).max(1);
        let rest = visible(rest.trim_end());
        // Further lines of a message stand below its first.
        let rest = rest.replace('\n', &format!("\n{:1$}", "", self.column));
        format!("{}{:pad$}{rest}\n", self.paint(style, word), "")
    }
}

/// Seconds as people read them; nothing below a tenth.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 0.1 {
        String::new()
    } else if seconds < 60.0 {
        format!(" ({seconds:.1}s)")
    } else {
        let whole = seconds as u64;
        format!(" ({}m {:02}s)", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::{Look, seconds};
    use crate::context::Verbosity;
    use crate::term::GREEN;

    #[test]
    fn further_lines_stand_below_the_first_and_nothing_controls_the_terminal() {
        let look = Look::run(false, Verbosity::default(), true);
        assert_eq!(look.line(GREEN, "info", "a\nb\x1b[2J\n"), "info        a\n            b\\x1b[2J\n");
    }

    #[test]
    fn durations() {
        assert_eq!(seconds(0.05), "");
        assert_eq!(seconds(1.26), " (1.3s)");
        assert_eq!(seconds(125.9), " (2m 05s)");
    }
}
