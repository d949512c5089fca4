//! `alternatives` with the real tool of dpkg, whose groups are the test's own.

use oneex_sdk::{Value, json};
use oneex_testkit::{FakeHost, TestHost, laws};

use crate::host::ops::alternatives::Alternatives;

fn host() -> TestHost {
    let host = TestHost::new().with_private(&["/etc", "/var/lib/dpkg", "/var/log"]);
    for folder in ["etc/alternatives", "var/lib/dpkg/alternatives"] {
        std::fs::create_dir(host.path(folder)).expect(folder);
    }
    for program in ["one", "two words", "three"] {
        host.write(program, "#!/bin/sh\n");
    }
    host
}

async fn ensure(host: &TestHost, options: &Value) -> String {
    let before = host.round_trips();
    let done = laws::ensures(Alternatives, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    assert_eq!(host.round_trips() - before, 4 + u64::from(done.changed), "{options}");
    done.change.to_text().replace(host.root().to_str().expect("text"), "")
}

#[tokio::test]
async fn a_group_is_made_changed_and_left() {
    let host = host();
    let call = |program: &str, more: Value| {
        let mut options = json!({ "name": "do-it", "path": host.path(program) });
        options.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        options
    };
    // Where the common name leads, as the system itself follows it.
    let target = || {
        let link = std::fs::read_link(host.path("link")).expect("a link");
        assert_eq!(link, std::path::Path::new("/etc/alternatives/do-it"));
        let target = std::fs::read_link(host.path("etc/alternatives/do-it")).expect("a link");
        target.file_name().expect("a name").to_str().expect("text").to_owned()
    };
    let link = json!({ "link": host.path("link"), "state": "present" });
    for (options, text, after) in [
        (call("one", link), "alternative /one: + priority 50\n", "one"),
        (
            call("two words", json!({ "priority": 70, "state": "present" })),
            "alternative /two words: + priority 70\n",
            "two words",
        ),
        (call("one", json!({})), "selected: /two words → /one\n", "one"),
        (call("one", json!({ "priority": 5 })), "alternative /one: priority 50 → priority 5\n", "one"),
        (
            call("three", json!({ "priority": -3 })),
            "alternative /three: + priority -3\nselected: /one → /three\n",
            "three",
        ),
        (json!({ "name": "do-it", "state": "auto" }), "choice: by hand → automatic\n", "two words"),
        (call("two words", json!({})), "", "two words"),
        (call("two words", json!({ "state": "absent" })), "alternative /two words: - priority 70\n", "one"),
        (call("two words", json!({ "state": "absent" })), "", "one"),
    ] {
        assert_eq!(ensure(&host, &options).await, text, "{options}");
        assert_eq!(target(), after, "{options}");
    }
    for program in ["one", "three"] {
        ensure(&host, &call(program, json!({ "state": "absent" }))).await;
    }
    assert!(!host.root().join("link").is_symlink(), "nothing of the group is left");
}

#[tokio::test]
async fn the_tool_of_other_systems_is_understood() {
    let said = "java - status is manual.\n link currently points to /a/java\n/a/java - priority 7\n";
    let plan = |options: Value| async move {
        let host = FakeHost::new().answer("update-alternatives", said);
        laws::plan(Alternatives, &host, options).await.expect("a plan").to_text()
    };
    for (options, expected) in [
        (json!({ "name": "java", "path": "/a/java" }), ""),
        (json!({ "name": "java", "path": "/a/java", "link": "/usr/bin/java" }), ""),
        (json!({ "name": "java", "state": "auto" }), "choice: by hand → automatic\n"),
        (json!({ "name": "java", "path": "/b" }), "alternative /b: + priority 50\nselected: /a/java → /b\n"),
    ] {
        assert_eq!(plan(options.clone()).await, expected, "{options}");
    }
    let host = FakeHost::new().answer("update-alternatives", said);
    let error = laws::run(Alternatives, &host, json!({ "name": "java", "path": "/b" })).await;
    assert_eq!(error.expect_err("no link").message, "`alternatives` needs the option `link`");
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = host();
    for (options, message) in [
        (json!({ "name": "do-it" }), "`alternatives` needs the option `path`"),
        (json!({ "name": "-x", "path": "/a" }), "`-x` is not the name of alternatives"),
        (json!({ "name": "a/b", "path": "/a" }), "`a/b` is not the name of alternatives"),
        (json!({ "name": "a b", "path": "/a" }), "`a b` is not the name of alternatives"),
        (json!({ "name": "x", "path": "a" }), "`a` is not an absolute path"),
        (json!({ "name": "x", "path": "/a" }), "there are no alternatives `x`"),
        (json!({ "name": "x", "state": "auto" }), "there are no alternatives `x`"),
        (
            json!({ "name": "x", "path": "/oneex-none", "link": host.path("l") }),
            "`update-alternatives` failed for `x`: ",
        ),
    ] {
        let error = laws::run(Alternatives, &host, options).await.expect_err(message);
        assert!(error.message.contains(message), "{}", error.message);
    }
}
