//! What changed, or would: one line a property, texts as unified diffs.

use oneex_sdk::{Change, visible};

use crate::term::{CYAN, DIM, GREEN, RED_TEXT, paint};

/// So many lines of a change are shown; `-vv` shows all.
const LINES: usize = 200;

/// Renders a change, coloured where `color` is true; `all` shows more than [`LINES`] lines too.
pub(crate) fn render(change: &Change, color: bool, all: bool) -> String {
    let text = change.to_text();
    let text = visible(&text);
    let limit = if all { usize::MAX } else { LINES };
    let mut out = String::with_capacity(text.len());
    for line in text.lines().take(limit) {
        let style = match line.as_bytes().first() {
            Some(b'+') if line.starts_with("+++ ") => DIM,
            Some(b'-') if line.starts_with("--- ") => DIM,
            Some(b'+') => GREEN,
            Some(b'-') => RED_TEXT,
            Some(b'@') => CYAN,
            _ => anstyle::Style::new(),
        };
        out.push_str(&paint(color && !style.is_plain(), style, line));
        out.push('\n');
    }
    let more = text.lines().count().saturating_sub(limit);
    if more > 0 {
        out.push_str(&format!("… {more} more lines (`-vv` shows them)\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use oneex_sdk::Change;

    use super::{LINES, render};

    #[test]
    fn colours_what_is_added_and_removed() {
        let mut change = Change::none();
        change.text("content", "/etc/motd", Some(b"a\nb\n"), Some(b"a\nc\n"));
        assert_eq!(render(&change, false, false), change.to_text());
        let colored = render(&change, true, false);
        assert!(
            colored.contains("\x1b[31m-b\x1b[0m") && colored.contains("\x1b[32m+c\x1b[0m"),
            "{colored:?}"
        );
    }

    #[test]
    fn a_long_change_is_cut_unless_all_is_asked_for() {
        let mut change = Change::none();
        let text = (0..LINES * 2).map(|n| format!("{n}\n")).collect::<String>();
        change.text("content", "/x", None, Some(text.as_bytes()));
        let cut = render(&change, false, false);
        assert_eq!(cut.lines().count(), LINES + 1);
        assert!(cut.ends_with("more lines (`-vv` shows them)\n"), "{cut}");
        assert!(render(&change, false, true).lines().count() > LINES * 2);
    }

    #[test]
    fn control_characters_are_written_out() {
        let mut change = Change::none();
        change.property("name", None, Some("\x1b[2J".into()));
        assert_eq!(render(&change, false, false), "name: + \\x1b[2J\n");
    }
}
