//! Folders copied to a host that is this machine.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use oneex_sdk::{ErrorKind, Reader as _, Value, json};
use oneex_testkit::{TestHost, laws};

use crate::host::ops::Copy;

/// Everything below `name`: path and mode, and the content of files, the target of links.
fn tree(host: &TestHost, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![std::path::PathBuf::from(host.path(name))];
    let root = left[0].clone();
    while let Some(path) = left.pop() {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        let what = if metadata.is_symlink() {
            format!("→ {}", std::fs::read_link(&path).expect("a link").display())
        } else if metadata.is_dir() {
            left.extend(std::fs::read_dir(&path).expect("a folder").flatten().map(|entry| entry.path()));
            format!("{:o}", metadata.mode() & 0o7777)
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
            format!("{:o} {text}", metadata.mode() & 0o7777)
        };
        let below = path.strip_prefix(&root).expect("a path below").display().to_string();
        found.push(format!("{below}: {what}"));
    }
    found.sort();
    found
}

/// A host with a project folder `files/site` of a few hostile names.
fn prepared() -> TestHost {
    let host = TestHost::new();
    for (name, content) in [
        ("index.html", "<p>"),
        ("a b/it's \"x\"\n", "odd"),
        ("a b/-n", ""),
        ("$(id)/*/größe\\n", "deep"),
        ("cache/x", "cached"),
        ("notes~", "left"),
        ("a b/notes~", "left"),
    ] {
        host.project_write(&format!("files/site/{name}"), content);
    }
    let folder = host.project_write("files/site/z", "");
    std::fs::create_dir(folder.with_file_name("empty")).expect("a folder");
    symlink("a b/../\n$x", folder.with_file_name("link")).expect("a link");
    symlink("/etc", folder.with_file_name("outside")).expect("a link");
    host
}

fn options(host: &TestHost) -> Value {
    json!({ "src": "site", "path": host.path("to"), "exclude": ["*~", "cache"] })
}

#[tokio::test]
async fn a_folder_arrives_whole_and_is_sent_once() {
    let host = prepared();
    let mut options = options(&host);
    let done = laws::ensures(Copy, &host, options.clone()).await.expect("it is copied");
    assert!(done.changed);
    assert_eq!((&done.output.fields["files"], &done.output.fields["size"]), (&json!(5), &json!(10)));
    let expected = [
        "$(id)/*/größe\\n: 644 deep",
        "$(id)/*: 755",
        "$(id): 755",
        ": 755",
        "a b/-n: 644 ",
        "a b/it's \"x\"\n: 644 odd",
        "a b: 755",
        "empty: 755",
        "index.html: 644 <p>",
        "link: → a b/../\n$x",
        "outside: → /etc",
        "z: 644 ",
    ];
    assert_eq!(tree(&host, "to"), expected);
    assert_eq!(host.uploads(), 1, "all contents go at once");
    assert_eq!(std::fs::read_dir(host.root()).expect("the folder").count(), 1, "nothing is left");

    // Only what differs is touched.
    let index = host.path("to/index.html");
    let inode = std::fs::metadata(&index).expect("a file").ino();
    host.write("to/z", "changed");
    host.write("to/besides", "stays");
    let change = laws::plan(Copy, &host, options.clone()).await.expect("a plan");
    let names: Vec<&str> = change.items.iter().map(|item| item.what.as_str()).collect();
    assert_eq!(names, ["z"]);
    laws::ensures(Copy, &host, options.clone()).await.expect("it is copied");
    assert_eq!(std::fs::metadata(&index).expect("a file").ino(), inode);
    assert_eq!(host.content("to/besides").as_deref(), Some(&b"stays"[..]));
    assert_eq!(host.content("to/z").as_deref(), Some(&b""[..]));

    options["mode"] = json!("0600");
    options["directory_mode"] = json!("0700");
    laws::ensures(Copy, &host, options).await.expect("modes are given");
    let modes: Vec<u32> = ["to", "to/a b", "to/z", "to/index.html"].map(|name| host.mode(name)).to_vec();
    assert_eq!(modes, [0o700, 0o700, 0o600, 0o600]);
}

#[tokio::test]
async fn exclusion_by_globs() {
    for (globs, gone) in [
        (json!(["index.*"]), vec!["index.html"]),
        (json!(["/index.html", "a b/*"]), vec!["index.html", "a b/-n", "a b/notes~"]),
        (json!(["a b/"]), vec!["a b"]),
        (json!(["x"]), vec!["cache/x"]),
        (json!(["/x"]), vec![]),
        (json!(["**/gr*"]), vec!["$(id)/*/größe\\n"]),
    ] {
        let host = prepared();
        let options = json!({ "src": "site", "path": host.path("to"), "exclude": globs });
        laws::ensures(Copy, &host, options).await.expect("it is copied");
        for name in ["index.html", "a b", "a b/-n", "a b/notes~", "cache/x", "$(id)/*/größe\\n", "z", "empty"]
        {
            let is_gone = gone.iter().any(|gone| name == *gone || name.starts_with(&format!("{gone}/")));
            let is_there = std::path::Path::new(&host.path(&format!("to/{name}"))).exists();
            assert_eq!(is_there, !is_gone, "{name} with {globs}");
        }
    }
    let host = prepared();
    let wrong = json!({ "src": "site", "path": host.path("to"), "exclude": ["[x"] });
    let error = laws::plan(Copy, &host, wrong).await.expect_err("a glob that is none");
    assert!(error.message.starts_with("`exclude`: "), "{}", error.message);
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_written() {
    let host = prepared();
    std::fs::create_dir_all(host.path("to")).expect("a folder");
    std::fs::create_dir(host.path("elsewhere")).expect("a folder");
    symlink("../elsewhere", host.path("to/a b")).expect("a link");
    let error = laws::run(Copy, &host, options(&host)).await.expect_err("a link in place of a folder");
    assert!(error.message.ends_with("/to/a b` is a link, not a directory"), "{}", error.message);

    // A link that appears after the look is refused as well.
    std::fs::remove_file(host.path("to/a b")).expect("the link");
    let call = oneex_sdk::erase(Copy).bind(options(&host)).expect("options that fit");
    let looked = call.look(&host).await.expect("the state");
    symlink("../elsewhere", host.path("to/a b")).expect("a link");
    let error = call.apply(&host, &looked).await.expect_err("a link in place of a folder");
    assert!(error.message.contains("a symbolic link is in place of the folder"), "{}", error.message);
    assert_eq!(std::fs::read_dir(host.path("elsewhere")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_link_in_place_of_a_file_is_replaced_and_its_target_kept() {
    let host = prepared();
    std::fs::create_dir_all(host.path("to")).expect("a folder");
    host.write("target", "kept");
    symlink("../target", host.path("to/z")).expect("a link");
    symlink("..", host.path("to/index.html")).expect("a link");
    laws::ensures(Copy, &host, options(&host)).await.expect("it is copied");
    assert_eq!(host.content("target").as_deref(), Some(&b"kept"[..]));
    assert_eq!(host.content("to/index.html").as_deref(), Some(&b"<p>"[..]));
    assert!(
        host.path("to/z")
            .parse::<std::path::PathBuf>()
            .expect("a path")
            .symlink_metadata()
            .expect("z")
            .is_file()
    );
}

#[tokio::test]
async fn what_does_not_fit_is_an_error() {
    let host = prepared();
    host.project_write("files/one", "1");
    let to = host.path("to");
    for (options, message) in [
        (json!({ "src": "site", "path": to, "backup": true }), "the option `backup` is for files"),
        (json!({ "src": "site", "path": to, "validate": "x %s" }), "the option `validate` is for files"),
        (json!({ "src": "site", "path": to, "follow": true }), "the option `follow` is for files"),
        (json!({ "src": "one", "path": to, "exclude": ["x"] }), "the option `exclude` is for folders"),
        (json!({ "src": "one", "path": to, "directory_mode": "0700" }), "`directory_mode` is for folders"),
        (json!({ "src": "site", "path": "to" }), "is not an absolute path"),
        (json!({ "src": "site", "path": "//" }), "names no folder"),
    ] {
        let error = laws::plan(Copy, &host, options).await.expect_err(message);
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.message.contains(message), "{}", error.message);
    }
    host.write("to", "a file");
    let error = laws::plan(Copy, &host, options(&host)).await.expect_err("a file");
    assert!(error.message.ends_with("/to` is a file, not a folder"), "{}", error.message);
    assert_eq!(host.content("to").as_deref(), Some(&b"a file"[..]));
}

#[tokio::test]
async fn without_force_only_new_files_arrive() {
    let host = prepared();
    std::fs::create_dir(host.path("to")).expect("a folder");
    host.write("to/index.html", "mine");
    let mut options = options(&host);
    options["force"] = json!(false);
    assert!(laws::ensures(Copy, &host, options).await.expect("it is copied").changed);
    assert_eq!(host.content("to/index.html").as_deref(), Some(&b"mine"[..]));
    assert_eq!(host.content("to/a b/it's \"x\"\n").as_deref(), Some(&b"odd"[..]));
}

#[tokio::test]
async fn owner_and_group_are_those_that_are_wanted() {
    let host = prepared();
    let mut options = options(&host);
    options["owner"] = json!("65533");
    options["group"] = json!("65532");
    laws::ensures(Copy, &host, options.clone()).await.expect("it is copied");
    for name in ["to", "to/a b", "to/z", "to/link"] {
        let metadata = std::fs::symlink_metadata(host.path(name)).expect("metadata");
        assert_eq!((metadata.uid(), metadata.gid()), (65533, 65532), "{name}");
    }
    // Without them a replaced file keeps its own.
    host.write("to/z", "other");
    laws::ensures(Copy, &host, self::options(&host)).await.expect("it is copied");
    let metadata = std::fs::metadata(host.path("to/z")).expect("metadata");
    assert_eq!((metadata.uid(), metadata.gid()), (65533, 65532));
    assert!(std::fs::metadata("/etc").expect("metadata").uid() == 0, "no link is followed");
}

#[tokio::test]
async fn files_with_secrets_are_private_and_not_shown() {
    let host = prepared();
    host.secrets().register("hunter2");
    host.project_write("files/site/key", "password hunter2\n");
    let change = laws::plan(Copy, &host, options(&host)).await.expect("a plan");
    assert!(change.to_text().contains("key: + 17 bytes with a secret, not shown"), "{}", change.to_text());
    laws::ensures(Copy, &host, options(&host)).await.expect("it is copied");
    assert_eq!((host.mode("to/key"), host.mode("to/z")), (0o600, 0o644));
}

#[tokio::test]
async fn a_cut_leaves_each_file_old_or_new() {
    let prepare = |host: &TestHost| {
        host.project_write("files/site/x", "new x");
        host.project_write("files/site/sub/y", "new y");
        std::fs::create_dir_all(host.path("to/sub")).expect("folders");
        host.write("to/x", "old");
        std::fs::set_permissions(host.path("to/x"), std::fs::Permissions::from_mode(0o640)).expect("a mode");
        json!({ "src": "site", "path": host.path("to") })
    };
    let observe = |host: &TestHost| (host.content("to/x"), host.mode("to/x"));
    assert!(laws::survives_cuts(Copy, prepare, observe).await >= 8);
    let observe = |host: &TestHost| host.content("to/sub/y");
    assert!(laws::survives_cuts(Copy, prepare, observe).await >= 8);
}

#[tokio::test]
async fn a_cut_leaves_a_link_inside_old_or_new() {
    for (old, kind) in [("folder", "link"), ("nowhere", "link"), ("folder", "file")] {
        let prepare = |host: &TestHost| {
            let place = host.project_write("files/site/sub/y", "y");
            match kind {
                "link" => symlink("new", place.with_file_name("x")).expect("a link"),
                _ => std::fs::write(place.with_file_name("x"), "new").expect("a file"),
            }
            std::fs::create_dir_all(host.path("to/sub/folder")).expect("folders");
            host.write("to/sub/y", "y");
            symlink(old, host.path("to/sub/x")).expect("a link");
            json!({ "src": "site", "path": host.path("to") })
        };
        let observe = |host: &TestHost| {
            let inside = std::fs::read_dir(host.path("to/sub/folder")).expect("a folder").count();
            (std::fs::read_link(host.path("to/sub/x")).ok(), host.content("to/sub/x"), inside)
        };
        assert!(laws::survives_cuts(Copy, prepare, observe).await >= 3, "{old} {kind}");
    }
}
