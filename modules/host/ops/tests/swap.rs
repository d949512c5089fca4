//! `swap` over files of the test's own. What the kernel swaps to belongs to the machine that the tests run on: the
//! programs that would change it only write down what they are told.

use std::os::unix::fs::PermissionsExt as _;

use oneex_sdk::{Value, json};
use oneex_testkit::{FakeHost, SmallDisk, TestHost, laws};

use crate::host::ops::swap::Swap;

fn host() -> TestHost {
    let host = TestHost::new();
    std::fs::create_dir(host.path("bin")).expect("a folder");
    for program in ["swapon", "swapoff"] {
        let log = host.path("told");
        let stand_in =
            host.write(&format!("bin/{program}"), format!("#!/bin/sh\necho {program} \"$*\" >>{log}\n"));
        std::fs::set_permissions(stand_in, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let path = format!("{}:{}", host.path("bin"), std::env::var("PATH").expect("a path"));
    host.with_search_path(path)
}

fn told(host: &TestHost) -> String {
    let text = String::from_utf8(host.content("told").unwrap_or_default()).expect("text");
    text.replace(host.root().to_str().expect("text"), "")
}

#[tokio::test]
async fn a_file_is_made_for_nobody_else_to_read() {
    let host = host();
    host.write("fstab", "proc /proc proc defaults 0 0\n");
    let options =
        json!({ "path": host.path("a b"), "size": "2.5M", "priority": 7, "fstab": host.path("fstab") });
    let done = laws::run(Swap, &host, options.clone()).await.expect("it is made");
    assert!(done.change.to_text().starts_with("size: + 3 MiB\nstate: not active → active\n"));
    let content = host.content("a b").expect("the file");
    assert_eq!((content.len(), host.mode("a b")), (3 << 20, 0o600));
    assert_eq!(&content[4086..4096], b"SWAPSPACE2", "mkswap(8) wrote its mark");
    assert_eq!(told(&host), "swapon -p 7 /a b\n");
    let fstab = String::from_utf8(host.content("fstab").expect("fstab")).expect("text");
    let line = format!("{} none swap sw,pri=7 0 0", host.path("a b").replace(' ', "\\040"));
    assert_eq!(fstab, format!("proc /proc proc defaults 0 0\n{line}\n"));
    // The file is right, and only the kernel does not swap to it: nothing is written anew.
    let again = laws::plan(Swap, &host, options).await.expect("a plan");
    assert_eq!(again.to_text(), "state: not active → active\n");

    let gone = json!({ "path": host.path("a b"), "state": "absent", "fstab": host.path("fstab") });
    assert!(laws::ensures(Swap, &host, gone).await.expect("it goes").changed);
    assert_eq!((host.content("a b"), told(&host).lines().count()), (None, 1));
    assert_eq!(host.content("fstab").as_deref(), Some(&b"proc /proc proc defaults 0 0\n"[..]));
}

#[tokio::test]
async fn a_disk_that_is_full_keeps_nothing_of_it() {
    let host = host();
    let folder = host.root().join("disk");
    std::fs::create_dir(&folder).expect("a folder");
    let disk = SmallDisk::mount(&folder, 1 << 20);
    let options = json!({ "path": host.path("disk/swap"), "size": "2M", "fstab": host.path("fstab") });
    let error = laws::run(Swap, &host, options).await.expect_err("it does not fit");
    assert!(error.message.contains("No space left on device"), "{}", error.message);
    assert_eq!(std::fs::read_dir(&folder).expect("the disk").count(), 0);
    assert_eq!((host.content("fstab"), told(&host)), (None, String::new()));
    drop(disk);
}

#[tokio::test]
async fn decisions() {
    let header = "swap Filename Type Size Used Priority\n";
    let line = "/swap none swap sw 0 0\n";
    let plan = |said: &str, options: Value| {
        let answer = format!(
            "{header}{said}--\nL2Y=\nstat 81a4 0 0 {} 0 0 0 1 1 1 root root\ncontent\n{line}",
            line.len()
        );
        async move {
            let mut options = options;
            options["path"] = json!("/swap");
            let host = FakeHost::new().answer("ask", &answer);
            laws::plan(Swap, &host, options).await.expect("a plan").to_text()
        }
    };
    let active = "size 2097152\nswap /swap file 2044 0 -2\n";
    for (said, options, expected) in [
        (active, json!({ "size": "2M" }), ""),
        (active, json!({ "size": "1.5M" }), ""),
        (active, json!({ "size": "3M" }), "size: 2 MiB → 3 MiB\n"),
        ("size 5\n", json!({ "size": "2M" }), "size: 5 bytes → 2 MiB\nstate: not active → active\n"),
        ("size 2097152\nswap /swap2 file 1 0 -2\n", json!({ "size": "2M" }), "state: not active → active\n"),
        ("size 2097152\nswap /swap file 9 0 5\n", json!({ "size": "2M" }), ""),
    ] {
        assert_eq!(plan(said, options.clone()).await, expected, "{options}");
    }
    let text = plan(active, json!({ "size": "2M", "priority": 5 })).await;
    assert!(
        text.starts_with("priority: -2 → 5\n---") && text.contains("+/swap none swap sw,pri=5 0 0"),
        "{text}"
    );
    let text = plan(active, json!({ "state": "absent" })).await;
    assert!(text.starts_with("size: - 2 MiB\nstate: active → not active\n---"), "{text}");
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = host();
    for (options, message) in [
        (json!({ "path": "swap", "size": "1M" }), "`swap` is not an absolute path"),
        (json!({ "path": "/dev/sda5", "size": "1M" }), "`/dev/sda5` is a device, and not a file"),
        (json!({ "path": "/s\np", "size": "1M" }), "fstab cannot hold control characters"),
        (json!({ "path": "/swap" }), "`swap` needs the option `size`"),
        (json!({ "path": "/swap", "size": "much" }), "`size`: `much` is no size"),
        (json!({ "path": "/swap", "size": "5" }), "`size` is a MiB at least"),
        (json!({ "path": "/swap", "size": "1M", "priority": 40000 }), "`priority` is 32767 at most"),
        (json!({ "path": host.path("bin"), "size": "1M" }), "is a folder"),
    ] {
        let error = laws::run(Swap, &host, options).await.expect_err(message);
        assert!(error.message.contains(message), "{}", error.message);
    }
    assert_eq!(told(&host), "");
}
