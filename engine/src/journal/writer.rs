//! The thread that writes: what comes while it writes goes into the next transaction together.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::chain::{Hash, Link};
use super::row::Row;
use super::{JournalError, JournalResult, ledger};
use crate::run::RunSummary;

/// So many records may wait to be written before those who write more wait as well.
const WAITING: usize = 4096;
/// So many go into one transaction.
const TOGETHER: usize = 1024;

/// What the thread is told.
pub(super) enum Message {
    Row(Box<Row>),
    Sealed {
        name: String,
        data: Vec<u8>,
    },
    /// The run has ended.
    Ended(Box<RunSummary>),
    /// Says when all that came before is on the disk.
    Sync(oneshot::Sender<JournalResult<()>>),
}

/// Why nothing is written any more, once that is so.
pub(super) type Broken = Arc<OnceLock<JournalError>>;

/// The thread, ended when dropped, with all that it was given written.
#[derive(Debug)]
pub(super) struct Writer {
    sender: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    broken: Broken,
}

impl Writer {
    /// Begins to write to the run of this number in the file, of which `head` is the last record's hash and `last` its
    /// number.
    pub(super) fn start(
        connection: Connection,
        path: PathBuf,
        (run, id): (i64, String),
        (last, head): (u64, Hash),
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let broken = Broken::default();
        let mut writing =
            Writing { connection, path, run, id, last, head, is_full: false, broken: Arc::clone(&broken) };
        let thread =
            std::thread::Builder::new().name("journal".to_owned()).spawn(move || writing.work(&receiver))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), broken })
    }

    /// Gives it something to write. What cannot be written is known by [`Self::broken`].
    pub(super) fn send(&self, message: Message) {
        if let Some(sender) = &self.sender {
            // The thread ends only when this is dropped, or by a panic of its own, which breaks the promise below.
            let _ = sender.send(message);
        }
    }

    /// Why nothing is written any more, where that is so.
    pub(super) fn broken(&self) -> Option<&JournalError> {
        self.broken.get()
    }

    /// Waits until all that was sent before is on the disk.
    pub(super) async fn synced(&self) -> JournalResult<()> {
        let (done, wait) = oneshot::channel();
        self.send(Message::Sync(done));
        wait.await.unwrap_or_else(|_| Err(self.lost()))
    }

    fn lost(&self) -> JournalError {
        let why = "the thread that writes has ended".to_owned();
        self.broken().cloned().unwrap_or(JournalError::Unusable { path: PathBuf::new(), why })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Writing {
    connection: Connection,
    path: PathBuf,
    run: i64,
    id: String,
    last: u64,
    head: Hash,
    /// A transaction is on the disk when it has ended.
    is_full: bool,
    broken: Broken,
}

impl Writing {
    fn work(&mut self, receiver: &Receiver<Message>) {
        let mut batch = Vec::new();
        while let Ok(first) = receiver.recv() {
            batch.push(first);
            while batch.len() < TOGETHER {
                let Ok(next) = receiver.try_recv() else { break };
                batch.push(next);
            }
            self.write(&mut batch);
        }
    }

    /// Writes a batch, and says so to those who wait. What was sent before a wait is written before its end.
    fn write(&mut self, batch: &mut Vec<Message>) {
        let result = match self.broken.get() {
            Some(error) => Err(error.clone()),
            None => self.transaction(batch).map_err(|error| {
                let error = JournalError::sqlite(&self.path, &error);
                tracing::debug!(%error, "the journal is broken");
                self.broken.get_or_init(|| error).clone()
            }),
        };
        for message in batch.drain(..) {
            if let Message::Sync(done) = message {
                // Who waited may have been cancelled.
                let _ = done.send(result.clone());
            }
        }
    }

    fn transaction(&mut self, batch: &[Message]) -> rusqlite::Result<()> {
        let is_full = batch.iter().any(|message| matches!(message, Message::Sync(_) | Message::Ended(_)));
        if is_full != self.is_full {
            let mode = if is_full { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", mode)?;
            self.is_full = is_full;
        }
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        let (mut last, mut head) = (self.last, self.head);
        for message in batch {
            match message {
                Message::Row(row) => {
                    last += 1;
                    head = insert(&transaction, self.run, last, row, &head)?;
                }
                Message::Sealed { name, data } => {
                    let mut insert = transaction
                        .prepare_cached("INSERT OR REPLACE INTO sealed (run, name, data) VALUES (?, ?, ?)")?;
                    insert.execute(params![self.run, name, data])?;
                }
                Message::Ended(summary) => {
                    let end =
                        "UPDATE runs SET ended = ?, status = ?, summary = ?, changed = ? WHERE number = ?";
                    let now = Timestamp::now().as_microsecond();
                    let status = summary.status.as_str();
                    transaction
                        .execute(end, params![now, status, summary.summary, summary.changed, self.run])?;
                    ledger::ended(&transaction, &self.id, last, &head)?;
                }
                Message::Sync(_) => {}
            }
        }
        transaction
            .prepare_cached("UPDATE runs SET last = ?, head = ? WHERE number = ?")?
            .execute(params![last, head, self.run])?;
        transaction.commit()?;
        (self.last, self.head) = (last, head);
        Ok(())
    }
}

/// Writes a record with its texts; returns its hash.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    run: i64,
    seq: u64,
    row: &Row,
    before: &Hash,
) -> rusqlite::Result<Hash> {
    for text in &row.texts {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO texts (digest, size, data) VALUES (?, ?, ?)")?
            .execute(params![text.digest, text.size, text.data])?;
    }
    let (time, kind) = (row.time, row.kind);
    let (task, host) = (row.task.as_deref(), row.host.as_deref());
    let hash = Link { seq, time, kind, task, host, body: &row.body }.after(before);
    transaction
        .prepare_cached(
            "INSERT INTO records (run, seq, time, kind, task, host, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![run, seq, time, kind, task, host, row.body, hash])?;
    Ok(hash)
}
