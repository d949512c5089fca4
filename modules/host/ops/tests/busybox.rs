//! Hosts that have BusyBox and no coreutils.

use std::process::Command;

use oneex_sdk::{FactSource as _, Op, Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::facts::HostFacts;
use crate::host::ops::authorized_keys::AuthorizedKeys;
use crate::host::ops::cron::Cron;
use crate::host::ops::directory::Directory;
use crate::host::ops::file::File;
use crate::host::ops::known_host::KnownHost;
use crate::host::ops::limits::Limits;
use crate::host::ops::line::Line;
use crate::host::ops::link::Link;
use crate::host::ops::mount::Mount;
use crate::host::ops::sysctl::Sysctl;
use crate::host::ops::write::Write;
use crate::host::system::test_key as key;

/// A host whose programs are all BusyBox, its shell too.
fn busybox() -> TestHost {
    let host = TestHost::new();
    let programs = host.path("bin");
    std::fs::create_dir(&programs).expect("a folder");
    let installed = Command::new("busybox").args(["--install", "-s", &programs]).status();
    assert!(
        installed.is_ok_and(|status| status.success()),
        "`busybox` is missing: `tests/setup.sh` installs it"
    );
    host.with_search_path(programs)
}

async fn ensures<O: Op>(op: O, host: &TestHost, options: Value) {
    let done = laws::ensures(op, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    assert!(done.changed, "{options}");
}

#[tokio::test]
async fn files_are_brought_with_busybox_alone() {
    let host = busybox();
    ensures(Directory, &host, json!({ "path": host.path("a b/c"), "mode": "0750" })).await;
    assert_eq!(host.mode("a b/c"), 0o750);
    let path = host.path("a b/c/$(x)");
    ensures(Write, &host, json!({ "path": path, "content": "one\ntwo\n", "mode": "0640" })).await;
    ensures(Line, &host, json!({ "path": path, "line": "three" })).await;
    assert_eq!(host.content("a b/c/$(x)").as_deref(), Some(&b"one\ntwo\nthree\n"[..]));
    ensures(File, &host, json!({ "path": path, "mode": "u=rw,go=" })).await;
    assert_eq!(host.mode("a b/c/$(x)"), 0o600);
    ensures(Link, &host, json!({ "path": host.path("link"), "target": "a b/c" })).await;
    assert_eq!(std::fs::read_link(host.path("link")).expect("a link"), std::path::Path::new("a b/c"));
}

#[tokio::test]
async fn facts_are_gathered_with_busybox_alone() {
    let host = busybox();
    let facts = HostFacts.gather(&host).await.expect("facts");
    assert_eq!(facts["system"], "Linux");
    assert!(facts["memory"]["total_mb"].as_u64().is_some_and(|size| size > 16));
    assert!(facts["uptime_seconds"].as_u64().is_some());
    assert_eq!(host.round_trips(), 1);
}

#[tokio::test]
async fn what_a_system_is_set_up_by_is_brought_with_busybox_alone() {
    let host = busybox();
    let at = |name: &str| host.path(name);
    host.write("fstab", "proc /proc proc defaults 0 0\n");
    ensures(AuthorizedKeys, &host, json!({ "user": "root", "key": key(1), "path": at("a b") })).await;
    ensures(KnownHost, &host, json!({ "name": "web1", "key": key(2), "path": at("known") })).await;
    ensures(Limits, &host, json!({ "domain": "*", "limit_item": "core", "value": 0, "dest": at("limits") }))
        .await;
    let job = json!({ "name": "x", "job": "/bin/x", "user": "root", "hour": 3, "cron_file": at("jobs") });
    ensures(Cron, &host, job).await;
    let setting = json!({ "name": "vm.swappiness", "value": 9, "sysctl_set": false, "sysctl_file": at("s") });
    ensures(Sysctl, &host, setting).await;
    let disk = json!({
        "path": "/srv/a b", "src": "/dev/oneex-none", "fstype": "ext4", "state": "present", "fstab": at("fstab"),
    });
    ensures(Mount, &host, disk).await;
    for (name, expected) in [
        ("a b", format!("{}\n", key(1))),
        ("known", format!("web1 {}\n", key(2))),
        ("limits", "*\t-\tcore\t0\n".to_owned()),
        ("jobs", "#Ansible: x\n* 3 * * * root /bin/x\n".to_owned()),
        ("s", "vm.swappiness=9\n".to_owned()),
        (
            "fstab",
            "proc /proc proc defaults 0 0\n/dev/oneex-none /srv/a\\040b ext4 defaults 0 0\n".to_owned(),
        ),
    ] {
        assert_eq!(host.content(name), Some(expected.into_bytes()), "{name}");
    }
}
