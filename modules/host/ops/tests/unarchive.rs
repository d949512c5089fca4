//! `unarchive` with archives that real programs packed, and with some that no such program would.

use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use oneex_sdk::{Value, json};
use oneex_testkit::laws::Done;
use oneex_testkit::{TestHost, laws};

use crate::host::ops::Unarchive;

/// Runs a program of the machine in a folder.
fn run(folder: &Path, words: &[&str]) {
    let output = Command::new(words[0]).args(&words[1..]).current_dir(folder).output().expect(words[0]);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A folder with names that a shell would read, modes, links and nothing in some of it.
fn source() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for name in ["top/a b", "top/empty", "top/closed"] {
        std::fs::create_dir_all(at(name)).expect("a folder");
    }
    for (name, content, mode) in [
        ("top/index", "<p>", 0o644),
        ("top/a b/it's \"x\"\n", "odd", 0o600),
        ("top/a b/-n", "", 0o755),
        ("top/$(id) *", "shell", 0o4711),
        ("top/closed/in", "closed", 0o400),
        ("top/größe", "größe", 0o640),
    ] {
        std::fs::write(at(name), content).expect("a file");
        std::fs::set_permissions(at(name), PermissionsExt::from_mode(mode)).expect("a mode");
    }
    std::fs::set_permissions(at("top/closed"), PermissionsExt::from_mode(0o500)).expect("a mode");
    symlink("a b/../index", at("top/link")).expect("a link");
    std::fs::hard_link(at("top/index"), at("top/same")).expect("a link");
    folder
}

/// What is in a folder: modes and contents by path.
fn tree(folder: &Path) -> Vec<String> {
    let (mut found, mut left) = (Vec::new(), vec![PathBuf::from(folder)]);
    while let Some(path) = left.pop() {
        let metadata = path.symlink_metadata().expect("metadata");
        let what = if metadata.is_symlink() {
            format!("→ {}", std::fs::read_link(&path).expect("a link").display())
        } else if metadata.is_dir() {
            left.extend(std::fs::read_dir(&path).expect("a folder").flatten().map(|entry| entry.path()));
            format!("{:o}", metadata.permissions().mode() & 0o7777)
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
            format!("{:o} {text}", metadata.permissions().mode() & 0o7777)
        };
        if path != folder {
            found.push(format!("{}: {what}", path.strip_prefix(folder).expect("below").display()));
        }
    }
    found.sort();
    found
}

/// A host with an empty folder `to`.
fn host() -> TestHost {
    let host = TestHost::new();
    std::fs::create_dir(host.path("to")).expect("a folder");
    host
}

fn options(host: &TestHost, src: &str, more: Value) -> Value {
    let mut options = json!({ "src": src, "dest": host.path("to") });
    options.as_object_mut().expect("options").extend(more.as_object().expect("options").clone());
    options
}

async fn ensure(host: &TestHost, src: &str, more: Value) -> Done {
    laws::ensures(Unarchive, host, options(host, src, more.clone())).await.unwrap_or_else(|error| {
        panic!("{src} {more}: {error}");
    })
}

async fn refusal(host: &TestHost, src: &str, more: Value) -> String {
    laws::run(Unarchive, host, options(host, src, more)).await.expect_err("a refusal").message
}

#[tokio::test]
async fn what_real_programs_packed_arrives_whole() {
    let source = source();
    let folder = source.path();
    for (name, words) in [
        ("x.tar", vec!["tar", "-cf"]),
        ("x.tar.gz", vec!["tar", "-czf"]),
        ("x.tar.bz2", vec!["tar", "-cjf"]),
        ("x.tar.xz", vec!["tar", "-cJf"]),
        ("x.tar.zst", vec!["tar", "--zstd", "-cf"]),
        ("old.tar", vec!["tar", "--format=v7", "-cf"]),
        ("pax.tar", vec!["tar", "--format=pax", "-cf"]),
        ("dump.tar", vec!["tar", "-g", "snapshot", "-cf"]),
        ("labelled.tar", vec!["tar", "-V", "some label", "-cf"]),
        ("x.zip", vec!["zip", "-qry"]),
        ("bzip2.zip", vec!["zip", "-qry", "-Z", "bzip2"]),
        ("stored.zip", vec!["zip", "-qry0"]),
    ] {
        run(folder, &[&words[..], &[name, "top"]].concat());
        let host = host();
        let src = folder.join(name);
        let done = ensure(&host, src.to_str().expect("UTF-8"), json!({})).await;
        let mut expected = tree(&folder.join("top"));
        // Who unpacks with set-id bits lets others become somebody.
        for line in &mut expected {
            *line = format!("top/{line}").replace(": 4711 ", ": 711 ");
        }
        expected.insert(0, "top: 755".to_owned());
        expected.sort();
        assert_eq!(tree(Path::new(&host.path("to"))), expected, "{name}");
        assert_eq!(done.output.fields["files"], json!(7), "{name}");
        // One look, one upload and one command; and a look and nothing again.
        assert_eq!((host.uploads(), host.round_trips()), (1, 5), "{name}");
    }
}

#[tokio::test]
async fn a_plan_names_what_differs() {
    let (source, host) = (source(), host());
    run(source.path(), &["tar", "-cf", "x.tar", "-C", "top", "."]);
    let src = source.path().join("x.tar").display().to_string();
    ensure(&host, &src, json!({})).await;
    std::fs::write(host.path("to/index"), "changed").expect("a file");
    std::fs::remove_file(host.path("to/same")).expect("removed");
    std::fs::write(host.path("to/own"), "kept").expect("a file");
    std::fs::set_permissions(host.path("to/a b"), PermissionsExt::from_mode(0o700)).expect("a mode");
    let plan = laws::plan(Unarchive, &host, options(&host, &src, json!({}))).await.expect("a plan");
    let names: Vec<&str> = plan.items.iter().map(|item| item.what.as_str()).collect();
    assert_eq!(names, ["a b mode", "index", "same", "same mode"]);
    ensure(&host, &src, json!({})).await;
    assert_eq!(host.content("to/index").as_deref(), Some(&b"<p>"[..]));
    assert_eq!(host.content("to/own").as_deref(), Some(&b"kept"[..]));
}

#[tokio::test]
async fn parts_of_an_archive() {
    let source = source();
    run(source.path(), &["tar", "-czf", "x.tgz", "top"]);
    let src = source.path().join("x.tgz").display().to_string();
    for (more, expected) in [
        (json!({ "strip_components": 1, "include": "index" }), vec!["index: 644 <p>"]),
        (
            json!({ "include": ["/top/closed"] }),
            vec!["top/closed/in: 400 closed", "top/closed: 500", "top: 755"],
        ),
        (
            json!({ "strip_components": 1, "exclude": ["a b", "closed", "gr*", "$*", "same"] }),
            vec!["empty: 755", "index: 644 <p>", "link: → a b/../index"],
        ),
        (
            json!({ "strip_components": 1, "include": ["index", "empty"], "mode": "0600", "directory_mode": "0711" }),
            vec!["empty: 711", "index: 600 <p>"],
        ),
        (json!({ "strip_components": 2, "include": "in", "mode": "g+r" }), vec!["in: 440 closed"]),
        (json!({ "strip_components": 5 }), vec![]),
    ] {
        let host = host();
        ensure(&host, &src, more.clone()).await;
        assert_eq!(tree(Path::new(&host.path("to"))), expected, "{more}");
    }
    let host = host();
    let done = ensure(&host, &src, json!({ "include": "index", "list_files": true })).await;
    assert_eq!(done.output.fields["files"], json!(["top", "top/index"]));
}

#[tokio::test]
async fn what_makes_it_needless_and_what_is_newer() {
    let (source, host) = (source(), host());
    run(source.path(), &["tar", "-cf", "x.tar", "-C", "top", "index", "größe"]);
    let src = source.path().join("x.tar").display().to_string();
    assert!(!ensure(&host, &src, json!({ "creates": host.path("to") })).await.changed);
    assert!(tree(Path::new(&host.path("to"))).is_empty());
    // The one file is as old as can be, the other changes tomorrow.
    for (name, days) in [("index", -10_000), ("größe", 1)] {
        let path = host.write(&format!("to/{name}"), "own");
        run(Path::new("/"), &["touch", "-d", &format!("{days} days"), &path]);
    }
    assert!(ensure(&host, &src, json!({ "keep_newer": true, "creates": host.path("none") })).await.changed);
    assert_eq!(host.content("to/index").as_deref(), Some(&b"<p>"[..]));
    assert_eq!(host.content("to/größe").as_deref(), Some(&b"own"[..]));
    run(source.path(), &["zip", "-qr", "x.zip", "top/index"]);
    let zip = source.path().join("x.zip").display().to_string();
    let message = format!("`keep_newer`: `{zip}` does not say when its files were changed");
    assert_eq!(refusal(&host, &zip, json!({ "keep_newer": true })).await, message);
}

#[tokio::test]
async fn an_archive_of_the_host() {
    let (source, host) = (source(), host());
    run(source.path(), &["tar", "-czf", "x.tgz", "-C", "top", "index"]);
    let src = host.write("a b'.tgz", std::fs::read(source.path().join("x.tgz")).expect("the archive"));
    for is_first in [true, false] {
        let before = host.round_trips();
        let call = options(&host, &src, json!({ "remote_src": true }));
        let done = laws::run(Unarchive, &host, call).await.expect("it is unpacked");
        assert_eq!(done.changed, is_first);
        assert_eq!(host.round_trips() - before, if is_first { 3 } else { 2 });
    }
    assert_eq!(host.content("to/index").as_deref(), Some(&b"<p>"[..]));
    let needless = ensure(&host, &src, json!({ "remote_src": true, "creates": host.path("to/index") })).await;
    assert!(!needless.changed);
    let nowhere = host.path("nowhere");
    let message = refusal(&host, &nowhere, json!({ "remote_src": true })).await;
    assert_eq!(message, format!("`{nowhere}` is not there, or no file"));
}

/// A member of an archive: its kind, its name and where it leads.
type Planted = (tar::EntryType, &'static str, &'static str);

/// A member of a tar, of any name and kind.
fn member(tar: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str, link: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(if kind.is_file() { 1 } else { 0 });
    // The library's own functions refuse what is looked for here.
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    tar.append(&header, if kind.is_file() { &b"x"[..] } else { &[] }).expect("a member");
}

#[tokio::test]
async fn nothing_leaves_the_folder() {
    use tar::EntryType as Kind;
    let cases: [(&[Planted], &str); 13] = [
        (&[(Kind::Regular, "/tmp/x", "")], "`/tmp/x` in the archive is an absolute path"),
        (&[(Kind::Regular, "a/../../x", "")], "`a/../../x` in the archive leads out of the folder"),
        (&[(Kind::Symlink, "l", "/etc")], "the link `l` in the archive leads out of the folder"),
        (&[(Kind::Symlink, "a/l", "../../x")], "the link `a/l` in the archive leads out of the folder"),
        (
            &[(Kind::Symlink, "s", "."), (Kind::Symlink, "l", "s/../x")],
            "the link `l` in the archive leads out of the folder",
        ),
        (
            &[(Kind::Directory, "a", ""), (Kind::Symlink, "l", "a"), (Kind::Regular, "l/x", "")],
            "`l/x` in the archive is below `l`, which is no folder",
        ),
        (
            &[(Kind::Regular, "l/x", ""), (Kind::Symlink, "l", ".")],
            "`l/x` in the archive is below `l`, which is no folder",
        ),
        (
            &[(Kind::Link, "h", "../../etc/passwd")],
            "`../../etc/passwd` in the archive leads out of the folder",
        ),
        (&[(Kind::Link, "h", "later")], "`h` in the archive is the same as `later`, which is not there"),
        (&[(Kind::Char, "null", "")], "`null` in the archive is no file, folder or link"),
        (&[(Kind::Fifo, "pipe", "")], "`pipe` in the archive is no file, folder or link"),
        (&[(Kind::Symlink, "l", "")], "the link `l` in the archive leads to no name"),
        (
            &[(Kind::Regular, "a", ""), (Kind::Regular, "a/b", "")],
            "`a/b` in the archive is below `a`, which is no folder",
        ),
    ];
    for (members, message) in cases {
        let host = host();
        let mut tar = tar::Builder::new(Vec::new());
        for (kind, name, link) in members {
            member(&mut tar, *kind, name, link);
        }
        host.project_write("files/x.tar", tar.into_inner().expect("an archive"));
        let before = laws::snapshot(host.root());
        assert_eq!(refusal(&host, "x.tar", json!({})).await, message);
        assert_eq!(laws::snapshot(host.root()), before, "{message}");
        assert_eq!(host.round_trips(), 0, "{message}");
    }
}

#[tokio::test]
async fn what_is_there_already_is_no_way_out() {
    let host = host();
    let mut tar = tar::Builder::new(Vec::new());
    member(&mut tar, tar::EntryType::Regular, "l/x", "");
    host.project_write("files/x.tar", tar.into_inner().expect("an archive"));
    std::fs::create_dir(host.path("out")).expect("a folder");
    symlink(host.path("out"), host.path("to/l")).expect("a link");
    let message = refusal(&host, "x.tar", json!({})).await;
    assert_eq!(message, format!("`{}` is a link, not a directory", host.path("to/l")));
    assert!(tree(Path::new(&host.path("out"))).is_empty());
}

#[tokio::test]
async fn a_later_member_replaces_an_earlier_one() {
    let host = host();
    let folder = tempfile::tempdir().expect("a folder");
    for content in ["one", "two"] {
        std::fs::write(folder.path().join("f"), content).expect("a file");
        run(folder.path(), &["tar", "-rf", "x.tar", "f"]);
    }
    ensure(&host, folder.path().join("x.tar").to_str().expect("UTF-8"), json!({})).await;
    assert_eq!(host.content("to/f").as_deref(), Some(&b"two"[..]));
}

#[tokio::test]
async fn broken_archives_change_nothing() {
    let source = source();
    run(source.path(), &["tar", "-czf", "x.tgz", "top"]);
    run(source.path(), &["tar", "-cf", "x.tar", "top/index"]);
    run(source.path(), &["zip", "-qr", "x.zip", "top"]);
    run(source.path(), &["zip", "-qr", "-P", "secret", "locked.zip", "top"]);
    let read = |name: &str| std::fs::read(source.path().join(name)).expect("the archive");
    let (tgz, tar, zip) = (read("x.tgz"), read("x.tar"), read("x.zip"));
    let mut flipped = zip.clone();
    let at = memchr::memmem::find(&zip, b"shell").expect("a content that is too short to be packed");
    flipped[at] ^= 0xff;
    for (content, part) in [
        (tgz[..tgz.len() / 2].to_vec(), "is broken"),
        (tgz[..tgz.len() - 4].to_vec(), "is broken"),
        (tar[..514].to_vec(), "is broken"),
        (tar[..100].to_vec(), "is no archive that is known"),
        (zip[..zip.len() / 2].to_vec(), "is broken"),
        (flipped, "is broken"),
        (read("locked.zip"), "is broken"),
        (b"<html>not found</html>".to_vec(), "is no archive that is known"),
        (Vec::new(), "is no archive that is known"),
    ] {
        let host = host();
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(&content).expect("written");
        let src = file.path().to_str().expect("UTF-8");
        let before = laws::snapshot(host.root());
        let message = refusal(&host, src, json!({})).await;
        assert!(message.starts_with(&format!("`{src}` {part}")), "{message}");
        assert_eq!(laws::snapshot(host.root()), before);
    }
    let host = host();
    let missing = json!({ "dest": host.path("none") });
    run(source.path(), &["tar", "-cf", "empty.tar", "-T", "/dev/null"]);
    let empty = source.path().join("empty.tar").display().to_string();
    assert_eq!(
        refusal(&host, &empty, missing).await,
        format!("`{}` is no folder on the host", host.path("none"))
    );
    assert!(!ensure(&host, &empty, json!({})).await.changed);
}

#[tokio::test]
async fn a_cut_leaves_each_file_old_or_new() {
    let source = source();
    run(source.path(), &["tar", "-cf", "x.tar", "-C", "top", "index", "größe"]);
    let archive = std::fs::read(source.path().join("x.tar")).expect("the archive");
    let prepare = |host: &TestHost| {
        std::fs::create_dir(host.path("to")).expect("a folder");
        host.write("to/index", "old");
        host.project_write("files/x.tar", &archive);
        options(host, "x.tar", json!({}))
    };
    let cuts = laws::survives_cuts(Unarchive, prepare, |host: &TestHost| host.content("to/index")).await;
    assert!(cuts > 3, "{cuts}");
}

#[tokio::test]
async fn hosts_share_what_was_unpacked() {
    let source = source();
    run(source.path(), &["tar", "-cf", "x.tar", "-C", "top", "index"]);
    let path = source.path().join("x.tar");
    let one = crate::host::archive::unpack(&path).await.expect("it is unpacked");
    let two = crate::host::archive::unpack(&path).await.expect("it is unpacked");
    assert!(std::sync::Arc::ptr_eq(&one, &two));
    run(source.path(), &["tar", "-cf", "y.tar", "-C", "top", "größe"]);
    std::fs::rename(source.path().join("y.tar"), &path).expect("renamed");
    let three = crate::host::archive::unpack(&path).await.expect("it is unpacked");
    assert!(!std::sync::Arc::ptr_eq(&one, &three), "another file is another archive");
}

/// A member of a zip: the system that it is from, its attributes there, its name and its content.
type Zipped = (&'static str, &'static str, &'static str, &'static str);

/// Packs a zip with members that no packing program makes.
fn zipped(folder: &Path, members: &[Zipped]) -> String {
    const PACK: &str = "
import sys, zipfile
with zipfile.ZipFile('x.zip', 'w') as archive:
    for at in range(1, len(sys.argv), 4):
        system, attributes, name, content = sys.argv[at:at + 4]
        member = zipfile.ZipInfo('x')
        member.filename, member.create_system, member.external_attr = name, int(system), int(attributes, 0)
        archive.writestr(member, content)
";
    let mut words = vec!["python3", "-c", PACK];
    words.extend(
        members
            .iter()
            .flat_map(|(system, attributes, name, content)| [*system, *attributes, *name, *content]),
    );
    run(folder, &words);
    folder.join("x.zip").display().to_string()
}

#[tokio::test]
async fn zips_of_other_systems_and_of_nobody_good() {
    const FILE: &str = "0x81a40000";
    const LINK: &str = "0xa1ff0000";
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [(&[Zipped], &str); 8] = [
        (&[("3", FILE, "/tmp/x", "")], "`/tmp/x` in the archive is an absolute path"),
        (&[("3", FILE, "a/../../x", "")], "`a/../../x` in the archive leads out of the folder"),
        (&[("0", "0x20", "..\\x", "")], "`../x` in the archive leads out of the folder"),
        (&[("0", "0x20", "\\tmp\\x", "")], "`/tmp/x` in the archive is an absolute path"),
        (&[("3", LINK, "l", "/etc")], "the link `l` in the archive leads out of the folder"),
        (
            &[("3", LINK, "s", "."), ("3", LINK, "l", "s/../x")],
            "the link `l` in the archive leads out of the folder",
        ),
        (
            &[("3", LINK, "l", "a"), ("3", FILE, "l/x", "")],
            "`l/x` in the archive is below `l`, which is no folder",
        ),
        (&[("3", "0x21a40000", "null", "")], "`null` in the archive is no file, folder or link"),
    ];
    for (members, message) in cases {
        let host = host();
        let src = zipped(folder.path(), members);
        assert_eq!(refusal(&host, &src, json!({})).await, message);
        assert_eq!((tree(Path::new(&host.path("to"))), host.round_trips()), (vec![], 0));
    }
    let host = host();
    let src = zipped(
        folder.path(),
        &[
            ("0", "0x10", "a b\\", ""),
            ("0", "0x20", "a b\\$(id).txt", "from afar"),
            ("0", "0x21", "a b\\-n\\deep", ""),
            ("3", FILE, "own\\name", "kept"),
        ],
    );
    ensure(&host, &src, json!({})).await;
    let expected = [
        "a b/$(id).txt: 644 from afar",
        "a b/-n/deep: 644 ",
        "a b/-n: 755",
        "a b: 755",
        "own\\name: 644 kept",
    ];
    assert_eq!(tree(Path::new(&host.path("to"))), expected);
}

#[tokio::test]
async fn files_with_holes_arrive_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut content = vec![0; 1 << 20];
    content[70_000..70_003].copy_from_slice(b"one");
    content.extend_from_slice(b"end");
    std::fs::write(folder.path().join("f"), &content).expect("a file");
    run(folder.path(), &["fallocate", "--dig-holes", "f"]);
    for format in ["gnu", "pax"] {
        let host = host();
        run(folder.path(), &["tar", "-S", &format!("--format={format}"), "-cf", "x.tar", "f"]);
        let src = folder.path().join("x.tar");
        assert!(std::fs::metadata(&src).expect("the archive").len() < 1 << 19, "it has no holes");
        ensure(&host, src.to_str().expect("UTF-8"), json!({})).await;
        assert!(host.content("to/f").as_ref() == Some(&content), "{format}");
    }
    // An older form.
    run(folder.path(), &["tar", "-S", "--format=pax", "--sparse-version=0.1", "-cf", "x.tar", "f"]);
    let src = folder.path().join("x.tar").display().to_string();
    let message = format!("`{src}` is broken: it has files with holes in a form that is not known");
    assert_eq!(refusal(&host(), &src, json!({})).await, message);
}

#[tokio::test]
async fn what_is_of_another_kind_is_said_before_anything_changes() {
    let source = source();
    run(source.path(), &["tar", "-cf", "x.tar", "-C", "top", "a b", "index"]);
    let src = source.path().join("x.tar").display().to_string();
    for (there, kind, message) in
        [("a b", "file", "is a file, not a directory"), ("index", "folder", "is a directory, not a file")]
    {
        let host = host();
        match kind {
            "file" => drop(host.write(&format!("to/{there}"), "own")),
            _ => std::fs::create_dir(host.path(&format!("to/{there}"))).expect("a folder"),
        }
        let before = laws::snapshot(host.root());
        let path = host.path(&format!("to/{there}"));
        assert_eq!(refusal(&host, &src, json!({})).await, format!("`{path}` {message}"));
        assert_eq!(laws::snapshot(host.root()), before);
    }
}

#[tokio::test]
async fn a_plan_of_very_many_files_says_how_many_more_there_are() {
    let host = host();
    let mut tar = tar::Builder::new(Vec::new());
    for at in 0..1_234 {
        member(&mut tar, tar::EntryType::Regular, &format!("{at}"), "");
    }
    host.project_write("files/x.tar", tar.into_inner().expect("an archive"));
    let plan = laws::plan(Unarchive, &host, options(&host, "x.tar", json!({}))).await.expect("a plan");
    assert!(plan.items.len() <= 1_001, "{}", plan.items.len());
    let more: usize = plan.items.iter().filter(|item| item.what.parse::<usize>().is_ok()).count();
    assert!(plan.to_text().ends_with(&format!("others: + {} more files and folders\n", 1_234 - more)));
    assert_eq!(host.round_trips(), 1);
}
