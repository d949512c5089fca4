//! `mount` beside `ansible.posix.mount`, of the lines of a file alone.

use oneex_sdk::json;
use proptest::prelude::*;

use super::twins::{Call, Seed, compare, same};
use crate::host::ops::Mount;

/// Nothing is there, so that `absent` is about the file in both.
const PATHS: [&str; 4] = ["/srv/oneex-a", "/srv/oneex-b", "/srv/oneex a", "/srv/oneex-a/b"];
const SOURCES: [&str; 4] = ["/dev/sdz9", "UUID=7d3c1a52-0d3b-4c0e-9a55-0f6b2d6f1c11", "nas:/x y", "tmpfs"];
const OPTIONS: [&str; 4] = ["defaults", "noatime", "ro,nodev", "size=64m"];

fn calls() -> impl Strategy<Value = Call> {
    let what = (
        prop::sample::select(PATHS.to_vec()),
        prop::sample::select(SOURCES.to_vec()),
        prop::sample::select(vec!["ext4", "tmpfs", "nfs"]),
        prop::option::weighted(0.7, prop::sample::select(OPTIONS.to_vec())),
    );
    let numbers = (prop::option::of(0..2_u32), prop::option::of(0..3_u32), prop::bool::weighted(0.3));
    (what, numbers).prop_map(|((path, source, fstype, options), (dump, pass, is_absent))| {
        let mut ours = json!({ "path": path, "fstab": "@here/fstab" });
        ours["state"] = json!(if is_absent { "absent" } else { "present" });
        if !is_absent {
            (ours["src"], ours["fstype"]) = (json!(source), json!(fstype));
            for (name, value) in [("opts", json!(options)), ("dump", json!(dump)), ("passno", json!(pass))] {
                if !value.is_null() {
                    ours[name] = value;
                }
            }
        }
        let mut theirs = ours.clone();
        for name in ["dump", "passno"] {
            // A text there.
            if let Some(number) = ours[name].as_u64() {
                theirs[name] = json!(number.to_string());
            }
        }
        for side in [&mut ours, &mut theirs] {
            if let Some(map) = side.as_object_mut() {
                map.retain(|_, value| !value.is_null());
            }
        }
        Call { ours, module: "ansible.posix.mount", theirs }
    })
}

/// Files with one line a path, and all six fields: of fewer, theirs says that they change.
fn text() -> impl Strategy<Value = String> {
    let entry = (
        prop::sample::select(PATHS.to_vec()),
        prop::sample::select(SOURCES.to_vec()),
        prop::sample::select(OPTIONS.to_vec()),
        0..2_u32,
        prop::sample::select(vec![" ", "\t", "   "]),
    );
    let entry = entry.prop_map(|(path, source, options, number, blank)| {
        let [path, source] = [path, source].map(|text| text.replace(' ', "\\040"));
        let fields =
            [source, path.clone(), "ext4".into(), options.into(), number.to_string(), number.to_string()];
        (path, format!("{}\n", fields.join(blank)))
    });
    let other =
        prop::sample::select(vec!["# note", "", "nonsense", "/dev/sdy1 none swap sw 0 0", "proc /proc proc"]);
    let line = prop_oneof![3 => entry, 1 => other.prop_map(|line| (line.to_owned(), format!("{line}\n")))];
    prop::collection::vec(line, 0..6).prop_map(|mut lines| {
        let mut known = std::collections::BTreeSet::new();
        lines.retain(|(path, _)| known.insert(path.clone()));
        lines.into_iter().map(|(_, line)| line).collect()
    })
}

#[test]
fn lines_of_fstab_become_what_ansible_makes_of_them() {
    compare(120, &(calls(), text()), |twins, (call, text)| {
        let seeds = [Seed::File { name: "fstab".into(), content: text, mode: 0o644 }];
        let (ours, theirs) = twins.both(|| Mount, &seeds, &call);
        prop_assert!(!theirs.crashed, "{} {}: {theirs}", call.module, call.theirs);
        prop_assert!(ours.failure.is_none() && ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        same(&call, &ours, &theirs)
    });
}
