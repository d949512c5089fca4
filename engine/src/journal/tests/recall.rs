//! What a run that is resumed knows of its earlier part.

use jiff::Timestamp;
use oneex_sdk::{Change, ErrorKind, Map};
use serde_json::{Value, json};

use super::{Book, finished, node, operation, run_finished, sink, started};
use crate::journal::{Answer, Asked, Entry, Intent, Past, sealed};
use crate::run::{Failure, NodeKey, NodeStatus, OpStatus, RunEvent, RunStatus};

/// A journal with what `write` puts into a run.
fn past(write: impl FnOnce(&dyn Fn(RunEvent), &dyn Fn(Entry))) -> Past {
    let book = Book::new();
    let recorder = book.begin("aaaa-1");
    let sink = sink(&recorder);
    write(&|event| sink.emit(event), &|entry| recorder.record(&entry));
    drop((sink, recorder));
    book.past("aaaa-1")
}

fn asked<'a>(place: &'a str, kind: &'a str, args: &'a Value) -> Asked<'a> {
    Asked { place, name: "exec", target: "web1", args, kind }
}

fn given(output: &Value) -> Answer {
    let fields: Map<String, Value> = output.as_object().cloned().unwrap_or_default();
    Answer::Given { status: OpStatus::Done, change: Change::none(), fields }
}

fn intent(node: &NodeKey, place: &str) -> Intent {
    Intent {
        node: node.clone(),
        place: place.to_owned(),
        op: 9,
        name: "exec".to_owned(),
        target: "web1".to_owned(),
        time: Timestamp::UNIX_EPOCH,
        claim: Some("c".to_owned()),
    }
}

fn failed(node: &NodeKey, place: &str, kind: ErrorKind) -> RunEvent {
    let mut event = operation(node, place, "action", Value::Null);
    if let RunEvent::Operation { status, failure, .. } = &mut event {
        (*status, *failure) = (OpStatus::Failed, Some(Failure::new(kind, "it failed")));
    }
    event
}

/// The end of a node that failed because a call did.
fn failed_by_call(node: &NodeKey) -> RunEvent {
    let mut event = finished(node, NodeStatus::Failed, Value::Null);
    if let RunEvent::NodeFinished { failure: Some(failure), .. } = &mut event {
        failure.operation = Some("exec".to_owned());
    }
    event
}

#[test]
fn what_ended_well_is_not_run_again() {
    let of = |host: &str| node("deploy", Some(host));
    let past = past(|event, _| {
        for (host, status) in [
            ("a", NodeStatus::Ok),
            ("b", NodeStatus::Changed),
            ("c", NodeStatus::Skipped),
            ("d", NodeStatus::Rescued),
            ("e", NodeStatus::Failed),
            ("f", NodeStatus::Unreachable),
            ("g", NodeStatus::Blocked),
            ("h", NodeStatus::Cancelled),
            ("i", NodeStatus::Waiting),
        ] {
            event(started(&of(host), 1));
            event(finished(&of(host), status, json!({ "host": host })));
        }
        event(started(&of("j"), 1));
    });
    let over: Vec<bool> =
        "abcdefghijk".chars().map(|host| past.ended(&of(&host.to_string())).is_some()).collect();
    assert_eq!(over, [true, true, true, true, false, false, false, false, false, false, false]);
    assert_eq!(past.over(), 4);
    assert_eq!(past.ended(&of("b")).expect("it ended").output, json!({ "host": "b" }));
    assert_eq!(past.last_operation(), 0);
}

#[test]
fn a_body_that_was_cut_off_is_answered_what_it_was_answered() {
    let web1 = node("deploy", Some("web1"));
    let (args, other) = (json!({ "command": "true" }), json!({ "command": "false" }));
    let past = past(|event, entry| {
        event(started(&web1, 1));
        event(operation(&web1, "body/1/1", "read", json!({ "code": 0 })));
        event(failed(&web1, "body/1/2", ErrorKind::Failed));
        entry(Entry::Intent(intent(&web1, "body/1/3")));
    });
    let answer = |place, kind, args| past.answer(&web1, asked(place, kind, args));
    assert_eq!(answer("body/1/1", "read", &args), given(&json!({ "code": 0 })));
    assert!(matches!(answer("body/1/2", "action", &args), Answer::Failed(_)), "the script had caught it");
    assert!(matches!(answer("body/1/3", "action", &args), Answer::Unknown(intent) if intent.op == 9));
    assert_eq!(answer("body/1/3", "ensure", &args), Answer::Begun, "to be done again");
    assert_eq!(answer("body/1/4", "action", &args), Answer::New);
    assert!(matches!(answer("body/1/1", "read", &other), Answer::Differs(made) if made.contains("\"true\"")));
    let elsewhere = Asked { target: "web2", ..asked("body/1/1", "read", &args) };
    assert!(matches!(past.answer(&web1, elsewhere), Answer::Differs(_)));
    let elsewhere = Asked { target: "web2", ..asked("body/1/3", "action", &args) };
    assert!(matches!(past.answer(&web1, elsewhere), Answer::Differs(_)), "what was begun counts too");
    assert_eq!(past.answer(&node("deploy", Some("web2")), asked("body/1/1", "read", &args)), Answer::New);
    assert_eq!(past.last_operation(), 9);
}

#[test]
fn what_failed_is_made_again_and_what_was_before_is_not() {
    let web1 = node("deploy", Some("web1"));
    let args = json!({ "command": "true" });
    let past = past(|event, _| {
        event(started(&web1, 1));
        event(operation(&web1, "body/1/1", "action", json!({ "code": 0 })));
        // Two branches side by side: both failed.
        event(failed(&web1, "body/1/2.0.1", ErrorKind::Failed));
        event(failed(&web1, "body/1/2.1.1", ErrorKind::Failed));
        event(operation(&web1, "body/1/2.1.2", "action", json!({ "code": 2 })));
        event(operation(&web1, "always/1/1", "action", json!({})));
        event(failed_by_call(&web1));
    });
    let answer = |place| past.answer(&web1, asked(place, "action", &args));
    assert_eq!(answer("body/1/1"), given(&json!({ "code": 0 })));
    assert_eq!(answer("body/1/2.0.1"), Answer::New);
    assert!(matches!(answer("body/1/2.1.1"), Answer::Failed(_)), "the script had caught it and gone on");
    assert_eq!(answer("body/1/2.1.2"), given(&json!({ "code": 2 })));
    assert_eq!(answer("always/1/1"), Answer::New, "each end has its own");
}

#[test]
fn a_body_that_gave_up_looks_again_and_does_nothing_twice() {
    let web1 = node("deploy", Some("web1"));
    let (args, other) = (json!({ "command": "true" }), json!({ "command": "false" }));
    let past = past(|event, _| {
        event(started(&web1, 1));
        event(operation(&web1, "body/1/1", "action", json!({ "code": 0 })));
        event(operation(&web1, "body/1/2", "read", json!({ "code": 1 })));
        event(operation(&web1, "body/1/3", "action", json!({ "code": 3 })));
        event(operation(&web1, "body/1/4", "action", json!({ "code": 4 })));
        event(finished(&web1, NodeStatus::Failed, Value::Null));
    });
    let answer = |place, kind, args| past.answer(&web1, asked(place, kind, args));
    assert_eq!(answer("body/1/1", "action", &args), given(&json!({ "code": 0 })));
    assert_eq!(answer("body/1/2", "read", &args), Answer::New);
    assert_eq!(answer("body/1/3", "action", &other), Answer::New, "it goes another way");
    assert_eq!(answer("body/1/4", "action", &args), Answer::New, "and what comes after is of that way");
}

#[test]
fn a_second_resume_knows_what_the_first_did() {
    let web1 = node("deploy", Some("web1"));
    let args = json!({ "command": "true" });
    let past = past(|event, _| {
        event(started(&web1, 1));
        event(operation(&web1, "body/1/1", "action", json!({ "code": 0 })));
        event(failed(&web1, "body/1/2", ErrorKind::Failed));
        event(failed_by_call(&web1));
        event(run_finished("aaaa-1", RunStatus::Failed));
        // Resumed, and killed before the call was made again.
        event(started(&web1, 1));
    });
    let answer = |place| past.answer(&web1, asked(place, "action", &args));
    assert_eq!(answer("body/1/1"), given(&json!({ "code": 0 })));
    assert_eq!(answer("body/1/2"), Answer::New);
}

#[test]
fn a_connection_that_was_lost_in_a_command_leaves_it_unknown() {
    let web1 = node("deploy", Some("web1"));
    let args = json!({ "command": "true" });
    let past = past(|event, entry| {
        event(started(&web1, 1));
        entry(Entry::Intent(intent(&web1, "body/1/1")));
        event(failed(&web1, "body/1/1", ErrorKind::Unreachable));
        entry(Entry::Intent(intent(&web1, "body/1/2")));
        entry(Entry::Dropped { node: web1.clone(), place: "body/1/2".to_owned() });
        event(finished(&web1, NodeStatus::Unreachable, Value::Null));
    });
    assert!(matches!(past.answer(&web1, asked("body/1/1", "action", &args)), Answer::Unknown(_)));
    assert_eq!(
        past.answer(&web1, asked("body/1/2", "action", &args)),
        Answer::New,
        "it was cancelled and ended"
    );
}

#[test]
fn attempts_pauses_and_phases_are_as_they_were() {
    let (one, two, three) = (node("one", None), node("two", None), node("three", None));
    let began = Timestamp::now();
    let past = past(|event, entry| {
        event(started(&one, 1));
        let failure = Failure::new(ErrorKind::Failed, "it failed");
        event(RunEvent::NodeRetry { node: one.clone(), attempt: 1, wait: 3600.0, failure: failure.clone() });
        event(started(&two, 3));
        event(started(&three, 1));
        entry(Entry::Turned {
            node: three.clone(),
            phase: "rescue".to_owned(),
            status: NodeStatus::Failed,
            reason: None,
            failure: Some(Box::new(failure)),
            output: Value::Null,
        });
    });
    let (attempt, wait) = past.attempt(&one, began + std::time::Duration::from_secs(600));
    assert!(attempt == 2 && (2990.0..=3001.0).contains(&wait), "{attempt} {wait}");
    assert_eq!(past.attempt(&one, began + std::time::Duration::from_secs(7200)), (2, 0.0));
    assert_eq!(past.attempt(&two, began), (3, 0.0));
    assert_eq!(past.attempt(&node("four", None), began), (1, 0.0));
    let turn = past.turn(&three).expect("it was in its rescue");
    assert_eq!(
        (turn.phase.as_str(), turn.ended.failure.as_ref().map(|failure| &*failure.message)),
        ("rescue", Some("it failed"))
    );
    assert!(past.turn(&one).is_none());
}

#[test]
fn a_handler_that_was_notified_after_it_ran_runs_again() {
    let handler = |host: &str| node("reload", Some(host));
    let notified = |host: &str, place: &str| RunEvent::Notified {
        node: node("config", Some(host)),
        handler: "reload".into(),
        place: place.to_owned(),
    };
    let past = past(|event, _| {
        for host in ["web1", "web2", "web3"] {
            event(notified(host, "body/1/1"));
        }
        for host in ["web1", "web2"] {
            event(finished(&node("config", Some(host)), NodeStatus::Changed, Value::Null));
            event(finished(&handler(host), NodeStatus::Changed, Value::Null));
        }
        event(notified("web2", "body/1/2"));
    });
    assert!(past.ended(&handler("web1")).is_some());
    assert!(past.ended(&handler("web2")).is_none(), "notified again since");
    let still: Vec<String> = past.notified().map(|(handler, node)| format!("{handler} by {node}")).collect();
    assert_eq!(still, ["reload by config [web1]", "reload by config [web2]", "reload by config [web2]"]);
    // A body that runs again says again what it said, which is nothing new; and something that is.
    past.notified_again(&node("config", Some("web1")), "body/1/1", "reload");
    assert!(past.ended(&handler("web1")).is_some());
    past.notified_again(&node("config", Some("web1")), "body/1/9", "reload");
    assert!(past.ended(&handler("web1")).is_none());
}

#[test]
fn batches_gates_hosts_and_draws_are_known() {
    let (maker, other) = (node("make", None), node("other", None));
    let past = past(|event, entry| {
        event(RunEvent::BatchStarted { task: "roll".into(), batch: 2, hosts: Vec::new() });
        for decision in ["asked", "approved"] {
            let by = Some("ada".to_owned());
            event(RunEvent::Gate { gate: "go".into(), message: String::new(), decision, by });
        }
        event(RunEvent::Gate { gate: "stop".into(), message: String::new(), decision: "refused", by: None });
        for node in [&maker, &other] {
            entry(Entry::Host { node: node.clone(), host: json!({ "name": node.task }) });
        }
        event(finished(&maker, NodeStatus::Changed, Value::Null));
        let (place, name) = ("body/1/2".to_owned(), "uuid".to_owned());
        entry(Entry::Drawn { node: other.clone(), place, name, value: json!("u") });
    });
    assert!(past.had_begun("roll", 1) && past.had_begun("roll", 2));
    assert!(!past.had_begun("roll", 3) && !past.had_begun("other", 1));
    assert_eq!(past.approved("go"), Some(&Some("ada".to_owned())));
    assert_eq!(past.approved("stop"), None);
    assert_eq!(past.hosts().collect::<Vec<_>>(), [&json!({ "name": "make" })], "the other task runs again");
    assert_eq!(past.drawn(&other, "body/1/2", "uuid"), Some(&json!("u")));
    assert_eq!(past.drawn(&other, "body/1/2", "time::now"), None);
    assert_eq!(past.drawn(&maker, "body/1/2", "uuid"), None);
}

#[test]
fn what_is_masked_is_known_to_who_has_the_key() {
    let book = Book::new();
    let recorder = book.begin("aaaa-1");
    let (sink, web1) = (sink(&recorder), node("deploy", Some("web1")));
    let seal = |kind: &str, place: &str, value: Value| {
        recorder.seal(&sealed::name(kind, &web1, place), &value).expect("sealed");
    };
    sink.emit(started(&web1, 1));
    seal(
        sealed::CALL,
        "body/1/1",
        json!({ "output": { "token": "canary" }, "change": { "items": [], "unknown": false } }),
    );
    sink.emit(operation(&web1, "body/1/1", "read", json!({ "token": "•••" })));
    recorder.record(&Entry::Drawn {
        node: web1.clone(),
        place: "body/1/2".to_owned(),
        name: "random_password".to_owned(),
        value: json!("•••"),
    });
    seal(sealed::DRAWN, "body/1/2", json!("canary"));
    drop((sink, recorder));
    let past = book.past("aaaa-1");
    let args = json!({ "command": "true" });
    assert_eq!(past.answer(&web1, asked("body/1/1", "read", &args)), given(&json!({ "token": "canary" })));
    assert_eq!(past.drawn(&web1, "body/1/2", "random_password"), Some(&json!("canary")));
    let recorder = book.resume("aaaa-1");
    seal_node(&recorder, &web1);
    drop(recorder);
    assert_eq!(book.past("aaaa-1").ended(&web1).expect("it ended").output, json!("canary"));
    for entry in std::fs::read_dir(book.folder.path()).expect("a folder") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
        assert!(!bytes.windows(6).any(|part| part == b"canary"));
    }
}

fn seal_node(recorder: &crate::journal::Recorder, web1: &NodeKey) {
    recorder.seal(&sealed::name(sealed::NODE, web1, ""), &json!({ "output": "canary" })).expect("sealed");
    sink(recorder).emit(finished(web1, NodeStatus::Changed, json!("•••")));
}
