//! Operations on a whole machine over SSH: its own accounts, its package manager, its restarts.

use oneex_sdk::{ErrorKind, Reader as _, Value, json};
use oneex_testkit::{RemoteMachine, laws};

use crate::host::facts::HostFacts;
use crate::host::ops::group::Group;
use crate::host::ops::packages::Packages;
use crate::host::ops::reboot::Reboot;
use crate::host::ops::user::User;
use crate::ssh::{SshConnector, SshSettings};

async fn machine() -> RemoteMachine {
    RemoteMachine::boot(SshConnector::new(SshSettings::default())).await
}

/// Makes a repository of two versions of one package, and lets the machine know nothing else.
fn offer_packages(host: &RemoteMachine) {
    host.machine.says(
        "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/* && mkdir /srv/repository \
         && echo 'deb [trusted=yes] copy:/srv/repository ./' >/etc/apt/sources.list && cd /srv/repository \
         && for version in 1.0 2.0; do \
             mkdir -p tree/DEBIAN tree/opt/oneex-hello && echo $version >tree/opt/oneex-hello/version \
             && printf 'Package: oneex-hello\nVersion: %s\nArchitecture: all\nMaintainer: Tests <t@example.org>\n\
         Description: made by a test\n' $version >tree/DEBIAN/control \
             && dpkg-deb --root-owner-group -Znone --build tree hello_$version.deb >/dev/null \
             && { cat tree/DEBIAN/control; printf 'Filename: ./hello_%s.deb\nSize: %s\nSHA256: %s\n\n' $version \
                  $(stat -c %s hello_$version.deb) $(sha256sum hello_$version.deb | cut -c1-64); } >>Packages; done",
    );
}

#[tokio::test]
async fn packages_come_change_and_go() {
    let host = machine().await;
    offer_packages(&host);
    let version = || host.machine.says("cat /opt/oneex-hello/version 2>/dev/null; true");
    for (options, text, after) in [
        (json!({ "names": "oneex-hello=1.0", "update_cache": true }), "package oneex-hello: + 1.0\n", "1.0"),
        (json!({ "names": "oneex-hello" }), "", "1.0"),
        (
            json!({ "names": ["oneex-hello", "sed"], "state": "latest" }),
            "package oneex-hello: 1.0 → 2.0\n",
            "2.0",
        ),
        (json!({ "names": "oneex-hello", "state": "absent" }), "package oneex-hello: - 2.0\n", ""),
        (json!({ "names": "oneex-hello", "state": "absent", "purge": true }), "", ""),
    ] {
        let planned = laws::plan(Packages, &host, options.clone()).await.expect("a plan").to_text();
        let done = laws::run(Packages, &host, options.clone()).await.expect("it is done");
        assert_eq!((planned.as_str(), done.change.to_text().as_str()), (text, text), "{options}");
        let again = laws::run(Packages, &host, options.clone()).await.expect("it is done");
        assert!(!again.changed, "{options}: {}", again.change.to_text());
        assert_eq!(version(), after, "{options}");
    }
}

/// Lets a process of the machine hold the lock of dpkg until there is `/run/release`.
fn hold_the_lock(host: &RemoteMachine) {
    host.machine.says(
        "cat >/run/holder.py <<'END'\n\
         import fcntl, os, time\n\
         lock = open('/var/lib/dpkg/lock-frontend', 'w')\n\
         fcntl.lockf(lock, fcntl.LOCK_EX)\n\
         open('/run/held', 'w').close()\n\
         while not os.path.exists('/run/release'): time.sleep(0.05)\n\
         END\n\
         rm -f /run/release /run/held; systemd-run --quiet python3 /run/holder.py; \
         until test -e /run/held; do sleep 0.05; done",
    );
}

#[tokio::test]
async fn another_package_manager_is_waited_for_and_named() {
    let host = machine().await;
    offer_packages(&host);
    host.machine.says("apt-get -q update");
    hold_the_lock(&host);
    let options = |limit: &str| json!({ "names": "oneex-hello", "lock_timeout": limit });
    let error = laws::run(Packages, &host, options("1s")).await.expect_err("it is never let go");
    let holder = host.machine.says("pgrep -of holder.py");
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}: {:?}", error.command);
    let message =
        format!("process {holder} (python3) holds the lock of `apt-get`, and did not let it go within 1s");
    assert_eq!(error.message, message);
    assert_eq!(error.hint.as_deref(), Some("let it end, or wait longer with `lock_timeout`"));
    let releasing = async {
        while !host.machine.shell("pgrep -x apt-get").status.success() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        host.machine.says("touch /run/release");
    };
    let (done, ()) = tokio::join!(laws::run(Packages, &host, options("5m")), releasing);
    assert!(done.expect("it is let go").changed);
    assert_eq!(host.machine.says("cat /opt/oneex-hello/version"), "2.0");
}

#[tokio::test]
async fn accounts_are_those_of_the_machine() {
    let host = machine().await;
    let hash = "$6$oneex$Xw1yQ4bLrj2Z5Jd8cQp0mVn7TtKk9RfGhUuEeYyAaSs3";
    for (options, text) in [
        (json!({ "name": "crew", "gid": 4711 }), "state: absent → present\ngid: + 4711\n"),
        (json!({ "name": "crew", "gid": 4712 }), "gid: 4711 → 4712\n"),
    ] {
        let done = laws::ensures(Group, &host, options.clone()).await.expect("a group");
        assert_eq!(done.change.to_text(), text, "{options}");
    }
    let user = json!({
        "name": "ada", "uid": 4711, "group": "crew", "groups": ["adm", "users"], "home": "/srv/ada",
        "shell": "/bin/bash", "comment": "Ada $(id)", "password": hash,
    });
    laws::ensures(User, &host, user.clone()).await.expect("a user");
    assert_eq!(host.machine.says("getent passwd ada"), "ada:x:4711:4712:Ada $(id):/srv/ada:/bin/bash");
    assert_eq!(host.machine.says("id -Gn ada"), "crew adm users");
    assert_eq!(host.machine.says("getent shadow ada | cut -d: -f2"), hash);
    assert_eq!(host.machine.says("stat -c '%U %G' /srv/ada"), "ada crew");
    let fewer = json!({ "name": "ada", "groups": ["adm"], "shell": "/bin/sh" });
    let done = laws::ensures(User, &host, fewer).await.expect("a user");
    assert_eq!(done.change.to_text(), "groups: adm, users → adm\nshell: /bin/bash → /bin/sh\n");
    // The group is still the user's own: the tools refuse, and so do we.
    let gone = |name: &str| json!({ "name": name, "state": "absent" });
    let error = laws::run(Group, &host, gone("crew")).await.expect_err("it is in use");
    assert_eq!(error.kind, ErrorKind::Failed);
    let mut leaves = gone("ada");
    leaves["remove"] = Value::Bool(true);
    laws::ensures(User, &host, leaves).await.expect("it is removed");
    laws::ensures(Group, &host, gone("crew")).await.expect("it is removed");
    assert_eq!(
        host.machine.says("getent passwd ada; getent group crew; ls -d /srv/ada 2>/dev/null; true"),
        ""
    );
}

#[tokio::test]
async fn a_restart_is_waited_for() {
    let host = machine().await.with_facts(HostFacts);
    let before = host.facts().await.expect("facts");
    assert_eq!(before["service_manager"], json!("systemd"));
    assert_eq!((&before["hostname"], &before["package_manager"]), (&json!("machine"), &json!("apt")));
    host.machine.says("touch /run/before");
    let options =
        json!({ "timeout": "2m", "test": ["systemctl", "is-active", "ssh"], "message": "it's $(time)" });
    let done = laws::run(Reboot, &host, options).await.expect("it comes back");
    assert_eq!(done.output.fields["rebooted"], json!(true));
    assert_eq!(host.machine.boots(), 2);
    let after = host.facts().await.expect("facts");
    assert_ne!(after["boot_id"], before["boot_id"]);
    assert_eq!(after["boot_id"], json!(host.machine.says("cat /proc/sys/kernel/random/boot_id")));
    assert_eq!(after["machine_id"], before["machine_id"]);
    assert!(!host.machine.shell("test -e /run/before").status.success());
}

#[tokio::test]
async fn a_host_that_does_not_come_back_is_told_in_time() {
    let host = machine().await;
    host.machine.says("systemctl disable ssh");
    let options = json!({ "timeout": "8s" });
    let error = laws::run(Reboot, &host, options).await.expect_err("nobody answers");
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert_eq!(host.machine.boots(), 2);
}
