//! Host ranges: `web[01:50]`, `db-[a:f]`, `node[0:10:2]`.

use super::address::parse_address;

/// A line that makes more hosts is refused.
const MOST: usize = 1_000_000;

/// Why a host pattern of an inventory cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RangeError {
    /// Not `begin:end` or `begin:end:step`.
    #[error("the range `[{0}]` must be `begin:end` or `begin:end:step`")]
    Shape(String),
    /// `[1:]`.
    #[error("the range `[{0}]` has no end")]
    NoEnd(String),
    /// `[01:100]`.
    #[error("the range `[{0}]` must write its begin and its end with the same number of digits")]
    Width(String),
    /// `[f:a]`.
    #[error("the range `[{0}]` ends before it begins")]
    Order(String),
    /// `[a:9]`.
    #[error("the range `[{0}]` must be of numbers or of single letters")]
    Kind(String),
    /// `[1:9:0]`.
    #[error("the range `[{0}]` has a step that is not a number above 0")]
    Step(String),
    /// `web[1:3`.
    #[error("`{0}` has a `[` without its `]`")]
    Unclosed(String),
    /// `web:`.
    #[error("`{0}` ends in `:` and has no port")]
    NoPort(String),
    /// Too many hosts.
    #[error("`{0}` makes more than {MOST} hosts")]
    TooMany(String),
}

/// The names that a host pattern of an inventory stands for, and its port.
pub(super) fn expand(pattern: &str) -> Result<(Vec<String>, Option<u16>), RangeError> {
    let (name, port) = parse_address(pattern).unwrap_or((pattern, None));
    if port.is_none() && pattern.ends_with(':') && !pattern.ends_with("::") {
        return Err(RangeError::NoPort(pattern.to_owned()));
    }
    let mut names = Vec::new();
    expand_into(name, pattern, &mut names)?;
    Ok((names, port))
}

fn expand_into(name: &str, whole: &str, out: &mut Vec<String>) -> Result<(), RangeError> {
    let Some((head, rest)) = name.split_once('[') else {
        if out.len() >= MOST {
            return Err(RangeError::TooMany(whole.to_owned()));
        }
        out.push(name.to_owned());
        return Ok(());
    };
    let (range, tail) = rest.split_once(']').ok_or_else(|| RangeError::Unclosed(whole.to_owned()))?;
    for item in items(range)? {
        expand_into(&format!("{head}{item}{tail}"), whole, out)?;
    }
    Ok(())
}

fn items(range: &str) -> Result<Vec<String>, RangeError> {
    let error = |make: fn(String) -> RangeError| make(range.to_owned());
    let parts: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match parts.as_slice() {
        [begin, end] => (*begin, *end, 1),
        [begin, end, step] => match step.parse::<usize>() {
            Ok(step) if step > 0 => (*begin, *end, step),
            _ => return Err(error(RangeError::Step)),
        },
        _ => return Err(error(RangeError::Shape)),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    if end.is_empty() {
        return Err(error(RangeError::NoEnd));
    }
    if let (Some(first), Some(last)) = (letter(begin), letter(end)) {
        if first > last {
            return Err(error(RangeError::Order));
        }
        return Ok((first..=last).step_by(step).map(|index| LETTERS[index..=index].to_owned()).collect());
    }
    let width = if begin.len() > 1 && begin.starts_with('0') { begin.len() } else { 0 };
    if width > 0 && width != end.len() {
        return Err(error(RangeError::Width));
    }
    let (Ok(first), Ok(last)) = (begin.parse::<u64>(), end.parse::<u64>()) else {
        return Err(error(RangeError::Kind));
    };
    if first > last {
        return Err(error(RangeError::Order));
    }
    if (last - first) / step as u64 >= MOST as u64 {
        return Err(error(RangeError::TooMany));
    }
    Ok((first..=last).step_by(step).map(|number| format!("{number:0width$}")).collect())
}

/// The letters in the order in which Python's `string.ascii_letters` has them.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

fn letter(text: &str) -> Option<usize> {
    (text.len() == 1).then(|| LETTERS.find(text)).flatten()
}

#[cfg(test)]
mod tests {
    use super::{RangeError, expand};

    fn names(pattern: &str) -> String {
        expand(pattern).expect("a range").0.join(" ")
    }

    #[test]
    fn ranges_expand_as_ansible_expands_them() {
        assert_eq!(names("web1"), "web1");
        assert_eq!(names("web[08:11]"), "web08 web09 web10 web11");
        assert_eq!(names("db-[a:d].x"), "db-a.x db-b.x db-c.x db-d.x");
        assert_eq!(names("r[1:2]n[a:b]"), "r1na r1nb r2na r2nb");
        assert_eq!(names("n[0:10:5]"), "n0 n5 n10");
        assert_eq!(names("n[:2]"), "n0 n1 n2");
        assert_eq!(names("n[y:B]"), "ny nz nA nB");
        assert_eq!(expand("web[1:2]:2222"), Ok((vec!["web1".into(), "web2".into()], Some(2222))));
        assert_eq!(expand("fe80::"), Ok((vec!["fe80::".into()], None)));
    }

    #[test]
    fn bad_ranges_say_what_is_wrong() {
        let error = |pattern: &str| expand(pattern).expect_err("a mistake");
        assert_eq!(error("n[1]"), RangeError::Shape("1".into()));
        assert_eq!(error("n[1:]"), RangeError::NoEnd("1:".into()));
        assert_eq!(error("n[01:100]"), RangeError::Width("01:100".into()));
        assert_eq!(error("n[9:1]"), RangeError::Order("9:1".into()));
        assert_eq!(error("n[f:a]"), RangeError::Order("f:a".into()));
        assert_eq!(error("n[a:9]"), RangeError::Kind("a:9".into()));
        assert_eq!(error("n[1:9:0]"), RangeError::Step("1:9:0".into()));
        assert_eq!(error("n[1:3"), RangeError::Unclosed("n[1:3".into()));
        assert_eq!(error("web:"), RangeError::NoPort("web:".into()));
        assert_eq!(error("n[0:99999999999]"), RangeError::TooMany("0:99999999999".into()));
        assert_eq!(error("n[0:9999]m[0:9999]"), RangeError::TooMany("n[0:9999]m[0:9999]".into()));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[a-z0-9:\\[\\].*é-]{0,24}") {
            let _ = expand(&text);
        }
    }
}
