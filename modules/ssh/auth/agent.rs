//! The agent: keys that are used without being seen.

use std::path::Path;

use ssh2::{Agent, PublicKey, Session};

use super::key::word;

/// An agent that answers, and the keys it has.
pub(super) struct KeyAgent {
    agent: Agent,
    keys: Vec<PublicKey>,
    /// What is said of the keys that libssh2 cannot use.
    passed_over: Vec<String>,
}

/// The type of a certificate of an RSA key, for which libssh2 asks the agent for a signature with SHA-1.
const RSA_CERTIFICATE: &[u8] = b"ssh-rsa-cert-v01@openssh.com";
/// What the types of keys begin with that hardware keeps. Flags and a counter follow their signatures
/// (`PROTOCOL.u2f` of OpenSSH), which `agent_sign` of libssh2 drops.
const HARDWARE: &[u8] = b"sk-";

impl KeyAgent {
    /// Asks the agent for its keys, or says why that was in vain.
    pub(super) fn open(session: &Session, socket: &Path) -> Result<Self, String> {
        let asked = session.agent().and_then(|mut agent| {
            agent.set_identity_path(socket)?;
            agent.connect()?;
            agent.list_identities()?;
            let (mut keys, mut passed_over) = (Vec::new(), Vec::new());
            for key in agent.identities()? {
                match unusable(key.blob(), key.comment()) {
                    Some(said) => passed_over.push(said),
                    None => keys.push(key),
                }
            }
            Ok(Self { agent, keys, passed_over })
        });
        asked.map_err(|_| format!("the agent at `{}` (it does not answer)", socket.display()))
    }

    /// The place of the key with this public part.
    pub(super) fn find(&self, public: &[u8]) -> Option<usize> {
        self.keys.iter().position(|key| key.blob() == public)
    }

    /// What is said of the keys that are passed over.
    pub(super) fn passed_over(&self) -> impl Iterator<Item = String> {
        self.passed_over.iter().cloned()
    }

    /// How many keys it has, and what each is called.
    pub(super) fn names(&self) -> impl Iterator<Item = (usize, &str)> {
        self.keys.iter().map(PublicKey::comment).enumerate()
    }

    /// Logs in with the key at `index`.
    pub(super) fn sign_in(&self, user: &str, index: usize) -> Result<(), ssh2::Error> {
        match self.keys.get(index) {
            Some(key) => self.agent.userauth(user, key),
            None => Err(ssh2::Error::new(super::REFUSED, "the agent has no such key")),
        }
    }
}

/// Why libssh2 cannot use a key; nothing where it can.
fn unusable(blob: &[u8], name: &str) -> Option<String> {
    let (kind, _) = word(blob)?;
    if kind == RSA_CERTIFICATE {
        return Some(format!(
            "the agent's certificate `{name}` (of an RSA key, which libssh2 can use from a file only)"
        ));
    }
    kind.starts_with(HARDWARE).then(|| {
        format!("the agent's key `{name}` (kept by hardware, whose signatures libssh2 sends in part only)")
    })
}

#[cfg(test)]
mod tests {
    use super::unusable;

    #[test]
    fn what_libssh2_cannot_use_is_told_by_its_type() {
        for (kind, expected) in [
            ("ssh-ed25519", None),
            ("ssh-rsa", None),
            ("ssh-ed25519-cert-v01@openssh.com", None),
            ("ssh-rsa-cert-v01@openssh.com", Some("of an RSA key")),
            ("sk-ssh-ed25519@openssh.com", Some("kept by hardware")),
            ("sk-ecdsa-sha2-nistp256@openssh.com", Some("kept by hardware")),
            ("sk-ssh-ed25519-cert-v01@openssh.com", Some("kept by hardware")),
        ] {
            let length = u32::try_from(kind.len()).expect("it is short");
            let blob = [&length.to_be_bytes(), kind.as_bytes(), &[0; 8]].concat();
            let said = unusable(&blob, "mine");
            assert_eq!(said.is_some(), expected.is_some(), "{kind}");
            let told =
                |said: &String| expected.is_some_and(|why| said.contains(why) && said.contains("`mine`"));
            assert!(said.as_ref().is_none_or(told), "{kind}: {said:?}");
        }
        assert_eq!(unusable(b"\0\0", "short"), None);
    }
}
