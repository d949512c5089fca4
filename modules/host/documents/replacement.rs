//! Replaces what a regular expression fits: pure, and byte for byte the same outside of it.

use oneex_sdk::{OpError, OpResult};
use regex::{Captures, Regex, RegexBuilder};

/// What is replaced by what, and where.
#[derive(Debug)]
pub(crate) struct Replacement<'a> {
    pub(crate) regexp: &'a str,
    /// `$1` and `${name}` stand for groups of the match, `$$` for a dollar.
    pub(crate) replace: &'a str,
    /// Only what follows the first match of this is looked at.
    pub(crate) after: Option<&'a str>,
    /// Only what precedes the last match of this is looked at; with `after` the first match behind that.
    pub(crate) before: Option<&'a str>,
}

/// The name of the part of the text that is looked at; nobody else would give it to a group.
const SECTION: &str = "oneex_section";

impl Replacement<'_> {
    /// Refuses regular expressions that are none, and references to groups that are not there.
    pub(crate) fn check(&self) -> OpResult<()> {
        let regexp = self.regexp(false)?;
        self.section(false)?;
        for name in references(self.replace) {
            let is_there = match name.parse::<usize>() {
                Ok(number) => number < regexp.captures_len(),
                Err(_) => regexp.capture_names().flatten().any(|known| known == name),
            };
            if !is_there {
                let error = OpError::invalid(format!("`replace`: `regexp` has no group `{name}`"));
                return Err(error.hint("`${1}x` is group 1 before an `x`, and `$$` is a dollar"));
            }
        }
        Ok(())
    }

    fn regexp(&self, crlf: bool) -> OpResult<Regex> {
        let mut builder = RegexBuilder::new(self.regexp);
        builder.multi_line(true).crlf(crlf);
        builder.build().map_err(|error| OpError::invalid(format!("`regexp`: {error}")))
    }

    fn section(&self, crlf: bool) -> OpResult<Option<Regex>> {
        for (option, text) in [("after", self.after), ("before", self.before)] {
            if let Some(text) = text {
                Regex::new(text).map_err(|error| OpError::invalid(format!("`{option}`: {error}")))?;
            }
        }
        let pattern = match (self.after, self.before) {
            (None, None) => return Ok(None),
            (Some(after), None) => format!("(?:{after})(?P<{SECTION}>.*)"),
            (None, Some(before)) => format!("(?P<{SECTION}>.*)(?:{before})"),
            (Some(after), Some(before)) => format!("(?:{after})(?P<{SECTION}>.*?)(?:{before})"),
        };
        let mut builder = RegexBuilder::new(&pattern);
        builder.dot_matches_new_line(true).crlf(crlf);
        let built =
            builder.build().map_err(|error| OpError::invalid(format!("`after`, `before`: {error}")))?;
        Ok(Some(built))
    }

    /// The text with all replaced. In a text with `\r\n`, that is a line break to `^`, `$` and `.`.
    pub(crate) fn apply(&self, text: &str) -> OpResult<String> {
        let once = self.once(text)?;
        if self.once(&once)? == once {
            return Ok(once);
        }
        let error =
            OpError::invalid("`regexp` fits what `replace` makes, so that each run would change it again");
        Err(error.hint("let `regexp` fit only what is not replaced yet, as `^([^#].*)$` for `# $1`"))
    }

    fn once(&self, text: &str) -> OpResult<String> {
        let crlf = text.contains("\r\n");
        let regexp = self.regexp(crlf)?;
        let range = match self.section(crlf)? {
            None => 0..text.len(),
            Some(section) => match section.captures(text).and_then(|found| found.name(SECTION)) {
                Some(found) => found.range(),
                None => return Ok(text.to_owned()),
            },
        };
        let section = &text[range.clone()];
        let replaced = regexp.replace_all(section, |captures: &Captures<'_>| {
            let mut out = String::new();
            captures.expand(self.replace, &mut out);
            out
        });
        Ok([&text[..range.start], &replaced, &text[range.end..]].concat())
    }
}

/// The groups that a replacement refers to, as [`Captures::expand`] reads them.
fn references(replace: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = replace;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            names.push(name);
            rest = after;
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            if end > 0 {
                names.push(&rest[..end]);
            }
            rest = &rest[end..];
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{Replacement, references};

    fn replacement<'a>(regexp: &'a str, replace: &'a str) -> Replacement<'a> {
        Replacement { regexp, replace, after: None, before: None }
    }

    #[test]
    fn decisions() {
        for (text, regexp, replace, after, before, expected) in [
            ("a b a", "a", "x", None, None, "x b x"),
            ("a\nb\n", "^b$", "c", None, None, "a\nc\n"),
            ("a\r\nb\r\n", "^b$", "c", None, None, "a\r\nc\r\n"),
            ("p=1\r\nq=2", "^p=.*$", "p=9", None, None, "p=9\r\nq=2"),
            ("old.example", r"old\.(\w+)", "new.$1", None, None, "new.example"),
            ("a1", "a(?P<n>[0-9])", "b${n}0", None, None, "b10"),
            ("x", "x", "$$", None, None, "$"),
            ("a\nb\n", "b\n", "", None, None, "a\n"),
            ("a [s] a [e] a", "a", "x", Some(r"\[s\]"), None, "a [s] x [e] x"),
            ("a [s] a [e] a [e]", "a", "x", None, Some(r"\[e\]"), "x [s] x [e] x [e]"),
            ("a\n[s]\na\n[e]\na", "a", "x", Some(r"\[s\]"), Some(r"\[e\]"), "a\n[s]\nx\n[e]\na"),
            ("[s] a [e] a [e]", "a", "x", Some(r"\[s\]"), Some(r"\[e\]"), "[s] x [e] a [e]"),
            ("b a | a", "a", "x", Some("z|b"), Some("q|\\|"), "b x | a"),
            ("a", "a", "x", Some("nowhere"), None, "a"),
            ("", "a", "x", None, None, ""),
            ("größe", "ö", "oe", None, None, "groeße"),
            ("\u{feff}a", "^a", "x", None, None, "\u{feff}a"),
        ] {
            let edit = Replacement { regexp, replace, after, before };
            assert_eq!(edit.check().map_err(|error| error.message), Ok(()), "{regexp}");
            assert_eq!(edit.apply(text).expect("it is replaced"), expected, "{text:?} {edit:?}");
        }
    }

    #[test]
    fn what_would_never_be_done_is_refused() {
        for (text, regexp, replace) in [("a", "a", "aa"), ("x\n", "^(.+)$", "# $1"), ("ab", "a|b", "ba")] {
            let error = replacement(regexp, replace).apply(text).expect_err(text);
            assert!(error.message.contains("each run would change it again"), "{}", error.message);
        }
        // Of what it does not fit, nothing can come.
        assert_eq!(replacement("a", "aa").apply("b").expect("nothing fits"), "b");
    }

    #[test]
    fn groups_that_are_not_there_are_named() {
        for (regexp, replace, name) in [("a", "$1", "1"), ("(a)", "$1x", "1x"), ("(?P<n>a)", "${m}", "m")] {
            let error = replacement(regexp, replace).check().expect_err(replace);
            assert_eq!(error.message, format!("`replace`: `regexp` has no group `{name}`"));
        }
        assert_eq!(references("$1 ${b} $$c $_ $ 5$"), ["1", "b", "_"]);
    }
}
