//! Which keys a host may have: known_hosts files as sshd(8) describes them.
//!
//! libssh2's own reader passes over wildcards, `@revoked` and `@cert-authority`, so it is not used.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use super::config::pattern;
use super::host_settings::{HostKeySettings, HostSettings};

/// A key that some line names for the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownKey {
    /// `ssh-ed25519` …
    pub(super) kind: String,
    /// The key as it travels (RFC 4253, section 6.6).
    pub(super) blob: Vec<u8>,
    pub(super) marker: Marker,
    /// `FILE:LINE`, or `inventory`.
    pub(super) place: String,
}

/// The marker before the host names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// None: the host's key.
    Key,
    /// `@revoked`: never to be accepted.
    Revoked,
    /// `@cert-authority`: signs the keys of hosts.
    Authority,
}

/// What the files say of the key that a host showed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A line has this key.
    Known,
    /// No line names the host.
    Unknown,
    /// Lines name the host with other keys.
    Changed(Vec<KnownKey>),
    /// A line revokes the key.
    Revoked(KnownKey),
    /// Only certificate authorities are named for the host, and it showed a plain key.
    AuthorityOnly(KnownKey),
}

/// Everything that is known of one host.
#[derive(Debug, Default)]
pub(super) struct KnownHost {
    keys: Vec<KnownKey>,
}

impl KnownHost {
    /// Reads all that is known of a host.
    pub(super) fn of(host: &HostSettings) -> Self {
        let (name, port) = host.known_as();
        Self::load(&host.host_key.files(), &host.host_key.known, name, port)
    }

    /// Reads all that is known of the address that a host has.
    pub(super) fn of_address(host: &HostSettings, address: IpAddr) -> Self {
        Self::load(&host.host_key.files(), &[], &address.to_string(), host.port)
    }

    /// Reads the files, of which those that are missing say nothing, and the inventory's own keys.
    pub(super) fn load(files: &[PathBuf], inventory: &[String], address: &str, port: u16) -> Self {
        let names = names(address, port);
        let mut keys = Vec::new();
        for line in inventory {
            keys.extend(parse_key(line, Marker::Key, "inventory"));
        }
        for file in files {
            let Ok(bytes) = fs::read(file) else { continue };
            keys.extend(parse_file(&String::from_utf8_lossy(&bytes), file, &names));
        }
        Self { keys }
    }

    /// The types of the keys that are known, for the order in which they are asked for.
    pub(super) fn kinds(&self) -> Vec<&str> {
        self.keys.iter().filter(|key| key.marker == Marker::Key).map(|key| key.kind.as_str()).collect()
    }

    /// Judges the key that the host showed.
    pub(super) fn judge(&self, blob: &[u8]) -> Verdict {
        let with = |marker| self.keys.iter().filter(move |key| key.marker == marker);
        if let Some(revoked) = with(Marker::Revoked).find(|key| key.blob == blob) {
            return Verdict::Revoked(revoked.clone());
        }
        if with(Marker::Key).any(|key| key.blob == blob) {
            return Verdict::Known;
        }
        let others: Vec<KnownKey> = with(Marker::Key).cloned().collect();
        if !others.is_empty() {
            return Verdict::Changed(others);
        }
        match with(Marker::Authority).next() {
            Some(authority) => Verdict::AuthorityOnly(authority.clone()),
            None => Verdict::Unknown,
        }
    }
}

impl HostKeySettings {
    /// All files, the person's first.
    fn files(&self) -> Vec<PathBuf> {
        self.user_files.iter().chain(&self.global_files).cloned().collect()
    }
}

impl HostSettings {
    /// The name and port that the host's key is known by: the alias, where there is one, has no port.
    pub(super) fn known_as(&self) -> (&str, u16) {
        match &self.host_key.alias {
            Some(alias) => (alias, 22),
            None => (&self.host_name, self.port),
        }
    }
}

/// The line that makes a key known.
pub(super) fn line(address: &str, port: u16, kind: &str, blob: &[u8]) -> String {
    let name = names(address, port).swap_remove(0);
    format!("{name} {kind} {}\n", STANDARD.encode(blob))
}

/// The same line with its name hashed, as `HashKnownHosts` wants it.
pub(super) fn hashed(line: &str) -> String {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let salt: [u8; 20] = rand::random();
    match Hmac::<Sha1>::new_from_slice(&salt) {
        Ok(mac) => {
            let hash = mac.chain_update(name.as_bytes()).finalize().into_bytes();
            format!("|1|{}|{} {rest}", STANDARD.encode(salt), STANDARD.encode(hash))
        }
        // No length of a salt is refused.
        Err(_) => line.to_owned(),
    }
}

/// `SHA256:…` as ssh-keygen(1) shows it.
pub(super) fn fingerprint(blob: &[u8]) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(blob);
    format!("SHA256:{}", base64::engine::general_purpose::STANDARD_NO_PAD.encode(digest))
}

/// The names to look for: with a port of its own first, then without, as ssh(1) does.
fn names(address: &str, port: u16) -> Vec<String> {
    let address = address.to_lowercase();
    if port == 22 { vec![address] } else { vec![format!("[{address}]:{port}"), address] }
}

fn parse_file(text: &str, file: &Path, names: &[String]) -> Vec<KnownKey> {
    let lines = text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (marker, line) = match line.split_once(char::is_whitespace)? {
            ("@revoked", rest) => (Marker::Revoked, rest.trim_start()),
            ("@cert-authority", rest) => (Marker::Authority, rest.trim_start()),
            (word, _) if word.starts_with('@') => return None,
            _ => (Marker::Key, line),
        };
        let (hosts, key) = line.split_once(char::is_whitespace)?;
        if !names.iter().any(|name| matches(hosts, name)) {
            return None;
        }
        parse_key(key, marker, &format!("{}:{}", file.display(), index + 1))
    });
    lines.collect()
}

fn parse_key(text: &str, marker: Marker, place: &str) -> Option<KnownKey> {
    let mut words = text.split_whitespace();
    let (kind, encoded) = (words.next()?, words.next()?);
    let blob = STANDARD.decode(encoded).ok()?;
    Some(KnownKey { kind: kind.to_owned(), blob, marker, place: place.to_owned() })
}

/// Says whether the first field of a line names `name`: a list of patterns of which a negated one
/// forbids, or one hashed name.
fn matches(hosts: &str, name: &str) -> bool {
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return matches_hash(hashed, name).unwrap_or(false);
    }
    let mut found = false;
    for listed in hosts.split(',') {
        match listed.strip_prefix('!') {
            Some(negated) if pattern::matches(&negated.to_lowercase(), name) => return false,
            Some(_) => {}
            None => found |= pattern::matches(&listed.to_lowercase(), name),
        }
    }
    found
}

fn matches_hash(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&STANDARD.decode(salt).ok()?).ok()?;
    mac.update(name.as_bytes());
    Some(mac.verify_slice(&STANDARD.decode(hash).ok()?).is_ok())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod spoiled;

#[cfg(test)]
mod tests {
    use super::{KnownHost, Verdict, fingerprint, hashed, line, matches};

    /// Judges the key `AAAA`-encoded `shown` for web1.example:22 against the text.
    fn judge(text: &str, shown: &[u8]) -> Verdict {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("it is written");
        KnownHost::load(&[file.path().into()], &[], "web1.example", 22).judge(shown)
    }

    #[test]
    fn plain_names_wildcards_and_negations_are_matched() {
        // `a2V5` is `key`, `b3RoZXI=` is `other`.
        assert_eq!(judge("web1.example,10.0.0.1 ssh-ed25519 a2V5 comment\n", b"key"), Verdict::Known);
        assert_eq!(judge("# no\n\n*.example ssh-ed25519 a2V5\n", b"key"), Verdict::Known);
        assert_eq!(judge("*.example,!web1.* ssh-ed25519 a2V5\n", b"key"), Verdict::Unknown);
        assert_eq!(judge("WEB?.Example ssh-ed25519 a2V5\n", b"key"), Verdict::Known);
        assert_eq!(judge("web1.example ssh-ed25519 !broken!\n", b"key"), Verdict::Unknown);
    }

    #[test]
    fn a_changed_key_says_where_the_known_one_is() {
        let Verdict::Changed(keys) = judge("\nweb1.example ssh-rsa b3RoZXI=\n", b"key") else {
            panic!("changed")
        };
        assert!(keys[0].place.ends_with(":2"), "{}", keys[0].place);
        assert_eq!(keys[0].kind, "ssh-rsa");
    }

    #[test]
    fn a_revoked_key_is_refused_even_when_it_is_also_known() {
        let text = "web1.example ssh-ed25519 a2V5\n@revoked * ssh-ed25519 a2V5\n";
        assert!(matches!(judge(text, b"key"), Verdict::Revoked(key) if key.place.ends_with(":2")));
        assert_eq!(judge("@revoked * ssh-ed25519 b3RoZXI=\n", b"key"), Verdict::Unknown);
    }

    #[test]
    fn an_authority_alone_is_told_apart() {
        assert!(matches!(
            judge("@cert-authority *.example ssh-ed25519 a2V5\n", b"key"),
            Verdict::AuthorityOnly(_)
        ));
    }

    #[test]
    fn hashed_names_are_matched() {
        // ssh-keygen -H made both.
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("known");
        std::fs::write(&file, "[web1.example]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINbT2JbsxvDPPTRoeuPQwAZ1bGRa2kqNVsYkvgzZfYwp\n").expect("written");
        let output = std::process::Command::new("ssh-keygen")
            .arg("-H")
            .arg("-f")
            .arg(&file)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = std::fs::read_to_string(&file).expect("it is read");
        assert!(text.starts_with("|1|"), "{text}");
        let hosts = text.split(' ').next().expect("a field");
        assert!(matches(hosts, "[web1.example]:2222"));
        assert!(!matches(hosts, "web1.example"));

        let own = hashed("[web]:2 ssh-ed25519 a2V5\n");
        let (hosts, rest) = own.split_once(' ').expect("fields");
        assert!(matches(hosts, "[web]:2") && !matches(hosts, "web"), "{own}");
        assert_eq!(rest, "ssh-ed25519 a2V5\n");
        assert_ne!(own, hashed("[web]:2 ssh-ed25519 a2V5\n"), "each has a salt of its own");
    }

    #[test]
    fn keys_of_the_inventory_count_and_ports_have_names_of_their_own() {
        let known = KnownHost::load(&[], &["ssh-ed25519 a2V5".into()], "h", 22);
        assert_eq!((known.judge(b"key"), known.kinds()), (Verdict::Known, vec!["ssh-ed25519"]));
        assert_eq!(line("Web", 2222, "ssh-ed25519", b"key"), "[web]:2222 ssh-ed25519 a2V5\n");
        assert_eq!(line("web", 22, "ssh-ed25519", b"key"), "web ssh-ed25519 a2V5\n");
        assert_eq!(fingerprint(b"key"), "SHA256:LHDhK3oGRvkiefQnx7OOczTY5Tic/xZ6HcMOc/gmtoM");
    }
}
