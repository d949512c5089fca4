//! Files that are another user's, on file systems that take nothing.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use oneex_testkit::SmallDisk;

use super::host::Wires;
use super::paths::{prepare, table, write};

/// A folder of root, which nobody else may write to, with a folder and a file that nobody else may read.
fn closed(folder: &Path) {
    prepare(folder);
    std::fs::create_dir(folder.join("closed")).expect("a folder");
    write(folder, "secret", "x\n");
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    mode(&folder.join("closed"), 0o700);
    mode(&folder.join("secret"), 0o600);
    // The folders above are the test's own, up to that of all temporary ones.
    let temporary = std::env::temp_dir();
    for above in folder.ancestors().take_while(|above| above.starts_with(&temporary) && **above != temporary)
    {
        mode(above, 0o755);
    }
}

/// Mounts a small disk on `disk` of the folder, with something of each kind on it, in place of the one before.
fn mount(disks: &mut BTreeMap<PathBuf, SmallDisk>, folder: &Path) -> PathBuf {
    drop(disks.remove(folder));
    prepare(folder);
    let disk = folder.join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    disks.insert(folder.to_owned(), SmallDisk::mount(&disk, 64 << 10));
    prepare(&disk);
    disk
}

#[tokio::test]
async fn without_permission() {
    table(
        Wires::both().await,
        Some("nobody"),
        closed,
        &[
            (
                &[
                    "file",
                    "directory",
                    "link",
                    "write",
                    "copy",
                    "template",
                    "upload",
                    "follow",
                    "block",
                    "tree",
                ],
                "DIR/new",
                "denied: `DIR/new`: Permission denied (does the task need `.sudo()`?)",
            ),
            (&["absent"], "DIR/new", "ok"),
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
            (
                &["absent", "write", "copy", "template", "upload", "follow", "block", "line"],
                "DIR/file",
                "denied: `DIR/file`: Permission denied (does the task need `.sudo()`?)",
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
            (
                &["absent", "tree"],
                "DIR/folder",
                "denied: `DIR/folder`: Permission denied (does the task need `.sudo()`?)",
            ),
            (&["stat", "stat follow"], "DIR/folder", "ok, exists true"),
            (&["find"], "DIR/folder", "ok, matched 1"),
            (&["file"], "DIR/folder/inside", "ok"),
            (&["directory"], "DIR/folder/inside", "invalid: `DIR/folder/inside` is a file, not a folder"),
            (
                &["link"],
                "DIR/folder/inside",
                "invalid: `DIR/folder/inside` is a file, not a link (`force: true` replaces a file)",
            ),
            (
                &["absent", "write", "copy", "template", "upload", "follow", "block", "line"],
                "DIR/folder/inside",
                "denied: `DIR/folder/inside`: Permission denied (does the task need `.sudo()`?)",
            ),
            (
                &["tree"],
                "DIR/folder/inside",
                "invalid: `DIR/folder/inside` is a file, not a folder (`absent` removes it first)",
            ),
            (&["read"], "DIR/folder/inside", r#"ok, content "in\n""#),
            (&["fetch"], "DIR/folder/inside", "changed"),
            (&["stat", "stat follow"], "DIR/folder/inside", "ok, exists true"),
            (&["find"], "DIR/folder/inside", "ok, matched 0"),
            (&["file"], "DIR/to-file", "ok"),
            (&["directory"], "DIR/to-file", "invalid: `DIR/file` is a file, not a folder"),
            (
                &["link", "absent", "write", "copy", "template", "upload", "tree"],
                "DIR/to-file",
                "denied: `DIR/to-file`: Permission denied (does the task need `.sudo()`?)",
            ),
            (
                &["follow", "block", "line"],
                "DIR/to-file",
                "denied: `DIR/file`: Permission denied (does the task need `.sudo()`?)",
            ),
            (&["read"], "DIR/to-file", r#"ok, content "old\n""#),
            (&["fetch"], "DIR/to-file", "changed"),
            (&["stat", "stat follow"], "DIR/to-file", "ok, exists true"),
            (&["find"], "DIR/to-file", "ok, matched 0"),
            (
                &[
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
                ],
                "DIR/closed/new",
                "denied: `DIR/closed/new`: Permission denied (does the task need `.sudo()`?)",
            ),
            (&["find"], "DIR/closed/new", "ok, matched 0"),
            (&["file"], "DIR/secret", "ok"),
            (&["directory"], "DIR/secret", "invalid: `DIR/secret` is a file, not a folder"),
            (
                &["link"],
                "DIR/secret",
                "invalid: `DIR/secret` is a file, not a link (`force: true` replaces a file)",
            ),
            (
                &[
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
                    "stat follow",
                ],
                "DIR/secret",
                "denied: `DIR/secret`: Permission denied (does the task need `.sudo()`?)",
            ),
            (&["stat"], "DIR/secret", "ok, exists true"),
            (&["find"], "DIR/secret", "ok, matched 0"),
        ],
    )
    .await;
}

#[tokio::test]
async fn on_a_file_system_for_reading_alone() {
    let mut disks = BTreeMap::new();
    let prepare = move |folder: &Path| {
        let disk = mount(&mut disks, folder);
        let done = Command::new("mount").args(["-n", "-o", "remount,ro"]).arg(&disk).status();
        assert!(done.is_ok_and(|status| status.success()), "a file system can be made read-only");
    };
    table(Wires::both().await, None, prepare, &[
        (&["file", "directory", "link", "write", "copy", "template", "upload", "follow", "block", "tree"], "DIR/disk/new", "failed: `DIR/disk/new`: Read-only file system (is the file system mounted for reading alone?)"),
        (&["absent", "write", "copy", "template", "upload", "follow", "block", "line"], "DIR/disk/file", "failed: `DIR/disk/file`: Read-only file system (is the file system mounted for reading alone?)"),
        (&["file", "directory", "link", "write", "copy", "template", "upload", "follow", "block", "tree"], "DIR/disk/folder/new", "failed: `DIR/disk/folder/new`: Read-only file system (is the file system mounted for reading alone?)"),
    ])
    .await;
}

#[tokio::test]
async fn on_a_full_disk() {
    let mut disks = BTreeMap::new();
    let prepare = move |folder: &Path| {
        let filler = mount(&mut disks, folder).join("filler");
        let mut size = 0;
        while std::fs::write(&filler, vec![1; size + 4096]).is_ok() {
            size += 4096;
            assert!(size < 1 << 20, "the disk is not small");
        }
    };
    table(Wires::both().await, None, prepare, &[
        (&["file", "directory", "link"], "DIR/disk/new", "changed + disk/new"),
        (&["write", "copy", "template", "upload", "follow", "block", "tree"], "DIR/disk/new", "failed: `DIR/disk/new`: No space left on device (free some space there, and run it again)"),
        (&["absent"], "DIR/disk/file", "changed - disk/file"),
        (&["write", "copy", "template", "upload", "follow", "block", "line"], "DIR/disk/file", "failed: `DIR/disk/file`: No space left on device (free some space there, and run it again)"),
        (&["fetch"], "DIR/disk/file", "changed"),
        (&["file", "directory", "link"], "DIR/disk/folder/new", "changed + disk/folder/new"),
        (&["write", "copy", "template", "upload", "follow", "block", "tree"], "DIR/disk/folder/new", "failed: `DIR/disk/folder/new`: No space left on device (free some space there, and run it again)"),
    ])
    .await;
}
