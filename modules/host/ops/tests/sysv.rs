//! `service` on a machine whose services are scripts of System V's init alone, over SSH.

use oneex_sdk::{ErrorKind, Value, json};
use oneex_testkit::{RemoteMachine, laws};

use crate::host::ops::service::Service;
use crate::ssh::{SshConnector, SshSettings};

const DEMO: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          demo
# Required-Start:
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: a daemon of a test
### END INIT INFO
daemon() { start-stop-daemon --pidfile /run/demo.pid "$@"; }
case $1 in
start) daemon --start --background --make-pidfile --exec /bin/sleep -- 4711 ;;
stop) daemon --stop --remove-pidfile --retry 5 ;;
restart) "$0" stop; "$0" start ;;
reload) echo again >>/run/reloads ;;
status) daemon --status ;;
*) exit 2 ;;
esac
"#;

const BROKEN: &str = "#!/bin/sh\n[ \"$1\" != status ] || exit 3\necho 'no port is free' >&2\nexit 1\n";

async fn machine() -> RemoteMachine {
    let host = RemoteMachine::boot(SshConnector::new(SshSettings::default())).await;
    for (name, text) in [("demo", DEMO), ("broken", BROKEN)] {
        std::fs::write(host.machine.disk().join("etc/init.d").join(name), text).expect(name);
    }
    // systemd started the machine; from here on nobody sees that.
    host.machine.says("chmod 755 /etc/init.d/demo /etc/init.d/broken; mount -t tmpfs tmpfs /run/systemd");
    host
}

async fn ensure(host: &RemoteMachine, options: &Value) -> String {
    let done = laws::ensures(Service, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    done.change.to_text()
}

#[tokio::test]
async fn scripts_of_init_are_driven() {
    let host = machine().await;
    let says = |text: &str| host.machine.says(text);
    // What the script itself says, and in how many run levels it is started.
    let state = || {
        says("/etc/init.d/demo status >/dev/null 2>&1; echo $?; ls -d /etc/rc?.d/S??demo 2>/dev/null | wc -l")
    };
    for (options, text, after) in [
        (json!({ "name": "demo" }), "", "3\n0"),
        (json!({ "name": "demo", "state": "stopped", "enabled": false }), "", "3\n0"),
        (json!({ "name": "demo", "state": "started" }), "state: stopped → started\n", "0\n0"),
        (json!({ "name": "demo", "enabled": true, "state": "started" }), "enabled: no → yes\n", "0\n4"),
        (
            json!({ "name": "demo", "enabled": false, "state": "stopped" }),
            "enabled: yes → no\nstate: started → stopped\n",
            "3\n0",
        ),
        (json!({ "name": "demo", "enabled": true }), "enabled: no → yes\n", "3\n4"),
        (json!({ "name": "oneex-none", "state": "stopped" }), "", "3\n4"),
    ] {
        assert_eq!(ensure(&host, &options).await, text, "{options}");
        assert_eq!(state(), after, "{options}");
    }

    let process = || says("cat /run/demo.pid");
    laws::run(Service, &host, json!({ "name": "demo", "state": "reloaded" })).await.expect("it starts");
    let first = process();
    assert_eq!(says("tr '\\0' ' ' </proc/$(cat /run/demo.pid)/cmdline"), "/bin/sleep 4711");
    laws::run(Service, &host, json!({ "name": "demo", "state": "reloaded" })).await.expect("it reads again");
    assert_eq!((process(), says("cat /run/reloads")), (first.clone(), "again".to_owned()));
    laws::run(Service, &host, json!({ "name": "demo", "state": "restarted" })).await.expect("it restarts");
    assert_ne!(process(), first);

    for (options, kind, message) in [
        (json!({ "name": "broken", "state": "started" }), ErrorKind::Failed, "cannot start `broken`"),
        (
            json!({ "name": "oneex-none", "state": "started" }),
            ErrorKind::Failed,
            "there is no service `oneex-none`",
        ),
        (
            json!({ "name": "demo", "masked": true }),
            ErrorKind::Invalid,
            "`masked` needs systemd, which does not run on the host",
        ),
    ] {
        let error = laws::run(Service, &host, options.clone()).await.expect_err(message);
        assert_eq!((error.kind, error.message.as_str()), (kind, message), "{options}");
        if message.contains("broken") {
            let said = error.command.expect("the command").output.stderr_text();
            assert!(said.contains("no port is free"), "{said}");
        }
    }
}
