//! Addresses as inet_aton(3) reads them, which is more than four numbers in a row.

use std::net::{IpAddr, Ipv4Addr};

/// The address that a name is, where it is none but that: `127.1` and `0x7f000001` are `127.0.0.1`.
pub(super) fn parse(name: &str) -> Option<IpAddr> {
    name.parse().ok().or_else(|| old_notation(name).map(IpAddr::V4))
}

/// Says whether a name cannot be anything else than an address.
pub(super) fn looks_like_one(name: &str) -> bool {
    name.contains(['%', ':']) || name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// One to four numbers, decimal, octal or hexadecimal, of which the last fills what is left.
fn old_notation(name: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = name.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let bits = 32 - 8 * u32::try_from(first.len()).ok()?;
    if bits < 32 && *last >= 1 << bits {
        return None;
    }
    let high = first.iter().zip([24, 16, 8]).fold(0, |sum, (part, shift)| sum | part << shift);
    Some(Ipv4Addr::from(high | last))
}

fn number(part: &str) -> Option<u32> {
    let (digits, radix) = match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if part.len() > 1 && part.starts_with('0') => (&part[1..], 8),
        None => (part, 10),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    u32::from_str_radix(digits, radix).ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::{looks_like_one, parse};

    #[test]
    fn addresses_have_many_spellings() {
        for (written, wanted) in [
            ("127.0.0.1", Some("127.0.0.1")),
            ("127.1", Some("127.0.0.1")),
            ("10.1.258", Some("10.1.1.2")),
            ("2130706433", Some("127.0.0.1")),
            ("0x7f.1", Some("127.0.0.1")),
            ("010.0.0.1", Some("8.0.0.1")),
            ("::0001", Some("::1")),
            ("1.2.3.4.5", None),
            ("256.1", None),
            ("127.16777216", None),
            ("web", None),
            ("", None),
            ("1..2", None),
            ("+1.2", None),
        ] {
            assert_eq!(parse(written).map(|found| found.to_string()).as_deref(), wanted, "{written}");
        }
        assert!(looks_like_one("1.2.3.4.5") && looks_like_one("fe80::1%lo") && !looks_like_one("0x7f.1"));
    }
}
