//! Reading a journal: its runs, and what happened in one.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;
use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row as Columns, params};
use serde::Serialize;
use serde_json::Value;

use super::chain::shown;
use super::seal::SealKey;
use super::{Entry, JournalError, JournalResult, format, texts};
use crate::run::Stamped;

/// A run, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRow {
    #[serde(skip)]
    pub(super) number: i64,
    /// Its id.
    pub id: String,
    /// The runbook's name.
    pub name: String,
    /// `run` or `exec`.
    pub mode: String,
    /// The chosen environment.
    pub environment: Option<String>,
    /// Who began it.
    pub user: Option<String>,
    /// Where.
    pub machine: Option<String>,
    /// When.
    pub started: Timestamp,
    /// When it ended; nothing where it goes on, or was killed.
    pub ended: Option<Timestamp>,
    /// How it ended: `ok failed unreachable interrupted waiting`.
    pub status: Option<String>,
    /// Its last line.
    pub summary: Option<String>,
    /// How many operations changed something.
    pub changed: u64,
    #[serde(skip)]
    pub(super) last: u64,
    #[serde(skip)]
    pub(super) head: Vec<u8>,
}

/// A record as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) seq: u64,
    pub(super) time: i64,
    pub(super) kind: String,
    pub(super) task: Option<String>,
    pub(super) host: Option<String>,
    pub(super) body: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Record {
    /// An event of the run.
    Event(Box<Stamped>),
    /// What the journal knows besides.
    Entry(Box<Entry>),
}

/// Which records are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Only those after this number.
    pub after: u64,
    /// Only those of these kinds; of all when empty.
    pub kinds: &'a [&'a str],
    /// Only those of this host, and those of none.
    pub host: Option<&'a str>,
    /// Only those of this task, and those of none.
    pub task: Option<&'a str>,
}

/// Which runs are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Matching<'a> {
    /// Only runs that did something on this host.
    pub host: Option<&'a str>,
    /// Only runs that had this task.
    pub task: Option<&'a str>,
}

/// A journal that is read.
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

const RUN: &str = "number, id, name, mode, environment, user, machine, started, ended, status, summary, changed, last, head";

impl Reader {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// It is not there, cannot be read, or is none.
    pub fn open(path: &Path) -> JournalResult<Self> {
        Ok(Self { connection: format::open_to_read(path)?, path: path.to_owned() })
    }

    pub(super) fn failed(&self, error: &rusqlite::Error) -> JournalError {
        JournalError::sqlite(&self.path, error)
    }

    /// All runs, the newest first.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn runs(&self) -> JournalResult<Vec<RunRow>> {
        let runs = || {
            let mut statement =
                self.connection.prepare(&format!("SELECT {RUN} FROM runs ORDER BY number DESC"))?;
            statement.query_map([], run_row)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        runs().map_err(|error| self.failed(&error))
    }

    /// The runs in which something happened on a host or in a task, the newest first.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn runs_matching(&self, matching: &Matching<'_>) -> JournalResult<Vec<RunRow>> {
        let mut runs = self.runs()?;
        for (column, wanted) in [("host", matching.host), ("task", matching.task)] {
            let Some(wanted) = wanted else { continue };
            let numbers = || {
                let find = format!("SELECT DISTINCT run FROM records WHERE {column} = ?");
                let mut statement = self.connection.prepare(&find)?;
                statement.query_map([wanted], |row| row.get(0))?.collect::<rusqlite::Result<HashSet<i64>>>()
            };
            let numbers = numbers().map_err(|error| self.failed(&error))?;
            runs.retain(|run| numbers.contains(&run.number));
        }
        Ok(runs)
    }

    /// The hash of a record of a run, in hexadecimal.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn hash_of(&self, run: &RunRow, record: u64) -> JournalResult<Option<String>> {
        let find = "SELECT hash FROM records WHERE run = ? AND seq = ?";
        let found =
            self.connection.query_row(find, params![run.number, record], |row| bytes(row, 0)).optional();
        Ok(found.map_err(|error| self.failed(&error))?.map(|hash| shown(&hash)))
    }

    /// Gives `each` the records of a run as they stand in the file, for [`super`]'s export: without what is sealed.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or what `each` says.
    pub fn export<E: From<JournalError>>(
        &self,
        run: &RunRow,
        mut each: impl FnMut(Value) -> Result<(), E>,
    ) -> Result<(), E> {
        self.stored(run.number, &Wanted::default(), |stored| {
            let mut body: Value = serde_json::from_slice(&stored.body).map_err(|error| {
                let (run, seq, why) = (run.id.clone(), stored.seq, error.to_string());
                JournalError::Record { run, seq, why }
            })?;
            texts::put_back(&mut body, &mut |digest: &str| {
                let failed = |why| JournalError::Record { run: run.id.clone(), seq: stored.seq, why };
                self.text(digest).map_err(failed)
            })?;
            each(serde_json::json!({
                "run": run.id,
                "record": stored.seq,
                "time": time(stored.time),
                "kind": stored.kind,
                "hash": shown(&stored.hash),
                "body": body,
            }))
        })
    }

    /// The run with this id, or the one whose id has this part alone; the last one for `last`.
    ///
    /// # Errors
    ///
    /// There is none, there are several, or the file cannot be read.
    pub fn run(&self, named: &str) -> JournalResult<RunRow> {
        let runs = self.runs()?;
        if named == "last" {
            let none = || JournalError::NoRun("there is no run in the journal yet".to_owned());
            return runs.into_iter().next().ok_or_else(none);
        }
        let is_part = |run: &&RunRow| named.len() >= 4 && run.id.contains(named);
        let found: Vec<&RunRow> = match runs.iter().find(|run| run.id == named) {
            Some(run) => vec![run],
            None => runs.iter().filter(is_part).collect(),
        };
        match found.as_slice() {
            [run] => Ok((*run).clone()),
            [] => Err(JournalError::NoRun(format!("there is no run `{named}` in the journal"))),
            several => {
                let ids: Vec<&str> = several.iter().take(3).map(|run| run.id.as_str()).collect();
                Err(JournalError::NoRun(format!("`{named}` is part of several ids: {} …", ids.join(", "))))
            }
        }
    }

    /// Whether a run goes on in some process of this machine.
    pub fn is_alive(&self, run: &RunRow) -> bool {
        super::alive::is_alive(&self.path, &run.id)
    }

    /// Gives `each` the records of a run in their order, with their numbers.
    ///
    /// # Errors
    ///
    /// The file or a record cannot be read, or what `each` says.
    pub fn records<E: From<JournalError>>(
        &self,
        run: &RunRow,
        wanted: &Wanted<'_>,
        mut each: impl FnMut(u64, Record) -> Result<(), E>,
    ) -> Result<(), E> {
        self.stored(run.number, wanted, |stored| {
            let record = self.record(&run.id, &stored)?;
            each(stored.seq, record)
        })
    }

    pub(super) fn stored<E: From<JournalError>>(
        &self,
        run: i64,
        wanted: &Wanted<'_>,
        mut each: impl FnMut(Stored) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error: rusqlite::Error| E::from(self.failed(&error));
        let all = "SELECT seq, time, kind, task, host, body, hash FROM records WHERE run = ? AND seq > ? ORDER BY seq";
        let mut statement = self.connection.prepare_cached(all).map_err(failed)?;
        let mut rows = statement.query(params![run, wanted.after]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let stored = stored(row).map_err(failed)?;
            let is_of = |own: &Option<String>, wanted: Option<&str>| {
                wanted.is_none() || own.is_none() || own.as_deref() == wanted
            };
            let is_wanted = (wanted.kinds.is_empty() || wanted.kinds.contains(&stored.kind.as_str()))
                && is_of(&stored.host, wanted.host)
                && is_of(&stored.task, wanted.task);
            if is_wanted {
                each(stored)?;
            }
        }
        Ok(())
    }

    fn record(&self, run: &str, stored: &Stored) -> JournalResult<Record> {
        let unreadable = |why: String| JournalError::Record { run: run.to_owned(), seq: stored.seq, why };
        if !texts::may_point(&stored.body) {
            return parse(&stored.kind, &stored.body).map_err(unreadable);
        }
        let mut body: Value =
            serde_json::from_slice(&stored.body).map_err(|error| unreadable(error.to_string()))?;
        texts::put_back(&mut body, &mut |digest: &str| self.text(digest).map_err(unreadable))?;
        parse(&stored.kind, body.to_string().as_bytes()).map_err(unreadable)
    }

    /// The long text with this digest.
    pub(super) fn text(&self, digest: &str) -> Result<String, String> {
        let bytes = bytes_of(digest).ok_or_else(|| format!("`{digest}` is no digest"))?;
        let row = self
            .connection
            .prepare_cached("SELECT size, data FROM texts WHERE digest = ?")
            .and_then(|mut find| {
                find.query_row([&bytes], |row| Ok((row.get::<_, usize>(0)?, row.get::<_, Vec<u8>>(1)?)))
                    .optional()
            })
            .map_err(|error| error.to_string())?;
        let (size, data) = row.ok_or_else(|| format!("the text {digest} is not there"))?;
        texts::unpacked(&data, size, &bytes)
    }

    /// The entries of the ledger, in their order, as they stand in the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn ledger(&self) -> JournalResult<Vec<Value>> {
        let entries = || {
            let mut all = self
                .connection
                .prepare("SELECT number, time, kind, body, hash FROM ledger ORDER BY number")?;
            let entry = |row: &Columns<'_>| {
                let body: Value = serde_json::from_slice(&bytes(row, 3)?).unwrap_or_default();
                Ok(serde_json::json!({
                    "ledger": row.get::<_, i64>(0)?,
                    "time": time(row.get(1)?),
                    "kind": row.get::<_, String>(2)?,
                    "hash": shown(&bytes(row, 4)?),
                    "body": body,
                }))
            };
            all.query_map([], entry)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        entries().map_err(|error| self.failed(&error))
    }

    /// What was sealed under `name` in a run, where something was.
    ///
    /// # Errors
    ///
    /// It cannot be read, or the key is another.
    pub fn sealed(&self, run: &RunRow, name: &str, key: &SealKey) -> JournalResult<Option<Value>> {
        let data = self
            .connection
            .prepare_cached("SELECT data FROM sealed WHERE run = ? AND name = ?")
            .and_then(|mut find| {
                find.query_row(params![run.number, name], |row| row.get::<_, Vec<u8>>(0)).optional()
            })
            .map_err(|error| self.failed(&error))?;
        let Some(data) = data else { return Ok(None) };
        let content = key.open(&run.id, name, &data)?;
        let value = serde_json::from_reader(ZlibDecoder::new(content.as_slice()));
        value.map(Some).map_err(|error| JournalError::Sealed(format!("`{name}`: {error}")))
    }

    /// The names of what was sealed in a run.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn sealed_names(&self, run: &RunRow) -> JournalResult<Vec<String>> {
        let names = || {
            let mut statement = self.connection.prepare("SELECT name FROM sealed WHERE run = ?")?;
            statement.query_map([run.number], |row| row.get(0))?.collect::<rusqlite::Result<Vec<_>>>()
        };
        names().map_err(|error| self.failed(&error))
    }
}

fn parse(kind: &str, body: &[u8]) -> Result<Record, String> {
    let is_entry = ["began", "resumed", "input", "intent", "image", "dropped", "drawn", "turned", "host"]
        .contains(&kind);
    let record = if is_entry {
        serde_json::from_slice(body).map(|entry| Record::Entry(Box::new(entry)))
    } else {
        serde_json::from_slice(body).map(|event| Record::Event(Box::new(event)))
    };
    record.map_err(|error| error.to_string())
}

/// The bytes of a digest as [`super::chain::shown`] wrote it.
pub(super) fn bytes_of(digest: &str) -> Option<Vec<u8>> {
    let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(digest.get(at..at + 2)?, 16).ok();
    is_digest.then(|| (0..32).map(|at| byte(2 * at)).collect()).flatten()
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

fn run_row(row: &Columns<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        number: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        mode: row.get(3)?,
        environment: row.get(4)?,
        user: row.get(5)?,
        machine: row.get(6)?,
        started: time(row.get(7)?),
        ended: row.get::<_, Option<i64>>(8)?.map(time),
        status: row.get(9)?,
        summary: row.get(10)?,
        changed: row.get(11)?,
        last: row.get(12)?,
        head: bytes(row, 13)?,
    })
}

/// Whoever changed a record may have made a text of its bytes.
pub(super) fn bytes(row: &Columns<'_>, column: usize) -> rusqlite::Result<Vec<u8>> {
    match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(bytes.to_vec()),
        _ => row.get(column),
    }
}

fn stored(row: &Columns<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        seq: row.get(0)?,
        time: row.get(1)?,
        kind: row.get(2)?,
        task: row.get(3)?,
        host: row.get(4)?,
        body: bytes(row, 5)?,
        hash: bytes(row, 6)?,
    })
}
