//! Lines of a file `known_hosts`, sshd(8).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use oneex_sdk::{OpError, OpResult};
use sha1::Sha1;

use super::AuthorizedKey;

/// A host's key: the words of the hosts that it is for, a marker where there is one, and the key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KnownKey<'a> {
    marker: Option<&'a str>,
    hosts: &'a str,
    key: AuthorizedKey,
}

impl<'a> KnownKey<'a> {
    /// Reads a line; nothing for comments, empty lines and what is no key.
    fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let (first, rest) = line.split_once([' ', '\t'])?;
        let (marker, hosts, rest) = if first.starts_with('@') {
            let (hosts, rest) = rest.trim_start().split_once([' ', '\t'])?;
            (Some(first), hosts, rest)
        } else {
            (None, first, rest)
        };
        let key = AuthorizedKey::parse(rest).filter(|key| key.options.is_empty())?;
        (!hosts.starts_with('#')).then_some(Self { marker, hosts, key })
    }

    /// Whether the line is for `name` alone: among the words of several hosts it stands with others.
    fn is_of(&self, name: &str) -> bool {
        self.marker.is_none() && (self.hosts == name || fits_hash(self.hosts, name))
    }

    fn names(&self, name: &str) -> bool {
        self.marker.is_none() && self.hosts.split(',').any(|word| word == name)
    }
}

/// A host's key that is to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostKey {
    /// The name as the file has it: `web1`, `[web1]:2222`.
    pub(crate) name: String,
    /// The key, with its comment.
    pub(crate) key: AuthorizedKey,
}

impl HostKey {
    /// Reads a line `ssh-keyscan` printed, or a key alone; its words for hosts must name `name`.
    pub(crate) fn parse(name: &str, text: &str) -> OpResult<Self> {
        let wrong = || {
            OpError::invalid("`key` is no host key")
                .hint("write it as `ssh-keyscan` prints it: `web1 ssh-ed25519 AAAA…`")
        };
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = lines.next().ok_or_else(wrong)?;
        if lines.next().is_some() {
            return Err(OpError::invalid("`key` holds several keys").hint("call `known_host` once for each"));
        }
        let alone = AuthorizedKey::parse(line).filter(|key| key.options.is_empty());
        let key = match (alone, KnownKey::parse(line)) {
            (Some(key), _) => key,
            (None, Some(known)) if known.is_of(name) || known.names(name) => known.key,
            (None, Some(known)) => {
                let message = format!("`key` is one of `{}`, and not of `{name}`", known.hosts);
                return Err(OpError::invalid(message));
            }
            (None, None) => return Err(wrong()),
        };
        Ok(Self { name: name.to_owned(), key })
    }

    fn line(&self, hosts: &str) -> String {
        format!("{hosts} {}", self.key.line())
    }
}

/// The word for a name that is hashed with a salt, as `ssh-keygen -H` writes it.
fn hashed(name: &str, salt: &[u8; 20]) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    Some(format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(mac.finalize().into_bytes())))
}

fn fits_hash(word: &str, name: &str) -> bool {
    let Some((salt, sum)) = word.strip_prefix("|1|").and_then(|rest| rest.split_once('|')) else {
        return false;
    };
    let (Ok(salt), Ok(sum)) = (STANDARD.decode(salt), STANDARD.decode(sum)) else { return false };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&salt) else { return false };
    mac.update(name.as_bytes());
    mac.verify_slice(&sum).is_ok()
}

/// Makes the key known, in the place of another one of its type. A name is hashed with `salt` where one is given.
pub(crate) fn with_host_key(text: &str, wanted: &HostKey, salt: Option<&[u8; 20]>) -> String {
    let name = wanted.name.as_str();
    let mut is_done = false;
    let mut out = String::with_capacity(text.len() + 256);
    let fresh = || wanted.line(&salt.and_then(|salt| hashed(name, salt)).unwrap_or_else(|| name.to_owned()));
    for line in text.split_inclusive('\n') {
        let ending = &line[line.trim_end_matches(['\n', '\r']).len()..];
        let found = KnownKey::parse(line).filter(|known| known.key.kind == wanted.key.kind);
        let Some(known) = found.filter(|known| known.is_of(name) || known.names(name)) else {
            out.push_str(line);
            continue;
        };
        // Of a line for several hosts the others keep what is theirs.
        let others: Vec<&str> = known.hosts.split(',').filter(|word| *word != name).collect();
        let is_shared = !known.is_of(name) && !others.is_empty();
        let is_right = known.key.blob == wanted.key.blob
            && (is_shared || known.hosts.starts_with('|') == salt.is_some());
        if is_right && !is_done {
            out.push_str(line);
            is_done = true;
            continue;
        }
        if is_shared {
            out.push_str(&format!("{} {}{ending}", others.join(","), known.key.line()));
        }
        if !is_done {
            if is_shared && ending.is_empty() {
                out.push('\n');
            }
            out.push_str(&fresh());
            out.push_str(ending);
            is_done = true;
        }
    }
    if !is_done {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&fresh());
        out.push('\n');
    }
    out
}

/// Forgets all keys of a host, or only those of the key that is given.
pub(crate) fn without_host(text: &str, name: &str, key: Option<&HostKey>) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let known = KnownKey::parse(line).filter(|known| {
            key.is_none_or(|key| key.key.blob == known.key.blob) && (known.is_of(name) || known.names(name))
        });
        let Some(known) = known else {
            out.push_str(line);
            continue;
        };
        let others: Vec<&str> = known.hosts.split(',').filter(|word| *word != name).collect();
        if !known.is_of(name) && !others.is_empty() {
            let ending = &line[line.trim_end_matches(['\n', '\r']).len()..];
            out.push_str(&format!("{} {}{ending}", others.join(","), known.key.line()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::test_key;
    use super::{HostKey, hashed, with_host_key, without_host};

    fn host_key(number: u8) -> HostKey {
        HostKey::parse("web1", &test_key(number)).expect("a key")
    }

    #[test]
    fn edits() {
        let (one, two) = (test_key(1), test_key(2));
        for (text, expected) in [
            (String::new(), format!("web1 {one}\n")),
            ("# x".to_owned(), format!("# x\nweb1 {one}\n")),
            (format!("web1 {two}\nweb2 {two}\n"), format!("web1 {one}\nweb2 {two}\n")),
            (format!("web1 {one} note\r\n"), format!("web1 {one} note\r\n")),
            (format!("web1,10.0.0.1 {one}"), format!("web1,10.0.0.1 {one}")),
            (format!("10.0.0.1,web1,web2 {two}"), format!("10.0.0.1,web2 {two}\nweb1 {one}")),
            (format!("web1 {one}\nweb1 {two}\n"), format!("web1 {one}\n")),
            (format!("web1 {two}\nweb1 {one}\n"), format!("web1 {one}\n")),
            // A key that is revoked, or an authority, is none of a host.
            (format!("@revoked web1 {two}\n"), format!("@revoked web1 {two}\nweb1 {one}\n")),
            (format!("*.example.org {two}\n"), format!("*.example.org {two}\nweb1 {one}\n")),
            (format!("nonsense\n#web1 {two}\n"), format!("nonsense\n#web1 {two}\nweb1 {one}\n")),
        ] {
            let after = with_host_key(&text, &host_key(1), None);
            assert_eq!(after, expected, "{text:?}");
            assert_eq!(with_host_key(&after, &host_key(1), None), after, "{text:?}");
        }
        let text = format!("web1 {one}\nweb1,web2 {two}\n@revoked web1 {one}\nweb3 {one}");
        let expected = format!("web2 {two}\n@revoked web1 {one}\nweb3 {one}");
        assert_eq!(without_host(&text, "web1", None), expected);
        let expected = format!("web1,web2 {two}\n@revoked web1 {one}\nweb3 {one}");
        assert_eq!(without_host(&text, "web1", Some(&host_key(1))), expected);
    }

    #[test]
    fn names_are_hashed_once_and_found_again() {
        let salt = [7; 20];
        let one = test_key(1);
        let after = with_host_key(&format!("web1 {one}\n"), &host_key(1), Some(&salt));
        assert_eq!(after, format!("{} {one}\n", hashed("web1", &salt).expect("a hash")));
        // Another salt is no other key.
        assert_eq!(with_host_key(&after, &host_key(1), Some(&[9; 20])), after);
        assert_eq!(with_host_key(&after, &host_key(1), None), format!("web1 {one}\n"));
        assert_eq!(without_host(&after, "web1", None), "");
        assert_eq!(without_host(&after, "web2", None), after);
    }

    #[test]
    fn ssh_keygen_finds_what_is_hashed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("known_hosts");
        for (salt, name) in [(None, "web1"), (Some([3; 20]), "web1"), (Some([3; 20]), "[web1]:2222")] {
            let key = HostKey { name: name.to_owned(), ..host_key(1) };
            std::fs::write(&file, with_host_key("", &key, salt.as_ref())).expect("a file");
            let found =
                std::process::Command::new("ssh-keygen").arg("-F").arg(name).arg("-f").arg(&file).output();
            let said = String::from_utf8(found.expect("it runs").stdout).expect("text");
            assert!(said.contains(&test_key(1)), "{name}: {said}");
        }
    }

    #[test]
    fn a_key_of_another_host_is_refused() {
        let one = test_key(1);
        for good in [one.clone(), format!("web1 {one}"), format!("# x\nweb1,10.0.0.1 {one} c\n")] {
            assert!(HostKey::parse("web1", &good).is_ok(), "{good}");
        }
        for (text, message) in [
            (format!("web2 {one}"), "`key` is one of `web2`, and not of `web1`"),
            (format!("{one}\n{one}"), "`key` holds several keys"),
            ("web1 ssh-ed25519 AAAA".to_owned(), "`key` is no host key"),
            (String::new(), "`key` is no host key"),
        ] {
            assert_eq!(HostKey::parse("web1", &text).expect_err(message).message, message);
        }
    }

    proptest! {
        #[test]
        fn an_edit_is_done_once_and_other_hosts_keep_their_keys(
            lines in proptest::collection::vec(("(@revoked |#)?(web1|web2|web1,web2|web2,web1|\\*)", 1..4_u8), 0..6),
            hashes in any::<bool>(),
        ) {
            let text: String =
                lines.iter().map(|(hosts, number)| format!("{hosts} {}\n", test_key(*number))).collect();
            let salt = hashes.then_some([5; 20]);
            let after = with_host_key(&text, &host_key(1), salt.as_ref());
            prop_assert_eq!(with_host_key(&after, &host_key(1), salt.as_ref()), after.clone());
            let keys_of = |text: &str, name: &str| -> Vec<String> {
                let lines = text.lines().filter_map(super::KnownKey::parse);
                lines.filter(|known| known.is_of(name) || known.names(name)).map(|known| known.key.line()).collect()
            };
            prop_assert_eq!(keys_of(&after, "web1"), [test_key(1)]);
            prop_assert_eq!(keys_of(&after, "web2"), keys_of(&text, "web2"));
            prop_assert!(keys_of(&without_host(&after, "web1", None), "web1").is_empty());
        }
    }
}
