//! `user` with the real tools.

use oneex_sdk::{Command, ErrorKind, Program, Reader as _, Value, json};
use oneex_testkit::{FakeHost, TestHost, laws};

use super::machine::{accounts, line_of};
use crate::host::ops::user::User;

const HASH: &str = "$6$oneex$Xw1yQ4bLrj2Z5Jd8cQp0mVn7TtKk9RfGhUuEeYyAaSs3";

async fn ensure(host: &TestHost, options: Value) -> (String, bool) {
    let planned = laws::plan(User, host, options.clone()).await.expect("a plan").to_text();
    let done = laws::ensures(User, host, options.clone()).await.unwrap_or_else(|error| {
        panic!("{options}: {error}: {:?}", error.command);
    });
    assert_eq!(done.change.to_text(), planned, "{options}");
    (planned, done.changed)
}

/// The further groups of a user, as group(5) lists them.
fn groups_of(host: &TestHost, user: &str) -> Vec<String> {
    let text = String::from_utf8(host.content("etc/group").expect("groups")).expect("text");
    let is_in =
        |line: &&str| line.rsplit(':').next().is_some_and(|list| list.split(',').any(|one| one == user));
    text.lines().filter(is_in).filter_map(|line| line.split(':').next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_new_user_gets_what_is_named_and_the_rest_from_the_host() {
    let host = accounts();
    let (text, changed) = ensure(&host, json!({ "name": "ops" })).await;
    assert_eq!((text.as_str(), changed), ("state: absent → present\n", true));
    assert!(line_of(&host, "passwd", "ops").starts_with("ops:x:1002:1003::/home/ops:"));
    assert_eq!(line_of(&host, "group", "ops"), "ops:x:1003:");
    assert_eq!(host.content("home/ops/.profile").as_deref(), Some(&b"# of the skeleton\n"[..]));
    assert_eq!(host.mode("home/ops"), 0o750);
    assert!(line_of(&host, "shadow", "ops").starts_with("ops:!:"), "nobody logs in by password");
}

#[tokio::test]
async fn every_property_is_brought() {
    let host = accounts();
    let options = json!({
        "name": "shop", "uid": 4000, "group": "users", "groups": ["sudo", "4"], "home": "/home/my shop",
        "shell": "/usr/sbin/nologin", "comment": "Shop $(id), Room 1", "password": HASH,
    });
    let (text, _) = ensure(&host, options).await;
    assert_eq!(
        text,
        "state: absent → present\nuid: + 4000\ngroup: + users\ngroups: + adm, sudo\nhome: + /home/my shop\n\
         shell: + /usr/sbin/nologin\ncomment: + Shop $(id), Room 1\npassword: + as given\n"
    );
    assert_eq!(
        line_of(&host, "passwd", "shop"),
        "shop:x:4000:100:Shop $(id), Room 1:/home/my shop:/usr/sbin/nologin"
    );
    assert_eq!(groups_of(&host, "shop"), ["adm", "sudo"]);
    assert!(line_of(&host, "shadow", "shop").starts_with(&format!("shop:{HASH}:")));
    assert!(host.content("home/my shop/.profile").is_some());
}

#[tokio::test]
async fn what_is_there_changes_only_where_it_differs() {
    let host = accounts();
    for (options, text) in [
        (json!({ "name": "ada" }), ""),
        (json!({ "name": "ada", "uid": 1000, "group": "ada", "home": "/home/ada", "shell": "/bin/sh" }), ""),
        (json!({ "name": "ada", "comment": "Ada,,,", "group": "1000", "groups": ["adm"] }), ""),
        (json!({ "name": "ada", "password": "$6$salt$hash" }), ""),
        (json!({ "name": "ada", "create_home": false, "system": true, "remove": true }), ""),
        (json!({ "name": "ada", "groups": ["ada", "adm", "4"] }), ""),
        (json!({ "name": "ada", "groups": [], "append": true }), ""),
        (json!({ "name": "ada", "groups": ["sudo"], "append": true }), "groups: adm → adm, sudo\n"),
        (json!({ "name": "ada", "groups": ["sudo", "27"] }), "groups: adm, sudo → sudo\n"),
        (json!({ "name": "ada", "groups": [] }), "groups: - sudo\n"),
        (json!({ "name": "ada", "shell": "/bin/bash" }), "shell: /bin/sh → /bin/bash\n"),
        (json!({ "name": "ada", "comment": "" }), "comment: Ada,,, → \n"),
        (json!({ "name": "ada", "home": "/srv/ada" }), "home: /home/ada → /srv/ada\n"),
        (json!({ "name": "ada", "group": "users" }), "group: ada → users\n"),
        (json!({ "name": "ada", "uid": 1500 }), "uid: 1000 → 1500\n"),
        (json!({ "name": "ada", "password": HASH }), "password: another → as given\n"),
        (json!({ "name": "ada", "password": "!" }), "password: another → as given\n"),
    ] {
        assert_eq!(ensure(&host, options.clone()).await, (text.to_owned(), !text.is_empty()), "{options}");
    }
    assert_eq!(line_of(&host, "passwd", "ada"), "ada:x:1500:100::/srv/ada:/bin/bash");
    assert!(line_of(&host, "shadow", "ada").starts_with("ada:!:"));
    assert!(groups_of(&host, "ada").is_empty());
    assert_eq!(line_of(&host, "passwd", "old"), "old:x:1001:100::/home/old:/bin/sh");
    assert_eq!(groups_of(&host, "old"), ["adam"]);
}

#[tokio::test]
async fn a_group_of_the_name_becomes_the_primary_one() {
    let host = accounts();
    ensure(&host, json!({ "name": "adam", "create_home": false })).await;
    assert!(line_of(&host, "passwd", "adam").starts_with("adam:x:1002:1002:"));
    assert!(host.content("home/adam/.profile").is_none());
    ensure(&host, json!({ "name": "svc", "system": true, "create_home": false })).await;
    let line = line_of(&host, "passwd", "svc");
    let uid: u32 = line.split(':').nth(2).and_then(|uid| uid.parse().ok()).expect("a number");
    assert!((100..=999).contains(&uid), "{line}");
}

#[tokio::test]
async fn a_user_is_removed_with_or_without_its_files() {
    let host = accounts();
    // `userdel` leaves a folder that is not the user's own alone.
    for (name, uid) in [("ada", 1000), ("old", 1001)] {
        std::os::unix::fs::chown(host.path(&format!("home/{name}")), Some(uid), None).expect("an owner");
    }
    for (options, text) in [
        (
            json!({ "name": "ada", "state": "absent", "groups": ["nobody-made-it"] }),
            "state: present → absent\n",
        ),
        (json!({ "name": "ada", "state": "absent", "remove": true, "uid": 5 }), ""),
        (json!({ "name": "old", "state": "absent", "remove": true }), "state: present → absent\n"),
    ] {
        assert_eq!(ensure(&host, options.clone()).await.0, text, "{options}");
    }
    assert_eq!(line_of(&host, "passwd", "ada"), "");
    assert_eq!(line_of(&host, "shadow", "old"), "");
    assert!(std::fs::exists(host.path("home/ada")).expect("a look"));
    assert!(!std::fs::exists(host.path("home/old")).expect("a look"));
}

#[tokio::test]
async fn the_result_is_the_user() {
    let host = accounts();
    let options = json!({ "name": "ops", "uid": 4000, "comment": "Ops", "shell": "/bin/sh" });
    let expected =
        json!({ "uid": 4000, "gid": 4000, "home": "/home/ops", "shell": "/bin/sh", "comment": "Ops" });
    for _ in 0..2 {
        let done = laws::run(User, &host, options.clone()).await.expect("it is done");
        assert_eq!(Value::Object(done.output.fields), expected);
    }
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let host = accounts();
    for (options, message) in [
        (json!({ "name": "ops", "groups": ["wheel"] }), "there is no group `wheel`"),
        (json!({ "name": "ada", "group": "4711" }), "there is no group `4711`"),
        (
            json!({ "name": "ops", "uid": 1000 }),
            "`useradd` failed for the user `ops`: UID 1000 is not unique",
        ),
        (
            json!({ "name": "ada", "uid": 1001 }),
            "`usermod` failed for the user `ada`: UID '1001' already exists",
        ),
    ] {
        let before = laws::snapshot(host.root());
        let error = laws::run(User, &host, options.clone()).await.expect_err("a refusal");
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Failed, message), "{options}");
        let passwd = host.root().join("etc/passwd");
        assert_eq!(before.get(&passwd), laws::snapshot(host.root()).get(&passwd), "{options}");
    }
}

#[tokio::test]
async fn wrong_options_are_refused_before_the_host_is_asked() {
    let host = FakeHost::new();
    for (options, message) in [
        (json!({ "name": "1000" }), "`1000` cannot be the name of a user"),
        (json!({ "name": "ops", "group": "-r" }), "`-r` cannot be the name of a group"),
        (json!({ "name": "ops", "groups": [""] }), "`` cannot be the name of a group"),
        (json!({ "name": "ops", "home": "srv" }), "`home`: `srv` is not an absolute path"),
        (
            json!({ "name": "ops", "shell": "/bin/sh\n" }),
            "`shell` cannot hold a colon or a control character",
        ),
        (
            json!({ "name": "ops", "comment": "a:0:0" }),
            "`comment` cannot hold a colon or a control character",
        ),
        (json!({ "name": "ops", "password": "secret" }), "`password` is no hash as crypt(5) has them"),
        (
            json!({ "name": "ops", "uid": -1 }),
            "`user`: option `uid`: invalid value: integer `-1`, expected u32",
        ),
    ] {
        let error = laws::plan(User, &host, options).await.expect_err(message);
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Invalid, message));
    }
}

#[tokio::test]
async fn a_hash_is_known_as_a_secret_and_is_no_argument() {
    let host = FakeHost::new()
        .answer("chpasswd -e", "user ops:x:1:1::/:/bin/sh\n")
        .answer("getent", "user ops:x:1:1::/:/bin/sh\nend\n");
    let options = json!({ "name": "ops", "password": HASH });
    let done = laws::run(User, &host, options.clone()).await.expect("it is done");
    assert_eq!(done.change.to_text(), "password: another → as given\n");
    assert!(host.secrets().is_tainted(HASH));
    let commands = host.commands();
    assert_eq!(commands.len(), 2);
    for Command { program, stdin, .. } in commands {
        let Program::Shell { text, args } = program else { panic!("not a script") };
        assert!(!text.contains(HASH) && args.iter().all(|arg| !arg.contains(HASH)));
        assert!(String::from_utf8(stdin).expect("text").trim_end().ends_with(HASH));
    }
    assert_eq!(laws::shown(User, options)["password"], "•••");
}

#[tokio::test]
async fn a_hash_that_cannot_be_read_is_an_error_and_no_change() {
    let host = FakeHost::new().answer("getent", "user ops:x:1:1::/:/bin/sh\nhidden\nend\n");
    let error = laws::plan(User, &host, json!({ "name": "ops", "password": "!" })).await.expect_err("hidden");
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(error.message, "the password of `ops` cannot be read");
    let gone = laws::plan(User, &host, json!({ "name": "ops", "password": "!", "state": "absent" })).await;
    assert_eq!(gone.expect("nothing is compared").to_text(), "state: present → absent\n");
}
