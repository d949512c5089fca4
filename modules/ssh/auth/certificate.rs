//! Certificates of users' keys (`PROTOCOL.certkeys` of OpenSSH): whose they are, and why one is of no use.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use oneex_sdk::{io_reason, visible};

use super::key::{KeyFile, public_line, word};
use crate::ssh::host_settings::Login;

/// What the type of a certificate ends with.
const CERTIFICATE: &str = "-cert-v01@openssh.com";
/// `SSH_CERT_TYPE_USER`.
const OF_USER: u32 = 1;

/// A certificate of a user's key.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    pub(super) path: PathBuf,
    /// The line of the file, as libssh2 takes it for a public key.
    pub(super) line: String,
    /// As it travels, and as an agent has it.
    pub(super) blob: Vec<u8>,
}

/// What a certificate says of itself, after the key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Terms {
    kind: u32,
    /// Whom it lets in; everyone where it is empty.
    principals: Vec<String>,
    /// Seconds since 1970.
    after: u64,
    before: u64,
}

impl Certificate {
    /// Reads it, or says why the file is of no use.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| io_reason(&error))?;
        let line = text.trim().to_owned();
        match public_line(&line) {
            Some((kind, blob)) if kind.ends_with(CERTIFICATE) => {
                Ok(Self { path: path.to_owned(), line, blob })
            }
            _ => Err("no certificate".to_owned()),
        }
    }

    /// Says whether it certifies the key.
    pub(super) fn is_for(&self, public: &[u8]) -> bool {
        self.after(public).is_some()
    }

    /// Its path, and where it can be seen that no server takes it for the user, why.
    pub(super) fn shown(&self, public: Option<&[u8]>, user: &str) -> String {
        let path = self.path.display();
        let terms = public.and_then(|public| Terms::parse(self.after(public)?));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        match terms.and_then(|terms| terms.against(user, now)) {
            Some(why) => format!("`{path}` ({why})"),
            None => format!("`{path}`"),
        }
    }

    /// What follows the key: type and nonce come before it, and in the key its own type.
    fn after(&self, public: &[u8]) -> Option<&[u8]> {
        let (_, fields) = word(public)?;
        let (_, rest) = word(&self.blob)?;
        let (_, certified) = word(rest)?;
        certified.strip_prefix(fields)
    }
}

impl Terms {
    /// Reads serial number, type, id, principals and validity.
    fn parse(rest: &[u8]) -> Option<Self> {
        let (_serial, rest) = rest.split_first_chunk::<8>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (_id, rest) = word(rest)?;
        let (mut listed, rest) = word(rest)?;
        let (after, rest) = rest.split_first_chunk::<8>()?;
        let (before, _) = rest.split_first_chunk::<8>()?;
        let mut principals = Vec::new();
        while !listed.is_empty() {
            let (principal, others) = word(listed)?;
            principals.push(String::from_utf8_lossy(principal).into_owned());
            listed = others;
        }
        let (after, before) = (u64::from_be_bytes(*after), u64::from_be_bytes(*before));
        Some(Self { kind: u32::from_be_bytes(*kind), principals, after, before })
    }

    /// What speaks against it. A server may have names of its own for who may be a user, so that another name does
    /// not tell for sure.
    fn against(&self, user: &str, now: u64) -> Option<String> {
        if self.kind != OF_USER {
            return Some("of a host, not of a user".to_owned());
        }
        if now >= self.before {
            return Some("expired".to_owned());
        }
        if now < self.after {
            return Some("not valid yet".to_owned());
        }
        let names = self.principals.iter().map(|name| format!("`{}`", visible(name))).collect::<Vec<_>>();
        let others = !names.is_empty() && self.principals.iter().all(|name| name != user);
        others.then(|| format!("for {}", names.join(", ")))
    }
}

/// What is said of listed certificates that no file of a key goes with.
pub(super) fn unused(login: &Login) -> Vec<String> {
    let keys: Vec<KeyFile> =
        login.identity_files.iter().filter_map(|file| KeyFile::read(&file.path).ok()).collect();
    let goes_with = |certificate: &Certificate| {
        keys.iter().any(|key| key.public.as_deref().is_none_or(|public| certificate.is_for(public)))
    };
    let said = login.certificate_files.iter().filter_map(|path| {
        let why = match Certificate::read(path) {
            Ok(certificate) if goes_with(&certificate) => return None,
            Ok(_) => "for none of the keys".to_owned(),
            Err(why) => why,
        };
        Some(format!("the certificate `{}` ({why})", path.display()))
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use super::Terms;

    #[test]
    fn what_speaks_against_a_certificate_is_told() {
        let terms =
            Terms { kind: 1, principals: vec!["ops".into(), "other".into()], after: 100, before: 200 };
        let everyone = Terms { principals: Vec::new(), ..terms.clone() };
        for (terms, user, now, expected) in [
            (&terms, "ops", 100, None),
            (&terms, "ops", 199, None),
            (&terms, "ops", 200, Some("expired")),
            (&terms, "ops", 99, Some("not valid yet")),
            (&terms, "root", 150, Some("for `ops`, `other`")),
            (&everyone, "root", 150, None),
            (&Terms { kind: 2, ..terms.clone() }, "ops", 150, Some("of a host, not of a user")),
        ] {
            assert_eq!(terms.against(user, now).as_deref(), expected, "{user} at {now}");
        }
    }

    #[test]
    fn what_is_cut_says_nothing() {
        let text = |text: &[u8]| [&u32::try_from(text.len()).expect("short").to_be_bytes(), text].concat();
        let principals = [text(b"ops"), text(b"root")].concat();
        let parts = [
            7_u64.to_be_bytes().to_vec(),
            1_u32.to_be_bytes().to_vec(),
            text(b"someone"),
            text(&principals),
            100_u64.to_be_bytes().to_vec(),
            200_u64.to_be_bytes().to_vec(),
        ];
        let whole = parts.concat();
        let principals = vec!["ops".to_owned(), "root".to_owned()];
        assert_eq!(Terms::parse(&whole), Some(Terms { kind: 1, principals, after: 100, before: 200 }));
        for length in 0..whole.len() {
            assert_eq!(Terms::parse(&whole[..length]), None, "{length} bytes");
        }
    }
}
