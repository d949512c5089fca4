//! Judging the key that a host shows.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use oneex_sdk::{OpError, OpResult};
use ssh2::{HostKeyType, MethodType, Session};

use super::host_settings::HostSettings;
use super::known_hosts::{self, KnownHost, KnownKey, Verdict};
use super::settings::StrictHostKeys;

/// All types that are accepted, the better first.
const KINDS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// Asks for a key of a type that is known first: another one would look like a changed key. Of the types, only
/// those of `chosen` are asked for where it names any. Returns the order.
pub(super) fn prefer_known(session: &Session, known: &KnownHost, chosen: &[String]) -> Vec<String> {
    let order = preference(&known.kinds(), chosen);
    if let Err(error) = session.method_pref(MethodType::HostKey, &order.join(",")) {
        tracing::debug!(%error, ?order, "the order of host key types could not be set");
    }
    order
}

fn preference(kinds: &[&str], chosen: &[String]) -> Vec<String> {
    let is_known =
        |kind: &&str| kinds.contains(kind) || (kind.starts_with("rsa-") && kinds.contains(&"ssh-rsa"));
    // Nobody here could judge a certificate, so that none is asked for.
    let chosen = chosen.iter().map(String::as_str).filter(|kind| !kind.contains("-cert-v01@"));
    let mut all: Vec<&str> = chosen.collect();
    if all.is_empty() {
        all.extend(KINDS);
    }
    let (mut order, others): (Vec<&str>, Vec<&str>) = all.into_iter().partition(is_known);
    order.extend(others);
    order.into_iter().map(str::to_owned).collect()
}

/// Accepts the key that the host showed, or fails with `denied` and what to do.
///
/// `peer` is the address that answered, where that is known.
pub(super) fn check(
    session: &Session,
    known: &KnownHost,
    host: &HostSettings,
    peer: Option<IpAddr>,
) -> OpResult<()> {
    let (settings, (address, port)) = (&host.host_key, host.known_as());
    let (blob, kind) = session.host_key().ok_or_else(|| OpError::denied("the host showed no key"))?;
    let kind = kind_name(kind);
    let shown = format!("{kind} {}", known_hosts::fingerprint(blob));
    let place =
        |key: &KnownKey| format!("{} {} ({})", key.kind, known_hosts::fingerprint(&key.blob), key.place);
    let file = settings.user_files.first();
    let verdict = known.judge(blob);
    if settings.check_address && settings.alias.is_none() && settings.strict != StrictHostKeys::No {
        check_address(host, peer, blob, &shown)?;
    }
    match (verdict, settings.strict) {
        (Verdict::Known, _) => Ok(()),
        (Verdict::Revoked(key), _) => {
            Err(OpError::denied(format!("the host key of `{address}` is revoked: `{shown}` ({})", key.place))
                .hint("do not trust this host until its key is replaced"))
        }
        (_, StrictHostKeys::No) => Ok(()),
        (Verdict::Changed(keys), _) => {
            let keys: Vec<String> = keys.iter().map(place).collect();
            Err(OpError::denied(format!(
                "the host key of `{address}` port {port} has changed: it shows `{shown}`, known is {}",
                keys.join(", ")
            ))
            .hint("someone may be in between: compare the fingerprint on the host, then replace the line"))
        }
        (Verdict::AuthorityOnly(key), _) => {
            let message = format!("`{address}` is known by a certificate authority only ({})", key.place);
            Err(OpError::denied(message)
                .hint(format!("certificates of hosts are not supported yet: add the key itself, `{shown}`")))
        }
        (Verdict::Unknown, StrictHostKeys::AcceptNew) => match file {
            Some(file) => {
                let line = known_hosts::line(address, port, kind, blob);
                remember(file, &if settings.hash { known_hosts::hashed(&line) } else { line })
            }
            None => Ok(()),
        },
        (Verdict::Unknown, StrictHostKeys::Yes) => {
            let file = file.map_or_else(|| "known_hosts".to_owned(), |file| file.display().to_string());
            Err(OpError::denied(format!(
                "the host key of `{address}` port {port} is not known: it shows `{shown}`"
            ))
            .hint(match settings.alias {
                Some(_) => format!("compare the fingerprint, then add the key to {file} under this name"),
                None => format!("compare the fingerprint, then: ssh-keyscan -p {port} {address} >> {file}"),
            }))
        }
    }
}

/// `CheckHostIP`: a key that is known for the address must be the one that the name has.
fn check_address(host: &HostSettings, peer: Option<IpAddr>, blob: &[u8], shown: &str) -> OpResult<()> {
    let Some(peer) = peer else { return Ok(()) };
    match KnownHost::of_address(host, peer).judge(blob) {
        Verdict::Changed(keys) => {
            let keys: Vec<String> = keys.iter().map(|key| format!("{} ({})", key.kind, key.place)).collect();
            let message = format!(
                "the host key `{shown}` of `{}` is not the one of its address {peer}",
                host.host_name
            );
            Err(OpError::denied(format!("{message}, for which {} is known", keys.join(", ")))
                .hint("someone may be in between; or the address has moved: then replace that line"))
        }
        Verdict::Revoked(key) => {
            Err(OpError::denied(format!("the host key `{shown}` is revoked ({})", key.place)))
        }
        Verdict::Known | Verdict::Unknown | Verdict::AuthorityOnly(_) => Ok(()),
    }
}

fn remember(file: &Path, line: &str) -> OpResult<()> {
    let failed =
        |error| OpError::failed(format!("the host key cannot be added to `{}`: {error}", file.display()));
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    }
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(file).map_err(failed)?;
    file.write_all(line.as_bytes()).map_err(failed)
}

fn kind_name(kind: HostKeyType) -> &'static str {
    match kind {
        HostKeyType::Ed25519 => "ssh-ed25519",
        HostKeyType::Ecdsa256 => "ecdsa-sha2-nistp256",
        HostKeyType::Ecdsa384 => "ecdsa-sha2-nistp384",
        HostKeyType::Ecdsa521 => "ecdsa-sha2-nistp521",
        HostKeyType::Rsa => "ssh-rsa",
        HostKeyType::Dss => "ssh-dss",
        HostKeyType::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::preference;

    #[test]
    fn known_types_are_asked_for_first() {
        let order = |kinds: &[&str], chosen: &[&str]| {
            let chosen: Vec<String> = chosen.iter().map(|kind| (*kind).to_owned()).collect();
            preference(kinds, &chosen).join(",")
        };
        assert!(order(&["ssh-rsa"], &[]).starts_with("rsa-sha2-512,rsa-sha2-256,ssh-ed25519"));
        assert!(order(&[], &[]).starts_with("ssh-ed25519,"));
        assert!(order(&["ecdsa-sha2-nistp384", "x"], &[]).starts_with("ecdsa-sha2-nistp384,"));
        assert_eq!(order(&[], &["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519"]), "ssh-ed25519");
        assert_eq!(order(&["ssh-rsa"], &["ssh-ed25519", "rsa-sha2-512"]), "rsa-sha2-512,ssh-ed25519");
    }
}
