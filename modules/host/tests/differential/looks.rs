//! `stat` and `find` beside `stat` and `find`: what they say.

use std::collections::BTreeMap;

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::paths::{self, GONE, THERE};
use super::twins::{Call, Did, Seed, compare, differ};
use crate::host::ops::{Find, Stat};

/// What both say of one path, in the same words.
#[derive(Debug, PartialEq)]
struct Facts {
    kind: String,
    mode: String,
    owner: (u64, u64),
    size: u64,
}

fn facts(value: &Value) -> Facts {
    let number = |name: &str| value[name].as_u64().expect("a number");
    let is = |name: &str| value[name].as_bool().unwrap_or(false);
    let kind = match value["type"].as_str() {
        Some(kind) => kind.to_owned(),
        None if is("islnk") => "link".to_owned(),
        None if is("isdir") => "directory".to_owned(),
        None => "file".to_owned(),
    };
    // A folder's own size is the file system's business, and the mode of a link nobody's.
    let size = if kind == "directory" { 0 } else { number("size") };
    let mode =
        if kind == "link" { String::new() } else { value["mode"].as_str().expect("a mode").to_owned() };
    Facts { kind, mode, owner: (number("uid"), number("gid")), size }
}

#[test]
fn stat_says_what_ansible_says() {
    let names =
        prop_oneof![4 => prop::sample::select(THERE.to_vec()), 1 => prop::sample::select(GONE.to_vec())];
    compare(50, &(names, any::<bool>(), any::<bool>()), |twins, (name, follow, checksum)| {
        let path = format!("@here/{name}");
        let call = Call {
            ours: json!({ "path": path, "follow": follow, "checksum": checksum }),
            module: "stat",
            theirs: json!({
                "path": path, "follow": follow, "get_checksum": checksum, "checksum_algorithm": "sha256",
            }),
        };
        let (ours, theirs) = twins.both(|| Stat, &paths::seeds(), &call);
        let said = &theirs.said["stat"];
        // Of a link that leads nowhere, and is to be followed, theirs says that there is nothing; what is below a file
        // is an error to it, and to ours not there.
        if follow && ["dead", "loop"].contains(&name) || name == "f/below" {
            return Ok(());
        }
        if ours.said["exists"] != said["exists"] {
            return Err(differ(&call, &ours, &theirs));
        }
        if said["exists"] == json!(true) {
            let ours_said = (facts(&ours.said), &ours.said["sha256"], &ours.said["target"]);
            let (sum, target) = (said.get("checksum"), said.get("lnk_target"));
            let theirs_said = (facts(said), sum.unwrap_or(&Value::Null), target.unwrap_or(&Value::Null));
            if ours_said != theirs_said {
                return Err(differ(&call, &ours, &theirs));
            }
        }
        Ok(())
    });
}

fn found(did: &Did) -> BTreeMap<String, Facts> {
    let files = did.said["files"].as_array().cloned().unwrap_or_default();
    files.iter().map(|file| (file["path"].as_str().expect("a path").to_owned(), facts(file))).collect()
}

#[test]
fn find_finds_what_ansible_finds() {
    let patterns = ["*", "f*", "?", "[a-d]*", "*.log", ".*", "a b*", "-n", "new*", "e", "[*]"];
    let patterns = || prop::collection::vec(prop::sample::select(patterns.to_vec()), 0..3);
    let kinds = prop::sample::select(vec!["file", "directory", "link", "any"]);
    let sizes = prop::option::weighted(0.4, prop::sample::select(vec!["0", "3", "-3", "1k", "-1k", "4"]));
    let folders =
        prop::sample::select(vec!["@here", "@here/d", "@here/ld", "@here/d/", "@here/gone", "@here/f"]);
    let case = (folders, patterns(), patterns(), kinds, sizes, any::<bool>(), any::<bool>());
    compare(100, &case, |twins, (folder, patterns, excludes, kind, size, recurse, hidden)| {
        let mut seeds = paths::seeds();
        let file =
            |name: &str, size| Seed::File { name: name.into(), content: "x".repeat(size), mode: 0o644 };
        seeds.extend([
            file(".hidden", 3),
            file("d/old.log", 2000),
            file("d/.log", 4),
            file("d/e/deep.log", 0),
        ]);
        seeds.push(Seed::Folder { name: ".git".into(), mode: 0o755 });
        seeds.push(file(".git/config", 5));
        let mut ours = json!({ "paths": [folder], "patterns": patterns, "excludes": excludes, "type": kind, "recurse": recurse, "hidden": hidden });
        let mut theirs = json!({ "paths": [folder], "patterns": patterns, "excludes": excludes, "file_type": kind, "recurse": recurse, "hidden": hidden });
        if let Some(size) = size {
            (ours["size"], theirs["size"]) = (json!(size), json!(size));
        }
        let call = Call { ours, module: "find", theirs };
        let (ours, theirs) = twins.both(|| Find, &seeds, &call);
        let failed = ours.failure.is_some() != theirs.failure.is_some();
        if failed {
            return Err(differ(&call, &ours, &theirs));
        }
        prop_assert_eq!(found(&ours), found(&theirs), "{:?}", call);
        Ok(())
    });
}
