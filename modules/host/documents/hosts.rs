//! Lines of `/etc/hosts`.
//!
//! Source: hosts(5).

use std::net::IpAddr;

use super::lines::{bare, joined};

/// An address with its names.
#[derive(Debug)]
pub(crate) struct HostLine<'a> {
    pub(crate) address: &'a str,
    pub(crate) names: Vec<&'a str>,
}

/// An address as it is compared: `::1` is `0:0:0:0:0:0:0:1`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Address(IpAddr, Option<String>);

/// Reads an address, with a zone behind `%` where it has one.
fn address(text: &str) -> Option<Address> {
    let (number, zone) = match text.split_once('%') {
        Some((number, zone)) if !zone.is_empty() => (number, Some(zone.to_owned())),
        Some(_) => return None,
        None => (text, None),
    };
    Some(Address(number.parse().ok()?, zone))
}

/// Says whether it is an address.
pub(crate) fn is_address(text: &str) -> bool {
    address(text).is_some()
}

/// The part of a line that is no comment.
fn content(line: &str) -> &str {
    let line = bare(line);
    &line[..line.find('#').unwrap_or(line.len())]
}

fn fields(line: &str) -> Option<(Address, Vec<&str>)> {
    let mut words = content(line).split_ascii_whitespace();
    Some((address(words.next()?)?, words.collect()))
}

/// The line without these names; nothing where no name is left.
fn without(line: &str, goes: impl Fn(&str) -> bool) -> Option<String> {
    let text = content(line);
    let mut kept = String::new();
    let (mut rest, mut words, mut left) = (text, 0, 0);
    while !rest.trim_start().is_empty() {
        let blank = rest.len() - rest.trim_start().len();
        let length =
            rest[blank..].find(|c: char| c.is_ascii_whitespace()).map_or(rest.len(), |end| blank + end);
        words += 1;
        if words == 1 || !goes(&rest[blank..length]) {
            kept.push_str(&rest[..length]);
            left += 1;
        }
        rest = &rest[length..];
    }
    kept.push_str(rest);
    (left > 1 || left == words).then(|| [kept.as_str(), &line[text.len()..]].concat())
}

/// Gives the address the names, and takes them from other addresses of its family.
pub(crate) fn with_names(text: &str, wanted: &HostLine<'_>) -> String {
    let Some(wanted_address) = address(wanted.address) else { return text.to_owned() };
    let is_wanted = |name: &str| wanted.names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    let mut lines: Vec<String> = Vec::new();
    let (mut own, mut freed) = (None, None);
    let mut missing = wanted.names.clone();
    for line in text.split_inclusive('\n') {
        let Some((present, names)) = fields(line) else {
            lines.push(line.to_owned());
            continue;
        };
        let is_own = present == wanted_address;
        if is_own {
            missing.retain(|name| !names.iter().any(|present| present.eq_ignore_ascii_case(name)));
            own.get_or_insert(lines.len());
            lines.push(line.to_owned());
        } else if present.0.is_ipv4() == wanted_address.0.is_ipv4()
            && names.iter().any(|name| is_wanted(name))
        {
            match without(line, is_wanted) {
                Some(left) => lines.push(left),
                None => {
                    freed.get_or_insert(lines.len());
                }
            }
        } else {
            lines.push(line.to_owned());
        }
    }
    if !missing.is_empty() {
        let names = missing.join(" ");
        match (own, freed) {
            (Some(at), _) => {
                let end = content(&lines[at]).trim_end().len();
                lines[at].insert_str(end, &format!(" {names}"));
            }
            (None, freed) => {
                let at = freed.unwrap_or(lines.len());
                let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
                lines.insert(at, format!("{}\t{names}{ending}", wanted.address));
            }
        }
    }
    joined(text, &lines)
}

/// Takes the names from the address, or from all without one; all of the address without names.
pub(crate) fn without_names(text: &str, from: Option<&str>, names: &[&str]) -> String {
    let from = from.and_then(address);
    let goes = |name: &str| names.iter().any(|gone| gone.eq_ignore_ascii_case(name));
    let kept = text.split_inclusive('\n').filter_map(|line| match fields(line) {
        Some((present, _)) if from.as_ref().is_none_or(|from| *from == present) => {
            if names.is_empty() {
                None
            } else {
                without(line, goes)
            }
        }
        _ => Some(line.to_owned()),
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{HostLine, fields, with_names, without_names};

    #[test]
    fn names_are_given_and_taken() {
        for (text, address, names, expected) in [
            ("", "10.0.0.1", vec!["a", "b"], "10.0.0.1\ta b\n"),
            ("10.0.0.1 a b # c\n", "10.0.0.1", vec!["b", "A"], "10.0.0.1 a b # c\n"),
            ("10.0.0.1  a\t# c\n", "10.0.0.1", vec!["a", "b"], "10.0.0.1  a b\t# c\n"),
            ("10.0.0.1 a\n10.0.0.1 b", "10.0.0.1", vec!["a", "b"], "10.0.0.1 a\n10.0.0.1 b"),
            ("# x\n10.0.0.1 a\n::1 a\nz", "10.0.0.2", vec!["a"], "# x\n10.0.0.2\ta\n::1 a\nz"),
            ("10.0.0.1 a  b c # x\n", "10.0.0.2", vec!["b"], "10.0.0.1 a c # x\n10.0.0.2\tb\n"),
            ("10.0.0.1 b\r\n", "10.0.0.2", vec!["a"], "10.0.0.1 b\r\n10.0.0.2\ta\r\n"),
            ("0:0:0:0:0:0:0:1 a", "::1", vec!["a"], "0:0:0:0:0:0:0:1 a"),
            ("fe80::1%eth0 a\n", "fe80::1%eth1", vec!["a"], "fe80::1%eth1\ta\n"),
            ("#10.0.0.1 a\n", "10.0.0.1", vec!["a"], "#10.0.0.1 a\n10.0.0.1\ta\n"),
            ("\u{feff}10.0.0.1 a", "10.0.0.2", vec!["b"], "\u{feff}10.0.0.1 a\n10.0.0.2\tb"),
        ] {
            let wanted = HostLine { address, names };
            let once = with_names(text, &wanted);
            assert_eq!(once, expected, "{text:?} {wanted:?}");
            assert_eq!(with_names(&once, &wanted), once, "the second time: {wanted:?}");
        }
        for (text, address, names, expected) in [
            ("10.0.0.1 a b\n10.0.0.2 a\n", None, vec!["a"], "10.0.0.1 b\n"),
            ("10.0.0.1 a b\n10.0.0.2 a\n", Some("10.0.0.1"), vec!["a"], "10.0.0.1 b\n10.0.0.2 a\n"),
            ("10.0.0.1 a b\n# 10.0.0.1 a\nx", Some("10.0.0.1"), vec![], "# 10.0.0.1 a\nx"),
            ("10.0.0.1\n", None, vec!["a"], "10.0.0.1\n"),
        ] {
            assert_eq!(without_names(text, address, &names), expected, "{text:?} {address:?} {names:?}");
        }
    }

    fn names_of(text: &str) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in text.lines() {
            if let Some((address, names)) = fields(line) {
                all.entry(format!("{address:?}")).or_default().extend(names.into_iter().map(str::to_owned));
            }
        }
        all
    }

    proptest! {
        #[test]
        fn all_else_stays(
            lines in proptest::collection::vec("(10\\.0\\.0\\.[1-3]( {1,2}[a-d]){1,3}( #[a-d ]{0,3})?|# [a-d]|::[12]\t[a-d])?", 0..8),
            number in 1_u8..5,
            name in "[a-e]",
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let address = format!("10.0.0.{number}");
            let once = with_names(&text, &HostLine { address: &address, names: vec![&name] });
            prop_assert_eq!(with_names(&once, &HostLine { address: &address, names: vec![&name] }), once.clone());
            // Only the one name is elsewhere, and only in lines of its family.
            let mut expected = names_of(&text);
            let key = names_of(&format!("{address} x\n")).into_keys().next().expect("an address");
            for (other, names) in &mut expected {
                if *other != key && other.contains("10.0.0.") {
                    names.retain(|other| *other != name);
                }
            }
            let own = expected.entry(key).or_default();
            if !own.contains(&name) {
                own.push(name.clone());
            }
            expected.retain(|_, names| !names.is_empty());
            let sorted = |all: BTreeMap<String, Vec<String>>| all.into_iter().map(|(key, mut names)| { names.sort(); (key, names) }).collect::<Vec<_>>();
            prop_assert_eq!(sorted(names_of(&once)), sorted(expected));
            // Lines without the name stay as they are, in their order.
            let untouched = |text: &str| {
                let is_other = |line: &&str| !line.contains(&name) && !line.contains(&address);
                text.lines().filter(is_other).map(str::to_owned).collect::<Vec<_>>()
            };
            let left = untouched(&once);
            let mut rest = left.iter();
            prop_assert!(untouched(&text).iter().all(|line| rest.any(|other| other == line)), "{:?} of {:?}", once, text);
        }
    }
}
