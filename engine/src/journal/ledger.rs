//! The ledger: which runs there were, and what was done to the journal itself. So a run that is gone is missed.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::chain::{Hash, Link, root, shown};
use super::{JournalError, JournalResult, format};

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Deed {
    /// A run began, or went on.
    Began {
        /// The run's id.
        run: String,
    },
    /// A run ended.
    Ended {
        /// The run's id.
        run: String,
        /// How many records it had.
        records: u64,
        /// The hash of the last.
        head: String,
    },
    /// A run was removed, by `oneex journal prune`.
    Pruned {
        /// The run's id.
        run: String,
        /// How many records it had.
        records: u64,
        /// The hash of the last.
        head: String,
        /// Who removed it.
        by: Option<String>,
    },
    /// A lock was broken.
    LockBroken {
        /// What was locked.
        scope: String,
        /// Who held it.
        holder: String,
        /// Who broke it.
        by: Option<String>,
        /// Why.
        reason: String,
    },
}

impl Deed {
    /// Its kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Began { .. } => "began",
            Self::Ended { .. } => "ended",
            Self::Pruned { .. } => "pruned",
            Self::LockBroken { .. } => "lock_broken",
        }
    }
}

/// What the ledger's first entry hangs on.
pub(super) fn first() -> Hash {
    root("ledger")
}

/// Adds an entry. Only within a transaction that writes, so that nobody else adds one meanwhile.
pub(super) fn add(connection: &Connection, deed: &Deed) -> rusqlite::Result<()> {
    let last = "SELECT number, hash FROM ledger ORDER BY number DESC LIMIT 1";
    let last = connection.query_row(last, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (before, hash): (u64, Hash) = last.unwrap_or((0, first()));
    let (seq, time, kind) = (before + 1, Timestamp::now().as_microsecond(), deed.name());
    let body = serde_json::to_vec(deed).unwrap_or_default();
    let hash = Link { seq, time, kind, task: None, host: None, body: &body }.after(&hash);
    connection
        .prepare_cached("INSERT INTO ledger (number, time, kind, body, hash) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![seq, time, kind, body, hash])?;
    Ok(())
}

/// Enters what was done besides runs.
///
/// # Errors
///
/// The journal cannot be made, opened or written.
pub fn enter(path: &Path, deed: &Deed) -> JournalResult<()> {
    let connection = format::open(path)?;
    let entered = || {
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)?;
        add(&transaction, deed)?;
        transaction.commit()
    };
    entered().map_err(|error| JournalError::sqlite(path, &error))
}

/// Notes that a run has ended.
pub(super) fn ended(connection: &Connection, run: &str, records: u64, head: &Hash) -> rusqlite::Result<()> {
    add(connection, &Deed::Ended { run: run.to_owned(), records, head: shown(head) })
}
