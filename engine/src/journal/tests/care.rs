//! Pruning, signing, exporting.

use serde_json::{Value, json};

use super::{Book, finished, node, operation, run_finished, sink, started};
use crate::journal::{JournalError, Matching, Reader, RunRow, Signature, SigningKey, prune, verify};
use crate::run::{NodeStatus, RunStatus};

/// A journal of runs that ended well, each on a host of its own, with a long text that all have and one of its own.
fn book(runs: usize) -> Book {
    let book = Book::new();
    for number in 1..=runs {
        let id = format!("run-{number}");
        let recorder = book.begin(&id);
        let (sink, host) = (sink(&recorder), node("deploy", Some(&format!("web{number}"))));
        sink.emit(started(&host, 1));
        let texts = json!({ "all": "same\n".repeat(2000), "own": format!("{number}\n").repeat(20_000) });
        sink.emit(operation(&host, "body/1/1", "action", texts));
        sink.emit(finished(&host, NodeStatus::Changed, json!({})));
        sink.emit(run_finished(&id, RunStatus::Ok));
    }
    book
}

fn runs(book: &Book) -> Vec<RunRow> {
    Reader::open(&book.path()).expect("a journal").runs().expect("runs")
}

fn export(book: &Book, id: &str) -> Vec<Value> {
    let reader = Reader::open(&book.path()).expect("a journal");
    let (run, mut records) = (reader.run(id).expect("the run"), Vec::new());
    reader
        .export(&run, |record| -> Result<(), JournalError> {
            records.push(record);
            Ok(())
        })
        .expect("it can be read");
    records
}

#[test]
fn old_runs_go_and_the_rest_is_as_it_was() {
    let book = book(4);
    let before = export(&book, "run-4");
    let old: Vec<RunRow> = runs(&book).into_iter().skip(2).collect();
    prune(&book.path(), &old, Some("ada")).expect("pruned");
    let left: Vec<String> = runs(&book).into_iter().map(|run| run.id).collect();
    assert_eq!(left, ["run-4", "run-3"]);
    assert_eq!(export(&book, "run-4"), before);
    let reader = Reader::open(&book.path()).expect("a journal");
    assert_eq!(verify(&reader).expect("it can be read"), []);
    let texts = reader.connection.query_row("SELECT count(*) FROM texts", [], |row| row.get::<_, i64>(0));
    assert_eq!(texts, Ok(3), "the one that all have, and one of each that is left");
    prune(&book.path(), &runs(&book), None).expect("pruned");
    assert_eq!(runs(&book), []);
    assert_eq!(verify(&Reader::open(&book.path()).expect("a journal")).expect("it can be read"), []);
}

#[test]
fn a_run_that_goes_on_is_not_removed() {
    let book = book(1);
    let recorder = book.begin("run-2");
    let error = prune(&book.path(), &runs(&book), None).expect_err("one goes on");
    assert!(matches!(error, JournalError::Running(run) if run == "run-2"));
    assert_eq!(runs(&book).len(), 2, "none was removed");
    drop(recorder);
    prune(&book.path(), &runs(&book), None).expect("pruned");
}

#[test]
fn a_signature_holds_as_long_as_nothing_before_it_is_changed() {
    let book = book(2);
    let key = book.folder.path().join("sign.key");
    let reader = Reader::open(&book.path()).expect("a journal");
    let run = reader.run("run-1").expect("the run");
    let signature = SigningKey::read_or_make(&key).expect("a key").sign(&run);
    assert_eq!(SigningKey::read_or_make(&key).expect("the same").sign(&run), signature);
    assert!(signature.holds(&reader).expect("it can be read"));
    let text = serde_json::to_string(&signature).expect("JSON");
    assert_eq!(serde_json::from_str::<Signature>(&text).expect("JSON"), signature);

    for wrong in [
        Signature { run: "run-2".to_owned(), ..signature.clone() },
        Signature { records: 4, ..signature.clone() },
        Signature { head: signature.head.replace(['0', '1'], "2"), ..signature.clone() },
        Signature { signature: String::new(), ..signature.clone() },
        Signature { key: "•".to_owned(), ..signature.clone() },
    ] {
        assert!(!wrong.holds(&reader).expect("it can be read"), "{wrong:?}");
    }
    // Who writes the whole run anew, hashes included, has not the key.
    let change = "UPDATE records SET hash = x'00' WHERE run = 1 AND seq = 5; UPDATE runs SET head = x'00' WHERE number = 1";
    rusqlite::Connection::open(book.path()).expect("a database").execute_batch(change).expect("changed");
    assert!(!signature.holds(&reader).expect("it can be read"));
}

#[test]
fn a_signed_run_may_go_on() {
    let book = Book::new();
    let recorder = book.begin("run-1");
    sink(&recorder).emit(run_finished("run-1", RunStatus::Failed));
    drop(recorder);
    let reader = Reader::open(&book.path()).expect("a journal");
    let key = SigningKey::read_or_make(&book.folder.path().join("sign.key")).expect("a key");
    let signature = key.sign(&reader.run("run-1").expect("the run"));
    drop(book.resume("run-1"));
    assert!(signature.holds(&reader).expect("it can be read"), "what was signed is still there");
}

#[test]
fn an_export_has_everything_but_what_is_sealed() {
    let book = book(1);
    let records = export(&book, "run-1");
    let kinds: Vec<&str> = records.iter().filter_map(|record| record["kind"].as_str()).collect();
    assert_eq!(kinds, ["began", "node_started", "operation", "node_finished", "run_finished"]);
    assert_eq!(records[2]["body"]["output"]["all"], "same\n".repeat(2000));
    let reader = Reader::open(&book.path()).expect("a journal");
    let run = reader.run("run-1").expect("the run");
    for record in &records {
        let hash = reader.hash_of(&run, record["record"].as_u64().expect("a number")).expect("read");
        assert_eq!(record["hash"].as_str(), hash.as_deref());
    }
}

#[test]
fn runs_are_found_by_host_and_task() {
    let book = book(3);
    let reader = Reader::open(&book.path()).expect("a journal");
    for (host, task, found) in [
        (None, None, vec!["run-3", "run-2", "run-1"]),
        (Some("web2"), None, vec!["run-2"]),
        (None, Some("deploy"), vec!["run-3", "run-2", "run-1"]),
        (Some("web2"), Some("deploy"), vec!["run-2"]),
        (Some("web9"), None, vec![]),
        (None, Some("other"), vec![]),
    ] {
        let runs = reader.runs_matching(&Matching { host, task }).expect("runs");
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, found, "{host:?} {task:?}");
    }
}
