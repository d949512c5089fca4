//! One model, written as INI and as YAML, is one inventory; and patterns are set arithmetic.

use std::fmt::Write as _;
use std::path::Path;

use indexmap::IndexMap;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value};

use super::{HostSet, Inventory, InventorySource};
use crate::diag::SourceMap;

/// A group: hosts with their variables, variables of its own, and children among the groups before it.
#[derive(Debug, Clone)]
struct GroupModel {
    hosts: IndexMap<String, Map<String, Value>>,
    vars: Map<String, Value>,
    children: Vec<Index>,
}

type Model = IndexMap<String, GroupModel>;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON knows finite numbers", |n| n.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        // Texts that look like something else, where one of the formats might take them for it.
        prop::sample::select(vec![
            "", " ", "true", "True", "yes", "null", "None", "~", "1", "0644", "1.5", "[1, 2]", "{'a': 1}",
            "#", "a # b", "a: b", "- a", "'", "\"", "\\", "\\n", "%d", "!tag", "&a", "*a", "@x", "`",
            "{{ x }}", "---",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn vars() -> impl Strategy<Value = Map<String, Value>> {
    let entries = prop::collection::hash_map("v[a-zA-Z0-9_.é-]{0,3}", value(), 0..4);
    entries.prop_map(|entries| entries.into_iter().collect())
}

fn model() -> impl Strategy<Value = Model> {
    let host = prop_oneof![
        4 => "[a-zA-Z0-9ü_][a-zA-Z0-9é_.-]{0,4}h",
        1 => "[a-z]{1,2}\\[[0-4]:[5-9]\\](\\.x)?",
        1 => "n\\[0[0-4]:[12][0-9]:[1-4]\\]",
        1 => "r\\[[a-c]:[d-f]\\](:22[0-9])?",
    ];
    let group =
        (vec((host, vars()), 0..4), vars(), vec(any::<Index>(), 0..3), proptest::option::of(1..4_i64));
    let group = group.prop_map(|(hosts, mut vars, children, priority)| {
        if let Some(priority) = priority {
            vars.insert("ansible_group_priority".into(), priority.into());
        }
        GroupModel { hosts: hosts.into_iter().collect(), vars, children }
    });
    vec(("[a-zA-Zä][a-zA-Z0-9_.é-]{0,4}g", group), 1..6).prop_map(|groups| groups.into_iter().collect())
}

impl GroupModel {
    /// The names of its children, when it is the group of that index.
    fn children<'a>(&self, index: usize, model: &'a Model) -> Vec<&'a str> {
        let earlier = |child: &Index| model.get_index(child.index(index)).map(|(name, _)| name.as_str());
        if index == 0 { Vec::new() } else { self.children.iter().filter_map(earlier).collect() }
    }
}

/// Only what every format can show stands as it is.
fn escaped(text: &str, quote: char) -> String {
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            _ if c == quote || c == '\\' => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c => write!(out, "\\U{:08x}", u32::from(c)).expect("a string takes it"),
        }
    }
    out.push(quote);
    out
}

/// A value as Python's `repr` or as flow YAML writes it.
fn written(value: &Value, python: bool) -> String {
    let list = |items: Vec<String>, open: &str, close: &str| format!("{open}{}{close}", items.join(", "));
    match value {
        Value::Null if python => "None".into(),
        Value::Bool(true) if python => "True".into(),
        Value::Bool(false) if python => "False".into(),
        // YAML 1.1 wants a point and a sign in a float; Python takes them.
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:e}", number.as_f64().expect("a float"));
            let (digits, power) = text.split_once('e').expect("an exponent");
            let point = if digits.contains('.') { "" } else { ".0" };
            let sign = if power.starts_with('-') { "" } else { "+" };
            format!("{digits}{point}e{sign}{power}")
        }
        Value::String(text) => escaped(text, if python { '\'' } else { '"' }),
        Value::Array(items) => list(items.iter().map(|item| written(item, python)).collect(), "[", "]"),
        Value::Object(map) => {
            let pair = |(key, item): (&String, &Value)| {
                format!("{}: {}", written(&Value::from(key.as_str()), python), written(item, python))
            };
            list(map.iter().map(pair).collect(), "{", "}")
        }
        plain => plain.to_string(),
    }
}

fn ini(model: &Model) -> String {
    let mut out = String::new();
    for (index, (name, group)) in model.iter().enumerate() {
        out += &format!("[{name}]\n");
        for (host, vars) in &group.hosts {
            out += host;
            for (name, value) in vars {
                out += &format!(" {name}='{}'", written(value, true).replace('\'', "'\"'\"'"));
            }
            out.push('\n');
        }
        out += &format!("\n[{name}:vars] # of {index}\n");
        for (name, value) in &group.vars {
            out += &format!("{name} = {}\n", written(value, true));
        }
        out += &format!("[{name}:children]\n{}\n", group.children(index, model).join("\n"));
    }
    out
}

fn yaml(model: &Model) -> String {
    let mut out = String::new();
    let vars = |indent: &str, vars: &Map<String, Value>| -> String {
        let line = |(name, value): (&String, &Value)| format!("{indent}{name}: {}\n", written(value, false));
        vars.iter().map(line).collect()
    };
    for (index, (name, group)) in model.iter().enumerate() {
        out += &format!("{}:\n  hosts:\n", escaped(name, '"'));
        for (host, own) in &group.hosts {
            out += &format!("    {}:\n{}", escaped(host, '"'), vars("      ", own));
        }
        out += &format!("  vars:\n{}", vars("    ", &group.vars));
        out += "  children:\n";
        let mut seen = Vec::new();
        for child in group.children(index, model) {
            // A mapping has each key once; a second line of INI says nothing new.
            if !seen.contains(&child) {
                out += &format!("    {}:\n", escaped(child, '"'));
                seen.push(child);
            }
        }
    }
    out
}

fn read(folder: &Path, name: &str, text: &str) -> Inventory {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    match Inventory::load(&[InventorySource::File(path)], &SourceMap::default()) {
        Ok(inventory) => inventory,
        Err(mistakes) => panic!("{}\n{text}", mistakes.0[0]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn ini_and_yaml_say_the_same(model in model()) {
        let folder = tempfile::tempdir().expect("a folder");
        let one = read(folder.path(), "hosts.ini", &ini(&model));
        let other = read(folder.path(), "hosts.yml", &yaml(&model));
        prop_assert_eq!(one.names(), other.names());
        prop_assert_eq!(one.groups(), other.groups());
        prop_assert_eq!(one.group_tree(), other.group_tree());
        for (name, group) in &model {
            let mut wanted = group.vars.clone();
            wanted.remove("ansible_group_priority");
            prop_assert_eq!(one.group_vars(name), Some(wanted.clone()));
            prop_assert_eq!(other.group_vars(name), Some(wanted));
        }
        for name in one.names() {
            let (one, other) = (one.host(&name).expect("a host"), other.host(&name).expect("a host"));
            prop_assert_eq!(&one.vars, &other.vars);
            prop_assert_eq!(&one.groups, &other.groups);
            prop_assert_eq!(one.target.port, other.target.port);
        }
    }

    /// `a:&b:!c` against the sets of names that the parts choose alone.
    #[test]
    fn a_pattern_is_arithmetic_over_the_sets_of_its_parts(
        parts in vec((0..3_usize, any::<Index>()), 1..6), separator in prop::sample::select(vec![":", ","])
    ) {
        const ALONE: [&str; 12] = [
            "web", "db", "prod", "staging", "all", "ungrouped", "web3.example", "db-*", "~s.*", "web[0:1]",
            "prod[-1]", "nothing",
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let inventory = read(folder.path(), "hosts.ini", include_str!("recorded/hosts.ini"));
        let names = |pattern: &str| HostSet::pattern(pattern).expect(pattern).resolve(&inventory);
        let parts: Vec<(usize, &str)> = parts.iter().map(|(sign, at)| (*sign, *at.get(&ALONE))).collect();
        let signed: Vec<String> = parts.iter().map(|(sign, name)| format!("{}{name}", ["", "&", "!"][*sign])).collect();
        let of = |wanted: usize| parts.iter().filter(move |(sign, _)| *sign == wanted).map(|(_, name)| *name);
        let mut model = Vec::new();
        let begin: Vec<&str> = if of(0).next().is_some() { of(0).collect() } else { vec!["all"] };
        for host in begin.into_iter().flat_map(names) {
            if !model.contains(&host) {
                model.push(host);
            }
        }
        of(1).for_each(|part| model.retain(|host| names(part).contains(host)));
        of(2).for_each(|part| model.retain(|host| !names(part).contains(host)));
        prop_assert_eq!(names(&signed.join(separator)), model);
    }
}
