//! Words of an INI line, split as Python's `shlex.split(line, comments=True)` splits them.

/// A word and the column, in characters from 1, at which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// The word without its quotes.
    pub(super) text: String,
    /// Where it begins.
    pub(super) column: u32,
}

/// Why a line cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WordsError {
    /// A quote is not closed.
    #[error("a quote is not closed")]
    Unclosed,
    /// The line ends in a backslash.
    #[error("the line ends in a backslash that escapes nothing")]
    Escape,
}

/// Splits a line. `#` begins a comment wherever it stands outside quotes.
pub(super) fn split(line: &str) -> Result<Vec<Word>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote: Option<char> = None;
    let mut chars = (1_u32..).zip(line.chars());
    while let Some((column, c)) = chars.next() {
        if let Some(open) = quote {
            let Some(word) = word.as_mut() else { return Err(WordsError::Unclosed) };
            match c {
                _ if c == open => quote = None,
                '\\' if open == '"' => {
                    let (_, next) = chars.next().ok_or(WordsError::Unclosed)?;
                    if next != '"' && next != '\\' {
                        word.text.push('\\');
                    }
                    word.text.push(next);
                }
                _ => word.text.push(c),
            }
            continue;
        }
        match c {
            '#' => break,
            c if c.is_ascii_whitespace() => words.extend(word.take()),
            _ => {
                let word = word.get_or_insert(Word { text: String::new(), column });
                match c {
                    '\'' | '"' => quote = Some(c),
                    '\\' => word.text.push(chars.next().ok_or(WordsError::Escape)?.1),
                    _ => word.text.push(c),
                }
            }
        }
    }
    if quote.is_some() {
        return Err(WordsError::Unclosed);
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::{WordsError, split};

    fn words(line: &str) -> Vec<String> {
        split(line).expect("words").into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn splits_as_python_does() {
        assert_eq!(words("web1 a=1  b='x y'"), ["web1", "a=1", "b=x y"]);
        assert_eq!(words("h a=\"x \\\"y\\\" \\n\""), ["h", "a=x \"y\" \\n"]);
        assert_eq!(words("h a=x\\ y"), ["h", "a=x y"]);
        assert_eq!(words("h a=b#c d"), ["h", "a=b"]);
        assert_eq!(words("h '' # comment 'open"), ["h", ""]);
        assert_eq!(words("h a='#'"), ["h", "a=#"]);
        assert_eq!(split("h  a=1").expect("words")[1].column, 4);
    }

    #[test]
    fn open_quotes_and_escapes_are_mistakes() {
        assert_eq!(split("h a='x"), Err(WordsError::Unclosed));
        assert_eq!(split("h a=\"x\\"), Err(WordsError::Unclosed));
        assert_eq!(split("h a=x\\"), Err(WordsError::Escape));
    }
}
