//! `acl` and `xattr` beside `ansible.posix.acl` and `community.general.xattr`, with real lists and attributes.

use oneex_sdk::json;
use proptest::prelude::*;
use regex::Regex;

use super::twins::{Call, Did, Seed, Tree, compare, same};
use crate::host::ops::{Acl, Xattr};

fn seeds() -> Vec<Seed> {
    let file = |name: &str, mode| Seed::File { name: name.into(), content: "x\n".into(), mode };
    let folder = |name: &str, mode| Seed::Folder { name: name.into(), mode };
    vec![
        file("f", 0o640),
        file("run", 0o755),
        folder("d", 0o750),
        folder("d/in", 0o700),
        file("d/in/f", 0o640),
        file("d/run", 0o755),
        Seed::Link { name: "d/link".into(), target: "../f".into() },
        Seed::Access { name: "d/run".into(), entries: "u:daemon:rwx,g:1:r".into() },
        Seed::Access { name: "d/in".into(), entries: "u:1:rwx,d:u:daemon:rx".into() },
    ]
}

const ENTITIES: [&str; 4] = ["daemon", "1", "bin", "54321"];

/// A call, and entries that were there before.
fn lists() -> impl Strategy<Value = (Call, Option<String>)> {
    let entry = (prop::sample::select(vec!["u", "g"]), prop::sample::select(ENTITIES.to_vec()), 0..8_u32)
        .prop_map(|(kind, name, bits)| format!("{kind}:{name}:{bits}"));
    let mask = prop::option::weighted(0.3, prop::sample::select(vec!["m::r", "m::rw", "m::0"]));
    let before = (prop::collection::vec(entry, 0..3), mask).prop_map(|(mut entries, mask)| {
        entries.sort_unstable();
        entries.dedup_by(|one, other| one[..one.len() - 1] == other[..other.len() - 1]);
        entries.extend(mask.map(str::to_owned));
        Some(entries.join(",")).filter(|text| !text.is_empty())
    });
    let what = (
        prop::sample::select(vec!["f", "run", "d"]),
        prop::sample::select(vec!["user", "group", "user", "group", "other", "mask"]),
        prop::sample::select(ENTITIES.to_vec()),
        prop::sample::select(vec!["r", "rw", "rwx", "rX", "X", "5", "0", "-", "r-x"]),
    );
    let flags =
        (prop::bool::weighted(0.2), prop::bool::weighted(0.3), prop::bool::weighted(0.3), any::<bool>());
    (what, flags, before).prop_map(|((name, kind, entity, permissions), (is_owner, is_absent, default, recursive), before)| {
        let is_named = matches!(kind, "user" | "group");
        // An entry that every list has cannot go, which theirs does not ask for without an entity.
        let is_absent = is_absent && is_named && !is_owner;
        let mut options = json!({
            "path": format!("@here/{name}"), "etype": kind, "state": if is_absent { "absent" } else { "present" },
            "default": default && name == "d",
        });
        if is_named && !is_owner {
            options["entity"] = json!(entity);
        }
        if !is_absent {
            options["permissions"] = json!(permissions);
        }
        options["recursive"] = json!(recursive);
        (Call { ours: options.clone(), module: "ansible.posix.acl", theirs: options }, before)
    })
}

/// Without masks, and what of a mode they are.
fn unmasked(did: &Did) -> [Tree; 2] {
    let masks = Regex::new(r"mask:\d| [0-7]{4} ").expect("a pattern");
    did.trees.each_ref().map(|tree| {
        let plain =
            |(name, entry): (&String, &String)| (name.clone(), masks.replace_all(entry, "").into_owned());
        tree.iter().map(plain).collect()
    })
}

#[test]
fn lists_become_what_ansible_makes_of_them() {
    compare(150, &lists(), |twins, (call, before)| {
        let mut seeds = seeds();
        let name = call.ours["path"].as_str().expect("a path").trim_start_matches("@here/").to_owned();
        seeds.extend(before.clone().map(|entries| Seed::Access { name, entries }));
        let (ours, theirs) = twins.both(|| Acl, &seeds, &call);
        prop_assert!(!theirs.crashed, "{} {}: {theirs}", call.module, call.theirs);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        // Where the entry is as it is to be and has its effect, a mask that is wider or narrower than needed stays.
        // Of a whole folder, theirs does nothing where one path is as it is to be already.
        let is_left =
            call.ours["recursive"] == json!(true) && (ours.plan, theirs.plan) == (Some(true), Some(false));
        if is_left {
            return Ok(());
        }
        let is_mask_alone = (ours.plan, theirs.plan) == (Some(false), Some(true)) && before.is_some();
        if is_mask_alone && unmasked(&ours) == unmasked(&theirs) {
            Ok(())
        } else {
            same(&call, &ours, &theirs)
        }
    });
}

#[test]
fn attributes_become_what_ansible_makes_of_them() {
    let key = prop::sample::select(vec!["note", "a b", "user.note", "x-y"]);
    // Others than these are quoted by getfattr(1), which theirs does not read.
    let value = prop::sample::select(vec!["x", "a b = c", "$(id) *", "1", "it's"]);
    let what = (prop::sample::select(vec!["f", "d"]), key, value, prop::bool::weighted(0.3));
    let before = prop::option::of(prop::sample::select(vec![
        ("user.note", "x"),
        ("user.a b", "1"),
        ("user.note", "y"),
    ]));
    compare(80, &(what, before), |twins, ((name, key, value, is_absent), before)| {
        let mut options = json!({
            "path": format!("@here/{name}"), "key": key, "state": if is_absent { "absent" } else { "present" },
        });
        if !is_absent {
            options["value"] = json!(value);
        }
        let mut seeds = seeds();
        seeds.extend(before.map(|(key, value)| {
            let (key, value) = (key.to_owned(), value.to_owned());
            Seed::Attribute { name: name.to_owned(), key, value }
        }));
        let call = Call { ours: options.clone(), module: "community.general.xattr", theirs: options };
        let (ours, theirs) = twins.both(|| Xattr, &seeds, &call);
        prop_assert!(!theirs.crashed, "{} {}: {theirs}", call.module, call.theirs);
        prop_assert!(ours.failure.is_none() && ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        same(&call, &ours, &theirs)
    });
}
