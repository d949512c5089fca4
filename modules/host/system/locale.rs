//! Locales: their names, and the files that say which there are.

/// A locale's name as `locale -a` writes it: `de_DE.UTF-8` is `de_DE.utf8`.
pub(crate) fn plain(name: &str) -> String {
    let (rest, modifier) = match name.split_once('@') {
        Some((rest, modifier)) => (rest, format!("@{modifier}")),
        None => (name, String::new()),
    };
    match rest.split_once('.') {
        Some((language, codes)) => {
            let codes = codes.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
            format!("{language}.{codes}{modifier}")
        }
        None => format!("{rest}{modifier}"),
    }
}

/// Those that the C library brings itself.
pub(crate) fn is_builtin(name: &str) -> bool {
    matches!(plain(name).as_str(), "C" | "POSIX" | "C.utf8")
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

/// The name and the codes of a line of locale.gen(5), and whether it is a comment.
fn parse(line: &str) -> Option<(bool, &str, &str)> {
    let text = line.trim();
    let inner = text.trim_start_matches('#').trim_start();
    let mut words = inner.split_whitespace();
    let (name, codes) = (words.next()?, words.next()?);
    // A comment may go on about anything; a locale has two words.
    words.next().is_none().then_some((text.starts_with('#'), name, codes))
}

/// A text of locale.gen(5) with the locale in it: where it is a comment, the comment becomes a line.
pub(crate) fn with_locale(text: &str, name: &str, codes: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_it = |line: &&str, is_comment: bool| parse(line) == Some((is_comment, name, codes));
    if lines.iter().any(|line| is_it(line, false)) {
        return text.to_owned();
    }
    if let Some(at) = lines.iter().position(|line| is_it(line, true)) {
        let ending = &lines[at][bare(lines[at]).len()..];
        return [&lines[..at].concat(), name, " ", codes, ending, &lines[at + 1..].concat()].concat();
    }
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{end}{name} {codes}\n")
}

/// A text of locale.gen(5) in which the locale is at most a comment.
pub(crate) fn without_locale(text: &str, name: &str) -> String {
    let edit = |line: &str| match parse(line) {
        Some((false, found, _)) if plain(found) == plain(name) => format!("# {}", line.trim_start()),
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(edit).collect()
}

/// A text of locale.conf(5) with the language.
pub(crate) fn with_language(text: &str, name: &str) -> String {
    let value =
        |line: &str| line.trim().strip_prefix("LANG=").map(|value| value.trim_matches('"').to_owned());
    let last = text.lines().filter_map(value).next_back();
    if last.as_deref() == Some(name) {
        return text.to_owned();
    }
    let rest: String = text.split_inclusive('\n').filter(|line| value(line).is_none()).collect();
    let end = if rest.is_empty() || rest.ends_with('\n') { "" } else { "\n" };
    format!("{rest}{end}LANG={name}\n")
}

#[cfg(test)]
mod tests {
    use super::{is_builtin, plain, with_language, with_locale, without_locale};

    #[test]
    fn names_are_compared_as_the_library_writes_them() {
        for (name, expected) in [
            ("de_DE.UTF-8", "de_DE.utf8"),
            ("de_DE.utf8", "de_DE.utf8"),
            ("de_DE", "de_DE"),
            ("de_DE@euro", "de_DE@euro"),
            ("sr_RS.UTF-8@latin", "sr_RS.utf8@latin"),
            ("ja_JP.EUC-JP", "ja_JP.eucjp"),
        ] {
            assert_eq!(plain(name), expected);
        }
        assert!(is_builtin("C") && is_builtin("C.UTF-8") && !is_builtin("de_DE.UTF-8"));
    }

    #[test]
    fn edits() {
        for (text, expected) in [
            ("", "de_DE.UTF-8 UTF-8\n"),
            ("# about locales\n", "# about locales\nde_DE.UTF-8 UTF-8\n"),
            ("# de_DE.UTF-8 UTF-8\n# x y\n", "de_DE.UTF-8 UTF-8\n# x y\n"),
            ("#de_DE.UTF-8 UTF-8", "de_DE.UTF-8 UTF-8"),
            ("# de_DE.UTF-8 UTF-8 is German\n", "# de_DE.UTF-8 UTF-8 is German\nde_DE.UTF-8 UTF-8\n"),
            ("de_DE.UTF-8 UTF-8  \n", "de_DE.UTF-8 UTF-8  \n"),
            ("# de_DE ISO-8859-1\r\n# de_DE.UTF-8 UTF-8\r\n", "# de_DE ISO-8859-1\r\nde_DE.UTF-8 UTF-8\r\n"),
        ] {
            let after = with_locale(text, "de_DE.UTF-8", "UTF-8");
            assert_eq!(after, expected, "{text:?}");
            assert_eq!(with_locale(&after, "de_DE.UTF-8", "UTF-8"), after);
            let gone = without_locale(&after, "de_DE.utf8");
            assert!(gone.lines().all(|line| line.starts_with('#')), "{gone}");
            assert_eq!(without_locale(&gone, "de_DE.UTF-8"), gone);
        }
        for (text, expected) in [
            ("", "LANG=C.UTF-8\n"),
            ("LANG=\"C.UTF-8\"\nLC_TIME=x", "LANG=\"C.UTF-8\"\nLC_TIME=x"),
            ("LANG=de\nLC_TIME=x", "LC_TIME=x\nLANG=C.UTF-8\n"),
            ("LANG=C.UTF-8\nLANG=de\n# x\n", "# x\nLANG=C.UTF-8\n"),
        ] {
            assert_eq!(with_language(text, "C.UTF-8"), expected, "{text:?}");
            assert_eq!(with_language(expected, "C.UTF-8"), expected);
        }
    }
}
