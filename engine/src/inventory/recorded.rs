//! What ansible-core says of inventories, recorded: `ansible-inventory --list`, version 2.19.14.
//!
//! `recorded/inventories.json` has inventories of one file each, and the answers; `recorded/record.py` wrote
//! those, and the answers of `recorded/patterns.tsv`. The folder `site` has `hosts.ini` and `more.yml`, and variables for groups and, in `web02.yml`, for a host.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Inventory, InventorySource};
use crate::diag::SourceMap;

#[test]
fn variables_have_the_values_and_the_order_that_ansible_gives_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/inventory/recorded/site");
    let inventory = Inventory::load(&[InventorySource::Folder(folder)], &SourceMap::default());
    let inventory = inventory.expect("an inventory");
    let recorded: Value = serde_json::from_str(include_str!("recorded/site.json")).expect("JSON");
    let recorded = recorded.as_object().expect("a map");
    let mut names: Vec<String> = inventory.names().iter().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, recorded.keys().cloned().collect::<Vec<_>>());
    for (name, wanted) in recorded {
        let mut vars = inventory.host(name).expect("a host").vars.clone();
        vars.sort_keys();
        assert_eq!(&json!(vars), wanted, "{name}");
    }
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    format: String,
    text: String,
    ansible: Option<Value>,
}

/// Where ours differs on purpose: the inventory, what is said of it here (`None`: it is refused), and why.
const DIFFERENT: &[(&str, Option<&str>, &str)] = &[
    ("a range backwards", None, "it makes no host, which nobody means"),
    ("a key twice", None, "one of the two values would be lost"),
    ("an unknown section", None, "it would be passed over with a warning, hosts and all"),
    (
        "keys that are numbers and booleans",
        Some(
            r#"{"_meta": {"hostvars": {"h": {"m": {"1": "a", "true": "b", "null": "c", "1.5": "d"}}}},
                "all": {"children": ["ungrouped", "g"]}, "g": {"hosts": ["h"]}}"#,
        ),
        "for Python 1 and true are one key",
    ),
    (
        "numbers that are large",
        Some(
            r#"{"_meta": {"hostvars": {"h": {
                    "a": 9223372036854775807, "b": 9223372036854775808, "c": -9223372036854775808,
                    "d": "123456789012345678901234567890", "e": 1.0, "f": 0.5, "g": 5.0, "i": 3, "j": 15,
                    "k": "017", "l": 10, "m": "1__0"
                }}},
                "all": {"children": ["ungrouped"]}, "ungrouped": {"hosts": ["h"]}}"#,
        ),
        "an integer beyond 64 bits keeps its digits, as text",
    ),
];

/// Hosts with their variables, and groups with their own hosts and the groups below, as Ansible prints them.
fn shown(inventory: &Inventory) -> Value {
    let mut out = Map::new();
    let mut trees = vec![inventory.group_tree()];
    while let Some(tree) = trees.pop() {
        let mut group = Map::new();
        let hosts: Vec<&str> = tree.hosts.iter().map(|host| &**host).collect();
        // Ansible names the hosts of `all` below `ungrouped` alone.
        if !hosts.is_empty() && &*tree.name != "all" {
            group.insert("hosts".into(), json!(hosts));
        }
        let children: Vec<&str> = tree.children.iter().map(|child| &*child.name).collect();
        if !children.is_empty() {
            group.insert("children".into(), json!(children));
        }
        if !group.is_empty() {
            out.insert(tree.name.to_string(), group.into());
        }
        trees.extend(tree.children);
    }
    let vars = |name: &str| inventory.host(name).expect("a host").vars.clone();
    let hostvars: Map<String, Value> = inventory
        .names()
        .iter()
        .map(|name| (name.to_string(), Value::Object(vars(name))))
        .filter(|(_, vars)| *vars != json!({}))
        .collect();
    out.insert("_meta".into(), json!({ "hostvars": hostvars }));
    out.into()
}

#[test]
fn files_say_what_ansible_says_of_them() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("recorded/inventories.json")).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    for Case { name, format, text, ansible } in &cases {
        let path = folder.path().join(format!("hosts.{format}"));
        std::fs::write(&path, text).expect("a file");
        let read = Inventory::load(&[InventorySource::File(path)], &SourceMap::default());
        let ours = read.as_ref().ok().map(shown);
        let wanted = match DIFFERENT.iter().find(|(known, ..)| known == name) {
            Some((_, ours, _)) => ours.map(|ours| serde_json::from_str(ours).expect("JSON")),
            None => ansible.clone(),
        };
        if ours != wanted {
            let show = |value: Option<Value>| value.map(|value| value.to_string());
            let mistakes = read.err().map(|mistakes| mistakes.0[0].to_string());
            wrong.push(format!(
                "{name}\n{text}\n  wanted {:?}\n  got    {:?} {mistakes:?}",
                show(wanted),
                show(ours)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    for (known, ..) in DIFFERENT {
        assert!(cases.iter().any(|case| case.name == *known), "no case {known}");
    }
}
