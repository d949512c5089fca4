//! Hashes that hang on one another: whatever is changed, removed or put elsewhere breaks them.

use sha2::{Digest as _, Sha256};

/// A SHA-256.
pub(super) type Hash = [u8; 32];

/// What is hashed of a record or an entry of the ledger, besides the hash before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link<'a> {
    /// Its number.
    pub(super) seq: u64,
    /// Microseconds since 1970.
    pub(super) time: i64,
    pub(super) kind: &'a str,
    pub(super) task: Option<&'a str>,
    pub(super) host: Option<&'a str>,
    pub(super) body: &'a [u8],
}

impl Link<'_> {
    /// The hash of this after `before`. Every part has its length before it, so that none can end elsewhere.
    pub(super) fn after(&self, before: &Hash) -> Hash {
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(self.seq.to_be_bytes());
        hash.update(self.time.to_be_bytes());
        for part in [Some(self.kind), self.task, self.host] {
            match part {
                Some(part) => {
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part);
                }
                None => hash.update(u64::MAX.to_be_bytes()),
            }
        }
        hash.update((self.body.len() as u64).to_be_bytes());
        hash.update(self.body);
        hash.finalize().into()
    }
}

/// What a run's first record hangs on.
pub(super) fn root(run: &str) -> Hash {
    Sha256::digest(run).into()
}

/// As people read it.
pub(super) fn shown(hash: &[u8]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(hash.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{Link, root, shown};

    #[test]
    fn every_part_counts() {
        let link = Link { seq: 1, time: 2, kind: "k", task: Some("t"), host: None, body: b"{}" };
        let variants = [
            link,
            Link { seq: 2, ..link },
            Link { time: 3, ..link },
            Link { kind: "kt", task: Some(""), ..link },
            Link { task: None, host: Some("t"), ..link },
            Link { host: Some(""), ..link },
            Link { body: b"{ }", ..link },
        ];
        let mut hashes: Vec<_> = variants.iter().map(|link| link.after(&root("a"))).collect();
        hashes.push(link.after(&root("b")));
        let count = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), count);
        // What it is must not change: journals are read for years.
        assert_eq!(
            shown(&link.after(&root("a"))),
            "fa5f4fa49c3f1724d436dd39439ecf7dceb3cbcfd763c5cc14625b4bd19e8cad"
        );
    }
}
