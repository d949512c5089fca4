//! Changes and damage are found, and named with their place; what cannot be written is known.

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;

use super::{Book, begin, finished, node, operation, run_finished, sink, started};
use crate::journal::{Fault, JournalError, Reader, verify};
use crate::run::{NodeStatus, RunStatus};

/// A journal of two runs that ended well, with a long text.
fn book() -> Book {
    let book = Book::new();
    for id in ["aaaa-1", "bbbb-2"] {
        let recorder = book.begin(id);
        let (sink, web1) = (sink(&recorder), node("deploy", Some("web1")));
        sink.emit(started(&web1, 1));
        sink.emit(operation(&web1, "body/1/1", "action", json!({ "stdout": "line\n".repeat(4000) })));
        sink.emit(finished(&web1, NodeStatus::Changed, json!({})));
        sink.emit(run_finished(id, RunStatus::Ok));
    }
    book
}

fn faults(book: &Book) -> Vec<Fault> {
    verify(&Reader::open(&book.path()).expect("a journal")).expect("it can be read")
}

#[test]
fn what_was_written_is_read_and_is_right() {
    let book = book();
    assert_eq!(book.kinds("aaaa-1"), ["began", "node_started", "operation", "node_finished", "run_finished"]);
    assert_eq!(faults(&book), []);
    let reader = Reader::open(&book.path()).expect("a journal");
    let runs = reader.runs().expect("runs");
    let shown: Vec<_> = runs.iter().map(|run| (&*run.id, run.status.as_deref(), run.changed)).collect();
    assert_eq!(shown, [("bbbb-2", Some("ok"), 3), ("aaaa-1", Some("ok"), 3)]);
    assert_eq!(reader.run("last").expect("the last").id, "bbbb-2");
    assert_eq!(reader.run("aaaa").expect("a part").id, "aaaa-1");
    assert!(matches!(reader.run("cccc"), Err(JournalError::NoRun(_))));
    assert!(matches!(reader.run("a"), Err(JournalError::NoRun(_))), "too short to be meant");
    assert!(!reader.is_alive(&runs[0]));
}

#[test]
fn every_change_is_found_where_it_is() {
    let run = || "aaaa-1".to_owned();
    let listed = |what: &str| Fault::Listed { run: run(), what: what.to_owned() };
    for (change, found) in [
        ("UPDATE records SET body = replace(body, 'web1', 'web2') WHERE run = 1 AND seq = 2", vec![
            Fault::Changed { run: run(), seq: 2 },
        ]),
        ("UPDATE records SET time = time + 1 WHERE run = 1 AND seq = 4", vec![Fault::Changed { run: run(), seq: 4 }]),
        ("UPDATE records SET host = NULL WHERE run = 1 AND seq = 3", vec![Fault::Changed { run: run(), seq: 3 }]),
        ("DELETE FROM records WHERE run = 1 AND seq IN (2, 3)", vec![Fault::Missing { run: run(), from: 2, to: 3 }]),
        ("DELETE FROM records WHERE run = 1 AND seq = 5", vec![
            Fault::Missing { run: run(), from: 5, to: 5 },
            listed("it ended as `ok`"),
        ]),
        // Two records change places.
        (
            "UPDATE records SET seq = -1 WHERE run = 1 AND seq = 2; UPDATE records SET seq = 2 WHERE run = 1 AND seq = 3;
             UPDATE records SET seq = 3 WHERE run = 1 AND seq = -1",
            vec![Fault::Changed { run: run(), seq: 2 }, Fault::Changed { run: run(), seq: 3 }, Fault::Changed { run: run(), seq: 4 }],
        ),
        ("UPDATE runs SET status = 'failed' WHERE number = 1", vec![listed("it ended as `failed`")]),
        // The end is cut off, with all that the list of runs says of it.
        (
            "DELETE FROM records WHERE run = 1 AND seq = 5;
             UPDATE runs SET last = 4, status = NULL, head = (SELECT hash FROM records WHERE run = 1 AND seq = 4) WHERE number = 1",
            vec![listed("it ended with record 5")],
        ),
        ("DELETE FROM records WHERE run = 1; DELETE FROM runs WHERE number = 1", vec![Fault::Removed(run())]),
        ("DELETE FROM ledger WHERE number = 2", vec![Fault::Ledger(3)]),
        ("UPDATE ledger SET body = replace(body, 'aaaa', 'cccc') WHERE number = 1", vec![
            Fault::Ledger(1),
            Fault::Unnamed(run()),
            Fault::Removed("cccc-1".to_owned()),
        ]),
    ] {
        let book = book();
        Connection::open(book.path()).expect("a database").execute_batch(change).expect(change);
        assert_eq!(faults(&book), found, "{change}");
    }
}

#[test]
fn a_long_text_that_is_gone_or_another_is_found() {
    for change in ["DELETE FROM texts", "UPDATE texts SET data = x'789c030000000001'"] {
        let book = book();
        Connection::open(book.path()).expect("a database").execute_batch(change).expect(change);
        let found = faults(&book);
        assert!(
            matches!(found.as_slice(), [Fault::Text { seq: 3, .. }, Fault::Text { seq: 3, .. }]),
            "{change}: {found:?}"
        );
    }
}

#[test]
fn a_damaged_page_is_named_and_nothing_panics() {
    let whole = book();
    // What is still beside the database goes into it.
    Connection::open(whole.path())
        .expect("a database")
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("done");
    let bytes = std::fs::read(whole.path()).expect("the file");
    assert_eq!(bytes.len() % 4096, 0);
    let mut found = 0;
    for page in 0..bytes.len() / 4096 {
        let book = Book::new();
        let mut damaged = bytes.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xa5);
        std::fs::write(book.path(), damaged).expect("the file");
        let verdict = Reader::open(&book.path()).and_then(|reader| verify(&reader));
        found += usize::from(!matches!(verdict, Ok(faults) if faults.is_empty()));
    }
    assert_eq!(found, bytes.len() / 4096, "each page counts");
}

/// Power is lost: of what SQLite writes beside the database, only what was synced is there, and the rest of the file may
/// be anything.
#[test]
fn what_was_synced_survives_a_loss_of_power() {
    let book = Book::new();
    let recorder = book.begin("aaaa-1");
    let (sink, web1) = (sink(&recorder), node("deploy", Some("web1")));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    sink.emit(started(&web1, 1));
    runtime.block_on(recorder.synced()).expect("written");
    let wal = book.path().with_file_name("journal.db-wal");
    let synced = std::fs::metadata(&wal).expect("the log").len();
    (0..50).for_each(|_| sink.emit(operation(&web1, "body/1/1", "read", json!({ "a": 1 }))));
    runtime.block_on(recorder.synced()).expect("written");
    let written = std::fs::read(&wal).expect("the log");
    assert!(written.len() as u64 > synced);
    for length in [synced, synced + 1, synced + 4000, written.len() as u64 - 1] {
        for garbage in [0, 300] {
            let after = Book::new();
            std::fs::copy(book.path(), after.path()).expect("the file");
            let mut log = written[..usize::try_from(length).expect("a length")].to_vec();
            log.extend(vec![0x5a; garbage]);
            std::fs::write(after.path().with_file_name("journal.db-wal"), log).expect("the log");
            let kinds = after.kinds("aaaa-1");
            assert_eq!(kinds[..2], ["began", "node_started"], "{length}");
            assert_eq!(faults(&after), [], "{length}");
            let goes_on = after.resume("aaaa-1");
            drop(goes_on);
            assert_eq!(faults(&after), [], "{length}");
        }
    }
}

#[test]
fn a_journal_that_cannot_be_written_says_so() {
    let book = Book::new();
    let recorder = book.begin("aaaa-1");
    let (sink, web1) = (sink(&recorder), node("deploy", Some("web1")));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    sink.emit(started(&web1, 1));
    runtime.block_on(recorder.synced()).expect("written");
    assert!(recorder.broken().is_none());
    // As far as this process can tell, a table that is gone is a disk that fails.
    Connection::open(book.path())
        .expect("a database")
        .execute_batch("ALTER TABLE records RENAME TO x")
        .expect("done");
    sink.emit(started(&web1, 2));
    let error = runtime.block_on(recorder.synced()).expect_err("it cannot be written");
    assert!(matches!(error, JournalError::Unusable { .. }), "{error}");
    assert!(recorder.broken().is_some());
    assert!(runtime.block_on(recorder.synced()).is_err(), "it stays broken");
    drop((sink, recorder));
    Connection::open(book.path())
        .expect("a database")
        .execute_batch("ALTER TABLE x RENAME TO records")
        .expect("done");
    assert_eq!(book.kinds("aaaa-1"), ["began", "node_started"]);
    assert_eq!(faults(&book), [], "what was written is whole");
}

#[test]
fn twenty_runs_write_to_one_journal_at_once() {
    let book = Arc::new(Book::new());
    std::thread::scope(|scope| {
        for run in 0..20 {
            let book = Arc::clone(&book);
            scope.spawn(move || {
                let id = format!("run-{run:02}");
                let recorder = begin(&book.path(), &id, book.key());
                let (sink, web1) = (sink(&recorder), node("deploy", Some("web1")));
                sink.emit(started(&web1, 1));
                for number in 0..50 {
                    sink.emit(operation(&web1, &format!("body/1/{number}"), "read", json!({})));
                }
                sink.emit(run_finished(&id, RunStatus::Ok));
            });
        }
    });
    assert_eq!(faults(&book), []);
    let runs = Reader::open(&book.path()).expect("a journal").runs().expect("runs");
    assert_eq!(runs.len(), 20);
    assert!(runs.iter().all(|run| run.last == 53 && run.status.as_deref() == Some("ok")));
}
