//! Host names, addresses and ports as Ansible tells them apart.
//!
//! Source: ansible-core's `parsing/utils/addresses.py`.

use std::sync::LazyLock;

use regex::Regex;

const HEX: &str = r"(?:[0-9a-f]{1,4}|\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\])";
const DECIMAL: &str = r"(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]|\[[0-9]+:[0-9]+(?::[0-9]+)?\])";
const RANGE: &str = r"\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]";

static BRACKETED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\[(.+)\]:([0-9]+)$").ok());
static WITH_PORT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$").ok());
static IPV4: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"(?i)^(?:{DECIMAL}\.){{3}}{DECIMAL}$")).ok());
static IPV6: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let h = HEX;
    let forms = [
        format!("(?:{h}:){{7}}{h}"),
        format!("(?:{h}:){{1,6}}:"),
        format!("(?:{h}:)(?::{h}){{1,6}}"),
        format!("(?:{h}:){{2}}(?::{h}){{1,5}}"),
        format!("(?:{h}:){{3}}(?::{h}){{1,4}}"),
        format!("(?:{h}:){{4}}(?::{h}){{1,3}}"),
        format!("(?:{h}:){{5}}(?::{h}){{1,2}}"),
        format!("(?:{h}:){{6}}(?::{h})"),
        format!(":(?::{h}){{1,6}}"),
        format!("{h}?::"),
        format!(r"(?:0:){{6}}(?:{h}\.){{3}}{h}"),
        format!(r"::(?:ffff:)?(?:{h}\.){{3}}{h}"),
        format!(r"(?:0:){{5}}ffff:(?:{h}\.){{3}}{h}"),
    ];
    Regex::new(&format!("(?i)^(?:{})$", forms.join("|"))).ok()
});
static LABELS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let label = format!(r"(?:\w|{RANGE})(?:[\w_-]|{RANGE})*");
    Regex::new(&format!(r"(?i)^{label}(?:\.{label})*$")).ok()
});

fn is_match(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// A host name with ranges: no label ends in a hyphen or an underscore.
fn is_hostname(text: &str) -> bool {
    is_match(&LABELS, text) && text.split('.').all(|label| !label.ends_with(['-', '_']))
}

/// Splits `NAME[:PORT]`, where the name is a host name, an IPv4 or an IPv6 address (in brackets when a
/// port follows), each with `[x:y]` ranges. None when it is none of them.
pub(super) fn parse_address(text: &str) -> Option<(&str, Option<u16>)> {
    let mut address = text;
    let mut port = None;
    for regex in [&BRACKETED, &WITH_PORT] {
        if let Some(found) = regex.as_ref().and_then(|regex| regex.captures(address)) {
            port = Some(found.get(2)?.as_str().parse().ok()?);
            address = found.get(1)?.as_str();
        }
    }
    let known = is_match(&IPV4, address) || is_match(&IPV6, address) || is_hostname(address);
    known.then_some((address, port))
}

#[cfg(test)]
mod tests {
    use super::parse_address;

    #[test]
    fn tells_names_addresses_and_ports_apart() {
        let table = [
            ("web1", Some(("web1", None))),
            ("web1:2222", Some(("web1", Some(2222)))),
            ("web[01:50].example.com:22", Some(("web[01:50].example.com", Some(22)))),
            ("db-[a:f]", Some(("db-[a:f]", None))),
            ("10.0.0.[1:9]", Some(("10.0.0.[1:9]", None))),
            ("fe80::1", Some(("fe80::1", None))),
            ("::1", Some(("::1", None))),
            ("::", Some(("::", None))),
            ("[fe80::1]:22", Some(("fe80::1", Some(22)))),
            ("2001:db8::[1:5]", Some(("2001:db8::[1:5]", None))),
            ("::ffff:192.0.2.3", Some(("::ffff:192.0.2.3", None))),
            ("host-", None),
            ("a_", None),
            ("web:db", None),
            ("web:&prod", None),
            ("web:99999", None),
            ("web*", None),
            ("", None),
        ];
        for (text, wanted) in table {
            assert_eq!(parse_address(text), wanted, "{text}");
        }
    }
}
