//! Removing old runs from a journal; the ledger says that they were there.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde_json::Value;

use super::chain::shown;
use super::reader::bytes_of;
use super::texts::{digests, may_point};
use super::{Deed, JournalError, JournalResult, Reader, RunRow, alive, format, ledger};

/// Removes runs, and the texts that no other run points to. Gives how many bytes the file is smaller by.
///
/// # Errors
///
/// One of them goes on, or the file cannot be written: then all of them are still there.
pub fn prune(path: &Path, runs: &[RunRow], by: Option<&str>) -> JournalResult<u64> {
    if let Some(run) = runs.iter().find(|run| alive::is_alive(path, &run.id)) {
        return Err(JournalError::Running(run.id.clone()));
    }
    // What is no journal is refused before it is opened to write.
    drop(Reader::open(path)?);
    let size = || std::fs::metadata(path).map_or(0, |file| file.len());
    let (connection, before) = (format::open(path)?, size());
    remove(&connection, runs, by).map_err(|error| JournalError::sqlite(path, &error))?;
    Ok(before.saturating_sub(size()))
}

fn remove(connection: &Connection, runs: &[RunRow], by: Option<&str>) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for run in runs {
        for table in ["records", "sealed"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE run = ?"), [run.number])?;
        }
        transaction.execute("DELETE FROM runs WHERE number = ?", [run.number])?;
        let deed = Deed::Pruned {
            run: run.id.clone(),
            records: run.last,
            head: shown(&run.head),
            by: by.map(str::to_owned),
        };
        ledger::add(&transaction, &deed)?;
    }
    remove_texts(&transaction)?;
    transaction.commit()?;
    connection.execute_batch("VACUUM")?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Removes the texts that no record points to.
fn remove_texts(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let kept = pointed(transaction)?;
    let mut all = transaction.prepare("SELECT digest FROM texts")?;
    let all = all.query_map([], |row| row.get::<_, Vec<u8>>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    for digest in all.iter().filter(|digest| !kept.contains(*digest)) {
        transaction.execute("DELETE FROM texts WHERE digest = ?", params![digest])?;
    }
    Ok(())
}

/// The digests of all texts that a record points to.
fn pointed(transaction: &Transaction<'_>) -> rusqlite::Result<BTreeSet<Vec<u8>>> {
    let mut kept = BTreeSet::new();
    let mut bodies = transaction.prepare("SELECT body FROM records")?;
    let mut rows = bodies.query([])?;
    while let Some(row) = rows.next()? {
        let body = super::reader::bytes(row, 0)?;
        if may_point(&body)
            && let Ok(body) = serde_json::from_slice::<Value>(&body)
        {
            let mut found = Vec::new();
            digests(&body, &mut found);
            kept.extend(found.iter().filter_map(|digest| bytes_of(digest)));
        }
    }
    Ok(kept)
}
