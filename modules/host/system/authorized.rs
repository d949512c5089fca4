//! Public keys as a file `authorized_keys` lists them, sshd(8).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{OpError, OpResult};

/// A line with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthorizedKey {
    /// What the key may be used for, as it is written; empty without options.
    pub(crate) options: String,
    /// Its type: `ssh-ed25519`.
    pub(crate) kind: String,
    /// The key itself, RFC 4253, section 6.6.
    pub(crate) blob: Vec<u8>,
    /// What follows it; empty without a comment.
    pub(crate) comment: String,
}

impl AuthorizedKey {
    /// Reads a line; nothing for comments, empty lines, and what is no key.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        bare_key(line, "").or_else(|| {
            let (options, rest) = line.split_at(options_end(line)?);
            bare_key(rest.trim_start(), options)
        })
    }

    /// Reads the keys of an option, which may have several lines.
    pub(crate) fn parse_all(text: &str) -> OpResult<Vec<Self>> {
        if text.contains("PRIVATE KEY") {
            return Err(OpError::invalid("`key` is a private key").hint("give the one of the file `….pub`"));
        }
        let lines = text.lines().map(str::trim);
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                Self::parse(line).ok_or_else(|| {
                    OpError::invalid(format!("`{}` is no public key", short(line)))
                        .hint("write it as the file `….pub` has it: `ssh-ed25519 AAAA… comment`")
                })
            })
            .collect()
    }

    /// The line, without its break.
    pub(crate) fn line(&self) -> String {
        let parts = [&self.options, &self.kind, &STANDARD.encode(&self.blob), &self.comment];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

fn short(line: &str) -> String {
    let shown: String = line.chars().take(60).collect();
    if shown.len() < line.len() { format!("{shown}…") } else { shown }
}

/// Reads a type, a key of that type, and a comment.
fn bare_key(text: &str, options: &str) -> Option<AuthorizedKey> {
    let (kind, rest) = text.split_once([' ', '\t'])?;
    let rest = rest.trim_start();
    let (encoded, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    let blob = STANDARD.decode(encoded).ok()?;
    let length = u32::from_be_bytes(*blob.first_chunk::<4>()?) as usize;
    let named = blob.get(4..)?.get(..length)?;
    if named != kind.as_bytes() || blob.len() <= 4 + length {
        return None;
    }
    Some(AuthorizedKey {
        options: options.to_owned(),
        kind: kind.to_owned(),
        blob,
        comment: comment.trim().to_owned(),
    })
}

/// The end of the options at the beginning of a line: the first blank that is not between double quotes.
pub(crate) fn options_end(line: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Refuses what would not be the options of a line.
pub(crate) fn check_options(text: &str) -> OpResult<()> {
    let probe = format!("{text} ");
    if text.is_empty() || text.contains('\n') || options_end(&probe) != Some(text.len()) {
        return Err(OpError::invalid(format!("`key_options`: `{text}` are no options of a key"))
            .hint("write for example `no-pty,command=\"/usr/bin/backup run\"`"));
    }
    Ok(())
}

/// Gives each key one line, as it is wanted. All other lines stay, but with `exclusive` only comments do.
pub(crate) fn with_keys(text: &str, wanted: &[AuthorizedKey], exclusive: bool) -> String {
    let mut left: Vec<&AuthorizedKey> = Vec::new();
    for key in wanted {
        // Of one that is given twice the last counts.
        left.retain(|other| other.blob != key.blob);
        left.push(key);
    }
    let all = left.clone();
    let mut out = String::with_capacity(text.len() + 256);
    for line in text.split_inclusive('\n') {
        let found = AuthorizedKey::parse(line);
        let is_wanted = |key: &&AuthorizedKey| found.as_ref().is_some_and(|found| found.blob == key.blob);
        match left.iter().position(is_wanted) {
            Some(at) => {
                let key = left.remove(at);
                if found.as_ref() == Some(key) {
                    out.push_str(line);
                } else {
                    out.push_str(&key.line());
                    out.push_str(&line[line.trim_end_matches(['\r', '\n']).len()..]);
                }
            }
            // The same key once more might open what the wanted line does not.
            None if all.iter().any(is_wanted) => {}
            None => {
                let bare = line.trim();
                if !exclusive || bare.is_empty() || bare.starts_with('#') {
                    out.push_str(line);
                }
            }
        }
    }
    for key in left {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&key.line());
        out.push('\n');
    }
    out
}

/// Takes out all lines of the keys.
pub(crate) fn without_keys(text: &str, keys: &[AuthorizedKey]) -> String {
    let goes = |line: &&str| {
        AuthorizedKey::parse(line).is_some_and(|found| keys.iter().any(|key| key.blob == found.blob))
    };
    text.split_inclusive('\n').filter(|line| !goes(line)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::{AuthorizedKey, check_options, with_keys, without_keys};

    /// A key that nobody has: its type, and a body of the byte `number`.
    pub(crate) fn key(number: u8) -> String {
        let mut blob = 11_u32.to_be_bytes().to_vec();
        blob.extend(b"ssh-ed25519");
        blob.extend(32_u32.to_be_bytes());
        blob.extend([number; 32]);
        format!("ssh-ed25519 {}", STANDARD.encode(blob))
    }

    fn keys(text: &str) -> Vec<AuthorizedKey> {
        AuthorizedKey::parse_all(text).expect("keys")
    }

    #[test]
    fn lines_are_read_as_sshd_reads_them() {
        let one = key(1);
        for (line, options, comment) in [
            (one.clone(), "", ""),
            (format!("  {one}\t ada@box  \r"), "", "ada@box"),
            (format!("no-pty {one} a b"), "no-pty", "a b"),
            (
                format!(r#"command="echo \"a b\" # {one}",no-pty   {one} x"#),
                &*format!(r#"command="echo \"a b\" # {one}",no-pty"#),
                "x",
            ),
            (format!("from=\"*.example.org\"\t{one}"), "from=\"*.example.org\"", ""),
        ] {
            let read = AuthorizedKey::parse(&line).expect("a key");
            assert_eq!((read.options.as_str(), read.comment.as_str()), (options, comment), "{line}");
            assert_eq!(AuthorizedKey::parse(&read.line()).as_ref(), Some(&read));
        }
        let (kind, body) = one.split_once(' ').expect("two words");
        for line in [
            "",
            "#",
            kind,
            &format!("# {one}"),
            &format!("ssh-rsa {body}"),
            &format!("{kind} AAAA"),
            &format!("{kind} {}", &body[..body.len() - 3]),
            &format!("command=\"open {one}"),
            &format!("a b {one}"),
            "ssh-ed25519 /////w==",
        ] {
            assert_eq!(AuthorizedKey::parse(line), None, "{line}");
        }
    }

    #[test]
    fn edits() {
        let (one, two) = (key(1), key(2));
        for (text, wanted, exclusive, expected) in [
            ("", format!("{one} a"), false, format!("{one} a\n")),
            ("# x", format!("{one} a"), false, format!("# x\n{one} a\n")),
            (&*format!("{one} a\n{two}"), format!("{one} b"), false, format!("{one} b\n{two}")),
            (&format!("{two}\n{one} a\n"), format!("{one} a"), false, format!("{two}\n{one} a\n")),
            // One key has one line: the second would allow what the first forbids.
            (&format!("no-pty {one}\n{one}\n"), format!("no-pty {one}"), false, format!("no-pty {one}\n")),
            (&format!("# x\n{two}\n\njunk\n{one}\n"), one.clone(), true, format!("# x\n\n{one}\n")),
            (&format!("{one} a\r\n"), format!("{one} b"), false, format!("{one} b\r\n")),
            ("", format!("{one} a\n{two}\n{one} b"), false, format!("{two}\n{one} b\n")),
        ] {
            assert_eq!(with_keys(text, &keys(&wanted), exclusive), expected, "{text:?} {wanted:?}");
        }
        let text = format!("# {one}\nno-pty {one} a\n{two} b\n{one}");
        assert_eq!(without_keys(&text, &keys(&one)), format!("# {one}\n{two} b\n"));
    }

    #[test]
    fn what_is_no_key_is_named_and_a_private_key_is_not_shown() {
        let error = AuthorizedKey::parse_all("ssh-ed25519 AAAA").expect_err("no key");
        assert_eq!(error.message, "`ssh-ed25519 AAAA` is no public key");
        let error = AuthorizedKey::parse_all("-----BEGIN OPENSSH PRIVATE KEY-----\nx").expect_err("private");
        assert_eq!(error.message, "`key` is a private key");
        for wrong in ["", "a b", "a\nb", "command=\"x", "a "] {
            assert!(check_options(wrong).is_err(), "{wrong:?}");
        }
        assert!(check_options(r#"no-pty,command="a b",from="x""#).is_ok());
    }

    proptest! {
        #[test]
        fn an_edit_is_done_once_and_keeps_what_is_not_its_own(
            lines in proptest::collection::vec("(# )?(no-pty |command=\"a b\" )?[ -~]{0,20}", 0..6),
            at in 0..6_usize,
            comment in "[!-~]{0,8}",
        ) {
            let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            if at < lines.len() {
                text.insert_str(0, &format!("{} old\n", key(7)));
            }
            let wanted = keys(&format!("{} {comment}", key(7)));
            let after = with_keys(&text, &wanted, false);
            prop_assert_eq!(with_keys(&after, &wanted, false), after.clone());
            for line in &lines {
                prop_assert!(after.lines().any(|kept| kept == line));
            }
            prop_assert_eq!(without_keys(&after, &wanted), without_keys(&text, &wanted));
        }
    }
}
