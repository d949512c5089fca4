//! `acl`, with real lists in temporary folders.

use oneex_sdk::{Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::Acl;

fn listed(host: &TestHost, name: &str) -> String {
    let output = std::process::Command::new("getfacl").args(["-pcE", "--", &host.path(name)]).output();
    String::from_utf8(output.expect("getfacl runs").stdout).expect("text")
}

async fn ensure(host: &TestHost, name: &str, options: &Value) -> bool {
    let mut options = options.clone();
    options["path"] = json!(host.path(name));
    laws::ensures(Acl, host, options.clone())
        .await
        .unwrap_or_else(|error| panic!("{options}: {error}"))
        .changed
}

#[tokio::test]
async fn entries_are_set_and_removed() {
    let host = TestHost::new();
    std::fs::create_dir(host.path("d")).expect("a folder");
    host.write("f", "");
    for (name, options, changed, line) in [
        ("f", json!({ "etype": "user", "entity": "daemon", "permissions": "rX" }), true, "user:daemon:r--\n"),
        ("f", json!({ "etype": "user", "entity": "daemon", "permissions": "4" }), false, "user:daemon:r--\n"),
        ("f", json!({ "etype": "user", "entity": "1", "permissions": "r" }), false, "user:daemon:r--\n"),
        (
            "f",
            json!({ "etype": "user", "entity": "daemon", "permissions": "rwx" }),
            true,
            "user:daemon:rwx\n",
        ),
        ("f", json!({ "etype": "group", "entity": "54321", "permissions": "X" }), true, "group:54321:--x\n"),
        ("f", json!({ "etype": "user", "entity": "daemon", "state": "absent" }), true, "group:54321:--x\n"),
        ("f", json!({ "etype": "user", "entity": "daemon", "state": "absent" }), false, "group:54321:--x\n"),
        ("f", json!({ "etype": "mask", "permissions": "r" }), true, "mask::r--\n"),
        // The mask hides it.
        ("f", json!({ "etype": "group", "entity": "54321", "permissions": "X" }), true, "mask::r-x\n"),
        ("f", json!({ "etype": "other", "permissions": "0" }), true, "other::---\n"),
        (
            "d",
            json!({ "etype": "group", "entity": "daemon", "permissions": "rX" }),
            true,
            "group:daemon:r-x\n",
        ),
        (
            "d",
            json!({ "etype": "user", "entity": "daemon", "permissions": "rw", "default": true }),
            true,
            "default:user:daemon:rw-\n",
        ),
        (
            "d",
            json!({ "etype": "user", "entity": "daemon", "state": "absent", "default": true }),
            true,
            "group:daemon:r-x\n",
        ),
    ] {
        assert_eq!(ensure(&host, name, &options).await, changed, "{options}");
        let list = listed(&host, name);
        assert!(list.contains(line), "{options}: {list}");
        if options["state"] == "absent" {
            assert!(
                !list.lines().any(|line| line
                    .starts_with(&format!("{}:daemon", options["etype"].as_str().expect("a word")))),
                "{list}"
            );
        }
    }
}

#[tokio::test]
async fn any_name_is_what_it_is() {
    for name in ["a b", "-n", "$(touch pwned)", "new\nline", "it's *", "--\n", "end\n"] {
        let host = TestHost::new();
        host.write(name, "");
        assert!(
            ensure(&host, name, &json!({ "etype": "user", "entity": "daemon", "permissions": "r" })).await
        );
        assert!(listed(&host, name).contains("user:daemon:r--\n"), "{name:?}");
        assert!(host.content("pwned").is_none());
    }
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = TestHost::new();
    host.write("f", "");
    for (options, message) in [
        (json!({ "etype": "user" }), "`acl` needs the option `permissions`"),
        (json!({ "etype": "user", "permissions": "q" }), "`q` is not made of `rwxX`"),
        (json!({ "etype": "user", "permissions": "" }), "is not made of `rwxX`"),
        (json!({ "etype": "user", "permissions": "8" }), "is not made of `rwxX`"),
        (json!({ "etype": "mask", "entity": "x", "permissions": "r" }), "`mask` is for nobody by name"),
        (json!({ "etype": "user", "state": "absent" }), "is always there"),
        (json!({ "etype": "user", "entity": "a:b", "permissions": "r" }), "`a:b` is no user"),
        (json!({ "etype": "user", "entity": "a,u:b:rw", "permissions": "r" }), "is no user"),
        (json!({ "etype": "user", "entity": "no-such-user", "permissions": "r" }), "no such user or group"),
        (json!({ "etype": "user", "entity": "daemon", "permissions": "r", "default": true }), "f`"),
        (json!({ "etype": "user", "permissions": "r", "path": host.path("gone") }), "gone` does not exist"),
        (json!({ "etype": "user", "permissions": "r", "path": "f" }), "is not an absolute path"),
    ] {
        let mut options = options;
        if options.get("path").is_none() {
            options["path"] = json!(host.path("f"));
        }
        let error = laws::run(Acl, &host, options.clone()).await.expect_err(message);
        assert!(error.message.contains(message), "{options}: {}", error.message);
    }
}

#[tokio::test]
async fn a_cut_leaves_the_old_or_the_new() {
    for state in ["present", "absent"] {
        let prepare = |host: &TestHost| {
            let path = host.write("f", "");
            let setfacl = std::process::Command::new("setfacl").args(["-m", "u:daemon:r", &path]).status();
            assert!(setfacl.expect("setfacl runs").success());
            let permissions = (state == "present").then_some("rw");
            json!({ "path": path, "etype": "user", "entity": "daemon", "permissions": permissions, "state": state })
        };
        let places = laws::survives_cuts(Acl, prepare, |host: &TestHost| listed(host, "f")).await;
        assert_eq!(places, 1, "one program does it");
    }
}

#[tokio::test]
async fn all_below_a_folder_gets_the_entry_and_nothing_else_does() {
    let host = TestHost::new();
    for folder in ["d", "d/in", "out"] {
        std::fs::create_dir(host.path(folder)).expect("a folder");
    }
    let names = ["d/f", "d/in/new\nline", "d/-n", "d/a b $(id) 'x'\\", "d/in/=", "d/ü"];
    for name in names.iter().chain(&["out/f"]) {
        host.write(name, "");
    }
    std::fs::set_permissions(host.path("d/f"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("a mode");
    std::os::unix::fs::symlink("../out", host.path("d/link")).expect("a link");
    let mut options = json!({ "etype": "user", "entity": "daemon", "permissions": "rwX", "recursive": true });
    options["path"] = json!(host.path("d"));
    let done = laws::ensures(Acl, &host, options.clone()).await.expect("it is done");
    assert_eq!(done.change.items.len(), 2 + names.len(), "{}", done.change.to_text());
    for name in ["d", "d/in", "d/f"] {
        assert!(listed(&host, name).contains("user:daemon:rwx\n"), "{name}");
    }
    for name in &names[1..] {
        assert!(listed(&host, name).contains("user:daemon:rw-\n"), "{name:?}");
    }
    for name in ["out", "out/f"] {
        assert!(!listed(&host, name).contains("daemon"), "{name}");
    }
    std::fs::set_permissions(host.path("d/-n"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .expect("a mode");
    let done = laws::ensures(Acl, &host, options.clone()).await.expect("it is done");
    assert_eq!(done.change.to_text(), "-n mask: --- → rw-\n");
    (options["default"], options["state"]) = (json!(true), json!("present"));
    let done = laws::ensures(Acl, &host, options.clone()).await.expect("it is done");
    assert_eq!(done.change.items.len(), 2, "{}", done.change.to_text());
    (options["default"], options["state"]) = (json!(false), json!("absent"));
    laws::ensures(Acl, &host, options).await.expect("it is done");
    assert!(names.iter().all(|name| !listed(&host, name).contains("daemon")));
}

#[tokio::test]
async fn a_cut_leaves_each_list_old_or_new() {
    for name in ["d", "d/f", "d/run"] {
        let prepare = |host: &TestHost| {
            std::fs::create_dir(host.path("d")).expect("a folder");
            host.write("d/f", "");
            let run = host.write("d/run", "");
            std::fs::set_permissions(run, std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .expect("a mode");
            json!({ "path": host.path("d"), "etype": "user", "entity": "daemon", "permissions": "rX", "recursive": true })
        };
        let places = laws::survives_cuts(Acl, prepare, |host: &TestHost| listed(host, name)).await;
        assert!(places >= 2, "it was cut at {places} places");
    }
}
