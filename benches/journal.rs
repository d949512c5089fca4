//! What the journal costs: a hundred thousand operations written down beside the same stream without it, and how soon a run
//! of ten thousand nodes goes on.
//!
//! Guards: writing is done by another thread, in groups, and reading grows in a straight line.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use oneex_engine::journal::{Began, FORMAT, Intent, Past, Reader, Recorder, SealKey, verify};
use oneex_engine::redact::Redactor;
use oneex_engine::run::{EventSink, NodeKey, NodeStatus, OpStatus, RunEvent};
use serde_json::{Value, json};

const OPERATIONS: u64 = 100_000;
const NODES: u64 = 10_000;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let (without, with, written) = operations(&folder.path().join("operations.db"));
    let each = |took: Duration| took.as_secs_f64() * 1e6 / OPERATIONS as f64;
    println!("| {OPERATIONS} operations | µs each |");
    println!("| --- | --- |");
    println!("| their events alone | {:.2} |", each(without));
    println!("| with the journal, to the last event | {:.2} |", each(with));
    println!("| with the journal, to the last byte | {:.2} |", each(written));
    println!("| beyond the run without it | {:.2} |", each(written.saturating_sub(without)));
    println!("| looked through by `verify` | {:.2} |", each(verified(&folder.path().join("operations.db"))));
    println!("\n{}", intents(&folder.path().join("intents.db")));
    println!("{}", resumed(&folder.path().join("nodes.db")));
}

fn key(path: &Path) -> SealKey {
    SealKey::read_or_make(&path.with_extension("key")).expect("a key")
}

fn begin(path: &Path) -> Recorder {
    let began = Began {
        format: FORMAT,
        id: "0000-bench".to_owned(),
        name: "bench.rhai".to_owned(),
        mode: "run".to_owned(),
        environment: None,
        time: Timestamp::now(),
        origin: Default::default(),
        request: None,
        inputs: Default::default(),
        place: "place".to_owned(),
        drawn: Vec::new(),
    };
    Recorder::begin(path, began, (&[], &Value::Null), key(path)).expect("it begins")
}

fn node(number: u64) -> NodeKey {
    NodeKey { task: "deploy".into(), host: Some(format!("web{number}").into()), item: None }
}

/// One as `h.exec` leaves it.
fn operation(number: u64, node: &NodeKey) -> RunEvent {
    RunEvent::Operation {
        node: node.clone(),
        op: number,
        name: "exec".to_owned(),
        kind: "action",
        target: "web1".to_owned(),
        subject: "systemctl is-active shop".to_owned(),
        args: json!({ "command": "systemctl is-active shop", "ok_codes": [0] }),
        status: OpStatus::Done,
        change: None,
        assumes: None,
        failure: None,
        output: json!({ "stdout": "active", "raw": "active\n", "stderr": "", "code": 0, "ok": true, "lines": ["active"] }),
        duration: 0.01,
        position: None,
        place: format!("body/1/{number}"),
    }
}

fn emit(sink: &EventSink) -> Duration {
    let (web1, began) = (node(1), Instant::now());
    (1..=OPERATIONS).for_each(|number| sink.emit(operation(number, &web1)));
    began.elapsed()
}

/// Without the journal; with it, to the last event and to the last byte.
fn operations(path: &Path) -> (Duration, Duration, Duration) {
    let redactor = Arc::new(Redactor::default());
    let without = emit(&EventSink::new(Arc::clone(&redactor), Vec::new()));
    let recorder = begin(path);
    let sink = EventSink::new(redactor, vec![recorder.listener()]);
    let began = Instant::now();
    let with = emit(&sink);
    drop((sink, recorder));
    (without, with, began.elapsed())
}

fn verified(path: &Path) -> Duration {
    let began = Instant::now();
    assert!(verify(&Reader::open(path).expect("a journal")).expect("it can be read").is_empty());
    began.elapsed()
}

/// What waits for the disk: one after the other, and from ten hosts at once.
fn intents(path: &Path) -> String {
    const EACH: u64 = 200;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let recorder = begin(path);
    let intend = |number: u64| Intent {
        node: node(number),
        place: "body/1/1".to_owned(),
        op: number,
        name: "exec".to_owned(),
        target: "web1".to_owned(),
        time: Timestamp::now(),
        claim: None,
    };
    let times = |hosts: u64| {
        let began = Instant::now();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..hosts)
                .map(|host| {
                    let recorder = recorder.clone();
                    tokio::spawn(async move {
                        for _ in 0..EACH {
                            recorder.intend(intend(host)).await.expect("written");
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("no panic");
            }
        });
        began.elapsed().as_secs_f64() * 1e3 / EACH as f64
    };
    format!("a call waits for the disk: alone {:.2} ms, ten at once {:.2} ms", times(1), times(10))
}

/// How long a run of many nodes, of which nearly all have ended, takes to know that.
fn resumed(path: &Path) -> String {
    let recorder = begin(path);
    let sink = EventSink::new(Arc::new(Redactor::default()), vec![recorder.listener()]);
    for number in 1..=NODES {
        let node = node(number);
        sink.emit(RunEvent::NodeStarted { node: node.clone(), attempt: 1 });
        (0..3).for_each(|call| sink.emit(operation(3 * number + call, &node)));
        sink.emit(RunEvent::NodeFinished {
            node,
            status: NodeStatus::Changed,
            reason: None,
            failure: None,
            output: Value::Null,
            duration: 0.1,
            recalled: false,
        });
    }
    drop((sink, recorder));
    let began = Instant::now();
    let reader = Reader::open(path).expect("a journal");
    let run = reader.run("last").expect("the run");
    let past = Past::read(&reader, &run, &key(path)).expect("it can be read");
    let took = began.elapsed().as_secs_f64();
    format!("a run of {NODES} nodes with 3 calls each goes on after {took:.2} s: {} have ended", past.over())
}
