//! `service` on a machine that systemd runs, over SSH.

use oneex_sdk::{ErrorKind, OpError, Value, json};
use oneex_testkit::{RemoteMachine, laws};

use crate::host::ops::service::Service;
use crate::ssh::{SshConnector, SshSettings};

const UNITS: &[(&str, &str)] = &[
    (
        "demo.service",
        "[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/sh -c 'echo again >>/run/reloads'\n\
         [Install]\nWantedBy=multi-user.target\n",
    ),
    ("once.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"),
    ("broken.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo no port is free >&2; exit 7'\n"),
    ("wrong.service", "[Service]\nExecStart=no/absolute/path\n"),
    ("many@.service", "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"),
    ("door.socket", "[Socket]\nListenStream=/run/door\nAccept=yes\n[Install]\nWantedBy=multi-user.target\n"),
    ("door@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n"),
];

async fn machine() -> RemoteMachine {
    let host = RemoteMachine::boot(SshConnector::new(SshSettings::default())).await;
    for (name, text) in UNITS {
        std::fs::write(host.machine.disk().join("usr/lib/systemd/system").join(name), text).expect(name);
    }
    host.machine.says("systemctl daemon-reload");
    host
}

/// What `systemctl` says of a unit, apart from oneex: whether it runs, and whether it is enabled.
fn state(host: &RemoteMachine, unit: &str) -> String {
    host.machine.says(&format!("systemctl is-active {unit}; systemctl is-enabled {unit} 2>/dev/null; true"))
}

async fn ensure(host: &RemoteMachine, options: &Value) -> String {
    let planned = laws::plan(Service, host, options.clone()).await.expect("a plan").to_text();
    let done = laws::ensures(Service, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    assert_eq!((done.change.to_text(), done.changed), (planned.clone(), !planned.is_empty()), "{options}");
    planned
}

async fn act(host: &RemoteMachine, options: Value) -> String {
    let done = laws::run(Service, host, options).await.expect("it acts");
    assert!(done.changed);
    done.change.to_text()
}

async fn refusal(host: &RemoteMachine, options: Value) -> OpError {
    laws::run(Service, host, options).await.expect_err("a refusal")
}

#[tokio::test]
async fn units_are_brought_to_every_state_and_stay_there() {
    let host = machine().await;
    for (options, text, after) in [
        (json!({ "name": "demo" }), "", "inactive\ndisabled"),
        (json!({ "name": "demo", "state": "stopped", "enabled": false }), "", "inactive\ndisabled"),
        (json!({ "name": "demo", "state": "started" }), "state: stopped → started\n", "active\ndisabled"),
        (json!({ "name": "demo", "enabled": true }), "enabled: no → yes\n", "active\nenabled"),
        (json!({ "name": "demo.service", "state": "started", "enabled": true }), "", "active\nenabled"),
        (
            json!({ "name": "demo", "state": "stopped", "enabled": false }),
            "enabled: yes → no\nstate: started → stopped\n",
            "inactive\ndisabled",
        ),
        (
            json!({ "name": "demo", "state": "started", "enabled": true }),
            "enabled: no → yes\nstate: stopped → started\n",
            "active\nenabled",
        ),
        (
            json!({ "name": "demo", "masked": true, "state": "stopped", "enabled": false }),
            "masked: no → yes\nenabled: yes → no\nstate: started → stopped\n",
            "inactive\nmasked",
        ),
        (json!({ "name": "demo", "masked": true, "state": "stopped" }), "", "inactive\nmasked"),
        (
            json!({ "name": "demo", "masked": false, "state": "started" }),
            "masked: yes → no\nstate: stopped → started\n",
            "active\ndisabled",
        ),
    ] {
        assert_eq!(ensure(&host, &options).await, text, "{options}");
        assert_eq!(state(&host, "demo"), after, "{options}");
    }
}

#[tokio::test]
async fn units_of_other_kinds_are_brought_too() {
    let host = machine().await;
    for (options, text, after) in [
        (json!({ "name": "once", "state": "started" }), "state: stopped → started\n", "active\nstatic"),
        // Others start it: there is nothing to enable.
        (json!({ "name": "once", "enabled": true }), "", "active\nstatic"),
        (
            json!({ "name": "many@a-b", "state": "started", "enabled": true }),
            "enabled: no → yes\nstate: stopped → started\n",
            "active\nenabled",
        ),
        (
            json!({ "name": "door.socket", "state": "started", "enabled": true }),
            "enabled: no → yes\nstate: stopped → started\n",
            "active\nenabled",
        ),
    ] {
        assert_eq!(ensure(&host, &options).await, text, "{options}");
        assert_eq!(state(&host, options["name"].as_str().expect("a name")), after, "{options}");
    }
    assert_eq!(state(&host, "many@other"), "inactive\ndisabled");
}

#[tokio::test]
async fn restarts_and_reloads_act_each_time() {
    let host = machine().await;
    let process = || host.machine.says("systemctl show -P MainPID demo");
    assert_eq!(
        act(&host, json!({ "name": "demo", "state": "reloaded" })).await,
        "state: stopped → reloaded\n"
    );
    let first = process();
    assert_ne!(first, "0");
    for _ in 0..2 {
        act(&host, json!({ "name": "demo", "state": "reloaded" })).await;
    }
    assert_eq!((process(), host.machine.says("cat /run/reloads")), (first.clone(), "again\nagain".into()));
    let restarted = act(&host, json!({ "name": "demo", "state": "restarted" })).await;
    assert_eq!(restarted, "state: started → restarted\n");
    let second = process();
    assert!(second != first && second != "0");
    // A plan of either does neither.
    let options = json!({ "name": "demo", "state": "restarted" });
    assert_eq!(laws::plan(Service, &host, options).await.expect("a plan").to_text(), restarted);
    assert_eq!(process(), second);
}

#[tokio::test]
async fn unit_files_that_changed_are_read_where_that_is_asked_for() {
    let host = machine().await;
    ensure(&host, &json!({ "name": "demo", "state": "started" })).await;
    let unit = host.machine.disk().join("usr/lib/systemd/system/demo.service");
    std::fs::write(&unit, "[Service]\nExecStart=/bin/sleep 1000000\n").expect("a unit");
    assert_eq!(ensure(&host, &json!({ "name": "demo", "state": "started" })).await, "");
    let options = json!({ "name": "demo", "daemon_reload": true });
    assert_eq!(ensure(&host, &options).await, "unit files: changed on disk → read\n");
    act(&host, json!({ "name": "demo", "state": "restarted", "daemon_reload": true })).await;
    let line = host.machine.says("tr '\\0' ' ' </proc/$(systemctl show -P MainPID demo)/cmdline");
    assert_eq!(line, "/bin/sleep 1000000");
    // A unit that is new needs no word of its own.
    std::fs::write(unit.with_file_name("new.service"), UNITS[0].1).expect("a unit");
    let options = json!({ "name": "new", "state": "started", "enabled": true, "daemon_reload": true });
    assert_eq!(ensure(&host, &options).await, "enabled: no → yes\nstate: stopped → started\n");
    assert_eq!(state(&host, "new"), "active\nenabled");
}

#[tokio::test]
async fn a_unit_that_does_not_start_is_shown_with_its_journal() {
    let host = machine().await;
    let error = refusal(&host, json!({ "name": "broken", "state": "started" })).await;
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Failed, "cannot start `broken`"));
    assert_eq!(error.hint.as_deref(), Some("`journalctl -u broken` on the host says why"));
    let said = error.command.expect("the command").output.stderr_text();
    for part in
        ["Job for broken.service failed", "Active: failed", "code=exited, status=7", "no port is free"]
    {
        assert!(said.contains(part), "`{part}` is missing in {said}");
    }
    let error = refusal(&host, json!({ "name": "wrong", "state": "started" })).await;
    let said = error.command.expect("the command").output.stderr_text();
    assert!(said.contains("bad unit file setting") && said.contains("no/absolute/path"), "{said}");
    ensure(&host, &json!({ "name": "once", "state": "started" })).await;
    let error = refusal(&host, json!({ "name": "once", "state": "reloaded" })).await;
    assert_eq!(error.message, "cannot reload `once`");
}

#[tokio::test]
async fn what_is_not_there_is_said_and_never_started() {
    let host = machine().await;
    for options in [
        json!({ "name": "oneex-none", "state": "started" }),
        json!({ "name": "oneex-none", "state": "restarted" }),
        json!({ "name": "oneex-none", "state": "reloaded" }),
        json!({ "name": "oneex-none", "enabled": true }),
        json!({ "name": "oneex-none", "masked": false }),
    ] {
        let error = refusal(&host, options.clone()).await;
        assert_eq!(error.message, "there is no service `oneex-none`", "{options}");
    }
    for options in [
        json!({ "name": "oneex-none", "state": "stopped" }),
        json!({ "name": "oneex-none", "enabled": false }),
    ] {
        assert_eq!(ensure(&host, &options).await, "", "{options}");
    }
    // What is not there yet can be forbidden.
    let options = json!({ "name": "oneex-none", "masked": true });
    assert_eq!(ensure(&host, &options).await, "masked: no → yes\n");
    ensure(&host, &json!({ "name": "demo", "masked": true })).await;
    let error = refusal(&host, json!({ "name": "demo", "state": "started" })).await;
    let said = error.command.expect("the command").output.stderr_text();
    assert!(said.contains("Unit demo.service is masked"), "{said}");
}

#[tokio::test]
async fn scripts_of_init_are_driven_through_systemd() {
    let host = machine().await;
    let script = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: older\n# Required-Start:\n# Required-Stop:\n\
                  # Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\n\
                  case $1 in start) touch /run/older;; stop) rm -f /run/older;; esac\n";
    std::fs::write(host.machine.disk().join("etc/init.d/older"), script).expect("a script");
    host.machine.says("chmod 755 /etc/init.d/older && systemctl daemon-reload");
    for (options, text, after) in [
        (
            json!({ "name": "older", "state": "started", "enabled": true }),
            "enabled: no → yes\nstate: stopped → started\n",
            "/run/older S",
        ),
        (json!({ "name": "older", "state": "started", "enabled": true }), "", "/run/older S"),
        (
            json!({ "name": "older", "state": "stopped", "enabled": false }),
            "enabled: yes → no\nstate: started → stopped\n",
            "K",
        ),
    ] {
        assert_eq!(ensure(&host, &options).await, text, "{options}");
        let seen = host.machine.says(
            "for f in /run/older /etc/rc3.d/*older; do [ ! -e $f ] || echo $f; done | sed 's/.*rc3.d.\\(.\\).*/\\1/' | tr '\\n' ' '",
        );
        assert_eq!(seen.trim(), after, "{options}");
    }
}
