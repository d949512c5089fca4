//! `service` with a script of `/etc/init.d` and a real daemon.

use oneex_sdk::{ErrorKind, Value, json};
use oneex_testkit::{TestHost, laws};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::host::ops::service::Service;

const SCRIPT: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          oneex-demo
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: a daemon of a test
### END INIT INFO
pidfile=/run/oneex-demo.pid
echo "$1" >>/var/log/verbs
case $1 in
start) start-stop-daemon --start --oknodo --background --make-pidfile --pidfile $pidfile --exec /bin/sleep -- 3600 ;;
stop) start-stop-daemon --stop --oknodo --retry 5 --remove-pidfile --pidfile $pidfile ;;
restart) "$0" stop && "$0" start ;;
reload) exit 0 ;;
status) start-stop-daemon --status --pidfile $pidfile ;;
*) exit 2 ;;
esac
"#;

/// A host without systemd that has the service `oneex-demo`, which ends with it.
struct Machine(TestHost);

impl Machine {
    fn new() -> Self {
        let host = TestHost::new().with_private(&["/etc", "/run", "/var"]);
        for level in ["0", "1", "2", "3", "4", "5", "6", "S"] {
            std::fs::create_dir(host.path(&format!("etc/rc{level}.d"))).expect("a run level");
        }
        for folder in ["etc/init.d", "var/log"] {
            std::fs::create_dir(host.path(folder)).expect(folder);
        }
        let machine = Self(host);
        machine.script("oneex-demo", SCRIPT);
        machine
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.0.write(&format!("etc/init.d/{name}"), text);
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    }

    /// The daemon's process, where it runs.
    fn daemon(&self) -> Option<Pid> {
        let text = String::from_utf8(self.0.content("run/oneex-demo.pid")?).ok()?;
        Pid::from_raw(text.trim().parse().ok()?).filter(|pid| test_kill_process(*pid).is_ok())
    }

    /// What the script was told since the last call, `status` left out.
    fn verbs(&self) -> String {
        let text = String::from_utf8(self.0.content("var/log/verbs").unwrap_or_default()).expect("text");
        self.0.write("var/log/verbs", "");
        text.lines().filter(|verb| *verb != "status").collect::<Vec<_>>().join(" ")
    }

    /// The run levels whose folder has a link of this letter: `S` starts, `K` stops.
    fn levels(&self, letter: char) -> String {
        let has_link = |level: &&str| {
            let entries = std::fs::read_dir(self.0.path(&format!("etc/rc{level}.d"))).expect("a run level");
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(letter))
        };
        ["0", "1", "2", "3", "4", "5", "6"].into_iter().filter(has_link).collect()
    }

    async fn run(&self, options: &Value) -> String {
        let planned = laws::plan(Service, &self.0, options.clone()).await.expect("a plan").to_text();
        let done = laws::run(Service, &self.0, options.clone()).await.unwrap_or_else(|error| {
            panic!("{options}: {error}: {:?}", error.command);
        });
        assert_eq!(done.change.to_text(), planned, "{options}");
        planned
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(pid) = self.daemon() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

#[tokio::test]
async fn a_service_is_started_stopped_and_left_alone() {
    let machine = Machine::new();
    for (options, text, verbs, runs) in [
        (json!({ "name": "oneex-demo" }), "", "", false),
        (json!({ "name": "oneex-demo", "state": "stopped" }), "", "", false),
        (json!({ "name": "oneex-demo", "state": "started" }), "state: stopped → started\n", "start", true),
        (json!({ "name": "oneex-demo", "state": "started" }), "", "", true),
        (json!({ "name": "oneex-demo", "state": "reloaded" }), "state: started → reloaded\n", "reload", true),
        (json!({ "name": "oneex-demo", "state": "stopped" }), "state: started → stopped\n", "stop", false),
        (json!({ "name": "oneex-demo", "state": "reloaded" }), "state: stopped → reloaded\n", "start", true),
    ] {
        assert_eq!(machine.run(&options).await, text, "{options}");
        assert_eq!(machine.verbs(), verbs, "{options}");
        assert_eq!(machine.daemon().is_some(), runs, "{options}");
    }
}

#[tokio::test]
async fn a_restart_brings_another_process_every_time() {
    let machine = Machine::new();
    let restart = json!({ "name": "oneex-demo", "state": "restarted" });
    let mut last = None;
    for text in ["state: stopped → restarted\n", "state: started → restarted\n"] {
        assert_eq!(machine.run(&restart).await, text);
        assert_eq!(machine.verbs(), "restart stop start");
        let daemon = machine.daemon();
        assert!(daemon.is_some() && daemon != last);
        last = daemon;
    }
}

#[tokio::test]
async fn a_service_starts_with_the_host_or_does_not() {
    let machine = Machine::new();
    for (options, text, starts, stops) in [
        (json!({ "name": "oneex-demo", "enabled": false }), "", "", ""),
        (json!({ "name": "oneex-demo", "enabled": true }), "enabled: no → yes\n", "2345", "016"),
        (json!({ "name": "oneex-demo", "enabled": true }), "", "2345", "016"),
        (json!({ "name": "oneex-demo", "enabled": false }), "enabled: yes → no\n", "", "0123456"),
        (json!({ "name": "oneex-demo", "enabled": false }), "", "", "0123456"),
        (json!({ "name": "oneex-demo", "enabled": true }), "enabled: no → yes\n", "2345", "016"),
    ] {
        assert_eq!(machine.run(&options).await, text, "{options}");
        assert_eq!(
            (machine.levels('S').as_str(), machine.levels('K').as_str()),
            (starts, stops),
            "{options}"
        );
        assert_eq!(machine.daemon(), None, "{options}");
    }
    let both = json!({ "name": "oneex-demo", "enabled": false, "state": "started" });
    assert_eq!(machine.run(&both).await, "enabled: yes → no\nstate: stopped → started\n");
    assert!(machine.daemon().is_some());
}

#[tokio::test]
async fn a_look_costs_one_round_trip_and_changes_nothing() {
    let machine = Machine::new();
    // It writes no log, so that all that changes is the operation's doing.
    machine.script("oneex-quiet", &SCRIPT.replace("echo \"$1\" >>/var/log/verbs", ""));
    let options = json!({ "name": "oneex-quiet", "enabled": true, "state": "stopped" });
    let done = laws::ensures(Service, &machine.0, options).await.expect("it is done");
    assert_eq!(done.change.to_text(), "enabled: no → yes\n");
}

#[tokio::test]
async fn a_service_that_is_not_there_can_only_be_stopped() {
    let machine = Machine::new();
    for options in [
        json!({ "name": "oneex-none", "state": "stopped" }),
        json!({ "name": "oneex-none", "enabled": false, "state": "stopped" }),
    ] {
        assert_eq!(machine.run(&options).await, "", "{options}");
    }
    for options in [
        json!({ "name": "oneex-none", "state": "started" }),
        json!({ "name": "oneex-none", "state": "restarted" }),
        json!({ "name": "oneex-none", "enabled": true }),
    ] {
        let error = laws::plan(Service, &machine.0, options.clone()).await.expect_err("it is not there");
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Failed, "there is no service `oneex-none`")
        );
    }
    let masked = json!({ "name": "oneex-demo", "masked": true });
    let error = laws::plan(Service, &machine.0, masked).await.expect_err("no systemd");
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(error.message, "`masked` needs systemd, which does not run on the host");
}

#[tokio::test]
async fn a_script_that_fails_is_shown_with_what_it_said() {
    let machine = Machine::new();
    machine.script("oneex-broken", "#!/bin/sh\n[ \"$1\" = status ] && exit 3\necho no port >&2\nexit 5\n");
    let options = json!({ "name": "oneex-broken", "state": "started" });
    let error = laws::run(Service, &machine.0, options).await.expect_err("it fails");
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Failed, "cannot start `oneex-broken`"));
    let failed = error.command.expect("the command");
    assert_eq!((failed.output.code(), failed.output.stderr_text().as_str()), (5, "no port\n"));
    // A script that does not say when it is to be started cannot be enabled.
    let options = json!({ "name": "oneex-broken", "enabled": true });
    let error = laws::run(Service, &machine.0, options).await.expect_err("it fails");
    assert_eq!(error.message, "cannot enable `oneex-broken`");
    assert!(error.command.is_some_and(|failed| failed.output.stderr_text().contains("no runlevels")));
}

#[tokio::test]
async fn a_machine_without_any_service_manager_is_refused() {
    let host = TestHost::new().with_private(&["/etc", "/run"]);
    let error = laws::plan(Service, &host, json!({ "name": "x" })).await.expect_err("a bare machine");
    assert_eq!(error.message, "the host has neither systemd nor `/etc/init.d`");
}
