//! One line: its keyword, its arguments, and what stands after the keyword as it is written.
//!
//! Lines are not continued. A keyword ends at a space or one `=`. Arguments are split at spaces outside of
//! quotes, of either kind; `\` keeps a quote, a `\` and, outside of quotes, a space from what they mean. An
//! argument that begins with `#` begins a comment.

/// What separates words; a line may have been written elsewhere, with a carriage return at its end.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// In lower case.
    pub(super) keyword: String,
    /// What stands after the keyword, comments included.
    pub(super) rest: String,
    /// The arguments.
    pub(super) arguments: Vec<String>,
}

/// Takes a line apart; none where it says nothing. Fails with a message.
pub(super) fn parse(line: &str) -> Result<Option<Line>, String> {
    // As in C, a line ends at a NUL.
    let line = line.split('\0').next().unwrap_or_default();
    // A form feed may stand at the end, and the first character always stays.
    let kept = line.chars().next().map_or(0, char::len_utf8);
    let end = line.trim_end_matches(|letter| SPACES.contains(&letter) || letter == '\x0c').len().max(kept);
    let line = &line[..end];
    let (mut keyword, mut rest) = match word(line) {
        Some(found) => found,
        None => return Ok(None),
    };
    if keyword.is_empty() {
        let Some(found) = rest.and_then(word) else { return Ok(None) };
        (keyword, rest) = found;
    }
    if keyword.is_empty() || keyword.starts_with('#') {
        return Ok(None);
    }
    let keyword = keyword.to_ascii_lowercase();
    let rest = rest.unwrap_or_default().trim_start_matches(SPACES);
    if rest.is_empty() {
        return Err(format!("`{keyword}` has no value"));
    }
    let arguments = split(rest).ok_or_else(|| format!("a quote after `{keyword}` is not closed"))?;
    Ok(Some(Line { keyword, rest: rest.to_owned(), arguments }))
}

/// The first word, which ends at spaces or one `=` with spaces around it, and what follows. None where a
/// quote is not closed.
fn word(text: &str) -> Option<(String, Option<&str>)> {
    let Some(end) = text.find(|letter| SPACES.contains(&letter) || matches!(letter, '"' | '=')) else {
        return Some((text.to_owned(), None));
    };
    let (before, from) = text.split_at(end);
    if let Some(quoted) = from.strip_prefix('"') {
        let (inside, rest) = quoted.split_once('"')?;
        return Some((format!("{before}{inside}"), Some(rest.trim_start_matches(SPACES))));
    }
    let after = from.get(1..).unwrap_or_default().trim_start_matches(SPACES);
    let rest = match after.strip_prefix('=').filter(|_| !from.starts_with('=')) {
        Some(rest) => rest.trim_start_matches(SPACES),
        None => after,
    };
    Some((before.to_owned(), Some(rest)))
}

/// Splits arguments; none where a quote is not closed.
fn split(text: &str) -> Option<Vec<String>> {
    let mut arguments = Vec::new();
    let mut letters = text.chars().peekable();
    loop {
        while letters.next_if(|letter| matches!(letter, ' ' | '\t')).is_some() {}
        if letters.peek().is_none_or(|letter| *letter == '#') {
            return Some(arguments);
        }
        let (mut argument, mut quote) = (String::new(), None);
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => {
                    let escaped = letters.next_if(|next| {
                        matches!(next, '\'' | '"' | '\\') || (quote.is_none() && *next == ' ')
                    });
                    argument.push(escaped.unwrap_or('\\'));
                }
                ' ' | '\t' if quote.is_none() => break,
                '"' | '\'' if quote.is_none() => quote = Some(letter),
                _ if quote == Some(letter) => quote = None,
                _ => argument.push(letter),
            }
        }
        if quote.is_some() {
            return None;
        }
        arguments.push(argument);
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines_are_taken_apart_as_openssh_does() {
        let cases: [(&str, &str, &[&str]); 17] = [
            ("Host a b", "host", &["a", "b"]),
            ("  \tHOST\ta\t b \t", "host", &["a", "b"]),
            ("Port=22", "port", &["22"]),
            ("Port = 22", "port", &["22"]),
            ("Port == 22", "port", &["=", "22"]),
            ("Port 22 # why", "port", &["22"]),
            ("Port 22#why", "port", &["22#why"]),
            ("Port 22\r", "port", &["22"]),
            ("Port 22 \x0c", "port", &["22"]),
            ("\"Port\" 22", "port", &["22"]),
            ("User \"a b\"", "user", &["a b"]),
            ("User 'a \"b'", "user", &["a \"b"]),
            ("User a\\ b c\\d \\\"e", "user", &["a b", "c\\d", "\"e"]),
            ("User \"a\\ b\"", "user", &["a\\ b"]),
            ("User a\"b c\"d", "user", &["ab cd"]),
            ("User \"\"", "user", &[""]),
            ("User \"#a\"", "user", &["#a"]),
        ];
        for (text, keyword, arguments) in cases {
            let line = parse(text).expect(text).expect(text);
            let found: Vec<&str> = line.arguments.iter().map(String::as_str).collect();
            assert_eq!((line.keyword.as_str(), found.as_slice()), (keyword, arguments), "{text}");
        }
    }

    #[test]
    fn some_lines_say_nothing_and_some_are_wrong() {
        for text in ["", " ", "\r", "# Host", "   # Host", "\t", "\"Host x"] {
            assert_eq!(parse(text), Ok(None), "{text:?}");
        }
        for text in ["Port", "Port   ", "Port =", "User \"a", "User 'a", "User a\"b"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_command_keeps_what_is_written() {
        let line = parse("ProxyCommand  nc -x 'a b' %h # %p ").expect("a line").expect("it says something");
        assert_eq!(line.rest, "nc -x 'a b' %h # %p");
    }
}
