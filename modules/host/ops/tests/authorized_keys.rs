//! `authorized_keys` with users of its own.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use oneex_sdk::{Value, json};
use oneex_testkit::{TestHost, laws};

use super::machine::accounts;
use crate::host::ops::authorized_keys::AuthorizedKeys;
use crate::host::system::test_key as key;

fn host() -> TestHost {
    let host = accounts();
    for (name, user) in [("home/ada", 1000), ("home/old", 1001)] {
        std::os::unix::fs::chown(host.path(name), Some(user), Some(user)).expect("an owner");
    }
    host
}

async fn ensure(host: &TestHost, options: &Value) -> (String, bool) {
    let (before, uploads) = (host.round_trips(), host.uploads());
    let planned = laws::plan(AuthorizedKeys, host, options.clone()).await.expect("a plan").to_text();
    assert_eq!(host.round_trips() - before, 1);
    let done = laws::ensures(AuthorizedKeys, host, options.clone()).await.expect("it is done");
    assert_eq!(done.change.to_text(), planned, "{options}");
    assert_eq!(host.uploads(), uploads);
    (planned, done.changed)
}

fn content(host: &TestHost, name: &str) -> String {
    host.content(name).map(|bytes| String::from_utf8(bytes).expect("text")).unwrap_or_default()
}

const FILE: &str = "home/ada/.ssh/authorized_keys";

#[tokio::test]
async fn the_folder_and_the_file_are_the_users_alone() {
    let host = host();
    let options = json!({ "user": "ada", "key": format!("{} ada@box", key(1)) });
    let (text, changed) = ensure(&host, &options).await;
    assert!(changed && text.starts_with("folder: + 700 1000:1000\n"), "{text}");
    assert_eq!(content(&host, FILE), format!("{} ada@box\n", key(1)));
    let look = |name: &str| {
        let metadata = std::fs::metadata(host.path(name)).expect(name);
        (metadata.mode() & 0o7777, metadata.uid(), metadata.gid())
    };
    assert_eq!((look("home/ada/.ssh"), look(FILE)), ((0o700, 1000, 1000), (0o600, 1000, 1000)));
    assert!(!ensure(&host, &options).await.1);
    // What somebody opened up is closed again.
    for (name, mode) in [("home/ada/.ssh", 0o777), (FILE, 0o644)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(host.path(name), permissions).expect("a mode");
    }
    std::os::unix::fs::chown(host.path("home/ada/.ssh"), Some(0), Some(0)).expect("an owner");
    let (text, _) = ensure(&host, &options).await;
    assert_eq!(text, "folder: 777 0:0 → 700 1000:1000\nmode: 0644 → 0600\n");
    assert_eq!((look("home/ada/.ssh"), look(FILE)), ((0o700, 1000, 1000), (0o600, 1000, 1000)));
}

#[tokio::test]
async fn decisions() {
    let (one, two) = (key(1), key(2));
    for (before, options, after) in [
        ("", json!({ "key": two }), format!("{two}\n")),
        (&*format!("{one} a\n"), json!({ "key": [two, one] }), format!("{one}\n{two}\n")),
        (&format!("{one} a\n"), json!({ "key": format!("{one} a") }), format!("{one} a\n")),
        (
            &format!("{one} a\n"),
            json!({ "key": one, "key_options": "restrict", "comment": "$(id) 'b'" }),
            format!("restrict {one} $(id) 'b'\n"),
        ),
        (&format!("# x\n{one}\n"), json!({ "key": two, "exclusive": true }), format!("# x\n{two}\n")),
        (&format!("# x\nno-pty {one}\n"), json!({ "key": one, "state": "absent" }), "# x\n".to_owned()),
        (&format!("{two}\n"), json!({ "key": one, "state": "absent" }), format!("{two}\n")),
        ("", json!({ "key": one, "state": "absent" }), String::new()),
    ] {
        let host = host();
        host.write("keys", before);
        let permissions = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(host.path("keys"), permissions).expect("a mode");
        let mut options = options;
        options["user"] = json!("root");
        options["path"] = json!(host.path("keys"));
        assert_eq!(ensure(&host, &options).await.1, before != after, "{options}");
        assert_eq!(content(&host, "keys"), after, "{options}");
    }
    // No file is made to take a key out of it.
    let options = json!({ "user": "ada", "key": one, "state": "absent" });
    let host = host();
    assert_eq!(ensure(&host, &options).await, (String::new(), false));
    assert!(!host.root().join("home/ada/.ssh").exists());
}

#[tokio::test]
async fn a_user_leads_nobody_elsewhere() {
    let host = host();
    host.write("etc/secret", "root:x\n");
    std::fs::create_dir(host.path("home/ada/.ssh")).expect("a folder");
    std::os::unix::fs::symlink("/etc/secret", host.path(FILE)).expect("a link");
    let mut options = json!({ "user": "ada", "key": key(1) });
    let error = laws::run(AuthorizedKeys, &host, options.clone()).await.expect_err("a link");
    assert_eq!(error.message, "`/home/ada/.ssh/authorized_keys` is a symbolic link to `/etc/secret`");
    assert_eq!(content(&host, "etc/secret"), "root:x\n");
    options["follow"] = json!(true);
    assert!(ensure(&host, &options).await.1);
    assert_eq!(content(&host, "etc/secret"), format!("root:x\n{}\n", key(1)));
    // A folder that is a link is used and left as it is.
    std::fs::create_dir(host.path("etc/keys")).expect("a folder");
    std::os::unix::fs::symlink("/etc/keys", host.path("home/old/.ssh")).expect("a link");
    ensure(&host, &json!({ "user": "old", "key": key(1) })).await;
    assert_eq!((host.mode("etc/keys"), host.mode("etc/keys/authorized_keys")), (0o755, 0o600));
}

#[tokio::test]
async fn wrong_calls_are_named() {
    let host = host();
    for (options, message) in [
        (json!({ "user": "nobody-here", "key": key(1) }), "there is no user `nobody-here`"),
        (json!({ "user": "-x", "key": key(1) }), "`-x` cannot be the name of a user"),
        (json!({ "user": "ada", "key": "" }), "`key` holds no key"),
        (json!({ "user": "ada", "key": [] }), "`key` holds no key"),
        (json!({ "user": "ada", "key": "https://github.com/ada.keys" }), "is no public key"),
        (json!({ "user": "ada", "key": key(1), "key_options": "a b" }), "`a b` are no options of a key"),
        (json!({ "user": "ada", "key": key(1), "comment": "a\nb" }), "`comment` holds a line break"),
        (json!({ "user": "ada", "key": key(1), "path": "keys" }), "`keys` is not an absolute path"),
        (json!({ "user": "ada", "key": key(1), "keys": "x" }), "has no option `keys`"),
    ] {
        let error = laws::run(AuthorizedKeys, &host, options).await.expect_err(message);
        assert!(error.message.contains(message), "{}", error.message);
    }
}

#[tokio::test]
async fn a_cut_leaves_the_old_or_the_new() {
    let prepare = |host: &TestHost| {
        let path = host.write("keys", format!("{}\n", key(1)));
        json!({ "user": "root", "key": key(2), "path": path })
    };
    laws::survives_cuts(AuthorizedKeys, prepare, |host: &TestHost| host.content("keys")).await;
}
