//! Output as lines that can be shown.

use memchr::memchr2;

/// The longest line that is shown in one piece, in bytes.
const LONGEST: usize = 4096;

/// A line, or a piece of one that is too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its text without the line break; what is not UTF-8 becomes U+FFFD.
    pub(super) text: String,
    /// The line goes on in the next piece.
    pub(super) continued: bool,
}

/// Takes one stream apart into lines. A carriage return begins the line anew, as on a terminal: of a progress bar its
/// last state is shown.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    returned: bool,
}

impl Lines {
    /// Adds what was written and gives what is complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Line> {
        let (mut lines, mut rest) = (Vec::new(), bytes);
        while let Some(at) = memchr2(b'\n', b'\r', rest) {
            self.add(&rest[..at], &mut lines);
            if rest[at] == b'\n' {
                lines.push(self.take(self.line.len(), false));
            }
            self.returned = rest[at] == b'\r';
            rest = &rest[at + 1..];
        }
        self.add(rest, &mut lines);
        lines
    }

    /// Gives what has no line break behind it.
    pub(super) fn finish(&mut self) -> Option<Line> {
        (!self.line.is_empty()).then(|| self.take(self.line.len(), false))
    }

    fn add(&mut self, part: &[u8], lines: &mut Vec<Line>) {
        if part.is_empty() {
            return;
        }
        if std::mem::take(&mut self.returned) {
            self.line.clear();
        }
        let mut part = part;
        while self.line.len() + part.len() > LONGEST {
            let (fits, rest) = part.split_at(LONGEST - self.line.len());
            self.line.extend_from_slice(fits);
            part = rest;
            lines.push(self.take(whole_characters(&self.line), true));
        }
        self.line.extend_from_slice(part);
    }

    fn take(&mut self, count: usize, continued: bool) -> Line {
        let rest = self.line.split_off(count);
        let bytes = std::mem::replace(&mut self.line, rest);
        Line { text: String::from_utf8_lossy(&bytes).into_owned(), continued }
    }
}

/// How many bytes can be taken without cutting a character of UTF-8, which has four at most.
fn whole_characters(bytes: &[u8]) -> usize {
    let is_first = |at: &usize| bytes[*at] & 0b1100_0000 != 0b1000_0000;
    let last = (bytes.len().saturating_sub(4)..bytes.len()).rev().find(is_first).unwrap_or(bytes.len());
    match std::str::from_utf8(&bytes[last..]) {
        Err(error) if error.error_len().is_none() && last > 0 => last,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Line, Lines};

    fn shown(chunks: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut shown: Vec<Line> = chunks.iter().flat_map(|chunk| lines.feed(chunk)).collect();
        shown.extend(lines.finish());
        shown
    }

    #[test]
    fn lines_are_what_a_terminal_would_show() {
        for (chunks, expected) in [
            (&[b"one\ntwo".as_slice()][..], &["one", "two"][..]),
            (&[b"on", b"e\n", b"two\n"], &["one", "two"]),
            (&[b"\n\na\n"], &["", "", "a"]),
            (&[b"windows\r", b"\nnext\r\n"], &["windows", "next"]),
            (&[b" 1 %\r 2 %", b"\r 99 %\rdone\n"], &["done"]),
            (&[b" 98 %\r", b" 99 %\r"], &[" 99 %"]),
            (&[b"a\r\r\nb"], &["a", "b"]),
            (&[b"gr\xc3", b"\xbcn \xff\n"], &["grün \u{fffd}"]),
            (&[], &[]),
        ] {
            let texts: Vec<String> = shown(chunks).into_iter().map(|line| line.text).collect();
            assert_eq!(texts, expected, "{chunks:?}");
        }
    }

    #[test]
    fn long_lines_come_in_pieces_that_cut_no_character() {
        for character in ["x", "ü", "€", "🦀"] {
            for before in 0..4 {
                let text =
                    format!("{}{}", "-".repeat(before), character.repeat(3 * LONGEST / character.len()));
                for size in [1000, usize::MAX] {
                    let chunks: Vec<&[u8]> = text.as_bytes().chunks(size.min(text.len())).collect();
                    let pieces = shown(&[chunks.as_slice(), &[b"\nnext\n"]].concat());
                    let (next, pieces) = pieces.split_last().expect("lines");
                    assert_eq!(next, &Line { text: "next".into(), continued: false });
                    let joined: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
                    assert_eq!(joined, text);
                    assert!(pieces.iter().all(|piece| piece.text.len() <= LONGEST));
                    let continued: Vec<bool> = pieces.iter().map(|piece| piece.continued).collect();
                    let last = continued.len() - 1;
                    assert!(continued.iter().enumerate().all(|(at, continued)| *continued == (at < last)));
                }
            }
        }
    }

    #[test]
    fn what_is_no_text_comes_in_pieces_too() {
        let pieces = shown(&[&[0x80; 3 * LONGEST]]);
        assert_eq!(pieces.len(), 3);
        assert!(pieces.iter().all(|piece| piece.text.chars().all(|c| c == '\u{fffd}')));
    }
}
