//! Every operation on files, on paths that lead to something else than what it is for.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use oneex_sdk::{OpResult, Value, json};
use oneex_testkit::WiredHost;
use oneex_testkit::laws::{self, Done};

use super::host::{Wires, options, told, worded};
use crate::host::ops::{
    Absent, Block, Copy, Directory, Fetch, File, Find, Line, Link, Read, Stat, Template, Write,
};

/// A case that takes longer waits for a fifo, or turns in a loop.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every operation.
const ALL: &[&str] = &[
    "file",
    "directory",
    "link",
    "absent",
    "write",
    "copy",
    "template",
    "upload",
    "follow",
    "block",
    "tree",
    "line",
    "read",
    "fetch",
    "stat",
    "stat follow",
    "find",
];

pub(super) fn write(folder: &Path, name: &str, content: &str) {
    std::fs::write(folder.join(name), content).expect(name);
}

/// Fills the folder of a host with something of each kind.
pub(super) fn prepare(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("the folder").flatten() {
        let path = entry.path();
        let is_folder = path.is_dir() && !path.is_symlink();
        if is_folder { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }
            .expect("removed");
    }
    write(folder, "file", "old\n");
    std::fs::set_permissions(folder.join("file"), std::fs::Permissions::from_mode(0o644)).expect("a mode");
    std::fs::create_dir(folder.join("folder")).expect("a folder");
    write(folder, "folder/inside", "in\n");
    for (target, name) in [
        ("file", "to-file"),
        ("folder", "to-folder"),
        ("nothing", "dangling"),
        ("no/where", "astray"),
        ("loop", "loop"),
        ("fifo", "to-fifo"),
    ] {
        symlink(target, folder.join(name)).expect(name);
    }
    let made = std::process::Command::new("mkfifo").arg(folder.join("fifo")).status();
    assert!(made.is_ok_and(|status| status.success()), "`mkfifo` makes a fifo");
}

/// Runs an operation by the name that the tables give it. With the fields that tell what it found.
async fn run(
    op: &str,
    host: &WiredHost,
    path: &str,
    folder: &Path,
) -> (OpResult<Done>, &'static [&'static str]) {
    let with = |given: Value| options(&given, folder);
    let path_only = || with(json!({ "path": path }));
    match op {
        "file" => (laws::run(File, host, path_only()).await, &[]),
        "directory" => (laws::run(Directory, host, path_only()).await, &[]),
        "link" => (laws::run(Link, host, with(json!({ "path": path, "target": "elsewhere" }))).await, &[]),
        "absent" => (laws::run(Absent, host, path_only()).await, &[]),
        "write" => (laws::run(Write, host, with(json!({ "path": path, "content": "new\n" }))).await, &[]),
        "follow" => {
            let given = with(json!({ "path": path, "content": "new\n", "follow": true }));
            (laws::run(Write, host, given).await, &[])
        }
        "copy" => {
            host.project_write("files/source", "new\n");
            (laws::run(Copy, host, with(json!({ "path": path, "src": "source" }))).await, &[])
        }
        "upload" => {
            host.project_write("files/large", "0123456789abcde\n".repeat(300_000));
            (laws::run(Copy, host, with(json!({ "path": path, "src": "large" }))).await, &[])
        }
        "tree" => {
            host.project_write("files/tree/inside", "new\n");
            (laws::run(Copy, host, with(json!({ "path": path, "src": "tree" }))).await, &[])
        }
        "template" => {
            host.project_write("templates/source", "new\n");
            (laws::run(Template, host, with(json!({ "path": path, "src": "source" }))).await, &[])
        }
        "line" => (laws::run(Line, host, with(json!({ "path": path, "line": "new" }))).await, &[]),
        "block" => {
            let given = with(json!({ "path": path, "block": "new", "create": true }));
            (laws::run(Block, host, given).await, &[])
        }
        "read" => (laws::run(Read, host, path_only()).await, &["content"]),
        "stat" => (laws::run(Stat, host, path_only()).await, &["exists"]),
        "stat follow" => {
            let given = with(json!({ "path": path, "follow": true, "checksum": true }));
            (laws::run(Stat, host, given).await, &["exists"])
        }
        "find" => {
            (laws::run(Find, host, with(json!({ "paths": path, "recurse": true }))).await, &["matched"])
        }
        "fetch" => {
            let to = host.project_write("kept/fetched", "");
            (laws::run(Fetch, host, with(json!({ "path": path, "to": to }))).await, &[])
        }
        other => panic!("the tables know no `{other}`"),
    }
}

/// What is in a folder now that was not: ` + made`, ` - gone`, ` ~ other`. The folder that holds it is not told.
fn difference(
    folder: &Path,
    before: &BTreeMap<PathBuf, String>,
    after: &BTreeMap<PathBuf, String>,
) -> String {
    let name = |path: &PathBuf| path.strip_prefix(folder).expect("below the folder").display().to_string();
    let is_folder = |path: &PathBuf| path.is_dir() && !path.is_symlink() && before.contains_key(path);
    let made =
        after.keys().filter(|path| !before.contains_key(*path)).map(|path| format!(" + {}", name(path)));
    let gone =
        before.keys().filter(|path| !after.contains_key(*path)).map(|path| format!(" - {}", name(path)));
    let other = after
        .iter()
        .filter(|(path, seen)| before.get(*path).is_some_and(|was| was != *seen) && !is_folder(path))
        .map(|(path, _)| format!(" ~ {}", name(path)));
    made.chain(gone).chain(other).collect()
}

/// Runs each operation on each path on all these hosts.
pub(super) async fn table(
    mut wires: Wires,
    user: Option<&str>,
    mut prepare: impl FnMut(&Path),
    cases: &[(&[&str], &str, &str)],
) {
    let mut wrong = Vec::new();
    for (ops, path, expected) in cases {
        for op in *ops {
            for (name, host, folder) in wires.each() {
                prepare(folder);
                host.act_as(user);
                let before = laws::snapshot(folder);
                let running = tokio::time::timeout(PATIENCE, run(op, host, path, folder)).await;
                let (result, fields) = running.unwrap_or_else(|_elapsed| panic!("{name}: {op} {path} hangs"));
                let told =
                    told(&result, fields, folder) + &difference(folder, &before, &laws::snapshot(folder));
                let expected = worded(name, expected);
                if told != expected {
                    wrong.push(format!("{name}: {op} {path:?}:\n  {told}\nnot\n  {expected}"));
                }
            }
        }
    }
    // What it holds may lie in the folders, which go with the hosts.
    drop(prepare);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_there_and_what_is_not() {
    table(
        Wires::all().await,
        None,
        prepare,
        &[
            (
                &["file", "directory", "link", "write", "copy", "template", "upload", "follow", "block"],
                "DIR/new",
                "changed + new",
            ),
            (&["absent"], "DIR/new", "ok"),
            (&["tree"], "DIR/new", "changed + new + new/inside"),
            (&["line"], "DIR/new", "invalid: `DIR/new` does not exist (`create: true` makes the file)"),
            (&["read", "fetch"], "DIR/new", "invalid: `DIR/new` does not exist"),
            (&["stat", "stat follow"], "DIR/new", "ok, exists false"),
            (&["find"], "DIR/new", "ok, matched 0"),
            (&["file"], "DIR/file", "ok"),
            (&["directory"], "DIR/file", "invalid: `DIR/file` is a file, not a folder"),
            (
                &["link"],
                "DIR/file",
                "invalid: `DIR/file` is a file, not a link (`force: true` replaces a file)",
            ),
            (&["absent"], "DIR/file", "changed - file"),
            (
                &["write", "copy", "template", "upload", "follow", "block", "line"],
                "DIR/file",
                "changed ~ file",
            ),
            (
                &["tree"],
                "DIR/file",
                "invalid: `DIR/file` is a file, not a folder (`absent` removes it first)",
            ),
            (&["read"], "DIR/file", r#"ok, content "old\n""#),
            (&["fetch"], "DIR/file", "changed"),
            (&["stat", "stat follow"], "DIR/file", "ok, exists true"),
            (&["find"], "DIR/file", "ok, matched 0"),
            (
                &["file", "write", "copy", "template", "upload", "follow", "block", "line", "read", "fetch"],
                "DIR/folder",
                "invalid: `DIR/folder` is a directory, not a file",
            ),
            (&["directory"], "DIR/folder", "ok"),
            (&["link"], "DIR/folder", "invalid: `DIR/folder` is a directory, not a link"),
            (&["absent"], "DIR/folder", "changed - folder - folder/inside"),
            (&["tree"], "DIR/folder", "changed ~ folder/inside"),
            (&["stat", "stat follow"], "DIR/folder", "ok, exists true"),
            (&["find"], "DIR/folder", "ok, matched 1"),
            (
                &["file", "write", "copy", "template", "upload", "follow", "block", "line", "read", "fetch"],
                "DIR/fifo",
                "invalid: `DIR/fifo` is a fifo, not a file",
            ),
            (&["directory"], "DIR/fifo", "invalid: `DIR/fifo` is a fifo, not a folder"),
            (&["link"], "DIR/fifo", "invalid: `DIR/fifo` is a fifo, not a link"),
            (&["absent"], "DIR/fifo", "changed - fifo"),
            (
                &["tree"],
                "DIR/fifo",
                "invalid: `DIR/fifo` is a fifo, not a folder (`absent` removes it first)",
            ),
            (&["stat", "stat follow"], "DIR/fifo", "ok, exists true"),
            (&["find"], "DIR/fifo", "ok, matched 0"),
            (
                &["file", "link", "write", "copy", "template", "upload", "follow", "block", "tree"],
                "DIR/gone/new",
                "failed: `DIR/gone/new`: the folder `DIR/gone` does not exist (`directory` makes it)",
            ),
            (&["directory"], "DIR/gone/new", "changed + gone + gone/new"),
            (&["absent"], "DIR/gone/new", "ok"),
            (
                &["line"],
                "DIR/gone/new",
                "invalid: `DIR/gone/new` does not exist (`create: true` makes the file)",
            ),
            (&["read", "fetch"], "DIR/gone/new", "invalid: `DIR/gone/new` does not exist"),
            (&["stat", "stat follow"], "DIR/gone/new", "ok, exists false"),
            (&["find"], "DIR/gone/new", "ok, matched 0"),
            (
                &["file", "link", "write", "copy", "template", "upload", "follow", "block", "tree"],
                "DIR/file/new",
                "failed: `DIR/file/new`: the folder `DIR/file` does not exist (`directory` makes it)",
            ),
            (&["directory"], "DIR/file/new", "failed: `DIR/file/new`: Not a directory"),
            (&["absent"], "DIR/file/new", "ok"),
            (
                &["line"],
                "DIR/file/new",
                "invalid: `DIR/file/new` does not exist (`create: true` makes the file)",
            ),
            (&["read", "fetch"], "DIR/file/new", "invalid: `DIR/file/new` does not exist"),
            (&["stat", "stat follow"], "DIR/file/new", "ok, exists false"),
            (&["find"], "DIR/file/new", "ok, matched 0"),
        ],
    )
    .await;
}

#[tokio::test]
async fn links_that_lead_somewhere_and_nowhere() {
    table(Wires::all().await, None, prepare, &[
        (&["file"], "DIR/to-file", "ok"),
        (&["directory"], "DIR/to-file", "invalid: `DIR/file` is a file, not a folder"),
        (&["link", "write", "copy", "template", "upload"], "DIR/to-file", "changed ~ to-file"),
        (&["absent"], "DIR/to-file", "changed - to-file"),
        (&["follow", "block", "line"], "DIR/to-file", "changed ~ file"),
        (&["tree"], "DIR/to-file", "failed: `DIR/to-file`: the symbolic link DIR/to-file leads to no folder"),
        (&["read"], "DIR/to-file", r#"ok, content "old\n""#),
        (&["fetch"], "DIR/to-file", "changed"),
        (&["stat", "stat follow"], "DIR/to-file", "ok, exists true"),
        (&["find"], "DIR/to-file", "ok, matched 0"),
        (&["file", "follow", "block", "line"], "DIR/to-folder", "invalid: `DIR/folder` is a directory, not a file"),
        (&["directory"], "DIR/to-folder", "ok"),
        (&["link", "write", "copy", "template", "upload"], "DIR/to-folder", "changed ~ to-folder"),
        (&["absent"], "DIR/to-folder", "changed - to-folder"),
        (&["tree"], "DIR/to-folder", "changed ~ folder/inside"),
        (&["read", "fetch"], "DIR/to-folder", "invalid: `DIR/to-folder` is a directory, not a file"),
        (&["stat", "stat follow"], "DIR/to-folder", "ok, exists true"),
        (&["find"], "DIR/to-folder", "ok, matched 1"),
        (&["file", "link", "write", "copy", "template", "upload", "follow", "block", "line", "read", "fetch"], "DIR/to-folder/", "invalid: `DIR/to-folder/` is the path of a folder, not of a file"),
        (&["directory"], "DIR/to-folder/", "ok"),
        (&["absent"], "DIR/to-folder/", "changed - to-folder"),
        (&["tree"], "DIR/to-folder/", "changed ~ folder/inside"),
        (&["stat", "stat follow"], "DIR/to-folder/", "ok, exists true"),
        (&["find"], "DIR/to-folder/", "ok, matched 1"),
        (&["file", "directory", "link", "write", "copy", "template", "upload", "follow", "block"], "DIR/to-folder/new", "changed + folder/new"),
        (&["absent"], "DIR/to-folder/new", "ok"),
        (&["tree"], "DIR/to-folder/new", "changed + folder/new + folder/new/inside"),
        (&["line"], "DIR/to-folder/new", "invalid: `DIR/to-folder/new` does not exist (`create: true` makes the file)"),
        (&["read", "fetch"], "DIR/to-folder/new", "invalid: `DIR/to-folder/new` does not exist"),
        (&["stat", "stat follow"], "DIR/to-folder/new", "ok, exists false"),
        (&["find"], "DIR/to-folder/new", "ok, matched 0"),
        (&["file", "directory", "follow", "block"], "DIR/dangling", "changed + nothing"),
        (&["link", "write", "copy", "template", "upload"], "DIR/dangling", "changed ~ dangling"),
        (&["absent"], "DIR/dangling", "changed - dangling"),
        (&["tree"], "DIR/dangling", "failed: `DIR/dangling`: the symbolic link DIR/dangling leads to no folder"),
        (&["line"], "DIR/dangling", "invalid: `DIR/dangling` does not exist (`create: true` makes the file)"),
        (&["read", "fetch"], "DIR/dangling", "invalid: `DIR/dangling` does not exist"),
        (&["stat"], "DIR/dangling", "ok, exists true"),
        (&["stat follow"], "DIR/dangling", "ok, exists false"),
        (&["find"], "DIR/dangling", "ok, matched 0"),
        (&["file", "directory", "follow", "block", "line", "read", "fetch"], "DIR/astray", "invalid: `DIR/astray` is a symbolic link to `no/where`, which leads nowhere (remove the link, or make what it leads to)"),
        (&["link", "write", "copy", "template", "upload"], "DIR/astray", "changed ~ astray"),
        (&["absent"], "DIR/astray", "changed - astray"),
        (&["tree"], "DIR/astray", "failed: `DIR/astray`: the symbolic link DIR/astray leads to no folder"),
        (&["stat"], "DIR/astray", "ok, exists true"),
        (&["stat follow"], "DIR/astray", "ok, exists false"),
        (&["find"], "DIR/astray", "ok, matched 0"),
        (&["file", "directory", "follow", "block", "line", "read", "fetch"], "DIR/loop", "invalid: `DIR/loop` is a symbolic link to `loop`, which leads nowhere (remove the link, or make what it leads to)"),
        (&["link", "write", "copy", "template", "upload"], "DIR/loop", "changed ~ loop"),
        (&["absent"], "DIR/loop", "changed - loop"),
        (&["tree"], "DIR/loop", "failed: `DIR/loop`: the symbolic link DIR/loop leads to no folder"),
        (&["stat"], "DIR/loop", "ok, exists true"),
        (&["stat follow"], "DIR/loop", "ok, exists false"),
        (&["find"], "DIR/loop", "ok, matched 0"),
        (&["file", "directory", "link", "absent", "write", "copy", "template", "upload", "follow", "block", "line", "read", "fetch", "stat", "stat follow"], "DIR/loop/x", "failed: `DIR/loop/x`: Too many levels of symbolic links"),
        (&["tree"], "DIR/loop/x", "failed: `DIR/loop/x`: the folder `DIR/loop` does not exist (`directory` makes it)"),
        (&["find"], "DIR/loop/x", "ok, matched 0"),
        (&["file", "follow", "block", "line"], "DIR/to-fifo", "invalid: `DIR/fifo` is a fifo, not a file"),
        (&["directory"], "DIR/to-fifo", "invalid: `DIR/fifo` is a fifo, not a folder"),
        (&["link", "write", "copy", "template", "upload"], "DIR/to-fifo", "changed ~ to-fifo"),
        (&["absent"], "DIR/to-fifo", "changed - to-fifo"),
        (&["tree"], "DIR/to-fifo", "failed: `DIR/to-fifo`: the symbolic link DIR/to-fifo leads to no folder"),
        (&["read", "fetch"], "DIR/to-fifo", "invalid: `DIR/to-fifo` is a fifo, not a file"),
        (&["stat", "stat follow"], "DIR/to-fifo", "ok, exists true"),
        (&["find"], "DIR/to-fifo", "ok, matched 0"),
    ])
    .await;
}

#[tokio::test]
async fn paths_that_are_none() {
    let long = format!("DIR/{}", "n".repeat(256));
    let long_told = format!("failed: `{long}`: File name too long");
    table(Wires::all().await, None, prepare, &[
        (&["file", "link", "write", "copy", "template", "upload", "follow", "block", "line", "read", "fetch"], "DIR/file/", "invalid: `DIR/file/` is the path of a folder, not of a file"),
        (&["directory"], "DIR/file/", "invalid: `DIR/file` is a file, not a folder"),
        (&["absent"], "DIR/file/", "changed - file"),
        (&["tree"], "DIR/file/", "invalid: `DIR/file` is a file, not a folder (`absent` removes it first)"),
        (&["stat", "stat follow"], "DIR/file/", "ok, exists false"),
        (&["find"], "DIR/file/", "ok, matched 0"),
        (&["file", "link", "write", "copy", "template", "upload", "follow", "block", "line", "read", "fetch"], "DIR/folder/", "invalid: `DIR/folder/` is the path of a folder, not of a file"),
        (&["directory"], "DIR/folder/", "ok"),
        (&["absent"], "DIR/folder/", "changed - folder - folder/inside"),
        (&["tree"], "DIR/folder/", "changed ~ folder/inside"),
        (&["stat", "stat follow"], "DIR/folder/", "ok, exists true"),
        (&["find"], "DIR/folder/", "ok, matched 1"),
        (&["file", "link", "write", "copy", "template", "upload", "follow", "block", "line", "read", "fetch"], "DIR/new/", "invalid: `DIR/new/` is the path of a folder, not of a file"),
        (&["directory"], "DIR/new/", "changed + new"),
        (&["absent"], "DIR/new/", "ok"),
        (&["tree"], "DIR/new/", "changed + new + new/inside"),
        (&["stat", "stat follow"], "DIR/new/", "ok, exists false"),
        (&["find"], "DIR/new/", "ok, matched 0"),
        (ALL, "new", "invalid: `new` is not an absolute path (paths on hosts begin with `/`)"),
        (&["file", "directory", "link", "write", "copy", "template", "upload", "follow", "block", "tree", "line", "read", "fetch", "stat", "stat follow", "find"], "", "invalid: `` is not an absolute path (paths on hosts begin with `/`)"),
        (&["absent"], "", "invalid: `` is not removed: it may be the root folder, or above it (write the path without `..`)"),
        (ALL, "~/new", "invalid: `~/new` is not an absolute path (paths on hosts begin with `/`)"),
        (ALL, "DIR/x\0y", "invalid: a path cannot hold a NUL"),
        (&["file"], "DIR/./folder/../file", "ok"),
        (&["directory"], "DIR/./folder/../file", "invalid: `DIR/./folder/../file` is a file, not a folder"),
        (&["link"], "DIR/./folder/../file", "invalid: `DIR/./folder/../file` is a file, not a link (`force: true` replaces a file)"),
        (&["absent"], "DIR/./folder/../file", "invalid: `DIR/./folder/../file` is not removed: it may be the root folder, or above it (write the path without `..`)"),
        (&["write", "copy", "template", "upload", "follow", "block", "line"], "DIR/./folder/../file", "changed ~ file"),
        (&["tree"], "DIR/./folder/../file", "invalid: `DIR/./folder/../file` is a file, not a folder (`absent` removes it first)"),
        (&["read"], "DIR/./folder/../file", r#"ok, content "old\n""#),
        (&["fetch"], "DIR/./folder/../file", "changed"),
        (&["stat", "stat follow"], "DIR/./folder/../file", "ok, exists true"),
        (&["find"], "DIR/./folder/../file", "ok, matched 0"),
        (&["file", "directory", "link", "absent", "write", "copy", "template", "upload", "follow", "block", "tree", "line", "read", "fetch", "stat", "stat follow"], &long, &long_told),
        (&["find"], &long, "ok, matched 0"),
    ])
    .await;
}
