//! `group` with the real tools.

use oneex_sdk::{ErrorKind, json};
use oneex_testkit::{FakeHost, laws};

use super::machine::{accounts, line_of};
use crate::host::ops::group::Group;

#[tokio::test]
async fn groups_are_made_changed_and_removed() {
    let host = accounts();
    for (options, text, line) in [
        (json!({ "name": "deploy" }), "state: absent → present\n", "deploy:x:1003:"),
        (json!({ "name": "deploy" }), "", "deploy:x:1003:"),
        (json!({ "name": "deploy", "gid": 4100 }), "gid: 1003 → 4100\n", "deploy:x:4100:"),
        (json!({ "name": "web", "gid": 4200 }), "state: absent → present\ngid: + 4200\n", "web:x:4200:"),
        (json!({ "name": "backups", "system": true }), "state: absent → present\n", "backups:x:999:"),
        (json!({ "name": "backups", "system": false }), "", "backups:x:999:"),
        (json!({ "name": "deploy", "state": "absent" }), "state: present → absent\n", ""),
        (json!({ "name": "deploy", "state": "absent", "gid": 7 }), "", ""),
    ] {
        let name = options["name"].as_str().expect("a name").to_owned();
        let planned = laws::plan(Group, &host, options.clone()).await.expect("a plan");
        assert_eq!(planned.to_text(), text, "{options}");
        let done = laws::ensures(Group, &host, options.clone()).await.expect("it is done");
        assert_eq!(done.changed, !text.is_empty(), "{options}");
        assert_eq!(line_of(&host, "group", &name), line, "{options}");
        let gid = line.split(':').nth(2).map(|gid| json!(gid.parse::<u32>().expect("a number")));
        let given = done.output.fields.get("gid").cloned();
        assert_eq!(given.filter(|_| !line.is_empty()), gid, "{options}");
    }
}

#[tokio::test]
async fn what_the_tools_refuse_is_told_in_their_words() {
    let host = accounts();
    for (options, message) in [
        (json!({ "name": "web", "gid": 4 }), "`groupadd` failed for the group `web`: GID '4' already exists"),
        (
            json!({ "name": "ada", "state": "absent" }),
            "`groupdel` failed for the group `ada`: cannot remove the primary group of user 'ada'",
        ),
    ] {
        let error = laws::run(Group, &host, options).await.expect_err("a refusal");
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Failed, message));
        assert!(error.command.is_some_and(|failed| !failed.output.ok()));
    }
}

#[tokio::test]
async fn what_is_no_name_is_refused_before_the_host_is_asked() {
    let host = FakeHost::new();
    for name in ["", "-r", "100", "a:b", "a b"] {
        let error = laws::plan(Group, &host, json!({ "name": name })).await.expect_err(name);
        assert_eq!(error.kind, ErrorKind::Invalid, "{name}");
    }
}

#[tokio::test]
async fn a_name_that_is_part_of_another_is_another() {
    let host = accounts();
    let done = laws::ensures(Group, &host, json!({ "name": "ad" })).await.expect("it is made");
    assert!(done.changed);
    assert_eq!(line_of(&host, "group", "adm"), "adm:x:4:ada");
}
