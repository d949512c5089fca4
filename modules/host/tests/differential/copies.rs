//! `backup` and `validate` of what writes files, and `copy` of a folder, beside Ansible's.

use oneex_sdk::json;
use proptest::prelude::*;

use super::lines::{modes, text};
use super::twins::{Call, Did, Seed, Tree, compare, differ, same, without_nothing};
use crate::host::ops::{Block, Copy, Line, Replace, Write};

#[derive(Debug, Clone, Copy)]
enum Which {
    Write,
    Line,
    Block,
    Replace,
}

/// A backup has a random name here, and one of the time and the process there.
fn named(did: &Did) -> Did {
    let name = |name: &String| if name.starts_with("f.") { "backup".to_owned() } else { name.clone() };
    let tree = |tree: &Tree| tree.iter().map(|(key, entry)| (name(key), entry.clone())).collect();
    Did { trees: did.trees.each_ref().map(tree), ..did.clone() }
}

#[test]
fn backups_are_made_and_contents_refused_as_ansible_does() {
    let which = prop::sample::select(vec![Which::Write, Which::Line, Which::Block, Which::Replace]);
    let validate = prop::option::weighted(
        0.6,
        prop::sample::select(vec![
            "grep -q a %s",
            "test -s %s",
            "false %s",
            "sh -c 'grep -q \"b c\" %s'",
            "no-such-program %s",
        ]),
    );
    let file = prop::option::weighted(0.8, text());
    compare(
        150,
        &(which, file, any::<bool>(), validate, modes()),
        |twins, (which, file, backup, validate, mode)| {
            let options = |more: oneex_sdk::Value| {
                let mut all =
                    json!({ "path": "@here/f", "backup": backup, "validate": validate, "mode": mode });
                all.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
                without_nothing(all)
            };
            let seed = |content: String| Seed::File { name: "f".into(), content, mode: 0o640 };
            let seeds: Vec<Seed> = file.into_iter().map(seed).collect();
            let alike =
                |module, options: oneex_sdk::Value| Call { ours: options.clone(), module, theirs: options };
            let (call, (ours, theirs)) = match which {
                Which::Write => {
                    let ours = options(json!({ "content": "a\nb c\n" }));
                    let mut theirs = ours.clone();
                    let path = theirs.as_object_mut().expect("a map").remove("path").expect("a path");
                    (theirs["dest"], theirs["_original_basename"]) = (path, json!("source"));
                    let call = Call { ours, module: "copy", theirs };
                    let did = twins.both(|| Write, &seeds, &call);
                    (call, did)
                }
                Which::Line => {
                    let call = alike("lineinfile", options(json!({ "line": "a = 1", "create": true })));
                    let did = twins.both(|| Line, &seeds, &call);
                    (call, did)
                }
                Which::Block => {
                    let block = json!({ "block": "a\nb", "marker": "# {mark} x", "create": true });
                    let call = alike("blockinfile", options(block));
                    let did = twins.both(|| Block, &seeds, &call);
                    (call, did)
                }
                Which::Replace => {
                    let call = alike("replace", options(json!({ "regexp": "^#a", "replace": "a" })));
                    let did = twins.both(|| Replace, &seeds, &call);
                    (call, did)
                }
            };
            let (ours, mut theirs) = (named(&ours), named(&theirs));
            if theirs.failure.is_some() {
                // It is made there before the new content is refused.
                theirs.trees.iter_mut().for_each(|tree| drop(tree.remove("backup")));
            }
            prop_assert!(!theirs.crashed, "{} {}: {theirs}", call.module, call.theirs);
            prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
            same(&call, &ours, &theirs)
        },
    );
}

/// What a folder may hold: its files by their names, each with a mode that goes with the name.
const FILES: [&str; 7] = ["f", "run", "in/f", "in/a b $(id)", "in/deep/run", "new\nline", "-n"];

fn folder(root: &'static str) -> impl Strategy<Value = Vec<Seed>> {
    let contents = prop::sample::select(vec!["", "x\n", "other\n", "ü\r\n"]);
    let files = prop::collection::btree_map(prop::sample::select(FILES.to_vec()), contents, 0..6);
    files.prop_map(move |files| {
        let folder = |name: String| Seed::Folder { name, mode: 0o755 };
        let file = |(name, content): (&str, &str)| Seed::File {
            name: format!("{root}/{name}"),
            content: content.into(),
            mode: if name.ends_with("run") { 0o755 } else { 0o640 },
        };
        let folders = [root.to_owned(), format!("{root}/in"), format!("{root}/in/deep")].map(folder);
        folders.into_iter().chain(files.into_iter().map(file)).collect()
    })
}

/// The action plugin that brings a folder from the controller calls the module for each file; that for a folder of the
/// host itself does all of it.
#[test]
fn folders_are_copied_as_ansible_copies_them() {
    let links =
        prop::sample::subsequence(vec![("link", "f"), ("in/to", "../run"), ("in/folder", "deep")], 0..3);
    let case = (folder("src"), prop::option::of(folder("dst")), links, any::<bool>());
    compare(80, &case, |twins, (mut seeds, there, links, other)| {
        // A link to what is not there is left out there.
        let has = |name: &str| {
            seeds.iter().any(|seed| matches!(seed, Seed::File { name: found, .. } if found == name))
        };
        let (f, run) = (has("src/f"), has("src/run"));
        let leads = links.into_iter().filter(|(_, target)| match *target {
            "f" => f,
            "../run" => run,
            _ => true,
        });
        let leads: Vec<_> = leads.collect();
        let link = |(name, target): &(&str, &str)| Seed::Link {
            name: format!("src/{name}"),
            target: (*target).into(),
        };
        seeds.extend(leads.iter().map(link));
        let is_there = there.is_some();
        seeds.extend(there.into_iter().flatten());
        if is_there && other {
            seeds.push(Seed::File { name: "dst/kept".into(), content: "kept".into(), mode: 0o600 });
        }
        let ours = json!({ "src": "@here/src", "path": "@here/dst", "mode": "preserve" });
        let theirs = json!({
            "src": "@here/src/", "dest": "@here/dst", "mode": "preserve", "remote_src": true, "local_follow": false,
        });
        let call = Call { ours, module: "copy", theirs };
        let (ours, theirs) = twins.both(|| Copy, &seeds, &call);
        let agrees = ours.failure.is_none()
            && theirs.failure.is_none()
            && ours.trees == theirs.trees
            && (ours.plan, &ours.runs) == (theirs.plan, &theirs.runs);
        if agrees { Ok(()) } else { Err(differ(&call, &ours, &theirs)) }
    });
}
