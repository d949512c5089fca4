//! The file: a SQLite database, its tables, and how it is opened.
//!
//! | table | a row is |
//! | --- | --- |
//! | `runs` | a run, with what lists show of it and the hash of its last record |
//! | `records` | something that happened in a run; its body is JSON, and `hash` covers it and all before it |
//! | `texts` | a text too long for a record, by the SHA-256 of it, compressed as zlib does (RFC 1950) |
//! | `sealed` | what only a resumed run may read: encrypted and authenticated, see [`super::seal`] |
//! | `ledger` | the begin and the end of each run, and what was done to the journal itself; hashed like records |
//!
//! Times are microseconds since 1970 in UTC. All of it can be read with any SQLite 3.

use std::fs::OpenOptions;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{JournalError, JournalResult};

/// The format that is written.
pub const FORMAT: i64 = 1;

/// `onex` as bytes: what the file says that it is, `PRAGMA application_id` of SQLite.
const APPLICATION: i64 = 0x6f6e_6578;

/// How long another process that writes to the same file is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

const SCHEMA: &str = "
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    mode TEXT NOT NULL,
    environment TEXT,
    user TEXT,
    machine TEXT,
    started INTEGER NOT NULL,
    ended INTEGER,
    status TEXT,
    summary TEXT,
    changed INTEGER NOT NULL DEFAULT 0,
    last INTEGER NOT NULL DEFAULT 0,
    head BLOB NOT NULL
);
CREATE TABLE records (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    task TEXT,
    host TEXT,
    body BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE TABLE texts (
    digest BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    data BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE sealed (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
CREATE TABLE ledger (
    number INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL
);
";

/// Opens the journal to write, and makes it with its folder where it is not there; nobody else may read either.
pub(super) fn open(path: &Path) -> JournalResult<Connection> {
    let io = |error| JournalError::io(path, &error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
    }
    // SQLite gives the files beside it the mode of this one.
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(io)?;
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let sqlite = |error| JournalError::sqlite(path, &error);
    if version(path, &connection)? == 0 {
        make(&connection).map_err(sqlite)?;
        version(path, &connection)?;
    }
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(sqlite)?;
    Ok(connection)
}

/// Opens the journal to read.
pub(super) fn open_to_read(path: &Path) -> JournalResult<Connection> {
    if !path.exists() {
        return Err(JournalError::Missing(path.to_owned()));
    }
    let connection = match connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE) {
        Ok(connection) => connection,
        // A file that may not be written can be read all the same.
        Err(JournalError::Unusable { .. }) => connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        Err(error) => return Err(error),
    };
    connection.pragma_update(None, "query_only", true).map_err(|error| JournalError::sqlite(path, &error))?;
    match version(path, &connection)? {
        0 => Err(JournalError::Foreign(path.to_owned())),
        _ => Ok(connection),
    }
}

fn connect(path: &Path, mode: OpenFlags) -> JournalResult<Connection> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
        Ok(connection)
    };
    connect().map_err(|error: rusqlite::Error| JournalError::sqlite(path, &error))
}

/// The format of the file; 0 for one that is empty.
fn version(path: &Path, connection: &Connection) -> JournalResult<i64> {
    let pragma = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|error| JournalError::sqlite(path, &error))
    };
    match (pragma("application_id")?, pragma("user_version")?) {
        (0, 0) if pragma("schema_version")? == 0 => Ok(0),
        (APPLICATION, found) if (1..=FORMAT).contains(&found) => Ok(found),
        (APPLICATION, found) => Err(JournalError::Newer { path: path.to_owned(), found, known: FORMAT }),
        _ => Err(JournalError::Foreign(path.to_owned())),
    }
}

/// Makes the tables, unless somebody else just did.
fn make(connection: &Connection) -> rusqlite::Result<()> {
    // Of a database in this mode, a reader never waits for a writer, nor a writer for a reader.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let made = || {
        if connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))? == 0 {
            connection.execute_batch(SCHEMA)?;
            connection.pragma_update(None, "application_id", APPLICATION)?;
            connection.pragma_update(None, "user_version", FORMAT)?;
        }
        connection.execute_batch("COMMIT")
    };
    made().inspect_err(|_| drop(connection.execute_batch("ROLLBACK")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::{FORMAT, open, open_to_read};
    use crate::journal::JournalError;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn it_is_made_for_nobody_else_and_opened_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(".oneex/journal.db");
        assert!(matches!(open_to_read(&path), Err(JournalError::Missing(_))));
        let first = open(&path).expect("it is made");
        first
            .execute("INSERT INTO ledger (time, kind, body, hash) VALUES (1, 'x', x'', x'')", [])
            .expect("a row");
        for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
        }
        assert_eq!(mode(path.parent().expect("a folder")), 0o700);
        let second = open_to_read(&path).expect("it can be read beside");
        assert_eq!(second.query_row("SELECT count(*) FROM ledger", [], |row| row.get(0)), Ok(1));
        assert!(second.execute("DELETE FROM ledger", []).is_err(), "who reads writes nothing");
    }

    #[test]
    fn several_may_make_it_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.db");
        std::thread::scope(|scope| {
            let open = || drop(open(&path).expect("it is made once"));
            (0..8).for_each(|_| drop(scope.spawn(open)));
        });
    }

    #[test]
    fn what_is_no_journal_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.db");
        let is_foreign = |path: &Path| {
            matches!(
                (open(path), open_to_read(path)),
                (Err(JournalError::Foreign(_)), Err(JournalError::Foreign(_)))
            )
        };
        std::fs::write(&path, "notes of mine, which are long enough to be no header of a database")
            .expect("a file");
        assert!(is_foreign(&path));
        assert!(std::fs::read_to_string(&path).expect("a file").starts_with("notes of mine"));
        std::fs::remove_file(&path).expect("removed");
        rusqlite::Connection::open(&path)
            .expect("a database")
            .execute_batch("CREATE TABLE x (y)")
            .expect("a table");
        assert!(is_foreign(&path), "a database of somebody else");
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.db");
        open(&path).expect("it is made").pragma_update(None, "user_version", FORMAT + 1).expect("set");
        for result in [open(&path), open_to_read(&path)] {
            let error = result.expect_err("it is newer");
            assert!(
                error.to_string().ends_with(&format!(
                    "format {}, and this oneex knows formats up to {FORMAT}",
                    FORMAT + 1
                ))
            );
            assert!(error.hint().is_some());
        }
    }
}
