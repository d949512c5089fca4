//! What `systemd_unit` decides from what systemd says.

use oneex_sdk::{Value, json};
use oneex_testkit::{FakeHost, laws};

use crate::host::ops::systemd_unit::{Params, SystemdUnit, verbs};
use crate::host::services::parse;

const RUNS: &str =
    "systemd\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n";
const STALE: &str =
    "systemd\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\nNeedDaemonReload=yes\n";
const STATIC: &str =
    "systemd\nLoadState=loaded\nActiveState=inactive\nUnitFileState=static\nNeedDaemonReload=no\n";
const NONE: &str =
    "systemd\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n";
const FILE: &str = "[Service]\nExecStart=/bin/true\n";

/// What is said of a unit with the file `FILE`, or without one, that is to have a file: what differs, and the
/// verbs before and after.
async fn decide(said: &str, is_there: bool, options: &Value) -> (Vec<String>, String) {
    let file = match is_there {
        true => format!("stat 81a4 0 0 {} 0 0 0 1 1 1 root root\ncontent\n{FILE}", FILE.len()),
        false => "absent\n".to_owned(),
    };
    let host = FakeHost::new().answer("ask", &format!("{said}--\nL3g=\n{file}"));
    let change = laws::plan(SystemdUnit, &host, options.clone()).await.expect("a plan");
    let params: Params = serde_json::from_value(options.clone()).expect("options");
    let found = parse(said).expect("systemd");
    let (before, after) =
        if change.is_empty() { Default::default() } else { verbs(&params, &found, &change) };
    let whats = change.items.into_iter().map(|item| item.what).collect();
    (whats, [before, vec!["|"], after].concat().join(" "))
}

#[tokio::test]
async fn decisions() {
    let other = "[Service]\nExecStart=/bin/false\n";
    for (said, is_there, options, whats, expected) in [
        (RUNS, true, json!({ "content": FILE }), vec![], "|"),
        (RUNS, true, json!({ "content": FILE, "state": "started", "enabled": true }), vec![], "|"),
        (RUNS, true, json!({ "content": other }), vec!["content"], "| daemon-reload"),
        (
            RUNS,
            true,
            json!({ "content": other, "restart": true }),
            vec!["content"],
            "| daemon-reload restart",
        ),
        (
            RUNS,
            true,
            json!({ "content": other, "enabled": true }),
            vec!["content"],
            "| daemon-reload reenable",
        ),
        (RUNS, true, json!({ "content": FILE, "restart": true }), vec![], "|"),
        (
            RUNS,
            true,
            json!({ "content": FILE, "state": "stopped", "enabled": false }),
            vec!["enabled", "state"],
            "| disable stop",
        ),
        (
            NONE,
            false,
            json!({ "content": FILE, "state": "started", "enabled": true, "restart": true }),
            vec!["content", "enabled", "state"],
            "| daemon-reload enable start",
        ),
        (
            NONE,
            false,
            json!({ "content": FILE, "state": "stopped", "enabled": false }),
            vec!["content"],
            "| daemon-reload",
        ),
        // Others start it: there is nothing to enable.
        (STATIC, true, json!({ "content": FILE, "enabled": true }), vec![], "|"),
        // Somebody else changed a file of the unit.
        (STALE, true, json!({ "content": FILE }), vec!["unit files"], "| daemon-reload"),
        (
            STALE,
            true,
            json!({ "content": FILE, "state": "started" }),
            vec!["state", "unit files"],
            "| daemon-reload start",
        ),
        (RUNS, true, json!({ "state": "absent" }), vec!["file"], "stop disable | daemon-reload"),
        (NONE, false, json!({ "state": "absent" }), vec![], "|"),
        (RUNS, true, json!({ "state": "absent", "drop_in": "x" }), vec!["file"], "| daemon-reload"),
        (
            RUNS,
            true,
            json!({ "state": "absent", "drop_in": "x", "restart": true }),
            vec!["file"],
            "| daemon-reload restart",
        ),
    ] {
        let mut options = options;
        options["name"] = json!("x.service");
        let (found, done) = decide(said, is_there, &options).await;
        assert_eq!(
            (found, done.as_str()),
            (whats.into_iter().map(str::to_owned).collect(), expected),
            "{options}"
        );
    }
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = FakeHost::new().answer("ask", "none\n--\nL3g=\nabsent\n");
    for (options, message) in [
        (json!({ "name": "shop", "content": FILE }), "`shop` is not the whole name of a unit"),
        (json!({ "name": "../x.service", "content": FILE }), "is not the name of a service"),
        (json!({ "name": "-x.service", "content": FILE }), "is not the name of a service"),
        (json!({ "name": "x.service" }), "`systemd_unit` needs the option `content`"),
        (json!({ "name": "x.service", "content": "ExecStart=/bin/true" }), "`content` has no section"),
        (
            json!({ "name": "x.service", "content": FILE, "state": "absent" }),
            "`content` and `state: \"absent\"` exclude each other",
        ),
        (
            json!({ "name": "x.service", "content": FILE, "drop_in": "a/b" }),
            "`drop_in`: `a/b` cannot be its name",
        ),
        (json!({ "name": "x.service", "content": FILE }), "systemd does not run on the host"),
    ] {
        let error = laws::plan(SystemdUnit, &host, options).await.expect_err(message);
        assert!(error.message.contains(message), "{}", error.message);
    }
}
