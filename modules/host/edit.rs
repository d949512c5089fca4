//! Edits of texts by lines: pure, and byte for byte the same outside of what is edited.

use regex::{Captures, Regex};

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

/// What a line is known by.
#[derive(Debug, Clone)]
pub(crate) enum Finder {
    /// A regular expression that fits in it.
    Regexp(Regex),
    /// A text that is in it.
    Text(String),
}

impl Finder {
    fn fits(&self, line: &str) -> bool {
        match self {
            Self::Regexp(regexp) => regexp.is_match(line),
            Self::Text(text) => line.contains(text),
        }
    }

    fn captures<'l>(&self, line: &'l str) -> Option<Captures<'l>> {
        match self {
            Self::Regexp(regexp) => regexp.captures(line),
            Self::Text(_) => None,
        }
    }
}

/// A line that is to be there once.
#[derive(Debug)]
pub(crate) struct LineEdit<'a> {
    pub(crate) line: &'a str,
    /// What the line that is changed is known by.
    pub(crate) finder: Option<&'a Finder>,
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
    let fits = |at: &usize| edit.finder.is_some_and(|finder| finder.fits(bare(lines[*at])));
    let is_same = |at: &usize| bare(lines[*at]) == edit.line;
    let found = if edit.first_match { (0..lines.len()).find(fits) } else { (0..lines.len()).rfind(fits) };
    match found {
        Some(at) => {
            let old = bare(lines[at]);
            let new = match edit.finder.and_then(|finder| finder.captures(old)) {
                Some(captures) if edit.backrefs => {
                    let mut new = String::new();
                    captures.expand(edit.line, &mut new);
                    new
                }
                _ => edit.line.to_owned(),
            };
            // Where the new line is no longer found by what found the old one, the next run would change another.
            if !edit.finder.is_some_and(|finder| finder.fits(&new))
                && lines.iter().any(|line| bare(line) == new)
            {
                return text.to_owned();
            }
            let ending = &lines[at][old.len()..];
            [&lines[..at].concat(), new.as_str(), ending, &lines[at + 1..].concat()].concat()
        }
        None if edit.backrefs || (0..lines.len()).any(|at| is_same(&at)) => text.to_owned(),
        None => insert(text, &lines, position(&lines, &edit.place, edit.first_match), edit.line),
    }
}

/// Takes every line out that fits, or that is the line.
pub(crate) fn without_line(text: &str, line: Option<&str>, finder: Option<&Finder>) -> String {
    let goes = |each: &&str| match finder {
        Some(finder) => finder.fits(bare(each)),
        None => line == Some(bare(each)),
    };
    lines(text).into_iter().filter(|each| !goes(each)).collect()
}

/// A block that is to be there once.
#[derive(Debug)]
pub(crate) struct BlockEdit<'a> {
    /// The lines before and behind it.
    pub(crate) markers: (&'a str, &'a str),
    pub(crate) block: &'a str,
    pub(crate) place: Place,
    /// An empty line is to be before it, where anything is.
    pub(crate) prepend_newline: bool,
    /// An empty line is to be behind it, where anything is.
    pub(crate) append_newline: bool,
}

/// Puts a block between its markers, in place of the old one where there is one.
pub(crate) fn with_block(text: &str, edit: &BlockEdit<'_>) -> String {
    let ending = line_break(text);
    let block = edit.block.strip_suffix('\n').unwrap_or(edit.block);
    let mut whole = vec![edit.markers.0];
    whole.extend(block.split('\n').map(bare));
    whole.push(edit.markers.1);
    let lines = lines(text);
    let (first, rest, mut tail) = match marked(&lines, edit.markers) {
        Some((first, last)) => (first, last + 1, &lines[last][bare(lines[last]).len()..]),
        None => {
            let at = position(&lines, &edit.place, false);
            (at, at, ending)
        }
    };
    let (before, after) = (&lines[..first], &lines[rest..]);
    let mut all = before.concat();
    // A last line without a break stays one: the break goes between the two.
    if !all.is_empty() && !all.ends_with('\n') {
        all.push_str(ending);
        tail = "";
    }
    if edit.prepend_newline && before.last().is_some_and(|line| !bare(line).is_empty()) {
        all.push_str(ending);
    }
    all.push_str(&whole.join(ending));
    all.push_str(tail);
    if edit.append_newline && after.first().is_some_and(|line| !bare(line).is_empty()) {
        all.push_str(ending);
    }
    all + &after.concat()
}

/// Takes the block out, with its markers.
pub(crate) fn without_block(text: &str, markers: (&str, &str)) -> String {
    let lines = lines(text);
    match marked(&lines, markers) {
        Some((first, last)) => [lines[..first].concat(), lines[last + 1..].concat()].concat(),
        None => text.to_owned(),
    }
}

/// The last beginning of a block that has an end, and the end that is next to it.
fn marked(lines: &[&str], (begin, end): (&str, &str)) -> Option<(usize, usize)> {
    let last = lines.iter().rposition(|line| bare(line) == end)?;
    let first = lines[..last].iter().rposition(|line| bare(line) == begin)?;
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
        let last = if new.is_empty() { ending } else { "" };
        return [before.as_str(), ending, new, last].concat();
    }
    [before.as_str(), new, ending, &after].concat()
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::{BlockEdit, Finder, LineEdit, Place, with_block, with_line, without_block, without_line};

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
            ("a", "", None, Place::End, false, false, "a\n\n"),
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
            ("#p\n#p\n", "p", Some("^#p"), Place::End, false, false, "#p\np\n"),
            ("#p\np\n", "p", Some("^#p"), Place::End, false, false, "#p\np\n"),
            ("#p\np\n", "$1", Some("^#(p)"), Place::End, true, false, "#p\np\n"),
        ] {
            let finder = regexp.map(pattern).map(Finder::Regexp);
            let edit = LineEdit { line, finder: finder.as_ref(), place, backrefs, first_match };
            assert_eq!(with_line(text, &edit), expected, "{text:?} {edit:?}");
        }
        assert_eq!(without_line("a\nx\nb\nx", Some("x"), None), "a\nb\n");
        assert_eq!(without_line("a1\nx\na2\n", None, Some(&Finder::Regexp(pattern("^a")))), "x\n");
        let finder = Finder::Text("a.".to_owned());
        assert_eq!(without_line("a1\na.2\n", None, Some(&finder)), "a1\n");
        let edit = LineEdit {
            line: "x",
            finder: Some(&finder),
            place: Place::End,
            backrefs: false,
            first_match: false,
        };
        assert_eq!(with_line("a.1\na1\n", &edit), "x\na1\n");
    }

    #[test]
    fn blocks() {
        let edit = |block| BlockEdit {
            markers: ("# B", "# E"),
            block,
            place: Place::End,
            prepend_newline: false,
            append_newline: false,
        };
        for (text, block, expected) in [
            ("a\n", "x\n\n", "a\n# B\nx\n\n# E\n"),
            ("# B\n1\n# E\n# E\n", "x", "# B\nx\n# E\n# E\n"),
            ("# E\n# B\n", "x", "# E\n# B\n# B\nx\n# E\n"),
            ("# B\n1\n# E\n# B\n2\n# E\n", "x", "# B\n1\n# E\n# B\nx\n# E\n"),
            ("", "x\ny\n", "# B\nx\ny\n# E\n"),
            ("a", "x", "a\n# B\nx\n# E"),
            ("a\n# B\nold\n# E\nb", "x", "a\n# B\nx\n# E\nb"),
            ("a\n# B\nx\n# E", "x", "a\n# B\nx\n# E"),
            ("a\r\n", "x\ny", "a\r\n# B\r\nx\r\ny\r\n# E\r\n"),
        ] {
            let edit = edit(block);
            let once = with_block(text, &edit);
            assert_eq!(once, expected, "{text:?}");
            assert_eq!(with_block(&once, &edit), once);
        }
        assert_eq!(without_block("a\n# B\nx\n# E\nb", ("# B", "# E")), "a\nb");
        assert_eq!(without_block("a\n# B\nx\n", ("# B", "# E")), "a\n# B\nx\n");
        assert_eq!(without_block("# E\nmine\n# B\n", ("# B", "# E")), "# E\nmine\n# B\n");
        let lines = BlockEdit {
            prepend_newline: true,
            append_newline: true,
            place: Place::After(pattern("^a")),
            ..edit("x")
        };
        for (text, expected) in
            [("a\nb\n", "a\n\n# B\nx\n# E\n\nb\n"), ("", "# B\nx\n# E\n"), ("a", "a\n\n# B\nx\n# E")]
        {
            let once = with_block(text, &lines);
            assert_eq!((once.as_str(), with_block(&once, &lines).as_str()), (expected, expected));
        }
    }
}
