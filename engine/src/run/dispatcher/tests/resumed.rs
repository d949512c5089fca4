//! A run whose journal is cut at any record goes on, and ends as one that nobody disturbed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::random::{Shape, scenario, shape};
use crate::journal::{
    Began, FORMAT, Fault, Intent, JournalError, Past, Reader, Record, Recorder, SealKey, Wanted, verify,
};
use crate::run::scenario::{DONE, Ended, Scenario, code, fails};
use crate::run::{Arbiter, Chronicle, Decision, Fate, NodeStatus, RunEvent};

const ID: &str = "0000-run";

struct Nobody;

impl Arbiter for Nobody {
    fn decide(&self, _: &Intent) -> Fate {
        Fate::Fail
    }
}

fn key(folder: &Path) -> SealKey {
    SealKey::read_or_make(&folder.join("key")).expect("a key")
}

fn chronicle(recorder: Recorder, past: Past) -> Option<(String, Chronicle)> {
    let (place, arbiter) = ("place".to_owned(), Arc::new(Nobody));
    Some((ID.to_owned(), Chronicle { recorder, past, place, arbiter, read: Mutex::default() }))
}

/// The hold of a run that begins.
fn begun(folder: &Path) -> Option<(String, Chronicle)> {
    let began = Began {
        format: FORMAT,
        id: ID.to_owned(),
        name: "test.rhai".to_owned(),
        mode: "run".to_owned(),
        environment: None,
        time: Timestamp::now(),
        origin: Default::default(),
        request: None,
        inputs: BTreeMap::new(),
        place: "place".to_owned(),
        drawn: Vec::new(),
    };
    let recorder = Recorder::begin(&folder.join("journal.db"), began, (&[], &Value::Null), key(folder));
    chronicle(recorder.expect("it begins"), Past::default())
}

/// The hold of a run that goes on.
fn resumed(folder: &Path) -> Option<(String, Chronicle)> {
    let path = folder.join("journal.db");
    let reader = Reader::open(&path).expect("a journal");
    let past = Past::read(&reader, &reader.run(ID).expect("the run"), &key(folder)).expect("it can be read");
    let recorder = Recorder::resume(&path, ID, Default::default(), key(folder)).expect("it goes on");
    chronicle(recorder, past)
}

/// Leaves the first records of the run, as if it had been killed then. Gives how many there are.
fn cut(folder: &Path, records: u64) -> u64 {
    let database = rusqlite::Connection::open(folder.join("journal.db")).expect("a database");
    let last = database.query_row("SELECT last FROM runs", [], |row| row.get::<_, u64>(0)).expect("a run");
    let left = records.clamp(1, last);
    let change = format!(
        "DELETE FROM records WHERE seq > {left};
         UPDATE runs SET last = {left}, ended = NULL, status = NULL, head = (SELECT hash FROM records WHERE seq = {left});
         DELETE FROM ledger WHERE kind = 'ended'"
    );
    database.execute_batch(&change).expect("cut");
    left
}

/// The nodes that had ended well in what is left, and those that had begun a body.
fn known(folder: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let reader = Reader::open(&folder.join("journal.db")).expect("a journal");
    let (mut ended, mut began) = (BTreeSet::new(), BTreeSet::new());
    let each = |_, record| -> Result<(), JournalError> {
        if let Record::Event(event) = record {
            match event.event {
                RunEvent::NodeFinished { node, status, .. } if status.is_well() => {
                    let _ = ended.insert(node.to_string());
                }
                RunEvent::NodeStarted { node, .. } => {
                    let _ = began.insert(node.to_string());
                }
                _ => {}
            }
        }
        Ok(())
    };
    reader.records(&reader.run(ID).expect("the run"), &Wanted::default(), each).expect("it can be read");
    (ended, began)
}

fn begins(ended: &Ended) -> BTreeSet<String> {
    let started = ended.events.iter().filter_map(|event| match event {
        RunEvent::NodeStarted { node, .. } => Some(node.to_string()),
        _ => None,
    });
    started.collect()
}

fn ends(ended: &Ended) -> BTreeMap<String, NodeStatus> {
    ended.ends().map(|(node, status, _)| (node.to_string(), status)).collect()
}

fn faults(folder: &Path) -> Vec<Fault> {
    let faults =
        verify(&Reader::open(&folder.join("journal.db")).expect("a journal")).expect("it can be read");
    // What the test cut out of the ledger is missed, as it should be.
    faults.into_iter().filter(|fault| !matches!(fault, Fault::Ledger(_))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_is_cut_anywhere_ends_as_one_that_is_not(
        shapes in prop::collection::vec(shape(), 1..10),
        parallel: bool,
        block_batch in prop::bool::weighted(0.3),
        cuts in prop::collection::vec(0..400_u64, 1..4),
    ) {
        // What fails stops others, which of them depends on time: of that is the test of attempts below.
        let mut shapes: Vec<Shape> =
            shapes.into_iter().map(Shape::that_goes_well).collect();
        // Handlers of these scenarios notify those before them: too late, and, when the run goes on, in time.
        shapes.iter_mut().filter(|shape| shape.is_handler()).skip(1).for_each(Shape::no_handler);
        let make = || scenario(&shapes, parallel, block_batch);
        let whole = make().run();
        let (expected, all) = (ends(&whole), begins(&whole));
        let folder = tempfile::tempdir().expect("a folder");
        let mut next = Scenario { chronicle: begun(folder.path()), ..make() };
        for at in cuts {
            drop(next.run());
            cut(folder.path(), at);
            next = Scenario { chronicle: resumed(folder.path()), ..make() };
        }
        let (ended, mut began) = known(folder.path());
        let last = next.run();
        prop_assert_eq!(ends(&last), expected, "all ends are those of the whole run");
        let again = begins(&last);
        prop_assert!(ended.is_disjoint(&again), "what had ended began again: {:?}", ended.intersection(&again));
        began.extend(again);
        prop_assert_eq!(began, all, "everything was run");
        drop(last);
        prop_assert_eq!(faults(folder.path()), []);
    }
}

/// Runs a scenario, cuts its journal at each of its records in turn, and goes on; `check` looks at the end.
fn at_every_record(make: &dyn Fn() -> Scenario, check: &dyn Fn(&Ended, u64)) {
    for at in 1.. {
        let folder = tempfile::tempdir().expect("a folder");
        drop(Scenario { chronicle: begun(folder.path()), ..make() }.run());
        let left = cut(folder.path(), at);
        let ended = Scenario { chronicle: resumed(folder.path()), ..make() }.run();
        check(&ended, left);
        drop(ended);
        assert_eq!(faults(folder.path()), [], "{at}");
        if left < at {
            return;
        }
    }
}

#[test]
fn attempts_go_on_with_their_number_wherever_the_run_is_cut() {
    let bodies: Arc<Mutex<HashMap<u32, usize>>> = Arc::default();
    let make = || {
        let mut scenario = Scenario::new("a");
        let bodies = Arc::clone(&bodies);
        let id = scenario.task("flaky", move |call| {
            *bodies.lock().expect("no panic").entry(call.context.attempt).or_default() += 1;
            if call.context.attempt < 3 { fails("not yet") } else { DONE }
        });
        scenario.on(id, "a");
        scenario.at(id).retry = Some(Box::new(crate::graph::Retry {
            times: 3,
            wait: std::time::Duration::ZERO,
            ..crate::graph::Retry::default()
        }));
        scenario
    };
    at_every_record(&make, &|ended, _| {
        assert_eq!(ended.status("flaky [a]"), NodeStatus::Ok);
        let last = ended.events.iter().rev().find_map(|event| match event {
            RunEvent::NodeStarted { attempt, .. } => Some(*attempt),
            _ => None,
        });
        assert!(last.is_none_or(|last| last == 3), "{last:?}");
    });
    let bodies = bodies.lock().expect("no panic");
    // Each run calls each attempt once; of those that go on, each calls only what had not ended.
    assert!(bodies[&1] < bodies[&2] && bodies[&2] < bodies[&3], "{bodies:?}");
}

#[test]
fn a_rescue_and_an_always_that_had_begun_need_no_body() {
    let bodies: Arc<Mutex<usize>> = Arc::default();
    let make = || {
        let mut scenario = Scenario::new("a");
        let counted = Arc::clone(&bodies);
        let id = scenario.task("task", move |_| {
            *counted.lock().expect("no panic") += 1;
            fails("on purpose")
        });
        scenario.on(id, "a");
        scenario.at(id).rescue = Some(code(|call| {
            assert_eq!(call.failure.map(|failure| &*failure.message), Some("on purpose"));
            Ok(Value::from("rescued"))
        }));
        scenario.at(id).always = Some(code(|_| DONE));
        scenario
    };
    let runs = Mutex::new(0);
    at_every_record(&make, &|ended, _| {
        *runs.lock().expect("no panic") += 1;
        assert_eq!(ended.status("task [a]"), NodeStatus::Rescued);
        let outputs = ended.context.outputs.get(crate::graph::TaskId(0)).expect("it has ended");
        assert_eq!(outputs[0].output, "rescued", "what it returned is there");
    });
    let (bodies, runs) = (*bodies.lock().expect("no panic"), *runs.lock().expect("no panic"));
    assert!(bodies > runs && bodies < 2 * runs, "{bodies} bodies in {runs} pairs of runs");
}

#[test]
fn a_gate_is_asked_until_it_is_approved_and_not_again() {
    let make = |approved: bool| {
        let mut scenario = Scenario::new("");
        let gate = scenario.gate("prod");
        let task = scenario.task("task", |_| DONE);
        scenario.sample.needs(task, &[gate]);
        if approved {
            scenario.decisions.insert("prod".to_owned(), Decision::Approved("ada".to_owned()));
        }
        scenario
    };
    let folder = tempfile::tempdir().expect("a folder");
    let first = Scenario { chronicle: begun(folder.path()), ..make(false) }.run();
    assert_eq!(first.status("task"), NodeStatus::Waiting);
    drop(first);
    let second = Scenario { chronicle: resumed(folder.path()), ..make(true) }.run();
    assert_eq!(second.status("task"), NodeStatus::Ok);
    drop(second);
    // Somebody else's run would wait; this one was approved.
    cut(folder.path(), u64::MAX);
    let third = Scenario { chronicle: resumed(folder.path()), ..make(false) }.run();
    assert_eq!(third.status("task"), NodeStatus::Ok);
    let asked = third.events.iter().any(|event| matches!(event, RunEvent::Gate { decision: "asked", .. }));
    assert!(!asked);
}
