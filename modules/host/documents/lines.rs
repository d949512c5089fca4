//! Lines with their breaks, as files of lines are edited.

/// The mark that a text in UTF-8 may begin with, which no grammar here knows, and the rest.
pub(crate) fn split_mark(text: &str) -> (&str, &str) {
    text.split_at(if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 })
}

/// The line without its break.
pub(crate) fn bare(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// The line break of a text: that of its first line.
pub(crate) fn line_break(text: &str) -> &'static str {
    if text.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
}

/// The line with another text before the same break.
pub(crate) fn replaced(line: &str, text: &str) -> String {
    [text, &line[bare(line).len()..]].concat()
}

/// The lines as one text. One that was the last without a break, and is not any more, gets one, and the last of all
/// loses its own where `text`, from which they come, had none at its end.
pub(crate) fn joined(text: &str, lines: &[String]) -> String {
    let ending = line_break(text);
    let ended = text.is_empty() || text.ends_with('\n');
    let mut out = String::with_capacity(text.len() + 64);
    for (at, line) in lines.iter().enumerate() {
        let is_last = at + 1 == lines.len();
        match (is_last && !ended, line.ends_with('\n')) {
            // An empty line is nothing but its break.
            (true, true) if !bare(line).is_empty() => out.push_str(bare(line)),
            (false, false) => {
                out.push_str(line);
                out.push_str(ending);
            }
            _ => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{bare, joined, line_break, replaced};

    #[test]
    fn breaks_stay_as_they_are() {
        for (text, lines, expected) in [
            ("a\nb\n", vec!["a\n", "b\n", "c"], "a\nb\nc\n"),
            ("a\nb", vec!["a\n", "b", "c"], "a\nb\nc"),
            ("a\r\nb", vec!["a\r\n", "b", "c"], "a\r\nb\r\nc"),
            ("a\nb", vec!["a\n"], "a"),
            ("a\n\nb", vec!["a\n", "\n"], "a\n\n"),
            ("", vec!["a"], "a\n"),
            ("a\r\nb\n", vec!["b\n", "c"], "b\nc\r\n"),
            ("a\nb", vec![], ""),
        ] {
            let lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
            assert_eq!(joined(text, &lines), expected, "{text:?} {lines:?}");
        }
        assert_eq!((bare("a\r\n"), bare("a\r"), bare("a")), ("a", "a", "a"));
        assert_eq!((line_break("a\r\nb\n"), line_break("a\n\r\n"), line_break("")), ("\r\n", "\n", "\n"));
        assert_eq!(replaced("a\r\n", "b"), "b\r\n");
    }
}
