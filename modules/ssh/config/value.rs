//! What values of keywords may look like.

use std::time::Duration;

/// The arguments of a line, taken one by one.
#[derive(Debug)]
pub(super) struct Arguments<'a> {
    left: std::slice::Iter<'a, String>,
}

impl<'a> Arguments<'a> {
    /// All of a line's.
    pub(super) fn new(arguments: &'a [String]) -> Self {
        Self { left: arguments.iter() }
    }

    /// The next one, where there is one.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        self.left.next().map(String::as_str)
    }

    /// The next one, which must be there and not empty.
    pub(super) fn text(&mut self) -> Result<&'a str, String> {
        self.next().filter(|text| !text.is_empty()).ok_or_else(|| "the value is missing".to_owned())
    }

    /// All that are left: none may be empty, and `none` must be alone.
    pub(super) fn list(&mut self) -> Result<Vec<String>, String> {
        let list: Vec<String> = self.left.by_ref().cloned().collect();
        if list.iter().any(String::is_empty) {
            return Err("a value is empty".to_owned());
        }
        match list.iter().find(|text| text.eq_ignore_ascii_case("none")) {
            Some(_) if list.len() > 1 => Err("`none` must stand alone".to_owned()),
            _ => Ok(list),
        }
    }

    /// One of some words, whose case does not count.
    pub(super) fn word<T: Copy>(&mut self, words: &[(&str, T)]) -> Result<T, String> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            format!("`{text}` is none of {}", words.join(", "))
        })
    }

    /// `yes` or `no`.
    pub(super) fn flag(&mut self) -> Result<bool, String> {
        self.word(&[("yes", true), ("no", false), ("true", true), ("false", false)])
    }

    /// A whole number from 0.
    pub(super) fn number(&mut self) -> Result<u32, String> {
        let text = self.text()?;
        let number = text.parse().ok().filter(|number| *number <= i32::MAX.cast_unsigned());
        number.ok_or_else(|| format!("`{text}` is no whole number from 0"))
    }

    /// A time; none for `none`, which leaves the keyword unset.
    pub(super) fn time(&mut self) -> Result<Option<Duration>, String> {
        match self.text()? {
            "none" => Ok(None),
            text => {
                time(text).map(Some).ok_or_else(|| format!("`{text}` is no time such as `30` or `1m30s`"))
            }
        }
    }

    /// A port.
    pub(super) fn port(&mut self) -> Result<u16, String> {
        let text = self.text()?;
        port(text).ok_or_else(|| format!("`{text}` is no port from 1 to 65535"))
    }

    /// Fails where something is left.
    pub(super) fn end(&mut self) -> Result<(), String> {
        self.next().map_or(Ok(()), |extra| Err(format!("`{extra}` stands after the value")))
    }
}

/// A port from 1, or the name of SSH's own, which services(5) has wherever that file is.
pub(super) fn port(text: &str) -> Option<u16> {
    match text {
        "ssh" => Some(22),
        text => text.parse().ok().filter(|port| *port > 0),
    }
}

/// `TIME FORMATS` of sshd_config(5): numbers with `s`, `m`, `h`, `d`, `w` after them, or nothing for seconds.
fn time(text: &str) -> Option<Duration> {
    let (mut total, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        let mut letters = rest[digits..].chars();
        let unit = match letters.next().map(|letter| letter.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = letters.as_str();
    }
    (!text.is_empty() && total <= i32::MAX as u64).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{port, time};

    #[test]
    fn times_are_sums() {
        for (written, wanted) in [
            ("0", Some(0)),
            ("90", Some(90)),
            ("1m30s", Some(90)),
            ("1H", Some(3600)),
            ("1w2d", Some(777_600)),
            ("", None),
            ("-1", None),
            ("1y", None),
            ("s", None),
            ("99999999999", None),
            ("9999999999999999999999w", None),
        ] {
            assert_eq!(time(written), wanted.map(Duration::from_secs), "{written}");
        }
    }

    #[test]
    fn ports_are_numbers() {
        let ports = ["22", "ssh", "65535", "0", "65536", "-1", "x"].map(port);
        assert_eq!(ports, [Some(22), Some(22), Some(65535), None, None, None, None]);
    }
}
