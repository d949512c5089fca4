//! `authorized_keys` beside `ansible.posix.authorized_key`.

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::twins::{Call, Did, Seed, compare, differ};
use crate::host::ops::AuthorizedKeys;
use crate::host::system::test_key;

const OPTIONS: &[&str] = &[
    "",
    "no-pty ",
    "restrict,pty ",
    "from=\"10.0.0.0/8,*.example.com\",no-pty ",
    "command=\"/usr/bin/backup all\" ",
];
const COMMENTS: &[&str] = &["", " ada@box", " two words", " ü#1"];

/// A line with the key of a number.
fn line(numbers: std::ops::Range<u8>) -> impl Strategy<Value = (u8, String)> {
    let parts = (numbers, prop::sample::select(OPTIONS.to_vec()), prop::sample::select(COMMENTS.to_vec()));
    parts.prop_map(|(number, options, comment)| (number, format!("{options}{}{comment}", test_key(number))))
}

fn keys(numbers: std::ops::Range<u8>, size: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(line(numbers), size).prop_map(|mut keys| {
        // Of a key that is given twice, theirs changes the one and then the other, in each run.
        let mut known = std::collections::BTreeSet::new();
        keys.retain(|(number, _)| known.insert(*number));
        keys.into_iter().map(|(_, line)| line).collect()
    })
}

fn text() -> impl Strategy<Value = String> {
    let other = prop::sample::select(vec!["# mine", "#other", "ssh-unknown AAAA x"]);
    (keys(1..6, 0..5), prop::collection::vec(other, 0..2)).prop_map(|(keys, others)| {
        let lines = keys.into_iter().chain(others.into_iter().map(str::to_owned));
        lines.map(|line| format!("{line}\n")).collect()
    })
}

fn calls() -> impl Strategy<Value = Call> {
    let options =
        prop::option::weighted(0.3, prop::sample::select(vec!["no-pty", "restrict,command=\"/bin/a b\""]));
    let comment = prop::option::weighted(0.3, prop::sample::select(vec!["new", "of ada"]));
    let flags = (prop::bool::weighted(0.25), prop::bool::weighted(0.3), any::<bool>());
    (keys(1..5, 1..4), options, comment, flags).prop_map(|(keys, options, comment, flags)| {
        let (is_absent, exclusive, is_text) = flags;
        let mut ours = json!({
            "user": "root", "path": "@here/keys", "state": if is_absent { "absent" } else { "present" },
            "exclusive": exclusive && !is_absent,
        });
        for (name, value) in [("key_options", options), ("comment", comment)] {
            if let Some(value) = value {
                ours[name] = json!(value);
            }
        }
        let mut theirs = ours.clone();
        theirs["key"] = json!(keys.join("\n"));
        ours["key"] = if is_text { json!(format!("# these\n\n{}\n", keys.join("\n"))) } else { json!(keys) };
        Call { ours, module: "ansible.posix.authorized_key", theirs }
    })
}

/// The file's lines without their order: a key that is changed stays in its place here, and goes to the end there. With
/// `exclusive`, comments stay here.
fn plain(did: &Did, exclusive: bool) -> [Option<Vec<String>>; 2] {
    did.trees.each_ref().map(|tree| {
        let entry = tree.get("keys")?;
        let (attributes, content) = entry.split_once(" \"").expect("a content");
        let lines = content.trim_end_matches('"').split("\\n").map(|line| line.trim_end().to_owned());
        let mut lines: Vec<String> = lines.filter(|line| !(exclusive && line.starts_with('#'))).collect();
        lines.sort_unstable();
        lines.push(attributes.to_owned());
        Some(lines)
    })
}

#[test]
fn keys_let_in_whom_ansible_lets_in() {
    compare(150, &(calls(), prop::option::weighted(0.85, text())), |twins, (call, text)| {
        let file =
            |content: &String| Seed::File { name: "keys".into(), content: content.clone(), mode: 0o600 };
        let seeds: Vec<Seed> = text.iter().map(file).collect();
        let (ours, theirs) = twins.both(|| AuthorizedKeys, &seeds, &call);
        let exclusive = call.ours["exclusive"] == json!(true);
        // Only a comment goes there.
        let is_comment = exclusive && text.is_some_and(|text| text.contains('#'));
        let agrees = ours.failure.is_none()
            && theirs.failure.is_none()
            && ours.runs[1] == Some(false)
            && plain(&ours, exclusive) == plain(&theirs, exclusive)
            && (is_comment || (ours.plan, &ours.runs) == (theirs.plan, &theirs.runs));
        if agrees { Ok(()) } else { Err(differ(&call, &ours, &theirs)) }
    });
}

#[test]
fn what_is_no_key_is_an_error_for_both() {
    let wrong = prop::sample::select(vec!["nonsense", "ssh-unknown AAAA x", "-n", "$(id)"]);
    compare(8, &wrong, |twins, key| {
        let options: Value = json!({ "user": "root", "path": "@here/keys", "key": key });
        let call = Call { ours: options.clone(), module: "ansible.posix.authorized_key", theirs: options };
        let (ours, theirs) = twins.both(|| AuthorizedKeys, &[], &call);
        let agrees = ours.failure.is_some() && theirs.failure.is_some() && ours.trees == theirs.trees;
        if agrees { Ok(()) } else { Err(differ(&call, &ours, &theirs)) }
    });
}
