//! `ProxyJump`: hosts that are gone through, as `[user@]host[:port]` or `ssh://[user@]host[:port]`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::value::port;
use crate::ssh::host_settings::Jump;

/// Reads a list separated by commas, the nearest host first; empty for `none`. Fails with the part that is
/// wrong.
pub(super) fn parse(written: &str) -> Result<Vec<Jump>, String> {
    if written.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    // As with ssh, a blank ends it, as a comment does.
    let ends = |letter: char| letter == '#' || letter == '\x0b' || letter.is_ascii_whitespace();
    let list = written.split(ends).next().unwrap_or_default();
    list.split(',').map(|part| jump(part).ok_or_else(|| part.to_owned())).collect()
}

fn jump(part: &str) -> Option<Jump> {
    match part.strip_prefix("ssh://") {
        Some(address) => of_address(address),
        None => {
            let (user, host) = part.rsplit_once('@').map_or((None, part), |(user, host)| (Some(user), host));
            named(user.map(str::to_owned), host)
        }
    }
}

/// What follows `ssh://`: the user may be percent-encoded, and parameters after `;` mean nothing.
fn of_address(address: &str) -> Option<Jump> {
    let (user, host) = match address.split_once('@') {
        Some((user, host)) => {
            let user = user.split(';').next().unwrap_or_default();
            (Some(decoded(user)?), host)
        }
        None => (None, address),
    };
    let jump = named(user, host.strip_suffix('/').unwrap_or(host))?;
    let valid = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    let starts = jump.host.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    (starts && jump.host.chars().all(valid) && !jump.host.contains("..")).then_some(jump)
}

/// A text with `%` and two digits for a byte; none where a `%` stands before anything else.
fn decoded(text: &str) -> Option<String> {
    let is_byte =
        |part: &str| part.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let whole = text.split('%').skip(1).all(is_byte);
    whole.then(|| percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)).flatten()
}

fn named(user: Option<String>, host: &str) -> Option<Jump> {
    if user.as_deref() == Some("") {
        return None;
    }
    let (host, rest) = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => host.split_at(host.find([':', '/']).unwrap_or(host.len())),
    };
    let port = match rest {
        "" | ":" | "/" => None,
        rest => Some(port(rest.strip_prefix([':', '/'])?)?),
    };
    (!host.is_empty()).then(|| Jump { user, host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::{Jump, parse};

    #[test]
    fn hops_are_read_in_every_spelling() {
        let jump = |user: Option<&str>, host: &str, port| Jump {
            user: user.map(str::to_owned),
            host: host.to_owned(),
            port,
        };
        let cases = [
            ("none", vec![]),
            ("NONE", vec![]),
            ("gate", vec![jump(None, "gate", None)]),
            ("me@gate:2222,inner", vec![jump(Some("me"), "gate", Some(2222)), jump(None, "inner", None)]),
            ("[::1]:22", vec![jump(None, "::1", Some(22))]),
            ("a@b@c", vec![jump(Some("a@b"), "c", None)]),
            ("ssh://a%40b@gate:1/", vec![jump(Some("a@b"), "gate", Some(1))]),
            ("ssh://gate", vec![jump(None, "gate", None)]),
            ("gate # the first", vec![jump(None, "gate", None)]),
            ("gate inner,other", vec![jump(None, "gate", None)]),
            ("gate:", vec![jump(None, "gate", None)]),
        ];
        for (written, wanted) in cases {
            assert_eq!(parse(written), Ok(wanted), "{written}");
        }
        for wrong in
            ["a,,b", "@gate", "gate:0", "gate:x", "[::1", "ssh://gate/path", "ssh://a%4@b", "ssh://%@b", ""]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
