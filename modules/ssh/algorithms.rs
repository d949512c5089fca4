//! What is used on the wire: what this side offers, and what a host offers where the two have nothing in common.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::Duration;

use oneex_sdk::{OpError, OpResult};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use ssh2::{MethodType, Session};

use super::host_settings::Algorithms;
use super::road::Road;

/// The message that a negotiation begins with (`SSH_MSG_KEXINIT`, RFC 4253, section 7.1).
const KEXINIT: u8 = 20;
/// The largest packet that every side must take (RFC 4253, section 6.1).
const LARGEST: usize = 35_000;

impl Algorithms {
    /// Makes a session offer these instead of all that libssh2 has. Fails with `invalid` where libssh2 has none of
    /// a list.
    pub(super) fn prefer(&self, session: &Session) -> OpResult<()> {
        let settings = [
            ("KexAlgorithms", &self.kex, [MethodType::Kex, MethodType::Kex]),
            ("Ciphers", &self.ciphers, [MethodType::CryptCs, MethodType::CryptSc]),
            ("MACs", &self.macs, [MethodType::MacCs, MethodType::MacSc]),
        ];
        for (setting, names, kinds) in settings {
            for kind in kinds.into_iter().filter(|_| !names.is_empty()) {
                session.method_pref(kind, &names.join(",")).map_err(|_| {
                    let all = session.supported_algs(kind).unwrap_or_default().join(", ");
                    let message = format!("libssh2 has nothing of `{setting} {}`", names.join(","));
                    OpError::invalid(message).hint(format!("it has: {all}"))
                })?;
            }
        }
        Ok(())
    }

    /// What a session offers, of which `self` may have chosen; `host_key` is the order of types of host keys.
    pub(super) fn offered(&self, session: &Session, host_key: &[String]) -> Self {
        let known = |kind, chosen: &[String]| -> Vec<String> {
            let all = session.supported_algs(kind).unwrap_or_default();
            let is_known = |name: &&String| all.contains(&name.as_str());
            match chosen {
                [] => all.iter().map(|name| (*name).to_owned()).collect(),
                chosen => chosen.iter().filter(is_known).cloned().collect(),
            }
        };
        Self {
            kex: known(MethodType::Kex, &self.kex),
            host_key: known(MethodType::HostKey, host_key),
            ciphers: known(MethodType::CryptCs, &self.ciphers),
            macs: known(MethodType::MacCs, &self.macs),
        }
    }

    /// Says in what the two sides have nothing in common, and what each offers; nothing where they agree.
    pub(super) fn mismatch(&self, theirs: &Self) -> Option<OpError> {
        let parts = [
            ("key exchange", "KexAlgorithms", &self.kex, &theirs.kex),
            ("type of host key", "HostKeyAlgorithms", &self.host_key, &theirs.host_key),
            ("cipher", "Ciphers", &self.ciphers, &theirs.ciphers),
            ("message authentication code", "MACs", &self.macs, &theirs.macs),
        ];
        // Ciphers of this kind bring their own code.
        let cipher = self.ciphers.iter().find(|name| theirs.ciphers.contains(name));
        let is_whole = cipher.is_some_and(|name| name.contains("gcm") || name.starts_with("chacha20"));
        let (what, setting, ours, theirs) = parts
            .into_iter()
            .filter(|(_, setting, ..)| !(is_whole && *setting == "MACs"))
            .find(|(_, _, ours, theirs)| !ours.iter().any(|name| theirs.contains(name)))?;
        let (ours, theirs) = (ours.join(", "), theirs.join(", "));
        let message = format!("no {what} in common: oneex offers {ours}; the host offers {theirs}");
        Some(OpError::unreachable(message).hint(format!(
            "allow one of what oneex offers in `{setting}` of sshd_config(5) on the host, or of ssh_config(5) here"
        )))
    }

    /// Asks the host what it offers. Blocks for the limit at most for each answer.
    pub(super) fn ask(road: Road, limit: Duration) -> io::Result<Option<Self>> {
        // A limit that the socket does not take is no reason to wait without one.
        set_socket_timeout(&road.socket, Timeout::Recv, Some(limit))?;
        let mut socket = BufReader::new(File::from(road.socket));
        socket.get_mut().write_all(b"SSH-2.0-oneex\r\n")?;
        Self::read(&mut socket)
    }

    /// Reads lines up to the one that names the protocol, and the first packet, which is in the open.
    fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut lines = from.take(LARGEST as u64);
        loop {
            let mut line = Vec::new();
            if lines.read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            if line.starts_with(b"SSH-") {
                break;
            }
        }
        let from = lines.into_inner();
        let mut head = [0; 4];
        from.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head) as usize;
        if length > LARGEST {
            return Ok(None);
        }
        let mut packet = vec![0; length];
        from.read_exact(&mut packet)?;
        Ok(Self::parse(&packet))
    }

    /// The lists of a packet: after the length of its padding, the message's number and a cookie.
    fn parse(packet: &[u8]) -> Option<Self> {
        let (_padding, message) = packet.split_first()?;
        let mut rest = message.strip_prefix(&[KEXINIT])?.get(16..)?;
        let mut list = || {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let (names, after) = after.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
            rest = after;
            let names = std::str::from_utf8(names).ok()?;
            Some(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>())
        };
        let (kex, host_key, ciphers) = (list()?, list()?, list()?);
        let _to_us = list()?;
        Some(Self { kex, host_key, ciphers, macs: list()? })
    }
}

#[cfg(test)]
mod tests;
