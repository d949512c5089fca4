//! Arrays and maps in brackets, with commas: how an entry is added or taken out.

use std::ops::Range;

use super::tree::{Entry, line_end, line_start, own_indent};

/// What is a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comments {
    /// `//` to the end of the line, and `/*` to `*/`, as files of settings have them in JSON.
    Slashes,
    /// `#` to the end of the line.
    Hash,
}

/// How new text is laid out.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// One level of indentation where entries have lines of their own; nothing where all is on one line.
    pub(super) indent: Option<String>,
    /// What stands between name and value.
    pub(super) colon: String,
    /// The line break.
    pub(super) ending: &'static str,
}

/// The entries between two brackets.
pub(super) struct Brackets<'a> {
    pub(super) text: &'a str,
    /// From the opening bracket to the closing one, both included.
    pub(super) span: Range<usize>,
    pub(super) entries: &'a [Entry],
    pub(super) comments: Comments,
}

type Edits = Vec<(Range<usize>, String)>;

impl Comments {
    /// Where the comment that begins at `at` ends; nothing where none does.
    fn end(self, text: &str, at: usize) -> Option<usize> {
        let rest = &text[at..];
        let line = rest.find('\n').map_or(text.len(), |length| at + length);
        match self {
            Self::Slashes if rest.starts_with("//") => Some(line),
            Self::Slashes if rest.starts_with("/*") => {
                Some(rest.find("*/").map_or(text.len(), |length| at + length + 2))
            }
            Self::Hash if rest.starts_with('#') => Some(line),
            _ => None,
        }
    }

    /// The next position that is neither blank nor comment.
    pub(super) fn skip(self, text: &str, mut at: usize) -> usize {
        loop {
            let rest = &text[at..];
            at += rest.len() - rest.trim_start().len();
            match self.end(text, at) {
                Some(end) if at < text.len() => at = end,
                _ => return at,
            }
        }
    }
}

impl Brackets<'_> {
    fn close(&self) -> usize {
        self.span.end - 1
    }

    fn comma(&self, at: usize) -> Option<usize> {
        let next = self.comments.skip(self.text, self.entries.get(at)?.range().end);
        self.text[next..].starts_with(',').then_some(next)
    }

    /// The end of the line, comments included; nothing where the closing bracket comes first.
    fn tail(&self, mut at: usize) -> Option<usize> {
        while at < self.close() {
            let rest = &self.text[at..];
            if rest.starts_with('\n') {
                return Some(if self.text[..at].ends_with('\r') { at - 1 } else { at });
            }
            at = match self.comments.end(self.text, at) {
                Some(end) => end,
                None => at + rest.chars().next().map_or(1, char::len_utf8),
            };
        }
        None
    }

    /// Adds an entry at the end; `render` gives its text for an indentation.
    pub(super) fn with(&self, style: &Style, render: impl Fn(&str) -> String) -> Edits {
        let text = self.text;
        let Some(last) = self.entries.last() else { return self.with_first(style, render) };
        let comma = self.comma(self.entries.len() - 1);
        let end = last.range().end;
        let behind = comma.map_or(end, |comma| comma + 1);
        let mut edits = Vec::new();
        if let Some(indent) =
            own_indent(text, last.start).filter(|_| line_start(text, last.start) > self.span.start)
        {
            if comma.is_none() {
                edits.push((end..end, ",".to_owned()));
            }
            let place = self.tail(behind).unwrap_or(behind);
            let trailing = if comma.is_some() { "," } else { "" };
            edits.push((place..place, format!("{}{indent}{}{trailing}", style.ending, render(indent))));
            return edits;
        }
        let previous = self.entries.len().checked_sub(2).and_then(|at| self.comma(at));
        let blank = previous.map_or(" ", |comma| &text[comma + 1..last.start]);
        let blank = if blank.trim_matches(' ').is_empty() { blank } else { " " };
        let indent = indentation(text, self.span.start);
        let new = match comma {
            Some(_) => format!("{blank}{},", render(indent)),
            None => format!(",{blank}{}", render(indent)),
        };
        vec![(behind..behind, new)]
    }

    fn with_first(&self, style: &Style, render: impl Fn(&str) -> String) -> Edits {
        let inside = self.span.start + 1..self.close();
        let base = indentation(self.text, self.span.start);
        let is_blank = self.text[inside.clone()].trim().is_empty();
        let new = match &style.indent {
            Some(unit) => {
                let indent = format!("{base}{unit}");
                let item = render(&indent);
                let end = if is_blank { format!("{}{base}", style.ending) } else { String::new() };
                format!("{}{indent}{item}{end}", style.ending)
            }
            None => render(base),
        };
        // A comment inside stays behind the first entry.
        vec![(if is_blank { inside } else { inside.start..inside.start }, new)]
    }

    /// Takes an entry out, with its comma and a comment behind it on lines of its own.
    pub(super) fn without(&self, at: usize) -> Edits {
        let (text, Some(entry)) = (self.text, self.entries.get(at)) else { return Vec::new() };
        let range = entry.range();
        let own = self.comma(at);
        let mut edits = vec![(range.clone(), String::new())];
        if let Some(comma) = own.or_else(|| self.comma(at.checked_sub(1)?)) {
            edits.push((comma..comma + 1, String::new()));
        }
        let behind = own.map_or(range.end, |comma| comma + 1);
        let begin = line_start(text, range.start);
        let has_own_line = begin > self.span.start && own_indent(text, range.start).is_some();
        let end = self.tail(behind).filter(|end| {
            let next = self.comments.skip(text, behind);
            has_own_line && (next >= *end || next >= self.close())
        });
        if let Some(end) = end {
            let next = text[end..].find('\n').map_or(text.len(), |length| end + length + 1);
            edits.push((begin..next, String::new()));
        } else if own.is_some() {
            let rest = &text[behind..];
            edits.push((
                behind..behind + rest.len() - rest.trim_start_matches([' ', '\t']).len(),
                String::new(),
            ));
        } else {
            let before = text[..range.start].trim_end_matches([' ', '\t']).len();
            edits.push((before.max(self.span.start + 1)..range.start, String::new()));
        }
        edits
    }
}

/// The blanks that the line of a position begins with.
pub(super) fn indentation(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..line_end(text, at).max(line_start(text, at))];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
