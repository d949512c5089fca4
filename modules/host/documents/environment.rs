//! Files of variables as shells and systemd read them: `NAME=value`, with or without `export`.
//!
//! Sources: sh(1p), sections 2.2 and 2.9.1; systemd.exec(5), `EnvironmentFile=`.

use std::ops::Range;

use oneex_sdk::{OpError, OpResult};

use super::lines::{line_break, split_mark};

/// A variable that is to be there.
#[derive(Debug)]
pub(crate) struct Assignment<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    /// Whether `export` stands before it; what is there stays when left out.
    pub(crate) export: Option<bool>,
}

/// An assignment in a text.
#[derive(Debug)]
struct Found {
    /// All of it, with the indentation before and the line break behind.
    whole: Range<usize>,
    /// `export` and the blanks behind it.
    export: Range<usize>,
    /// The value, with its quotes.
    value: Range<usize>,
    /// What a shell takes for the value; nothing where it would put something in its place.
    literal: Option<String>,
    /// Text behind the value that is no comment, and is part of it to systemd but not to a shell.
    is_loose: bool,
}

/// What a shell makes of a word: the literal, and where the word ends.
fn word(text: &str, start: usize) -> (Option<String>, usize) {
    let bytes = text.as_bytes();
    let mut literal = Some(Vec::new());
    let (mut at, mut quote) = (start, None);
    let mut put = |byte: u8| literal.as_mut().map(|literal| literal.push(byte));
    let mut is_plain = true;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (None, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')') => break,
            (None, b'\r') if bytes.get(at + 1) == Some(&b'\n') => break,
            (None, b'\'' | b'"') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            (None | Some(b'"'), b'\\') => {
                at += 1;
                match (quote, bytes.get(at)) {
                    (_, Some(b'\n')) | (_, None) => {}
                    (Some(_), Some(byte)) if !b"$`\"\\".contains(byte) => {
                        put(b'\\');
                        put(*byte);
                    }
                    (_, Some(byte)) => {
                        put(*byte);
                    }
                }
            }
            (None | Some(b'"'), b'$' | b'`') => is_plain = false,
            (None, b'~') if at == start || bytes[at - 1] == b':' => is_plain = false,
            (_, byte) => {
                put(byte);
            }
        }
        at += 1;
    }
    let is_closed = quote.is_none() && at <= bytes.len();
    let literal = literal.filter(|_| is_plain && is_closed).and_then(|bytes| String::from_utf8(bytes).ok());
    (literal, at.min(bytes.len()))
}

fn blanks(text: &str, at: usize) -> usize {
    text[at..].len() - text[at..].trim_start_matches([' ', '\t']).len()
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length)
}

fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// Every assignment of `name`. Values of all others are read too, as one may go over several lines.
fn assignments(text: &str, name: &str) -> Vec<Found> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let start = at;
        at += blanks(text, at);
        let mut export = at..at;
        if let Some(rest) = text[at..].strip_prefix("export")
            && rest.starts_with([' ', '\t'])
        {
            at += "export".len();
            at += blanks(text, at);
            export.end = at;
        }
        let end = text[at..]
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .map_or(text.len(), |end| at + end);
        let this = &text[at..end];
        if this.is_empty() || !is_name(this) || !text[end..].starts_with('=') {
            at = (line_end(text, at) + 1).min(text.len());
            continue;
        }
        let (literal, stop) = word(text, end + 1);
        let rest = stop + blanks(text, stop);
        let line = line_end(text, stop);
        let behind = text[rest..line].trim_end();
        let is_comment = behind.is_empty() || (rest > stop && behind.starts_with('#'));
        let value = end + 1..if is_comment { stop } else { rest + behind.len() };
        at = (line + 1).min(text.len());
        if this == name {
            let literal = literal.filter(|_| is_comment);
            found.push(Found { whole: start..at, export, value, literal, is_loose: !is_comment });
        }
    }
    found
}

/// The value as every reader takes it for what it is.
fn quoted(value: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-=".contains(c);
    if value.chars().all(is_safe) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    // systemd does not go on with a value behind its closing quote, as shells do.
    let mut out = String::from("\"");
    for c in value.chars() {
        if "$`\"\\".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Sets the variable. Of several assignments the last one counts, and is changed.
pub(crate) fn with_variable(text: &str, wanted: &Assignment<'_>) -> OpResult<String> {
    let (mark, text) = split_mark(text);
    let value = quoted(wanted.value);
    let found = assignments(text, wanted.name).pop();
    let new = match found {
        Some(found) => {
            if found.is_loose {
                check_loose(&text[found.value.clone()], wanted.name)?;
            }
            let present = &text[found.value.clone()];
            let value = if found.literal.as_deref() == Some(wanted.value) { present } else { &value };
            let is_exported = !found.export.is_empty();
            let export = match wanted.export {
                Some(true) if !is_exported => "export ",
                Some(false) => "",
                _ => &text[found.export.clone()],
            };
            let between = &text[found.export.end..found.value.start];
            [&text[..found.export.start], export, between, value, &text[found.value.end..]].concat()
        }
        None => {
            let export = if wanted.export == Some(true) { "export " } else { "" };
            let line = format!("{export}{}={value}", wanted.name);
            let ending = line_break(text);
            match text.is_empty() || text.ends_with('\n') {
                true => [text, &line, ending].concat(),
                false => [text, ending, &line].concat(),
            }
        }
    };
    // A quote that nobody closes would take the new line in.
    let is_set = assignments(&new, wanted.name)
        .pop()
        .is_some_and(|found| found.literal.as_deref() == Some(wanted.value));
    if !is_set {
        return Err(OpError::invalid(format!(
            "`{}` cannot be set: is a quote in the file not closed?",
            wanted.name
        )));
    }
    Ok([mark, &new].concat())
}

/// Refuses to lose what else stands on the line.
fn check_loose(value: &str, name: &str) -> OpResult<()> {
    let is_assignment =
        |word: &str| word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && is_name(name));
    let is_more =
        value.contains([';', '&', '|', '<', '>', '(']) || value.split_whitespace().skip(1).any(is_assignment);
    if !is_more {
        return Ok(());
    }
    Err(OpError::invalid(format!("the line of `{name}` holds more than its assignment"))
        .hint("bring what else is there to a line of its own"))
}

/// Takes all assignments of the variable out.
pub(crate) fn without_variable(text: &str, name: &str) -> OpResult<String> {
    let (mark, text) = split_mark(text);
    let (mut out, mut at) = (mark.to_owned(), 0);
    for found in assignments(text, name) {
        if found.is_loose {
            check_loose(&text[found.value.clone()], name)?;
        }
        out.push_str(&text[at..found.whole.start]);
        at = found.whole.end;
    }
    out.push_str(&text[at..]);
    Ok(out)
}

/// Says whether shells take it for the name of a variable.
pub(crate) fn is_variable(name: &str) -> bool {
    !name.is_empty() && is_name(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Assignment, with_variable, without_variable};

    fn set(text: &str, name: &str, value: &str, export: Option<bool>) -> String {
        with_variable(text, &Assignment { name, value, export }).expect("it is set")
    }

    #[test]
    fn variables_are_set() {
        for (text, value, export, expected) in [
            ("", "1", None, "A=1\n"),
            ("", "a b", Some(true), "export A='a b'\n"),
            ("A=1\n", "1", None, "A=1\n"),
            ("A='1' # c\n", "1", None, "A='1' # c\n"),
            ("A=\"1\"  # c\nB=2", "it's", None, "A=\"it's\"  # c\nB=2"),
            ("A=\"\\$x\"\n", "$x", None, "A=\"\\$x\"\n"),
            ("A=$x\n", "$x", None, "A='$x'\n"),
            ("A=~/x\n", "~/x", None, "A='~/x'\n"),
            ("export A=1\n", "2", None, "export A=2\n"),
            ("export  A=1\n", "1", Some(true), "export  A=1\n"),
            ("  export A=1\n", "1", Some(false), "  A=1\n"),
            ("A=1\nA=2\n", "3", None, "A=1\nA=3\n"),
            ("# A=1\nAB=1", "2", None, "# A=1\nAB=1\nA=2"),
            ("B='\nA=1\n'\n", "2", None, "B='\nA=1\n'\nA=2\n"),
            ("A='x\ny'\nB=1\n", "2", None, "A=2\nB=1\n"),
            ("A=1\r\nB=2\r\n", "2", None, "A=2\r\nB=2\r\n"),
            ("B=2\r\n", "", None, "B=2\r\nA=\r\n"),
            ("A=x -y  \nB=1\n", "x -y", None, "A='x -y'  \nB=1\n"),
            ("\u{feff}A=1\n", "2", None, "\u{feff}A=2\n"),
            ("A=a\\\nb\n", "ab", None, "A=a\\\nb\n"),
            ("if x; then A=1; fi\n", "2", None, "if x; then A=1; fi\nA=2\n"),
        ] {
            assert_eq!(set(text, "A", value, export), expected, "{text:?} {value:?}");
            assert_eq!(set(expected, "A", value, export), expected, "the second time: {text:?}");
        }
    }

    #[test]
    fn variables_are_removed() {
        for (text, expected) in [
            ("A=1\n", ""),
            ("B=1\nexport A='x\ny' # c\nC=2", "B=1\nC=2"),
            ("B=1\nA=1", "B=1\n"),
            ("B=1\r\nA=1", "B=1\r\n"),
            ("A=1\nB=1\nA=2\n", "B=1\n"),
            ("AB=1\n# A=1\nB='\nA=1\n'", "AB=1\n# A=1\nB='\nA=1\n'"),
        ] {
            assert_eq!(without_variable(text, "A").expect("it is removed"), expected, "{text:?}");
        }
    }

    #[test]
    fn what_else_is_on_the_line_is_not_lost() {
        for text in ["A=1 B=2\n", "A=1; B=2\n", "A=1 && x\n", "A=$(x)\n"] {
            let wanted = Assignment { name: "A", value: "2", export: None };
            let error = with_variable(text, &wanted).expect_err(text);
            assert!(error.message.contains("holds more than its assignment"), "{}", error.message);
            assert!(without_variable(text, "A").is_err(), "{text}");
        }
        let wanted = Assignment { name: "A", value: "2", export: None };
        assert!(with_variable("B='x\n", &wanted).expect_err("an open quote").message.contains("not closed"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_reads_what_was_set(
            others in proptest::collection::vec("(export )?[B-D]=([xy0-9]{0,4}|'[a \n$#]{0,5}'|\"[a' #]{0,5}\")( # [a-z']{0,4})?", 0..5),
            value in "[a-z \\\\'\"$`#!~:*?\n\tö;&|=-]{0,8}",
            export: bool,
            at in 0_usize..6,
        ) {
            let at = at.min(others.len());
            let line = |line: &String| format!("{line}\n");
            let (before, after): (String, String) = (others[..at].iter().map(line).collect(), others[at..].iter().map(line).collect());
            for old in ["", "A=1\n", "export A='old\nB=1'\n"] {
                let text = [before.as_str(), old, &after].concat();
                let once = set(&text, "A", &value, Some(export));
                prop_assert_eq!(set(&once, "A", &value, Some(export)), once.clone());
                let split = if old.is_empty() { (text.as_str(), "") } else { (before.as_str(), after.as_str()) };
                prop_assert!(once.starts_with(split.0) && once.ends_with(split.1), "{:?} of {:?}", once, text);
                let read = std::process::Command::new("sh").args(["-c", &format!("{once}printf %s. \"$A\"")]).output().expect("sh runs");
                prop_assert_eq!(String::from_utf8_lossy(&read.stdout), format!("{value}."));
                prop_assert_eq!(without_variable(&once, "A").expect("it is removed"), [before.as_str(), &after].concat());
            }
        }
    }
}
