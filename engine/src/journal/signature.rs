//! Signing the head of a run: who has the public key can tell later that nothing before it was changed.
//!
//! Ed25519 (RFC 8032). The key is a PKCS #8 document in base64 (RFC 5958), in a file for its owner alone; what is signed is
//! `oneex run ID records N head HASH`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::chain::shown;
use super::seal::{read_private, write_private};
use super::{JournalError, JournalResult, RunRow};

/// What is signed of a run, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The run's id.
    pub run: String,
    /// How many records it has.
    pub records: u64,
    /// The hash of the last, which hangs on all others.
    pub head: String,
    /// The public key, in base64.
    pub key: String,
    /// The signature, in base64.
    pub signature: String,
}

/// What signs.
#[derive(Debug)]
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key in this file, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// It is no key, others may read it, or it cannot be made.
    pub fn read_or_make(path: &Path) -> JournalResult<Self> {
        let failed = |why: &str| JournalError::Sealed(format!("the key `{}`: {why}", path.display()));
        if !path.exists() {
            let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
            let document = document.map_err(|_| failed("there are no random numbers"))?;
            write_private(path, &STANDARD.encode(document.as_ref()))?;
        }
        let text = read_private(path)?;
        let document = STANDARD.decode(text.trim()).map_err(|_| failed("it is not in base64"))?;
        Ed25519KeyPair::from_pkcs8(&document).map(Self).map_err(|_| failed("it is no Ed25519 key in PKCS #8"))
    }

    /// Signs the head of a run.
    pub fn sign(&self, run: &RunRow) -> Signature {
        let head = shown(&run.head);
        let signature = self.0.sign(signed(&run.id, run.last, &head).as_bytes());
        Signature {
            run: run.id.clone(),
            records: run.last,
            head,
            key: STANDARD.encode(self.0.public_key().as_ref()),
            signature: STANDARD.encode(signature.as_ref()),
        }
    }
}

impl Signature {
    /// Whether it is right: that of this key over what it says.
    pub fn is_right(&self) -> bool {
        let (Ok(key), Ok(signature)) = (STANDARD.decode(&self.key), STANDARD.decode(&self.signature)) else {
            return false;
        };
        let text = signed(&self.run, self.records, &self.head);
        UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &signature).is_ok()
    }

    /// Whether the run is still as it was signed, up to the record that was the last then.
    ///
    /// # Errors
    ///
    /// The journal cannot be read.
    pub fn holds(&self, reader: &super::Reader) -> JournalResult<bool> {
        let run = reader.run(&self.run)?;
        Ok(self.is_right() && reader.hash_of(&run, self.records)?.as_deref() == Some(self.head.as_str()))
    }
}

fn signed(run: &str, records: u64, head: &str) -> String {
    format!("oneex run {run} records {records} head {head}")
}
