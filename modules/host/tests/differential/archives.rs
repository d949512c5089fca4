//! `unarchive` beside `unarchive`: the same archives, packed by the real programs, into folders that hold the same.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use oneex_sdk::{Value, json};
use oneex_testkit::{Ansible, TestHost, laws};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tempfile::TempDir;

use super::twins::random;
use crate::host::ops::Unarchive;

/// A file that is packed: its content and mode.
type Files = BTreeMap<&'static str, (&'static str, u32)>;

#[derive(Debug, Clone)]
struct Case {
    packed: Files,
    has_link: bool,
    pack: &'static [&'static str],
    /// Files that are there already, and what is in them.
    there: BTreeMap<&'static str, &'static str>,
    options: Value,
}

const NAMES: [&str; 8] = ["a", "d/b", "d/e/c", "d/-n", "f g/it's", "f g/ü", "$(id)", "*"];

fn cases() -> impl Strategy<Value = Case> {
    let name = || prop::sample::select(NAMES.to_vec());
    let content = prop::sample::select(vec!["", "one\n", "two", "ü\r\n"]);
    let mode = prop::sample::select(vec![0o644, 0o600, 0o755, 0o440]);
    let pack: Vec<&[&str]> = vec![
        &["tar", "-cf"],
        &["tar", "-czf"],
        &["tar", "-cJf"],
        &["tar", "--zstd", "-cf"],
        &["tar", "--format=pax", "-cjf"],
        &["zip", "-qry"],
    ];
    let options = prop_oneof![
        4 => Just(json!({})),
        1 => Just(json!({ "exclude": ["a"] })),
        1 => Just(json!({ "creates": "@to/a" })),
        1 => Just(json!({ "creates": "@to/nothing" })),
        1 => Just(json!({ "owner": "1", "group": "2" })),
    ];
    let packed = prop::collection::btree_map(name(), (content, mode), 1..7);
    let there = prop::collection::btree_map(name(), Just("own"), 0..4);
    (packed, any::<bool>(), prop::sample::select(pack), there, options)
        .prop_map(|(packed, has_link, pack, there, options)| Case { packed, has_link, pack, there, options })
}

fn write(folder: &Path, name: &str, content: &str, mode: u32) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, content).expect("a file");
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("a mode");
}

/// What is in a folder: type, mode, owner and content by path.
fn tree(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let (path, metadata) = (entry.path(), entry.path().symlink_metadata().expect("metadata"));
        let content = if metadata.is_symlink() {
            format!("{:?}", std::fs::read_link(&path).expect("a target"))
        } else if metadata.is_dir() {
            tree(root, &path, found);
            "folder".to_owned()
        } else {
            format!("{:?}", String::from_utf8_lossy(&std::fs::read(&path).expect("a content")))
        };
        let name = path.strip_prefix(root).expect("below").display().to_string();
        let owner = (metadata.uid(), metadata.gid());
        found.insert(name, format!("{:o} {owner:?} {content}", metadata.mode() & 0o7777));
    }
}

#[test]
fn archives_become_what_ansible_makes_of_them() {
    let mut ansible = Ansible::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    random(60, &cases(), |case| {
        let source = TempDir::new().expect("a folder");
        for (name, (content, mode)) in &case.packed {
            write(&source.path().join("x"), name, content, *mode);
        }
        if case.has_link {
            symlink("a/../b c", source.path().join("x/link")).expect("a link");
        }
        let archive = source.path().join("archive");
        let packed = Command::new(case.pack[0])
            .args(&case.pack[1..])
            .arg(if case.pack[0] == "zip" { archive.with_extension("zip") } else { archive.clone() })
            .arg(".")
            .current_dir(source.path().join("x"))
            .status();
        assert!(packed.expect("it runs").success());
        let archive = if case.pack[0] == "zip" { archive.with_extension("zip") } else { archive };
        let (host, theirs) = (TestHost::new(), TempDir::new().expect("a folder"));
        let folders = [host.root().join("to"), theirs.path().join("to")];
        for folder in &folders {
            std::fs::create_dir(folder).expect("a folder");
            std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).expect("a mode");
            for (name, content) in &case.there {
                write(folder, name, content, 0o604);
            }
        }
        let call = |folder: &Path| {
            let mut call = case.options.clone();
            call["src"] = json!(archive);
            call["dest"] = json!(folder);
            if let Some(creates) = case.options["creates"].as_str() {
                call["creates"] = json!(creates.replace("@to", folder.to_str().expect("UTF-8")));
            }
            call
        };
        for run in ["first", "second"] {
            let foretold = runtime.block_on(laws::plan(Unarchive, &host, call(&folders[0])));
            let foretold = foretold.map(|change| !change.is_empty()).ok();
            let mut theirs = call(&folders[1]);
            theirs["remote_src"] = json!(true);
            let answer = ansible.call("unarchive", &theirs, true);
            // Theirs foretells nothing of a tar.
            let is_told = case.pack[0] == "zip" && !answer.crashed() && answer.failure().is_none();
            if is_told && foretold != Some(answer.changed()) {
                return Err(TestCaseError::fail(format!(
                    "they foretell otherwise in the {run} run of {case:?}\nours: {foretold:?}, theirs: {}",
                    answer.changed()
                )));
            }
            let ours = runtime.block_on(laws::run(Unarchive, &host, call(&folders[0])));
            let ours = ours.map(|done| done.changed).map_err(|error| error.to_string());
            let mut call = call(&folders[1]);
            call["remote_src"] = json!(true);
            let answer = ansible.call("unarchive", &call, false);
            // A name in a zip that is not ASCII is too much for theirs.
            let is_lost = |failure: &str| failure.contains("accessing exploded file");
            if answer.crashed() || answer.failure().is_some_and(is_lost) {
                return Ok(());
            }
            let told = answer.failure().map_or(Ok(answer.changed()), |failure| Err(failure.to_owned()));
            let [mut here, mut there] = [BTreeMap::new(), BTreeMap::new()];
            tree(&folders[0], &folders[0], &mut here);
            tree(&folders[1], &folders[1], &mut there);
            if ours.clone().ok() != told.clone().ok() || here != there {
                return Err(TestCaseError::fail(format!(
                    "they differ in the {run} run of {case:?}\nours: {ours:?} {here:#?}\ntheirs: {told:?} {there:#?}"
                )));
            }
        }
        Ok(())
    });
}
