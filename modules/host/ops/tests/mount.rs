//! `mount` over an fstab of the test's own, and on a whole machine.

use oneex_sdk::{Value, json};
use oneex_testkit::{FakeHost, RemoteMachine, TestHost, laws};

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

/// What the kernel and the host say of a place whose line is right: what differs.
#[tokio::test]
async fn decisions_over_what_is_mounted() {
    let disk = |source: &str, opts: &str, state: &str| json!({ "src": source, "fstype": "ext4", "opts": opts, "state": state });
    for (said, options, expected) in [
        ("", disk("/dev/sda1", "", "mounted"), "state: not mounted → mounted\n"),
        ("", disk("/dev/sda1", "", "present"), ""),
        ("", disk("/dev/sda1", "", "unmounted"), ""),
        ("options rw\nmounted /dev/sda1\nsource /dev/sda1\n", disk("/dev/sda1", "", "mounted"), ""),
        ("options rw\nmounted /dev/sda1\nsource /dev/sda1\n", disk("UUID=1-2", "", "mounted"), ""),
        // Nobody could say which device that is.
        ("options rw\nmounted /dev/sda1\n", disk("UUID=1-2", "", "mounted"), ""),
        (
            "options rw\nmounted /dev/sdb1\nsource /dev/sda1\n",
            disk("LABEL=a b", "", "mounted"),
            "source: /dev/sdb1 → /dev/sda1\n",
        ),
        // Another name of the same device, and a file that a loop device stands for.
        ("options rw\nmounted /dev/dm-0\nsource /dev/dm-0\n", disk("/dev/vg/lv", "", "mounted"), ""),
        ("options rw\nmounted /dev/loop0\nsource /srv/x.img\n", disk("/srv/x.img", "loop", "mounted"), ""),
        ("options rw\nmounted /dev/sda1\nsource /srv\n", disk("/srv", "bind", "mounted"), ""),
        (
            "options rw,relatime\nmounted /dev/sda1\nsource /dev/sda1\n",
            disk("/dev/sda1", "ro,noatime", "mounted"),
            "options: rw,relatime → ro,noatime\n",
        ),
        (
            "options rw\nmounted /dev/sda1\nsource /dev/sda1\n",
            disk("/dev/sda1", "", "unmounted"),
            "state: mounted → not mounted\n",
        ),
        (
            "options rw\nmounted /dev/sda1\n",
            disk("/dev/sda1", "", "remounted"),
            "state: mounted → remounted\n",
        ),
        (
            "options rw\nmounted nas:/a\nsource nas:/a/\n",
            json!({ "src": "nas:/a/", "fstype": "nfs4", "state": "mounted" }),
            "",
        ),
        (
            "options rw\nmounted nas:/b\nsource nas:/a\n",
            json!({ "src": "nas:/a", "fstype": "nfs4", "state": "mounted" }),
            "source: nas:/b → nas:/a\n",
        ),
    ] {
        let word = |name: &str| options[name].as_str().unwrap_or_default().replace(' ', "\\040");
        let opts = if word("opts").is_empty() { "defaults".to_owned() } else { word("opts") };
        let line = format!("{} /srv/a {} {opts} 0 0\n", word("src"), word("fstype"));
        let file = format!("stat 81a4 0 0 {} 0 0 0 1 1 1 root root\ncontent\n{line}", line.len());
        let host = FakeHost::new().answer("ask", &format!("{said}--\nL2Y=\n{file}"));
        let mut options = options.clone();
        options["path"] = json!("/srv/a");
        let change = laws::plan(Mount, &host, options.clone()).await.expect("a plan");
        assert_eq!(change.to_text(), expected, "{options}");
    }
    let host = FakeHost::new().answer("ask", "missing\n--\nL2Y=\nabsent\n");
    let mut options = disk("/dev/oneex-none", "", "mounted");
    options["path"] = json!("/srv/a");
    let error = laws::plan(Mount, &host, options).await.expect_err("no such device");
    assert_eq!(error.message, "there is no device `/dev/oneex-none`");
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
    assert_eq!(error.message, "there is no device `/dev/oneex-none`");
    let wrong = json!({ "path": "/srv/no", "src": "x", "fstype": "oneex-none", "state": "mounted" });
    let error = laws::run(Mount, &host, wrong).await.expect_err("no such file system");
    assert!(error.message.starts_with("`mount` failed for `/srv/no`: "), "{}", error.message);
}
