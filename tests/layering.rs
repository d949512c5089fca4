//! Guard: which crate may know which, read from `cargo metadata`.
//!
//! A new arrow is a decision of its own: change the tables here and the book's page on architecture,
//! and say why in the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Each crate of ours with those of ours it may use in its own code.
const ARROWS: [(&str, &[&str]); 6] = [
    ("oneex", &["oneex-sdk", "oneex-engine", "oneex-modules", "oneex-stdlib"]),
    ("oneex-engine", &["oneex-sdk"]),
    ("oneex-modules", &["oneex-sdk"]),
    ("oneex-stdlib", &[]),
    ("oneex-sdk", &[]),
    ("oneex-testkit", &["oneex-sdk"]),
];

/// Crates of others that have one home.
const HOMES: [(&str, &str); 13] = [
    ("rhai", "oneex-engine"),
    ("petgraph", "oneex-engine"),
    ("minijinja", "oneex-engine"),
    ("clap", "oneex"),
    ("clap_complete", "oneex"),
    ("indicatif", "oneex"),
    ("console", "oneex"),
    ("tracing-subscriber", "oneex"),
    ("ssh2", "oneex-modules"),
    ("reqwest", "oneex-modules"),
    ("rustls", "oneex-modules"),
    ("tokio-postgres", "oneex-modules"),
    ("rust-embed", "oneex-stdlib"),
];

/// Who may have one of these beside its home, with the reason; of our crates' tests and benches only.
const GUESTS: [(&str, &str, &str); 2] = [
    ("rustls", "oneex-testkit", "the API that it fakes speaks TLS"),
    ("ssh2", "oneex", "the bare client that `benches/ssh.rs` compares with"),
];

/// The crates that the program is built on; each is a direct dependency of a crate of ours.
const FOUNDATIONS: [&str; 10] = [
    "rhai",
    "tokio",
    "clap",
    "serde_json",
    "reqwest",
    "ssh2",
    "petgraph",
    "indicatif",
    "tracing",
    "tempfile",
];

/// What the build itself used: crates for other platforms were not fetched for it.
pub(crate) fn metadata() -> Metadata {
    let version = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    MetadataCommand::new()
        .manifest_path(crate::sources::root().join("Cargo.toml"))
        .other_options(["--locked", "--offline", "--filter-platform", host].map(str::to_owned))
        .exec()
        .unwrap()
}

/// What each of our crates declares, for its own code or for its tests.
fn declared(metadata: &Metadata, kinds: &[DependencyKind]) -> BTreeMap<String, BTreeSet<String>> {
    metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let dependencies =
                package.dependencies.iter().filter(|dependency| kinds.contains(&dependency.kind));
            (package.name.to_string(), dependencies.map(|dependency| dependency.name.clone()).collect())
        })
        .collect()
}

#[test]
fn our_crates_know_only_whom_they_may() {
    let metadata = metadata();
    let declared = declared(&metadata, &[DependencyKind::Normal, DependencyKind::Build]);
    let ours: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let members: BTreeSet<&str> = declared.keys().map(String::as_str).collect();
    assert_eq!(members, ours, "a crate came or went: the tables here decide whom it may know");
    for (name, allowed) in ARROWS {
        for dependency in declared[name].iter().filter(|dependency| ours.contains(dependency.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "`{name}` must not know `{dependency}`");
        }
    }
}

#[test]
fn tests_bring_no_arrow_but_to_the_testkit() {
    let metadata = metadata();
    let declared = declared(&metadata, &[DependencyKind::Development]);
    for (name, allowed) in ARROWS {
        for dependency in declared[name].iter().filter(|dependency| dependency.starts_with("oneex")) {
            assert!(
                dependency == "oneex-testkit" || allowed.contains(&dependency.as_str()),
                "the tests of `{name}` must not know `{dependency}`"
            );
        }
    }
}

#[test]
fn crates_of_others_stay_at_home() {
    let metadata = metadata();
    let declared =
        declared(&metadata, &[DependencyKind::Normal, DependencyKind::Build, DependencyKind::Development]);
    let normal = self::declared(&metadata, &[DependencyKind::Normal, DependencyKind::Build]);
    for (dependency, home) in HOMES {
        for (name, _) in declared.iter().filter(|(_, dependencies)| dependencies.contains(dependency)) {
            let excused = GUESTS.iter().any(|(known, guest, _)| *known == dependency && guest == name);
            assert!(name == home || excused, "only `{home}` may depend on `{dependency}`, not `{name}`");
        }
    }
    for (dependency, guest, reason) in GUESTS {
        let needed = declared[guest].contains(dependency);
        assert!(needed && !reason.is_empty(), "`{guest}` needs no excuse for `{dependency}` any more");
    }
    assert!(!normal["oneex"].contains("ssh2"), "the program itself must not depend on `ssh2`");
}

#[test]
fn the_contract_is_free_of_the_script_language() {
    let metadata = metadata();
    let resolve = metadata.resolve.as_ref().unwrap();
    let sdk = metadata.packages.iter().find(|package| package.name == "oneex-sdk").unwrap();
    let (mut seen, mut open) = (BTreeSet::new(), vec![&sdk.id]);
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            assert!(!metadata[id].name.starts_with("rhai"), "`oneex-sdk` reaches `{}`", metadata[id].name);
            let node = resolve.nodes.iter().find(|node| &node.id == id).unwrap();
            let used = node.deps.iter().filter(|dependency| {
                dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
            });
            open.extend(used.map(|dependency| &dependency.pkg));
        }
    }
}

#[test]
fn the_foundations_are_direct_dependencies() {
    let metadata = metadata();
    let declared = declared(&metadata, &[DependencyKind::Normal]);
    for foundation in FOUNDATIONS {
        assert!(
            declared.values().any(|dependencies| dependencies.contains(foundation)),
            "nothing depends on `{foundation}`"
        );
    }
}
