//! Finds what was changed, removed or put elsewhere in a journal.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::chain::{Hash, Link, root, shown};
use super::ledger::first;
use super::reader::{Stored, bytes};
use super::texts::digests;
use super::{Deed, JournalError, JournalResult, Reader, RunRow, Wanted};

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file itself is damaged.
    #[error("the file is damaged: {0}")]
    File(String),
    /// A record is not the one that was written there.
    #[error("run {run}: record {seq} was changed, or another stands in its place")]
    Changed {
        /// The run's id.
        run: String,
        /// The record's number.
        seq: u64,
    },
    /// Records are missing.
    #[error("run {run}: {}", missing(*from, *to))]
    Missing {
        /// The run's id.
        run: String,
        /// The first number that is missing.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A text that a record points to is missing, or another.
    #[error("run {run}: record {seq}: {why}")]
    Text {
        /// The run's id.
        run: String,
        /// The record's number.
        seq: u64,
        /// Why.
        why: String,
    },
    /// What lists show of a run is not what its records say.
    #[error("run {run}: the list of runs says otherwise: {what}")]
    Listed {
        /// The run's id.
        run: String,
        /// What differs.
        what: String,
    },
    /// The ledger names a run that is not there.
    #[error("run {0} was removed, and not by `oneex journal prune`")]
    Removed(String),
    /// A run is there that the ledger does not name.
    #[error("run {0} is not in the ledger")]
    Unnamed(String),
    /// An entry of the ledger is not the one that was written there, or one is missing before it.
    #[error("the ledger was changed at entry {0}")]
    Ledger(u64),
}

fn missing(from: u64, to: u64) -> String {
    if from == to {
        format!("record {from} is missing")
    } else {
        format!("records {from} to {to} are missing")
    }
}

/// Looks at everything in the journal. Empty where all of it is as it was written.
///
/// # Errors
///
/// It cannot be read at all.
pub fn verify(reader: &Reader) -> JournalResult<Vec<Fault>> {
    let mut faults = Vec::new();
    if let Some(fault) = file(reader) {
        faults.push(fault);
    }
    let runs = match reader.runs() {
        Err(JournalError::Damaged { why, .. }) => return Ok(vec![Fault::File(why)]),
        runs => runs?,
    };
    let ledger = ledger(reader, &mut faults)?;
    for run in runs.iter().rev() {
        match chain(reader, run, &mut faults) {
            Err(JournalError::Damaged { why, .. }) => faults.push(Fault::File(why)),
            checked => checked?,
        }
        match ledger.ends.get(&run.id) {
            // The ledger has the end of each part of a run that was resumed; the last is the one that counts.
            Some((records, head))
                if run.ended.is_some() && (run.last, &shown(&run.head)) != (*records, head) =>
            {
                let what = format!("it ended with record {records}");
                faults.push(Fault::Listed { run: run.id.clone(), what });
            }
            _ if !ledger.began.contains(&run.id) => faults.push(Fault::Unnamed(run.id.clone())),
            _ => {}
        }
    }
    let there: BTreeSet<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    let gone =
        ledger.began.iter().filter(|run| !there.contains(run.as_str()) && !ledger.pruned.contains(*run));
    faults.extend(gone.cloned().map(Fault::Removed));
    Ok(faults)
}

/// What SQLite itself finds.
fn file(reader: &Reader) -> Option<Fault> {
    let check = reader.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match check {
        Ok(said) if said == "ok" => None,
        Ok(said) => Some(Fault::File(said)),
        Err(error) => Some(Fault::File(error.to_string())),
    }
}

/// What the ledger says.
#[derive(Default)]
struct Told {
    began: BTreeSet<String>,
    pruned: BTreeSet<String>,
    /// How many records a run had at its last end, and the hash of the last.
    ends: BTreeMap<String, (u64, String)>,
}

fn ledger(reader: &Reader, faults: &mut Vec<Fault>) -> JournalResult<Told> {
    type Entry = (u64, i64, String, Vec<u8>, Vec<u8>);
    let entries = || -> rusqlite::Result<Vec<Entry>> {
        let mut statement =
            reader.connection.prepare("SELECT number, time, kind, body, hash FROM ledger ORDER BY number")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, bytes(row, 3)?, bytes(row, 4)?))
        })?;
        rows.collect()
    };
    let entries = match entries().map_err(|error| reader.failed(&error)) {
        Err(JournalError::Damaged { why, .. }) => {
            faults.push(Fault::File(why));
            return Ok(Told::default());
        }
        entries => entries?,
    };
    let (mut told, mut before, mut next) = (Told::default(), first(), 1);
    for (seq, time, kind, body, hash) in entries {
        let link = Link { seq, time, kind: &kind, task: None, host: None, body: &body };
        let deed = serde_json::from_slice::<Deed>(&body);
        let is_right = seq == next && link.after(&before).as_slice() == hash && deed.is_ok();
        if !is_right {
            faults.push(Fault::Ledger(seq));
        }
        match deed {
            Ok(Deed::Began { run }) => drop(told.began.insert(run)),
            Ok(Deed::Ended { run, records, head }) => drop(told.ends.insert(run, (records, head))),
            Ok(Deed::Pruned { run, .. }) => drop(told.pruned.insert(run)),
            Ok(Deed::LockBroken { .. }) | Err(_) => {}
        }
        // One fault is one entry: those after it hang on what stands there.
        before = Hash::try_from(hash.as_slice()).unwrap_or(before);
        next = seq + 1;
    }
    Ok(told)
}

fn chain(reader: &Reader, run: &RunRow, faults: &mut Vec<Fault>) -> JournalResult<()> {
    let (mut before, mut next) = (root(&run.id), 1);
    let mut ended = None;
    reader.stored(run.number, &Wanted::default(), |stored: Stored| -> JournalResult<()> {
        let Stored { seq, time, kind, task, host, body, hash } = &stored;
        if *seq > next {
            faults.push(Fault::Missing { run: run.id.clone(), from: next, to: seq - 1 });
        } else {
            let (task, host) = (task.as_deref(), host.as_deref());
            let link = Link { seq: *seq, time: *time, kind, task, host, body };
            if link.after(&before).as_slice() != hash {
                faults.push(Fault::Changed { run: run.id.clone(), seq: *seq });
            }
        }
        if kind == "run_finished" {
            ended = serde_json::from_slice::<Value>(body).ok();
        } else if kind == "resumed" {
            ended = None;
        }
        let mut pointed = Vec::new();
        if let Ok(body) = serde_json::from_slice(body) {
            digests(&body, &mut pointed);
        }
        for digest in pointed {
            if let Err(why) = reader.text(&digest) {
                faults.push(Fault::Text { run: run.id.clone(), seq: *seq, why });
            }
        }
        before = Hash::try_from(hash.as_slice()).unwrap_or(before);
        next = seq + 1;
        Ok(())
    })?;
    if next <= run.last {
        faults.push(Fault::Missing { run: run.id.clone(), from: next, to: run.last });
    } else if next - 1 != run.last || before.as_slice() != run.head {
        let what = format!("it has {} records", run.last);
        faults.push(Fault::Listed { run: run.id.clone(), what });
    }
    let said = ended.as_ref().and_then(|event| event.pointer("/summary/status")?.as_str());
    if said != run.status.as_deref() {
        let what = format!("it ended as `{}`", run.status.as_deref().unwrap_or("going on"));
        faults.push(Fault::Listed { run: run.id.clone(), what });
    }
    Ok(())
}
