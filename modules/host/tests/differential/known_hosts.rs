//! `known_host` beside `known_hosts`, which asks ssh-keygen(1).

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::twins::{Call, Seed, compare, same};
use crate::host::ops::KnownHost;
use crate::host::system::test_key;

const NAMES: [&str; 4] = ["web1", "web2.example.com", "10.0.0.7", "[web1]:2222"];

fn calls() -> impl Strategy<Value = Call> {
    let name = prop::sample::select(NAMES.to_vec());
    let key = prop::option::weighted(0.85, 1..4_u8);
    (name, key, prop::bool::weighted(0.3)).prop_map(|(name, key, is_absent)| {
        let with = |key: Option<String>| {
            let state = if is_absent { "absent" } else { "present" };
            let mut options = json!({ "name": name, "path": "@here/known", "state": state });
            if let Some(key) = key {
                options["key"] = Value::from(key);
            }
            options
        };
        // With a key that is to be absent, ours takes that key alone; theirs all that the host has.
        let key = key.filter(|_| !is_absent);
        // Theirs wants the name before the key, ours takes the key of a `.pub` file too.
        let line = key.map(|number| format!("{name} {}", test_key(number)));
        Call { ours: with(line.clone()), module: "known_hosts", theirs: with(line) }
    })
}

/// Files with entries of one host a line, comments, and lines that are about others.
fn text() -> impl Strategy<Value = String> {
    let entry = (prop::sample::select(NAMES.to_vec()), 1..4_u8)
        .prop_map(|(name, number)| format!("{name} {}\n", test_key(number)));
    let other = prop::sample::select(vec![
        "# mine\n",
        "\n",
        "db.example.com ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ==\n",
    ]);
    let line = prop_oneof![3 => entry, 1 => other.prop_map(str::to_owned)];
    prop::collection::vec(line, 0..5).prop_map(|mut lines| {
        // Of several entries of a host ours keeps one.
        let mut known = std::collections::BTreeSet::new();
        lines.retain(|line| known.insert(line.split(' ').next().map(str::to_owned)));
        lines.concat()
    })
}

#[test]
fn hosts_are_known_as_ansible_makes_them_known() {
    compare(50, &(calls(), prop::option::weighted(0.8, text())), |twins, (call, text)| {
        let file = |content: String| Seed::File { name: "known".into(), content, mode: 0o644 };
        let seeds: Vec<Seed> = text.into_iter().map(file).collect();
        let (mut ours, mut theirs) = twins.both(|| KnownHost, &seeds, &call);
        for tree in ours.trees.iter_mut().chain(&mut theirs.trees) {
            // What ssh-keygen(1) leaves where it takes an entry out.
            tree.remove("known.old");
            // A key that takes another's place is where that was; theirs comes last.
            for entry in tree.values_mut() {
                let whole = entry.replace('"', "\\n");
                let mut lines: Vec<&str> = whole.split("\\n").collect();
                lines.sort_unstable();
                *entry = lines.join("\\n");
            }
        }
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        same(&call, &ours, &theirs)
    });
}
