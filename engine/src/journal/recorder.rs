//! The journal of a run that goes on: what happens is written as it happens.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Transaction, TransactionBehavior, params};
use serde_json::Value;

use super::alive::Alive;
use super::chain::{Hash, root};
use super::past::sealed;
use super::row::Row;
use super::seal::SealKey;
use super::writer::{Message, Writer, insert};
use super::{Began, Deed, Entry, Intent, JournalError, JournalResult, Origin, format, ledger};
use crate::run::{Listener, RunEvent, Stamped};

/// The journal of a run that goes on. Clones write to the same.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    run: String,
    path: PathBuf,
    key: SealKey,
    writer: Writer,
    _alive: Alive,
}

impl Recorder {
    /// Begins the journal of a new run: its first record is on the disk when this returns. With it goes what of it is
    /// sealed: what the load drew, and the options of the request.
    ///
    /// # Errors
    ///
    /// The file cannot be made, opened or written, or is no journal that this oneex can write.
    pub fn begin(
        path: &Path,
        began: Began,
        (drawn, options): (&[Value], &Value),
        key: SealKey,
    ) -> JournalResult<Self> {
        let hidden = [(sealed::LOAD, Value::from(drawn)), (sealed::REQUEST, options.clone())];
        let mut data = Vec::new();
        for (name, value) in hidden {
            data.push((name, key.seal(&began.id, name, &packed(&value))?));
        }
        let (run, time) = (began.id.clone(), began.time.as_microsecond());
        let columns =
            (began.name.clone(), began.mode.clone(), began.environment.clone(), began.origin.clone());
        let row = Row::of_entry(&Entry::Began(Box::new(began)));
        Self::open(path, &run, key, |transaction| {
            let (name, mode, environment, origin) = &columns;
            transaction.execute(
                "INSERT INTO runs (id, name, mode, environment, user, machine, started, head) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                params![run, name, mode, environment, origin.user, origin.machine, time, root(&run)],
            )?;
            let number = transaction.last_insert_rowid();
            for (name, data) in &data {
                transaction.execute(
                    "INSERT INTO sealed (run, name, data) VALUES (?, ?, ?)",
                    params![number, name, data],
                )?;
            }
            append(transaction, number, (0, root(&run)), &row).map(|end| (number, end))
        })
    }

    /// Goes on with the journal of a run that has stopped.
    ///
    /// # Errors
    ///
    /// As for [`Self::begin`]; or there is no such run.
    pub fn resume(
        path: &Path,
        run: &str,
        (origin, accepted): (Origin, Vec<String>),
        key: SealKey,
    ) -> JournalResult<Self> {
        let row = Row::of_entry(&Entry::Resumed { origin, accepted });
        Self::open(path, run, key, |transaction| {
            let find =
                "UPDATE runs SET ended = NULL, status = NULL WHERE id = ? RETURNING number, last, head";
            let (number, last, head) =
                transaction.query_row(find, [run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            append(transaction, number, (last, head), &row).map(|end| (number, end))
        })
    }

    fn open(
        path: &Path,
        run: &str,
        key: SealKey,
        begin: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<(i64, (u64, Hash))>,
    ) -> JournalResult<Self> {
        let connection = format::open(path)?;
        let alive = Alive::begin(path, run)?;
        let begun = || {
            connection.pragma_update(None, "synchronous", "FULL")?;
            let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)?;
            let (number, end) = begin(&transaction)?;
            transaction.execute(
                "UPDATE runs SET last = ?, head = ? WHERE number = ?",
                params![end.0, end.1, number],
            )?;
            ledger::add(&transaction, &Deed::Began { run: run.to_owned() })?;
            transaction.commit()?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            Ok((number, end))
        };
        let (number, end) = begun().map_err(|error| JournalError::sqlite(path, &error))?;
        let writer = Writer::start(connection, path.to_owned(), (number, run.to_owned()), end)
            .map_err(|error| JournalError::io(path, &error))?;
        Ok(Self(Arc::new(Inner { run: run.to_owned(), path: path.to_owned(), key, writer, _alive: alive })))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Writes a record of the journal's own, in its turn.
    pub fn record(&self, entry: &Entry) {
        self.0.writer.send(Message::Row(Box::new(Row::of_entry(entry))));
    }

    /// Seals what only a resumed run may read, as `name`; before it the record that it belongs to must not be on the
    /// disk.
    ///
    /// # Errors
    ///
    /// There are no random numbers.
    pub fn seal(&self, name: &str, value: &Value) -> JournalResult<()> {
        let data = self.0.key.seal(&self.0.run, name, &packed(value))?;
        self.0.writer.send(Message::Sealed { name: name.to_owned(), data });
        Ok(())
    }

    /// Writes what is about to have an effect, and returns once that, and all before it, is on the disk.
    ///
    /// # Errors
    ///
    /// It cannot be written: then it must not happen.
    pub async fn intend(&self, intent: Intent) -> JournalResult<()> {
        self.record(&Entry::Intent(intent));
        self.synced().await
    }

    /// Waits until all that was recorded before is on the disk.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub async fn synced(&self) -> JournalResult<()> {
        self.0.writer.synced().await
    }

    /// Why nothing is written any more, where that is so.
    pub fn broken(&self) -> Option<&JournalError> {
        self.0.writer.broken()
    }

    /// What writes the run's events, for [`crate::run::EventSink`].
    pub fn listener(&self) -> Box<dyn Listener> {
        Box::new(Recording(self.clone()))
    }
}

/// A value as it is sealed: compressed, so that its length says less of it too.
fn packed(value: &Value) -> Vec<u8> {
    super::texts::packed(value.to_string().as_bytes())
}

/// Adds a record; returns its number and its hash.
fn append(
    transaction: &Transaction<'_>,
    run: i64,
    (last, head): (u64, Hash),
    row: &Row,
) -> rusqlite::Result<(u64, Hash)> {
    Ok((last + 1, insert(transaction, run, last + 1, row, &head)?))
}

struct Recording(Recorder);

impl Listener for Recording {
    fn on_event(&mut self, event: &Stamped) {
        let writer = &self.0.0.writer;
        match &event.event {
            // What a long operation is doing and what begins is for those who watch; what it was is told at its end.
            RunEvent::Progress { .. } | RunEvent::Output { .. } | RunEvent::OperationStarted { .. } => {}
            // It is there already.
            RunEvent::NodeFinished { recalled: true, .. } => {}
            RunEvent::RunFinished { summary } => {
                writer.send(Message::Row(Box::new(Row::of_event(event))));
                writer.send(Message::Ended(Box::new(summary.clone())));
            }
            _ => writer.send(Message::Row(Box::new(Row::of_event(event)))),
        }
    }
}
