//! Private keys and certificates as they stand in files: what can be known of them without a passphrase.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::certificate::Certificate;

/// What begins the decoded body of OpenSSH's own format (`PROTOCOL.key` of OpenSSH).
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// A file that `IdentityFile` names.
#[derive(Debug, Clone)]
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    /// The private key; nothing where the file holds the public part only, for a key of the agent.
    pub(super) private: Option<String>,
    /// The private key needs a passphrase.
    pub(super) encrypted: bool,
    /// The public part (RFC 4253, section 6.6), where it can be had without a passphrase.
    pub(super) public: Option<Vec<u8>>,
}

impl KeyFile {
    /// Reads the file, and the public part from it or from the file beside it.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        if let Some((_, public)) = public_line(&text) {
            return Ok(Self { path: path.to_owned(), private: None, encrypted: false, public: Some(public) });
        }
        let beside = || fs::read_to_string(beside(path, ".pub")).ok();
        let public = public_of(&text).or_else(|| public_line(&beside()?).map(|(_, blob)| blob));
        Ok(Self { path: path.to_owned(), encrypted: is_encrypted(&text), public, private: Some(text) })
    }

    /// True for a key that is kept by hardware, of which the file has a handle only.
    pub(super) fn is_hardware(&self) -> bool {
        let kind = self.public.as_deref().and_then(|blob| Some(word(blob)?.0));
        kind.is_some_and(|kind| kind.starts_with(b"sk-"))
    }

    /// The certificates for this key: those of the list that are, then the one beside it.
    pub(super) fn certificates(&self, listed: &[PathBuf]) -> Vec<Certificate> {
        let beside = beside(&self.path, "-cert.pub");
        let all = listed.iter().chain([&beside]).filter_map(|path| Certificate::read(path).ok());
        let mut found: Vec<Certificate> = Vec::new();
        for certificate in all {
            let fits = self.public.as_deref().is_none_or(|public| certificate.is_for(public));
            if fits && found.iter().all(|other| other.blob != certificate.blob) {
                found.push(certificate);
            }
        }
        found
    }
}

/// The file of that ending beside a key: `id_rsa` has `id_rsa.pub`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// `TYPE BASE64 COMMENT`, as in authorized_keys; the type and the key.
pub(super) fn public_line(text: &str) -> Option<(String, Vec<u8>)> {
    let mut words = text.split_whitespace();
    let (kind, encoded) = (words.next()?, words.next()?);
    let blob = STANDARD.decode(encoded).ok()?;
    (word(&blob)?.0 == kind.as_bytes()).then(|| (kind.to_owned(), blob))
}

/// Takes a string, four bytes of length before it (RFC 4251, section 5), off the front.
pub(super) fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)
}

/// The decoded body of OpenSSH's own format, after its magic.
fn body(key: &str) -> Option<Vec<u8>> {
    if !key.contains("BEGIN OPENSSH PRIVATE KEY") {
        return None;
    }
    let body: String = key.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    Some(STANDARD.decode(body).ok()?.strip_prefix(MAGIC)?.to_vec())
}

/// The public part, which OpenSSH's own format has in the open: after the cipher, the derivation, its options
/// and the number of keys.
fn public_of(key: &str) -> Option<Vec<u8>> {
    let body = body(key)?;
    let (_cipher, rest) = word(&body)?;
    let (_derivation, rest) = word(rest)?;
    let (_options, rest) = word(rest)?;
    let (public, _private) = word(rest.get(4..)?)?;
    Some(public.to_vec())
}

/// Says whether a private key needs a passphrase; libssh2 does not tell that from a broken key.
///
/// OpenSSH's own format begins with the cipher's name; the PEM formats say it in their header (RFC 1421) or
/// their label (RFC 5958).
fn is_encrypted(key: &str) -> bool {
    if let Some(body) = body(key) {
        return word(&body).is_some_and(|(cipher, _)| cipher != b"none");
    }
    key.contains("ENCRYPTED")
}

#[cfg(test)]
mod tests;
