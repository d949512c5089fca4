//! Owners and groups, by number and by name; these tests run as root.

use std::os::unix::fs::MetadataExt as _;

use oneex_sdk::{ErrorKind, Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::{Block, Copy, Directory, File, Line, Template, Write};

fn owners(host: &TestHost) -> (u32, u32) {
    let metadata = std::fs::metadata(host.path("f")).expect("metadata");
    (metadata.uid(), metadata.gid())
}

/// What an operation needs beside path, owner and group.
fn prepare(name: &str, host: &TestHost) -> Value {
    match name {
        "write" => json!({ "content": "x" }),
        "copy" => {
            host.project_write("files/source", "x");
            json!({ "src": "source" })
        }
        "template" => {
            host.project_write("templates/source", "x");
            json!({ "src": "source" })
        }
        "line" => json!({ "line": "x", "create": true }),
        "block" => json!({ "block": "x", "create": true }),
        _ => json!({}),
    }
}

macro_rules! owned {
    ($($name:ident: $op:expr),*) => {
        $(#[tokio::test]
        async fn $name() {
            let host = TestHost::new();
            for (owner, group, expected, changed) in [
                (json!("65533"), json!("65532"), (65533, 65532), true),
                (json!("65533"), json!(null), (65533, 65532), false),
                (json!(null), json!(null), (65533, 65532), false),
                (json!(null), json!("root"), (65533, 0), true),
                (json!("root"), json!("0"), (0, 0), true),
                (json!("0"), json!("root"), (0, 0), false),
            ] {
                let mut options = prepare(stringify!($name), &host);
                options["path"] = json!(host.path("f"));
                options["owner"] = owner;
                options["group"] = group;
                let done = laws::ensures($op, &host, options.clone()).await.expect("it is owned");
                assert_eq!((owners(&host), done.changed), (expected, changed), "{options}");
            }
            let mut options = prepare(stringify!($name), &host);
            options["path"] = json!(host.path("f"));
            options["owner"] = json!("no-such-user-here");
            let error = laws::run($op, &host, options).await.expect_err("no such user");
            assert_eq!(error.kind, ErrorKind::Failed);
            assert!(error.message.contains("no-such-user-here"), "{}", error.message);
            assert_eq!(owners(&host), (0, 0));
        })*
    };
}

owned!(
    write: Write, copy: Copy, template: Template, line: Line, block: Block, file: File, directory: Directory
);

#[tokio::test]
async fn a_replaced_file_keeps_owner_group_and_mode() {
    let host = TestHost::new();
    let path = host.write("f", "old");
    std::os::unix::fs::chown(&path, Some(65533), Some(65532)).expect("an owner");
    for (content, mode, bits) in [("1", None, 0o644), ("2", Some("4750"), 0o4750), ("3", None, 0o4750)] {
        let options = json!({ "path": path, "content": content, "mode": mode });
        assert!(laws::ensures(Write, &host, options).await.expect("it is written").changed);
        assert_eq!((owners(&host), host.mode("f")), ((65533, 65532), bits), "{content}");
    }
}
