//! Edits of texts by lines: pure, and byte for byte the same outside of what is edited.

use regex::Regex;

/// Where a line or a block goes.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// At the end.
    End,
    /// At the beginning.
    Start,
    /// After the last line that fits; at the end where none does.
    After(Regex),
    /// Before the last line that fits; at the end where none does.
    Before(Regex),
}

/// A line that is to be there once.
#[derive(Debug)]
pub(crate) struct LineEdit<'a> {
    pub(crate) line: &'a str,
    pub(crate) regexp: Option<&'a Regex>,
    pub(crate) place: Place,
    /// Expands `$1` and `${name}` of the match in the line, and does nothing where none fits.
    pub(crate) backrefs: bool,
    /// Takes the first line that fits and not the last.
    pub(crate) first_match: bool,
}

/// The lines with their breaks.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn bare(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// The line break of a text: that of its first line.
fn line_break(text: &str) -> &'static str {
    if text.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
}

/// Puts the line there, or changes the one that fits.
pub(crate) fn with_line(text: &str, edit: &LineEdit<'_>) -> String {
    let lines = lines(text);
    let fits = |at: &usize| edit.regexp.is_some_and(|regexp| regexp.is_match(bare(lines[*at])));
    let is_same = |at: &usize| bare(lines[*at]) == edit.line;
    let found = if edit.first_match { (0..lines.len()).find(fits) } else { (0..lines.len()).rfind(fits) };
    match found {
        Some(at) => {
            let old = bare(lines[at]);
            let new = match edit.regexp.and_then(|regexp| regexp.captures(old)) {
                Some(captures) if edit.backrefs => {
                    let mut new = String::new();
                    captures.expand(edit.line, &mut new);
                    new
                }
                _ => edit.line.to_owned(),
            };
            let ending = &lines[at][old.len()..];
            [&lines[..at].concat(), new.as_str(), ending, &lines[at + 1..].concat()].concat()
        }
        None if edit.backrefs || (0..lines.len()).any(|at| is_same(&at)) => text.to_owned(),
        None => insert(text, &lines, position(&lines, &edit.place, edit.first_match), edit.line),
    }
}

/// Takes every line out that fits, or that is the line.
pub(crate) fn without_line(text: &str, line: Option<&str>, regexp: Option<&Regex>) -> String {
    let goes = |each: &&str| match regexp {
        Some(regexp) => regexp.is_match(bare(each)),
        None => line == Some(bare(each)),
    };
    lines(text).into_iter().filter(|each| !goes(each)).collect()
}

/// Puts a block between its markers, in place of the old one where there is one.
pub(crate) fn with_block(text: &str, begin: &str, end: &str, block: &str, place: &Place) -> String {
    let ending = line_break(text);
    let block = block.strip_suffix('\n').unwrap_or(block);
    let mut whole = vec![begin];
    whole.extend(block.lines());
    whole.push(end);
    let whole = whole.join(ending);
    let lines = lines(text);
    match marked(&lines, begin, end) {
        Some((first, last)) => {
            let tail = &lines[last][bare(lines[last]).len()..];
            [&lines[..first].concat(), whole.as_str(), tail, &lines[last + 1..].concat()].concat()
        }
        None => insert(text, &lines, position(&lines, place, false), &whole),
    }
}

/// Takes the block out, with its markers.
pub(crate) fn without_block(text: &str, begin: &str, end: &str) -> String {
    let lines = lines(text);
    match marked(&lines, begin, end) {
        Some((first, last)) => [lines[..first].concat(), lines[last + 1..].concat()].concat(),
        None => text.to_owned(),
    }
}

fn marked(lines: &[&str], begin: &str, end: &str) -> Option<(usize, usize)> {
    let first = lines.iter().position(|line| bare(line) == begin)?;
    let length = lines[first..].iter().position(|line| bare(line) == end)?;
    Some((first, first + length))
}

fn position(lines: &[&str], place: &Place, first_match: bool) -> usize {
    let find = |regexp: &Regex| {
        let fits = |line: &&str| regexp.is_match(bare(line));
        if first_match { lines.iter().position(fits) } else { lines.iter().rposition(fits) }
    };
    match place {
        Place::End => lines.len(),
        Place::Start => 0,
        Place::After(regexp) => find(regexp).map_or(lines.len(), |at| at + 1),
        Place::Before(regexp) => find(regexp).unwrap_or(lines.len()),
    }
}

fn insert(text: &str, lines: &[&str], at: usize, new: &str) -> String {
    let ending = line_break(text);
    let (before, after) = (lines[..at].concat(), lines[at..].concat());
    // A last line without a break stays one: the break goes between the two.
    if !before.is_empty() && !before.ends_with('\n') {
        return [before.as_str(), ending, new].concat();
    }
    [before.as_str(), new, ending, &after].concat()
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::{LineEdit, Place, with_block, with_line, without_block, without_line};

    fn pattern(text: &str) -> Regex {
        Regex::new(text).expect("a pattern")
    }

    #[test]
    fn lines() {
        let after = || Place::After(pattern("^b"));
        let before = || Place::Before(pattern("^b"));
        for (text, line, regexp, place, backrefs, first_match, expected) in [
            ("", "x", None, Place::End, false, false, "x\n"),
            ("a\n", "x", None, Place::End, false, false, "a\nx\n"),
            ("a", "x", None, Place::End, false, false, "a\nx"),
            ("a\r\n", "x", None, Place::End, false, false, "a\r\nx\r\n"),
            ("a\nx\n", "x", None, Place::End, false, false, "a\nx\n"),
            ("a\n", "x", None, Place::Start, false, false, "x\na\n"),
            ("b1\nb2\nc\n", "x", None, after(), false, false, "b1\nb2\nx\nc\n"),
            ("b1\nb2\nc\n", "x", None, after(), false, true, "b1\nx\nb2\nc\n"),
            ("b1\nb2\nc\n", "x", None, before(), false, false, "b1\nx\nb2\nc\n"),
            ("a\n", "x", None, after(), false, false, "a\nx\n"),
            ("#p=1\np=2\nz", "p=3", Some("^#?p="), Place::End, false, false, "#p=1\np=3\nz"),
            ("#p=1\np=2\nz", "p=3", Some("^#?p="), Place::End, false, true, "p=3\np=2\nz"),
            ("p=1", "p=3", Some("^p="), Place::End, false, false, "p=3"),
            ("p=1\n", "$1=9", Some("^(p)="), Place::End, true, false, "p=9\n"),
            ("q=1\n", "$1=9", Some("^(p)="), Place::End, true, false, "q=1\n"),
            ("p=1\n", "$1=9", Some("^(p)="), Place::End, false, false, "$1=9\n"),
        ] {
            let regexp = regexp.map(pattern);
            let edit = LineEdit { line, regexp: regexp.as_ref(), place, backrefs, first_match };
            assert_eq!(with_line(text, &edit), expected, "{text:?} {edit:?}");
        }
        assert_eq!(without_line("a\nx\nb\nx", Some("x"), None), "a\nb\n");
        assert_eq!(without_line("a1\nx\na2\n", None, Some(&pattern("^a"))), "x\n");
    }

    #[test]
    fn blocks() {
        for (text, block, expected) in [
            ("", "x\ny\n", "# B\nx\ny\n# E\n"),
            ("a", "x", "a\n# B\nx\n# E"),
            ("a\n# B\nold\n# E\nb", "x", "a\n# B\nx\n# E\nb"),
            ("a\n# B\nx\n# E", "x", "a\n# B\nx\n# E"),
            ("a\r\n", "x\ny", "a\r\n# B\r\nx\r\ny\r\n# E\r\n"),
        ] {
            let once = with_block(text, "# B", "# E", block, &Place::End);
            assert_eq!(once, expected, "{text:?}");
            assert_eq!(with_block(&once, "# B", "# E", block, &Place::End), once);
        }
        assert_eq!(without_block("a\n# B\nx\n# E\nb", "# B", "# E"), "a\nb");
        assert_eq!(without_block("a\n# B\nx\n", "# B", "# E"), "a\n# B\nx\n");
    }
}
