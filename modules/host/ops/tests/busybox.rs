//! Hosts that have BusyBox and no coreutils.

use std::process::Command;

use oneex_sdk::{FactSource as _, Op, Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::facts::HostFacts;
use crate::host::ops::authorized_keys::AuthorizedKeys;
use crate::host::ops::limits::Limits;
use crate::host::ops::mount::Mount;
use crate::host::ops::sysctl::Sysctl;
use crate::host::ops::tempfile::Tempfile;
use crate::host::ops::wait_file::WaitFile;
use crate::host::ops::{
    Absent, Assemble, Block, Cron, Directory, EnvFile, File, Find, Hardlink, HostsEntry, Ini, JsonValue,
    KnownHost, Line, Link, Read, Replace, Stat, TomlValue, Touch, Write, XmlValue, YamlValue,
};
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
    let below =
        json!({ "path": host.path("a b"), "mode": "u=rwX,g=rX,o=", "group": "daemon", "recurse": true });
    ensures(Directory, &host, below).await;
    assert_eq!([host.mode("a b/c"), host.mode("a b/c/$(x)")], [0o750, 0o640]);
    ensures(Link, &host, json!({ "path": host.path("link"), "target": "a b/c" })).await;
    assert_eq!(std::fs::read_link(host.path("link")).expect("a link"), std::path::Path::new("a b/c"));
}

#[tokio::test]
async fn settings_are_edited_with_busybox_alone() {
    let host = busybox();
    let at = |name: &str| host.path(name);
    for (name, content) in [
        ("ini", "[a]\nx = 1\n"),
        ("env", "A=1\n"),
        ("json", "{ \"a\": [1, 2] }\n"),
        ("yaml", "# top\na:\n  b: 1 # here\n"),
        ("toml", "[a]\nb = 1 # here\n"),
        ("xml", "<a><b>1</b></a>\n"),
        ("hosts", "127.0.0.1 localhost\n"),
        ("text", "a=1\na=2\n"),
        ("block", "first\n"),
    ] {
        host.write(name, content);
    }
    let of = |name: &str, more: Value| {
        let mut options = more;
        options["path"] = json!(at(name));
        options
    };
    ensures(Ini, &host, of("ini", json!({ "section": "a", "option": "y", "value": "two words" }))).await;
    ensures(EnvFile, &host, of("env", json!({ "name": "B", "value": "it's $HOME" }))).await;
    ensures(JsonValue, &host, of("json", json!({ "key": ["a", 1], "value": { "deep": true } }))).await;
    ensures(YamlValue, &host, of("yaml", json!({ "key": "a.b", "value": "on" }))).await;
    ensures(TomlValue, &host, of("toml", json!({ "key": "a.c", "value": [1, 2] }))).await;
    ensures(XmlValue, &host, of("xml", json!({ "xpath": "/a/b", "value": "<2>" }))).await;
    ensures(HostsEntry, &host, of("hosts", json!({ "address": "10.0.0.7", "names": ["web1", "web"] }))).await;
    ensures(Replace, &host, of("text", json!({ "regexp": "^a=\\d", "replace": "b=3" }))).await;
    ensures(Block, &host, of("block", json!({ "block": "x\ny", "marker": "# {mark} z" }))).await;
    for (name, expected) in [
        ("ini", "[a]\nx = 1\ny = two words\n"),
        ("yaml", "# top\na:\n  b: \"on\" # here\n"),
        ("toml", "[a]\nb = 1 # here\nc = [1, 2]\n"),
        ("xml", "<a><b>&lt;2&gt;</b></a>\n"),
        ("hosts", "127.0.0.1 localhost\n10.0.0.7\tweb1 web\n"),
        ("text", "b=3\nb=3\n"),
        ("block", "first\n# BEGIN z\nx\ny\n# END z\n"),
    ] {
        let content = String::from_utf8(host.content(name).expect(name)).expect("text");
        assert_eq!(content, expected, "{name}");
    }
    let json = host.content("json").and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    assert_eq!(json, Some(json!({ "a": [1, { "deep": true }] })));
    let read = Command::new("sh").args(["-c", ". \"$1\"; printf %s \"$A|$B\"", "sh", &at("env")]).output();
    assert_eq!(read.expect("sh runs").stdout, b"1|it's $HOME");
}

#[tokio::test]
async fn names_and_parts_are_made_with_busybox_alone() {
    let host = busybox();
    let at = |name: &str| host.path(name);
    host.write("target", "one\n");
    ensures(Hardlink, &host, json!({ "target": at("target"), "path": at("a b $(x)") })).await;
    assert_eq!(host.content("a b $(x)").as_deref(), Some(&b"one\n"[..]));
    std::fs::create_dir(at("parts")).expect("a folder");
    for (name, content) in [("parts/10", "ten\n"), ("parts/2", "two\n"), ("parts/.hidden", "no\n")] {
        host.write(name, content);
    }
    let whole = json!({
        "src": at("parts"), "path": at("whole"), "remote_src": true, "delimiter": "--", "ignore_hidden": true,
    });
    ensures(Assemble, &host, whole).await;
    assert_eq!(host.content("whole").as_deref(), Some(&b"ten\n--\ntwo\n"[..]));
    let touched = json!({ "path": at("new"), "mode": "0600" });
    assert!(laws::run(Touch, &host, touched).await.expect("it is made").changed);
    assert_eq!((host.content("new"), host.mode("new")), (Some(Vec::new()), 0o600));
    let seen =
        laws::run(WaitFile, &host, json!({ "path": at("whole"), "search_regex": "^two", "timeout": "5s" }));
    assert!(!seen.await.expect("it is there").changed);
    let made =
        laws::run(Tempfile, &host, json!({ "path": host.root(), "state": "directory", "suffix": ".d" }));
    let path = made.await.expect("it is made").output.fields["path"].clone();
    let path = path.as_str().expect("a path");
    assert!(path.ends_with(".d") && std::path::Path::new(path).is_dir(), "{path}");
    ensures(Absent, &host, json!({ "path": path })).await;
    ensures(Absent, &host, json!({ "path": at("parts") })).await;
    assert!(!std::path::Path::new(&at("parts")).exists());
}

#[tokio::test]
async fn what_is_there_is_read_with_busybox_alone() {
    let host = busybox();
    std::fs::create_dir(host.path("d")).expect("a folder");
    for (name, content) in [("d/a.log", "one\n"), ("d/b c.log", "two\n"), ("d/other", "three\n")] {
        host.write(name, content);
    }
    let found =
        laws::run(Find, &host, json!({ "paths": host.path("d"), "patterns": "*.log", "size": "2" })).await;
    let found = found.expect("they are found").output.fields;
    assert_eq!(found["matched"], json!(2), "{found:?}");
    assert_eq!(found["files"][1]["path"], json!(host.path("d/b c.log")));
    let stat = laws::run(Stat, &host, json!({ "path": host.path("d/other"), "checksum": true })).await;
    let stat = stat.expect("it is there").output.fields;
    assert_eq!((&stat["size"], &stat["type"]), (&json!(6), &json!("file")));
    assert_eq!(stat["sha256"].as_str().map(str::len), Some(64));
    let read = laws::run(Read, &host, json!({ "path": host.path("d/a.log") })).await.expect("it is read");
    assert!(read.output.fields.values().any(|value| *value == json!("one\n")), "{:?}", read.output.fields);
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
