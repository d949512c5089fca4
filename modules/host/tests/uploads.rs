//! Contents too large to travel with their command: what arrives is compared before it takes its place.

use std::os::unix::fs::PermissionsExt as _;

use oneex_sdk::json;
use oneex_testkit::{TestHost, laws};

use crate::host::ops::Copy;

/// More than what travels with a command.
const SIZE: usize = 5 << 20;

/// A host whose `sha256sum` is this script.
fn host(sha256sum: &str) -> TestHost {
    let host = TestHost::new();
    std::fs::create_dir(host.path("bin")).expect("a folder");
    let program = host.write("bin/sha256sum", format!("#!/bin/sh\n{sha256sum}\n"));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:/usr/bin:/bin", host.path("bin"));
    host.with_search_path(path)
}

#[tokio::test]
async fn what_did_not_arrive_as_it_was_takes_no_place() {
    let wrong = "echo 0000000000000000000000000000000000000000000000000000000000000000  -";
    let missing = "echo 'sh: 30: sha256sum: not found' >&2; exit 127";
    for (sha256sum, message, hint) in [
        (wrong, "what arrived is not what was read before: was the source changed meanwhile?", None),
        (
            missing,
            "sha256sum: not found",
            Some("contents are compared with it: coreutils and BusyBox bring it"),
        ),
    ] {
        let host = host(sha256sum);
        host.project_write("files/large", vec![b'x'; SIZE]);
        let path = host.path("f");
        let done = laws::run(Copy, &host, json!({ "src": "large", "path": path })).await;
        let error = done.expect_err(message);
        assert_eq!((error.message, error.hint.as_deref()), (format!("`{path}`: {message}"), hint));
        let left: Vec<_> = std::fs::read_dir(host.root()).expect("the folder").flatten().collect();
        assert_eq!(left.len(), 1, "only `bin` is there: {left:?}");
    }
}

#[tokio::test]
async fn what_dd_cannot_do_is_done_without_it_and_half_a_file_takes_no_place() {
    let half = "head -c 3; echo \"dd: error writing 'conv': No space left on device\" >&2; exit 1";
    let unable = "echo 'dd: unknown conversion fsync' >&2; exit 1";
    for (dd, expected) in [(unable, None), (half, Some("No space left on device"))] {
        let host = host("exec /usr/bin/sha256sum");
        let program = host.write("bin/dd", format!("#!/bin/sh\n{dd}\n"));
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        host.project_write("files/small", "new content\n");
        let path = host.write("f conv", "old\n");
        let done = laws::run(Copy, &host, json!({ "src": "small", "path": path })).await;
        match expected {
            None => assert!(done.expect("it is written").changed),
            Some(cause) => assert_eq!(done.expect_err("it is full").message, format!("`{path}`: {cause}")),
        }
        let content = if expected.is_none() { "new content\n" } else { "old\n" };
        assert_eq!(host.content("f conv").as_deref(), Some(content.as_bytes()), "{dd}");
        let names = std::fs::read_dir(host.root()).expect("the folder").flatten();
        assert_eq!(names.count(), 2, "nothing is left");
    }
}

#[tokio::test]
async fn a_file_that_somebody_changes_meanwhile_is_not_replaced() {
    // What is summed up has got a line more than what was read.
    let host = host("{ cat; echo more; } | /usr/bin/sha256sum");
    host.project_write("files/small", "new\n");
    let path = host.write("f", "old\n");
    let done = laws::run(Copy, &host, json!({ "src": "small", "path": path })).await;
    assert_eq!(
        done.expect_err("it was changed").message,
        format!("`{path}`: the file was changed by someone else meanwhile")
    );
    assert_eq!(host.content("f").as_deref(), Some(&b"old\n"[..]));
    let names = std::fs::read_dir(host.root()).expect("the folder").flatten().map(|entry| entry.file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains(".oneex-")), "nothing is left");
}
