//! Full disks and cuts: what is there is the old or the new, never a part.

use std::os::unix::fs::PermissionsExt as _;

use oneex_sdk::{Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::{Absent, Block, Copy, Directory, File, Line, Template, Write};

/// A text of so many bytes.
fn text(length: usize) -> String {
    "0123456789abcde\n".repeat(length / 16)
}

/// The file as it is before, and the options that give it a content of 16 KiB, for each operation.
fn prepare(name: &str, host: &TestHost) -> Value {
    let path = host.write("f", "old\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("a mode");
    let new = text(16 << 10);
    match name {
        "write" => json!({ "path": path, "content": new }),
        "copy" => {
            host.project_write("files/source", &new);
            json!({ "src": "source", "path": path })
        }
        "template" => {
            host.project_write("templates/source", &new);
            json!({ "src": "source", "path": path })
        }
        "block" => json!({ "path": path, "block": new }),
        _ => {
            host.write("f", &new);
            json!({ "path": path, "line": "one more" })
        }
    }
}

fn observe(host: &TestHost) -> (Option<Vec<u8>>, u32) {
    (host.content("f"), host.mode("f"))
}

macro_rules! whole_or_not_at_all {
    ($($name:ident: $op:expr),*) => {
        $(mod $name {
            use super::*;

            #[tokio::test]
            async fn on_a_full_disk() {
                laws::survives_a_full_disk($op, |host| prepare(stringify!($name), host), observe).await;
            }

            #[tokio::test]
            async fn cut_anywhere() {
                let prepare = |host: &TestHost| prepare(stringify!($name), host);
                let places = laws::survives_cuts($op, prepare, observe).await;
                assert!(places >= 4, "cut at {places} places only");
            }
        })*
    };
}

whole_or_not_at_all!(write: Write, copy: Copy, template: Template, line: Line, block: Block);

#[tokio::test]
async fn a_copied_folder_on_a_full_disk() {
    let prepare = |host: &TestHost| {
        host.project_write("files/site/f", text(16 << 10));
        std::fs::create_dir(host.path("to")).expect("a folder");
        host.write("to/f", "old");
        json!({ "src": "site", "path": host.path("to") })
    };
    laws::survives_a_full_disk(Copy, prepare, |host| host.content("to/f")).await;
}

#[tokio::test]
async fn a_cut_folder_has_its_mode_or_is_not_there() {
    let mode = |host: &TestHost, name: &str| {
        std::fs::metadata(host.path(name)).ok().map(|metadata| metadata.permissions().mode() & 0o7777)
    };
    let prepare = |host: &TestHost| json!({ "path": host.path("a/b"), "mode": "0700" });
    laws::survives_cuts(Directory, prepare, |host| mode(host, "a/b")).await;
    let prepare = |host: &TestHost| json!({ "path": host.path("new"), "mode": "0600" });
    laws::survives_cuts(File, prepare, |host| mode(host, "new")).await;
}

#[tokio::test]
async fn a_cut_removal_is_finished_by_the_next_run() {
    let prepare = |host: &TestHost| {
        std::fs::create_dir_all(host.path("d/e")).expect("folders");
        host.write("d/e/f", "x");
        json!({ "path": host.path("d") })
    };
    laws::survives_cuts(Absent, prepare, |host| host.content("d/e/f")).await;
}
