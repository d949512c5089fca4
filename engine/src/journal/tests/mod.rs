//! What a journal holds against: changes, damage, full disks, many writers, an earlier part of a run.

mod care;
mod damage;
mod recall;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Began, FORMAT, Past, Reader, Record, Recorder, SealKey, Wanted};
use crate::run::{EventSink, NodeKey, NodeStatus, OpStatus, RunEvent};

/// A journal in a folder of its own.
struct Book {
    folder: tempfile::TempDir,
}

impl Book {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    fn key(&self) -> SealKey {
        SealKey::read_or_make(&self.folder.path().join("key")).expect("a key")
    }

    fn begin(&self, id: &str) -> Recorder {
        begin(&self.path(), id, self.key())
    }

    fn resume(&self, id: &str) -> Recorder {
        Recorder::resume(&self.path(), id, Default::default(), self.key()).expect("it goes on")
    }

    fn past(&self, id: &str) -> Past {
        let reader = Reader::open(&self.path()).expect("a journal");
        Past::read(&reader, &reader.run(id).expect("the run"), &self.key()).expect("it can be read")
    }

    /// Names of events and entries of a run.
    fn kinds(&self, id: &str) -> Vec<&'static str> {
        let reader = Reader::open(&self.path()).expect("a journal");
        let mut kinds = Vec::new();
        let run = reader.run(id).expect("the run");
        reader
            .records(&run, &Wanted::default(), |_, record| -> Result<(), super::JournalError> {
                kinds.push(match record {
                    Record::Event(event) => event.event.name(),
                    Record::Entry(entry) => entry.name(),
                });
                Ok(())
            })
            .expect("it can be read");
        kinds
    }
}

fn begin(path: &Path, id: &str, key: SealKey) -> Recorder {
    let began = Began {
        format: FORMAT,
        id: id.to_owned(),
        name: "site.rhai".to_owned(),
        mode: "run".to_owned(),
        environment: None,
        time: Timestamp::now(),
        origin: Default::default(),
        request: None,
        inputs: Default::default(),
        place: "1".to_owned(),
        drawn: Vec::new(),
    };
    Recorder::begin(path, began, (&[], &Value::Null), key).expect("it begins")
}

/// Emits events into a journal as a run does.
fn sink(recorder: &Recorder) -> EventSink {
    EventSink::new(Arc::default(), vec![recorder.listener()])
}

fn node(task: &str, host: Option<&str>) -> NodeKey {
    NodeKey { task: task.into(), host: host.map(Into::into), item: None }
}

fn started(node: &NodeKey, attempt: u32) -> RunEvent {
    RunEvent::NodeStarted { node: node.clone(), attempt }
}

fn finished(node: &NodeKey, status: NodeStatus, output: Value) -> RunEvent {
    let failure = (status == NodeStatus::Failed)
        .then(|| crate::run::Failure::new(oneex_sdk::ErrorKind::Failed, "it failed"));
    let node = node.clone();
    RunEvent::NodeFinished { node, status, reason: None, failure, output, duration: 1.0, recalled: false }
}

fn operation(node: &NodeKey, place: &str, kind: &'static str, output: Value) -> RunEvent {
    RunEvent::Operation {
        node: node.clone(),
        op: 7,
        name: "exec".to_owned(),
        kind,
        target: "web1".to_owned(),
        subject: "true".to_owned(),
        args: json!({ "command": "true" }),
        status: OpStatus::Done,
        change: None,
        assumes: None,
        failure: None,
        output,
        duration: 0.1,
        position: None,
        place: place.to_owned(),
    }
}

fn run_finished(id: &str, status: crate::run::RunStatus) -> RunEvent {
    RunEvent::RunFinished {
        summary: crate::run::RunSummary {
            id: id.to_owned(),
            name: "site.rhai".to_owned(),
            status,
            summary: "1 ok in 0.1s".to_owned(),
            failed: Vec::new(),
            changed: 3,
            duration: 0.1,
            counts: Default::default(),
        },
    }
}
