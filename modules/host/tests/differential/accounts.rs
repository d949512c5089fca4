//! `user` and `group` beside `user` and `group`, each with an `/etc` and a `/home` of its own.

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::twins::{Call, Did, Seed, Tree, compare_in_place, differ, without_nothing};
use crate::host::ops::tests::machine::{GROUP, GSHADOW, LOGIN_DEFS, PASSWD, SHADOW};
use crate::host::ops::{Group, User};

const PRIVATE: &[&str] = &["/etc", "/home", "/var/mail"];

fn seeds() -> Vec<Seed> {
    let file =
        |name: &str, content: &str| Seed::File { name: name.into(), content: content.into(), mode: 0o644 };
    let folder = |name: &str| Seed::Folder { name: name.into(), mode: 0o755 };
    vec![
        file("etc/passwd", PASSWD),
        file("etc/group", GROUP),
        file("etc/shadow", SHADOW),
        file("etc/gshadow", GSHADOW),
        file("etc/login.defs", LOGIN_DEFS),
        folder("etc/skel"),
        file("etc/skel/.profile", "# of the skeleton\n"),
        folder("home/ada"),
        folder("home/old"),
    ]
}

/// What counts of a tree: the tables, and what is below `/home`. The tools keep copies under other names.
fn accounts(tree: &Tree) -> Tree {
    let counts =
        |name: &str| ["etc/passwd", "etc/group", "etc/shadow"].contains(&name) || name.starts_with("home/");
    tree.iter().filter(|(name, _)| counts(name)).map(|(name, entry)| (name.clone(), entry.clone())).collect()
}

fn same(call: &Call, ours: &Did, theirs: &Did) -> Result<(), TestCaseError> {
    let trees = |did: &Did| did.trees.each_ref().map(accounts);
    let both_failed = ours.failure.is_some() && theirs.failure.is_some();
    let agree = ours.failure.is_none() == theirs.failure.is_none()
        && (ours.plan, &ours.runs, trees(ours)) == (theirs.plan, &theirs.runs, trees(theirs));
    if both_failed || agree { Ok(()) } else { Err(differ(call, ours, theirs)) }
}

fn users() -> impl Strategy<Value = Call> {
    let name = prop::sample::select(vec!["ada", "old", "ops", "shop"]);
    let uid = prop::option::weighted(0.3, prop::sample::select(vec![1000_u32, 1001, 4000, 0]));
    let group =
        prop::option::weighted(0.4, prop::sample::select(vec!["ada", "users", "adam", "100", "none"]));
    let groups = prop::option::weighted(
        0.5,
        prop::collection::vec(prop::sample::select(vec!["adm", "sudo", "users", "adam", "4"]), 0..3),
    );
    let home =
        prop::option::weighted(0.3, prop::sample::select(vec!["/home/ada", "/home/new one", "/home/old"]));
    let shell = prop::option::weighted(0.3, prop::sample::select(vec!["/bin/sh", "/usr/sbin/nologin"]));
    let comment = prop::option::weighted(0.3, prop::sample::select(vec!["Ada,,,", "A $(id) 'b'", ""]));
    let password =
        prop::option::weighted(0.3, prop::sample::select(vec!["!", "$6$salt$hash", "$6$salt$other"]));
    let flags =
        (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.25), any::<bool>());
    (name, uid, group, groups, home, (shell, comment, password), flags).prop_map(
        |(name, uid, group, groups, home, (shell, comment, password), (append, make, system, is_absent, remove))| {
            let mut options = without_nothing(json!({
                "name": name, "uid": uid, "group": group, "groups": groups, "append": append && groups.is_some(),
                "home": home, "shell": shell, "comment": comment, "password": password, "system": system,
                "remove": remove && is_absent, "state": if is_absent { "absent" } else { "present" },
            }));
            options["create_home"] = json!(make);
            Call { ours: options.clone(), module: "user", theirs: options }
        },
    )
}

/// Where the two differ on purpose.
fn differs(options: &Value) -> bool {
    // The home folder of a user that is there already is not made.
    let is_there = ["ada", "old"].map(Value::from).contains(&options["name"]);
    let is_made = options["home"] == "/home/new one" && options["create_home"] == json!(true);
    // A user's own group is not listed again among the further ones.
    let own = match (options["group"].as_str(), options["name"].as_str()) {
        (Some("100"), _) => "users",
        (Some(group), _) => group,
        (None, Some("old")) => "users",
        _ => "",
    };
    let listed = options["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let is_listed =
        listed.map(|group| if group == "100" { "users" } else { group }).any(|group| group == own);
    (is_there && is_made) || is_listed
}

#[test]
fn users_become_what_ansible_makes_of_them() {
    compare_in_place(PRIVATE, 50, &users(), |twins, call| {
        let (ours, theirs) = twins.both(|| User, &seeds(), &call);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        if differs(&call.ours) { Ok(()) } else { same(&call, &ours, &theirs) }
    });
}

#[test]
fn groups_become_what_ansible_makes_of_them() {
    let names = prop::sample::select(vec!["ada", "adam", "users", "shop", "sudo"]);
    let gid = prop::option::weighted(0.6, prop::sample::select(vec![1000_u32, 1002, 4000, 27]));
    let case = (names, gid, prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    compare_in_place(PRIVATE, 30, &case, |twins, (name, gid, system, is_absent)| {
        let options = without_nothing(json!({
            "name": name, "gid": gid, "system": system, "state": if is_absent { "absent" } else { "present" },
        }));
        let call = Call { ours: options.clone(), module: "group", theirs: options };
        let (ours, theirs) = twins.both(|| Group, &seeds(), &call);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        same(&call, &ours, &theirs)
    });
}
