//! The agent: keys that are used without being seen.

use std::path::Path;

use ssh2::{Agent, PublicKey, Session};

/// An agent that answers, and the keys it has.
pub(super) struct KeyAgent {
    agent: Agent,
    keys: Vec<PublicKey>,
    /// What the certificates are called that libssh2 cannot use: it asks the agent for a signature with SHA-1 then.
    unusable: Vec<String>,
}

/// The type of a certificate of an RSA key, as a string of the protocol.
const RSA_CERTIFICATE: &[u8] = b"\0\0\0\x1cssh-rsa-cert-v01@openssh.com";

impl KeyAgent {
    /// Asks the agent for its keys, or says why that was in vain.
    pub(super) fn open(session: &Session, socket: &Path) -> Result<Self, String> {
        let asked = session.agent().and_then(|mut agent| {
            agent.set_identity_path(socket)?;
            agent.connect()?;
            agent.list_identities()?;
            let keys = agent.identities()?.into_iter();
            let (unusable, keys): (Vec<_>, Vec<_>) =
                keys.partition(|key| key.blob().starts_with(RSA_CERTIFICATE));
            let unusable = unusable.iter().map(|key| key.comment().to_owned()).collect();
            Ok(Self { agent, keys, unusable })
        });
        asked.map_err(|_| format!("the agent at `{}` (it does not answer)", socket.display()))
    }

    /// The place of the key with this public part.
    pub(super) fn find(&self, public: &[u8]) -> Option<usize> {
        self.keys.iter().position(|key| key.blob() == public)
    }

    /// What is said of the keys that are passed over.
    pub(super) fn passed_over(&self) -> impl Iterator<Item = String> {
        self.unusable.iter().map(|name| {
            format!(
                "the agent's certificate `{name}` (of an RSA key, which libssh2 can use from a file only)"
            )
        })
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
