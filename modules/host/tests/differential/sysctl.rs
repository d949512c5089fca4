//! `sysctl` beside `ansible.posix.sysctl`, of the file alone.

use oneex_sdk::json;
use proptest::prelude::*;

use super::twins::{Call, Did, Seed, compare, differ};
use crate::host::ops::Sysctl;

const NAMES: [&str; 4] = ["vm.swappiness", "net.ipv4.ip_forward", "kernel.core_pattern", "net.ipv4.tcp_rmem"];
const VALUES: [&str; 5] = ["0", "1", "60", "4096 87380 6291456", "|/usr/bin/dump %p"];

fn calls() -> impl Strategy<Value = Call> {
    let parts = (
        prop::sample::select(NAMES.to_vec()),
        prop::sample::select(VALUES.to_vec()),
        prop::bool::weighted(0.3),
    );
    parts.prop_map(|(name, value, is_absent)| {
        let mut options = json!({
            "name": name, "state": if is_absent { "absent" } else { "present" }, "sysctl_file": "@here/f.conf",
            "sysctl_set": false, "reload": false,
        });
        if !is_absent {
            options["value"] = json!(value);
        }
        Call { ours: options.clone(), module: "ansible.posix.sysctl", theirs: options }
    })
}

/// Files in which each setting is once: of several lines the last counts, but theirs keeps the value of the first.
fn text() -> impl Strategy<Value = String> {
    let equals = prop::sample::select(vec!["=", " = ", "= ", "\t="]);
    let setting = (prop::sample::select(NAMES.to_vec()), equals, prop::sample::select(VALUES.to_vec()))
        .prop_map(|(name, equals, value)| (name, format!("{name}{equals}{value}\n")));
    let other = prop::sample::select(vec![
        "# note",
        "; vm.swappiness = 9",
        "",
        "vm.swappiness2=1",
        "nonsense",
        "a.b=",
    ]);
    let line = prop_oneof![3 => setting, 1 => other.prop_map(|line| ("", format!("{line}\n")))];
    prop::collection::vec(line, 0..7).prop_map(|mut lines| {
        let mut known = std::collections::BTreeSet::new();
        lines.retain(|(name, line)| {
            known.insert(if name.is_empty() { line.clone() } else { (*name).to_owned() })
        });
        lines.into_iter().map(|(_, line)| line).collect()
    })
}

/// Without the blanks around `=`, which theirs takes out of every line of a file that it changes.
fn plain(did: &Did) -> [Option<String>; 2] {
    let blanks = regex::Regex::new(r"(\s|\\t)*=(\s|\\t)*").expect("a pattern");
    did.trees.each_ref().map(|tree| Some(blanks.replace_all(tree.get("f.conf")?, "=").into_owned()))
}

#[test]
fn settings_are_kept_as_ansible_keeps_them() {
    compare(120, &(calls(), prop::option::weighted(0.85, text())), |twins, (call, text)| {
        let file = |content: String| Seed::File { name: "f.conf".into(), content, mode: 0o640 };
        let seeds: Vec<Seed> = text.into_iter().map(file).collect();
        let (ours, theirs) = twins.both(|| Sysctl, &seeds, &call);
        let agrees = ours.failure.is_none()
            && theirs.failure.is_none()
            && ours.runs[1] == Some(false)
            && plain(&ours) == plain(&theirs)
            && (ours.plan, &ours.runs) == (theirs.plan, &theirs.runs);
        if agrees { Ok(()) } else { Err(differ(&call, &ours, &theirs)) }
    });
}
