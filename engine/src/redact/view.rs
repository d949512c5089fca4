//! Ways to look at a text: what breaks its lines is left out.

use std::ops::Range;

use memchr::{memchr, memchr3};

/// How many bytes in a row may be left out before what follows is something else.
const MOST: usize = 256;

/// What is left out of a text, and of what is looked for in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Nothing.
    Whole,
    /// Line breaks, also as JSON escapes them, and what indents a line: base64 and hexadecimal digits are wrapped at
    /// any place.
    Unbroken,
    /// All white space, and what stands before the lines of a diff, a quotation or a comment.
    Folded,
}

impl View {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Whole, Self::Unbroken, Self::Folded];

    /// What is seen of `text`.
    pub(super) fn of(self, text: &[u8]) -> Vec<u8> {
        let mut eye = Eye::new(self);
        text.iter().copied().filter(|byte| eye.see(*byte) == Sight::Seen).collect()
    }
}

/// What is to be done with a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It is looked at.
    Seen,
    /// It is left out.
    LeftOut,
    /// It is left out and ends a line.
    LineEnd,
    /// It is left out, and so much was that nothing goes on behind it.
    Gap,
}

/// Looks at a text byte by byte.
#[derive(Debug, Clone)]
pub(super) struct Eye {
    view: View,
    at_line_start: bool,
    behind_backslash: bool,
    left_out: usize,
}

impl Eye {
    /// At the beginning of a text, which is that of a line.
    pub(super) fn new(view: View) -> Self {
        Self { view, at_line_start: true, behind_backslash: false, left_out: 0 }
    }

    /// Looks at the next byte.
    pub(super) fn see(&mut self, byte: u8) -> Sight {
        let is_space = matches!(byte, b' ' | b'\t');
        let behind_backslash = std::mem::replace(&mut self.behind_backslash, byte == b'\\');
        let is_out = match (self.view, byte) {
            (View::Whole, _) => false,
            (View::Unbroken | View::Folded, b'\n' | b'\r') => true,
            (View::Unbroken, b'\\') => true,
            (View::Unbroken, b'n' | b'r') if behind_backslash => true,
            (View::Unbroken, _) => is_space && self.at_line_start,
            (View::Folded, _) => is_space || (self.at_line_start && b"+-|>#*".contains(&byte)),
        };
        if !is_out {
            (self.at_line_start, self.left_out) = (false, 0);
            return Sight::Seen;
        }
        self.left_out += 1;
        match byte {
            _ if self.left_out > MOST => Sight::Gap,
            b'\n' => {
                self.at_line_start = true;
                Sight::LineEnd
            }
            _ => Sight::LeftOut,
        }
    }
}

impl Eye {
    /// In the middle of a line, where the next byte is one that is seen.
    pub(super) fn in_line(view: View) -> Self {
        Self { at_line_start: false, ..Self::new(view) }
    }

    /// The parts of `bytes` that are seen, gaps or not. It is as if each byte were looked at, and quicker.
    pub(super) fn runs(&mut self, bytes: &[u8]) -> Vec<Range<usize>> {
        let (mut runs, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            if self.see(bytes[at]) == Sight::Seen {
                let end = at + 1 + self.run(&bytes[at + 1..]);
                runs.push(at..end);
                at = end;
            } else {
                at += 1;
            }
        }
        runs
    }

    /// How many bytes are seen in the middle of a line.
    fn run(&self, bytes: &[u8]) -> usize {
        let found = match self.view {
            View::Whole => None,
            View::Unbroken => memchr3(b'\n', b'\r', b'\\', bytes),
            View::Folded => {
                let end = memchr3(b'\n', b' ', b'\t', bytes).unwrap_or(bytes.len());
                return memchr(b'\r', &bytes[..end]).unwrap_or(end);
            }
        };
        found.unwrap_or(bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Eye, MOST, Sight, View};

    proptest! {
        #[test]
        fn runs_are_what_is_seen_byte_by_byte(text in "[ab+\\\\nr \t\r\n-]{0,40}") {
            for view in View::ALL {
                let (mut one, mut other) = (Eye::new(view), Eye::new(view));
                let seen: Vec<usize> =
                    text.bytes().enumerate().filter(|(_, byte)| one.see(*byte) == Sight::Seen).map(|(at, _)| at).collect();
                let runs: Vec<usize> = other.runs(text.as_bytes()).into_iter().flatten().collect();
                prop_assert_eq!(&runs, &seen);
                prop_assert_eq!(one.see(b'+'), other.see(b'+'));
                for at in seen {
                    prop_assert_eq!(Eye::in_line(view).see(text.as_bytes()[at]), Sight::Seen);
                }
            }
        }
    }

    #[test]
    fn each_view_leaves_out_what_breaks_lines() {
        for (view, text, seen) in [
            (View::Whole, "+ a\r\n b", "+ a\r\n b"),
            (View::Unbroken, "+ a\r\n b c\n\n\td", "+ ab cd"),
            (View::Unbroken, "YWJ\n+jZ", "YWJ+jZ"),
            (View::Unbroken, "YW\\nJj\\r\\nn", "YWJjn"),
            (View::Folded, "+ a b\r\n- c\n | > d-e\n# f", "abcd-ef"),
        ] {
            assert_eq!(String::from_utf8_lossy(&view.of(text.as_bytes())), seen, "{view:?}: {text:?}");
        }
    }

    #[test]
    fn what_stands_far_apart_does_not_go_together() {
        let mut eye = Eye::new(View::Folded);
        assert_eq!(eye.see(b'a'), Sight::Seen);
        let sights: Vec<Sight> = (0..=MOST).map(|_| eye.see(b'\n')).collect();
        assert_eq!((sights[0], sights[MOST - 1], sights[MOST]), (Sight::LineEnd, Sight::LineEnd, Sight::Gap));
        assert_eq!(eye.see(b'a'), Sight::Seen);
        assert_eq!(eye.see(b'\n'), Sight::LineEnd, "and it begins anew");
    }
}
