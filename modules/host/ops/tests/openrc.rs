//! `service` on a machine whose services OpenRC starts, over SSH.

use std::path::Path;
use std::process::{Command, Stdio};

use oneex_sdk::{ErrorKind, Value, json};
use oneex_testkit::{RemoteMachine, laws};

use crate::host::ops::service::Service;
use crate::ssh::{SshConnector, SshSettings};

const DEMO: &str = r#"#!/sbin/openrc-run
description="a daemon of a test"
command=/bin/sleep
command_args=4711
command_background=yes
pidfile=/run/demo.pid
extra_started_commands=reload
reload() { echo again >>/run/reloads; }
"#;

const BROKEN: &str = "#!/sbin/openrc-run\nstart() { eerror 'no port is free'; return 1; }\n";

/// Unpacks the packages that `tests/setup.sh` fetched onto the disk of a machine.
fn unpack(disk: &Path) {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/openrc");
    let packages = std::fs::read_dir(&fetched).map(|entries| entries.flatten().collect::<Vec<_>>());
    let packages = packages.unwrap_or_default();
    assert!(packages.len() >= 3, "OpenRC is missing in `{}`: run `tests/setup.sh`", fetched.display());
    for package in packages {
        let mut content = Command::new("dpkg-deb")
            .arg("--fsys-tarfile")
            .arg(package.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`dpkg-deb` runs");
        let unpacked = Command::new("tar")
            .args(["--extract", "--keep-directory-symlink", "--directory"])
            .arg(disk)
            .stdin(content.stdout.take().expect("piped"))
            .status();
        assert!(unpacked.expect("`tar` runs").success() && content.wait().expect("it ends").success());
    }
}

async fn machine() -> RemoteMachine {
    let host = RemoteMachine::boot(SshConnector::new(SshSettings::default())).await;
    unpack(&host.machine.disk());
    for (name, text) in [("demo", DEMO), ("broken", BROKEN)] {
        std::fs::write(host.machine.disk().join("etc/init.d").join(name), text).expect(name);
    }
    // systemd started the machine; from here on nobody sees that, and OpenRC believes that it did.
    host.machine.says(
        "chmod 755 /etc/init.d/demo /etc/init.d/broken; ldconfig; mount -t tmpfs tmpfs /run/systemd; \
         echo rc_sys=lxc >>/etc/rc.conf; cd /run && mkdir openrc && cd openrc && echo default >softlevel && \
         mkdir daemons exclusive failed hotplugged inactive options scheduled started starting stopping tmp wasinactive",
    );
    host
}

async fn ensure(host: &RemoteMachine, options: &Value) -> String {
    let done = laws::ensures(Service, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    done.change.to_text()
}

#[tokio::test]
async fn openrc_is_driven() {
    let host = machine().await;
    let says = |text: &str| host.machine.says(text);
    // What OpenRC itself says: the state, and the run levels.
    let state = || {
        says(
            "rc-service demo status >/dev/null 2>&1; echo $?; ls -d /etc/runlevels/*/demo 2>/dev/null || true",
        )
    };
    for (options, text, after) in [
        (json!({ "name": "demo" }), "", "3"),
        (json!({ "name": "demo", "state": "stopped", "enabled": false }), "", "3"),
        (json!({ "name": "demo", "state": "started" }), "state: stopped → started\n", "0"),
        (
            json!({ "name": "demo", "enabled": true, "state": "started" }),
            "enabled: no → yes\n",
            "0\n/etc/runlevels/default/demo",
        ),
        (
            json!({ "name": "demo", "enabled": true, "runlevel": "boot" }),
            "enabled: no → yes\n",
            "0\n/etc/runlevels/boot/demo\n/etc/runlevels/default/demo",
        ),
        (
            json!({ "name": "demo", "enabled": false, "state": "stopped" }),
            "enabled: yes → no\nstate: started → stopped\n",
            "3\n/etc/runlevels/boot/demo",
        ),
        (json!({ "name": "demo", "enabled": false, "runlevel": "boot" }), "enabled: yes → no\n", "3"),
        (json!({ "name": "oneex-none", "state": "stopped" }), "", "3"),
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
}

#[tokio::test]
async fn what_openrc_refuses_is_told() {
    let host = machine().await;
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
        (
            json!({ "name": "demo", "enabled": true, "runlevel": "oneex-none" }),
            ErrorKind::Failed,
            "cannot enable `demo`",
        ),
        (
            json!({ "name": "demo", "runlevel": "../.." }),
            ErrorKind::Invalid,
            "`runlevel`: `../..` cannot be the name of one",
        ),
    ] {
        let error = laws::run(Service, &host, options.clone()).await.expect_err(message);
        assert_eq!((error.kind, error.message.as_str()), (kind, message), "{options}");
        if message.contains("broken") {
            let said = error.command.expect("the command").output;
            let said = said.stdout_text() + &said.stderr_text();
            assert!(said.contains("no port is free"), "{said}");
        }
    }
}
