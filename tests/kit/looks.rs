//! Looks at what the program says of a mistake, as a reader would: whether the place is one of the file, whether
//! the mark stands under it, and whether it speaks of anything that is not the reader's business.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use unicode_width::UnicodeWidthStr;

/// Types and words of the implementation, and the traces of a crash.
static INNER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"Some\(|Err\(|Ok\(|\bNone\b|alloc::|core::|std::[a-z]+::[A-Z]|rhai::|oneex_[a-z]+::|ImmutableString|Dynamic\b|\bi64\b|\bf64\b|panicked|anon\$|os error|bug in oneex|RUST_BACKTRACE|called `[A-Z]")
        .expect("an expression that is right")
});

/// `--> FILE:LINE:COLUMN`, as a diagnostic names its place.
static PLACE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^ *(?:-->|:::) (.+?):(\d+):(\d+)$").expect("an expression that is right"));

/// What is wrong with `output`, which speaks of the files of `folder`; nothing where all is well. `given` is the
/// text that was spoiled: what it says itself is not the program's word.
pub fn complaints(output: &str, folder: &Path, given: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in INNER.find_iter(output).filter(|word| !given.contains(word.as_str())) {
        found.push(format!("speaks of `{}`", word.as_str()));
    }
    for control in output.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        found.push(format!("holds the control character {control:?}"));
    }
    let lines: Vec<&str> = output.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some(place) = PLACE.captures(line) else { continue };
        let Ok(bytes) = std::fs::read(folder.join(&place[1])) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let (number, column): (usize, usize) = (place[2].parse().unwrap_or(0), place[3].parse().unwrap_or(0));
        found.extend(misplaced(text, number, column).map(|why| format!("{line}: {why}")));
        found.extend(
            mismarked(text, number, column, line.contains(":::"), &lines[at + 1..])
                .map(|why| format!("{line}: {why}")),
        );
    }
    found
}

/// Whether any place is shown.
pub fn has_place(output: &str) -> bool {
    output.lines().any(|line| PLACE.is_match(line))
}

/// The line of that number, from 1; the one behind the last line break counts, where the end of a file is marked.
fn line_of(text: &str, number: usize) -> Option<&str> {
    text.split('\n').nth(number.checked_sub(1)?)
}

fn misplaced(text: &str, number: usize, column: usize) -> Option<String> {
    let Some(line) = line_of(text, number) else {
        return Some(format!("the file has {} lines", text.split('\n').count()));
    };
    let length = line.chars().count();
    (column == 0 || column > length + 1).then(|| format!("the line has {length} characters"))
}

/// Compares the column of the mark with where the place stands as a terminal shows the line.
fn mismarked(text: &str, number: usize, column: usize, secondary: bool, below: &[&str]) -> Option<String> {
    let line = line_of(text, number)?;
    let shown = below.iter().position(|row| {
        row.trim_start().split_once(" |").is_some_and(|(head, _)| head == number.to_string())
    })?;
    let row = below[shown];
    let before: String = line.chars().take(column.saturating_sub(1)).collect();
    if row.contains("...") || !before.is_ascii() && before.contains(|c: char| c.is_control() && c != '\t') {
        return None;
    }
    let marks = below.get(shown + 1)?;
    let gutter = row.find(" |")? + 3;
    let mark = if secondary { marks.find(['-', '^']) } else { marks.find('^') };
    let Some(mark) = mark else { return Some("nothing is marked".to_owned()) };
    let width = before.replace('\t', "    ").replace(|c: char| c.is_control(), " ").width();
    (mark != gutter + width)
        .then(|| format!("the mark stands at {mark}, and the place at {}", gutter + width))
}

#[cfg(test)]
mod tests {
    use super::complaints;

    const GOOD: &str = "error[x]: no\n --> a.rhai:2:4\n  |\n2 |     日 x\n  |        ^\n";

    fn look(output: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.rhai"), "let a;\n\t日 x\n").expect("a file");
        complaints(output, folder.path(), "given")
    }

    #[test]
    fn a_true_place_is_good() {
        assert_eq!(look(GOOD), [""; 0]);
    }

    #[test]
    fn whatever_is_untrue_or_not_for_readers_is_told() {
        for (from, to, wanted) in [
            ("       ^", "      ^", "a.rhai:2:4: the mark stands at 10, and the place at 11"),
            ("^", "", "nothing is marked"),
            (":2:4", ":9:1", "the file has 3 lines"),
            (":2:4", ":2:9", "the line has 4 characters"),
            ("no", "Some(no)", "speaks of `Some(`"),
            ("no", "n\x1bo", "holds the control character '\\u{1b}'"),
        ] {
            let found = look(&GOOD.replacen(from, to, 1));
            assert!(found.iter().any(|complaint| complaint.contains(wanted)), "{wanted}: {found:?}");
        }
    }
}
