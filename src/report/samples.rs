//! A run as hand-made events, for the tests of all reports.

use oneex_engine::diag::{Position, SourceMap};
use oneex_engine::run::{
    Counts, Failure, Level, NodeKey, NodeStatus, OpStatus, RunEvent, RunStatus, RunSummary, Stamped,
};
use oneex_sdk::{Change, ErrorKind, Value, json};

/// A node's name.
pub(crate) fn node(task: &str, host: Option<&str>) -> NodeKey {
    NodeKey { task: task.into(), host: host.map(Into::into), item: None }
}

/// A place in a script.
pub(crate) fn position(file: &str, line: u32, column: u32) -> Position {
    Position { file: file.into(), line, column }
}

/// A failure in a role, with the scripts that it points into.
pub(crate) fn failure() -> (Failure, SourceMap) {
    let sources = SourceMap::default();
    sources.add("shop.rhai", "//! Shop.\ntask(\"release\").run(|h| {\n    deploy::pull(h);\n});\n");
    sources.add("roles/deploy/role.rhai", "fn pull(h) {\n    h.exec([\"docker\", \"pull\", \"shop\"]);\n}\n");
    let failure = Failure {
        operation: Some("exec".into()),
        target: Some("web2".into()),
        command: Some("docker pull shop".into()),
        code: Some(1),
        stdout: Some("Using default tag\n".into()),
        stderr: Some("\x1b[31mError\x1b[0m: no such image\n".into()),
        position: Some(position("roles/deploy/role.rhai", 2, 7)),
        frames: vec![(position("shop.rhai", 3, 13), "in the call of `pull`".into())],
        hints: vec!["look at what the registry has".into()],
        ..Failure::new(ErrorKind::Failed, "`docker pull shop` ended with status 1")
    };
    (failure, sources)
}

/// An operation that has ended.
pub(crate) fn operation(node: &NodeKey, name: &str, subject: &str, status: OpStatus) -> RunEvent {
    RunEvent::Operation {
        node: node.clone(),
        op: 1,
        name: name.into(),
        kind: "ensure",
        target: node.host.as_deref().unwrap_or("localhost").to_owned(),
        subject: subject.into(),
        args: json!({ "path": subject }),
        status,
        change: None,
        assumes: None,
        failure: None,
        output: json!({}),
        duration: 0.02,
        position: Some(position("shop.rhai", 2, 1)),
        place: "body/1/1".to_owned(),
    }
}

/// The same with a change of a file.
pub(crate) fn changed(node: &NodeKey, subject: &str, status: OpStatus) -> RunEvent {
    let mut event = operation(node, "file", subject, status);
    if let RunEvent::Operation { change, .. } = &mut event {
        let mut found = Change::none();
        found.property("mode", Some("0600".into()), Some("0644".into()));
        found.text("content", subject, Some(b"a\nold\n"), Some(b"a\nnew\x1b[2J\n"));
        *change = Some(found);
    }
    event
}

/// The end of a node.
pub(crate) fn finished(node: &NodeKey, status: NodeStatus, duration: f64) -> RunEvent {
    RunEvent::NodeFinished {
        node: node.clone(),
        status,
        reason: None,
        failure: None,
        output: Value::Null,
        duration,
        recalled: false,
    }
}

/// The beginning of a run.
pub(crate) fn started(mode: &'static str, tasks: usize) -> RunEvent {
    RunEvent::RunStarted {
        id: "01890000-0000-7000-8000-000000000000".into(),
        name: "shop.rhai".into(),
        mode,
        environment: Some("staging".into()),
        params: json!({ "version": "v1", "token": "•••" }),
        tasks,
    }
}

/// What the end of a run says.
pub(crate) fn summary(status: RunStatus, text: &str, counts: Counts) -> RunSummary {
    RunSummary {
        id: "01890000-0000-7000-8000-000000000000".into(),
        name: "shop.rhai".into(),
        status,
        summary: text.into(),
        failed: vec![],
        changed: counts.changed,
        duration: 4.2,
        counts,
    }
}

/// A run with a bit of everything, and the scripts that it points into.
pub(crate) fn run() -> (Vec<RunEvent>, SourceMap) {
    let (failure, sources) = failure();
    let (web1, web2) = (node("release", Some("web1")), node("release", Some("web2")));
    let (db, build) = (node("database", Some("db1")), node("build", None));
    let mut action = operation(&web1, "exec", "systemctl restart shop", OpStatus::Done);
    if let RunEvent::Operation { output, duration, .. } = &mut action {
        *output = json!({ "code": 0, "stdout": "one\ntwo\x07\n", "stderr": "" });
        *duration = 2.5;
    }
    let ended =
        |node: &NodeKey, status, reason: Option<&str>, failure: Option<Failure>| RunEvent::NodeFinished {
            node: node.clone(),
            status,
            reason: reason.map(Into::into),
            failure,
            output: Value::Null,
            duration: 3.0,
            recalled: false,
        };
    let unreachable = Failure {
        hints: vec!["try `ssh db1`".into()],
        ..Failure::new(ErrorKind::Unreachable, "`db1` port 22: connection refused")
    };
    let events = vec![
        started("run", 3),
        RunEvent::TaskExpanded {
            task: "release".into(),
            nodes: 2,
            hosts: vec!["web1".into(), "web2".into()],
        },
        RunEvent::BatchStarted { task: "release".into(), batch: 1, hosts: vec!["web1".into()] },
        RunEvent::NodeStarted { node: web1.clone(), attempt: 1 },
        operation(&web1, "directory", "/srv/shop", OpStatus::Ok),
        changed(&web1, "/etc/shop.conf", OpStatus::Changed),
        RunEvent::Notified { node: web1.clone(), handler: "reload".into(), place: "body/1/1".into() },
        action,
        RunEvent::Message {
            node: Some(web1.clone()),
            level: Level::Info,
            text: "two lines\nof \x1b]0;title\x07".into(),
            position: None,
        },
        ended(&web1, NodeStatus::Changed, None, None),
        RunEvent::NodeRetry { node: web2.clone(), attempt: 1, wait: 5.0, failure: failure.clone() },
        RunEvent::NodeStarted { node: web2.clone(), attempt: 2 },
        RunEvent::NodePhase { node: web2.clone(), phase: "rescue" },
        ended(&web2, NodeStatus::Failed, None, Some(failure)),
        ended(&db, NodeStatus::Unreachable, None, Some(unreachable)),
        RunEvent::HostAdded { node: build.clone(), host: "vm1".into(), groups: vec!["web".into()] },
        RunEvent::Message {
            node: None,
            level: Level::Warning,
            text: "`throttle` is larger than the run's forks".into(),
            position: Some(position("shop.rhai", 2, 1)),
        },
        ended(&build, NodeStatus::Skipped, Some("not today"), None),
        RunEvent::Gate {
            gate: "go".into(),
            message: "roll out?".into(),
            decision: "approved",
            by: Some("--approve".into()),
        },
        ended(&node("smoke", Some("web2")), NodeStatus::Blocked, Some("`release` failed"), None),
        RunEvent::Interrupted { signal: "SIGINT".into(), at_once: false },
        RunEvent::Halted { reason: "the lock was lost".into(), hint: Some("see `oneex lock show`".into()) },
        RunEvent::RunFinished {
            summary: RunSummary {
                failed: vec![web2],
                ..summary(RunStatus::Failed, "1 changed, 1 failed in 4.2s", counts())
            },
        },
    ];
    (events, sources)
}

/// Counts of the run above.
pub(crate) fn counts() -> Counts {
    Counts {
        nodes: [
            (NodeStatus::Changed, 1),
            (NodeStatus::Failed, 1),
            (NodeStatus::Unreachable, 1),
            (NodeStatus::Skipped, 1),
            (NodeStatus::Blocked, 1),
        ]
        .into(),
        operations: 3,
        changed: 1,
        certain: 2,
    }
}

/// Events with their places in a stream that began at the epoch, one a second.
pub(crate) fn stamped(events: Vec<RunEvent>) -> Vec<Stamped> {
    let stamp = |(index, event)| Stamped {
        v: oneex_engine::run::EVENT_VERSION,
        seq: index as u64 + 1,
        time: jiff::Timestamp::from_second(index as i64).unwrap(),
        event,
    };
    events.into_iter().enumerate().map(stamp).collect()
}
