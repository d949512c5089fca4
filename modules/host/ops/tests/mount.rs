//! `mount` over an fstab of the test's own, and on a whole machine.

use oneex_sdk::{Value, json};
use oneex_testkit::{RemoteMachine, TestHost, laws};

use crate::host::ops::mount::Mount;
use crate::ssh::{SshConnector, SshSettings};

#[tokio::test]
async fn decisions_over_fstab() {
    let line = "tmpfs /srv/a\\040b tmpfs size=1m,ro 0 0\n";
    for (before, options, after) in [
        ("", json!({ "opts": ["size=1m", "ro"], "state": "present" }), line),
        ("# x\n", json!({ "opts": "size=1m,ro", "state": "present" }), &*format!("# x\n{line}")),
        (
            "tmpfs\t/srv/a\\040b\ttmpfs\tdefaults,ro,size=1m\n",
            json!({ "opts": "size=1m,ro", "state": "present" }),
            "tmpfs\t/srv/a\\040b\ttmpfs\tdefaults,ro,size=1m\n",
        ),
        (
            "tmpfs /srv/a\\040b tmpfs ro\nx /y z\n",
            json!({ "opts": "size=1m,ro", "state": "present" }),
            &format!("{line}x /y z\n"),
        ),
        ("tmpfs /srv/a\\040b tmpfs ro\nx /y z\n", json!({ "state": "absent" }), "x /y z\n"),
        ("x /y z\n", json!({ "state": "absent" }), "x /y z\n"),
        ("tmpfs /srv/a\\040b tmpfs ro\n", json!({ "state": "unmounted" }), "tmpfs /srv/a\\040b tmpfs ro\n"),
    ] {
        let host = TestHost::new();
        let mut options = options;
        for (name, value) in
            [("path", json!("/srv/a b/")), ("src", json!("tmpfs")), ("fstype", json!("tmpfs"))]
        {
            options[name] = value;
        }
        options["fstab"] = json!(host.write("fstab", before));
        let done = laws::ensures(Mount, &host, options.clone()).await.expect("it is edited");
        assert_eq!(done.changed, before != after, "{options}");
        assert_eq!(host.content("fstab").as_deref(), Some(after.as_bytes()), "{options}");
        assert_eq!(host.round_trips(), 4 + u64::from(done.changed));
    }
    let prepare = |host: &TestHost| {
        let fstab = host.write("fstab", "x /y z\n");
        json!({ "path": "/srv", "src": "a", "fstype": "b", "state": "present", "fstab": fstab })
    };
    laws::survives_cuts(Mount, prepare, |host: &TestHost| host.content("fstab")).await;
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = TestHost::new();
    std::os::unix::fs::symlink("/usr", host.path("link")).expect("a link");
    for (options, message) in [
        (json!({ "path": "srv", "state": "absent" }), "`srv` is not an absolute path"),
        (json!({ "path": "/srv", "state": "mounted", "fstype": "x" }), "`mount` needs the option `src`"),
        (json!({ "path": "/srv", "state": "present", "src": "x" }), "`mount` needs the option `fstype`"),
        (json!({ "path": "/s\nrv", "state": "absent" }), "fstab cannot hold control characters"),
        (json!({ "path": "/srv" }), "`mount` needs the option `state`"),
        (json!({ "path": host.path("link"), "state": "unmounted" }), "leads over a symbolic link to `/usr`"),
    ] {
        let mut options = options;
        options["fstab"] = json!(host.path("fstab"));
        let error = laws::run(Mount, &host, options).await.expect_err(message);
        assert!(error.message.contains(message), "{}", error.message);
    }
}

async fn ensure(host: &RemoteMachine, options: &Value) -> Vec<String> {
    let done = laws::ensures(Mount, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    done.change.items.into_iter().map(|item| item.what).collect()
}

#[tokio::test]
async fn a_machine_mounts_what_fstab_says_and_nothing_else() {
    let host = RemoteMachine::boot(SshConnector::new(SshSettings::default())).await;
    let says = |text: &str| host.machine.says(text);
    let place = "/srv/a b";
    let options = |opts: &str, state: &str| json!({ "path": place, "src": "scratch", "fstype": "tmpfs", "opts": opts, "state": state });
    let held = || says("findmnt -no OPTIONS '/srv/a b' || true");

    assert_eq!(ensure(&host, &options("size=64k,nodev", "mounted")).await, ["state", "content"]);
    assert!(held().contains("nodev") && held().contains("size=64k"), "{}", held());
    assert_eq!(says("tail -n 1 /etc/fstab"), "scratch /srv/a\\040b tmpfs size=64k,nodev 0 0");
    says("touch '/srv/a b/kept'");
    // Other options are taken over by what is mounted.
    assert_eq!(ensure(&host, &options("size=128k,nodev,ro", "mounted")).await, ["options", "content"]);
    assert!(held().starts_with("ro,") && held().contains("size=128k"), "{}", held());
    assert_eq!(says("ls '/srv/a b'"), "kept");
    // Somebody mounts it anew by hand.
    says("mount -o remount,rw '/srv/a b'");
    assert_eq!(ensure(&host, &options("nodev,size=128k,ro", "mounted")).await, ["options"]);
    assert!(held().starts_with("ro,"), "{}", held());

    assert_eq!(ensure(&host, &options("", "unmounted")).await, ["state"]);
    assert_eq!((held(), says("grep -c scratch /etc/fstab")), (String::new(), "1".to_owned()));
    assert_eq!(ensure(&host, &options("nodev,size=128k,ro", "present")).await, Vec::<String>::new());
    assert_eq!(ensure(&host, &options("nodev,size=128k,ro", "mounted")).await, ["state"]);
    let again = laws::run(Mount, &host, options("", "remounted")).await.expect("it is mounted anew");
    assert_eq!(again.change.to_text(), "state: mounted → remounted\n");
    assert_eq!(ensure(&host, &options("", "absent")).await, ["state", "content"]);
    assert_eq!((held(), says("grep -c scratch /etc/fstab || true")), (String::new(), "0".to_owned()));

    // What is in use stays, with its line, and is told.
    ensure(&host, &options("size=64k", "mounted")).await;
    says("systemd-run --quiet --property=WorkingDirectory='/srv/a b' sleep infinity");
    let error = laws::run(Mount, &host, options("", "absent")).await.expect_err("it is in use");
    assert!(error.message.contains("target is busy"), "{}", error.message);
    assert_eq!(says("grep -c scratch /etc/fstab; findmnt -no TARGET '/srv/a b'"), "1\n/srv/a b");
    // A place that is bound has a source that nobody can compare.
    says("mkdir -p /srv/from && touch /srv/from/x");
    let bound = json!({ "path": "/srv/to", "src": "/srv/from", "fstype": "none", "opts": "bind", "state": "mounted" });
    assert_eq!(ensure(&host, &bound).await, ["state", "content"]);
    assert_eq!(says("ls /srv/to"), "x");
    let wrong = json!({ "path": "/srv/no", "src": "/dev/oneex-none", "fstype": "ext4", "state": "mounted" });
    let error = laws::run(Mount, &host, wrong).await.expect_err("no such device");
    assert!(error.message.starts_with("`mount` failed for `/srv/no`: "), "{}", error.message);
}
