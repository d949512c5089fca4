//! YAML inventories: groups with `hosts`, `children` and `vars`.
//!
//! Source: ansible-core's `plugins/inventory/yaml.py`.

use oneex_sdk::nearest;
use serde_json::Value;

use super::connection;
use super::data::{GroupIndex, Inventory};
use super::mistake::File;
use super::range;
use super::yaml::{Data, Key, Node, Place};
use crate::diag::{Diagnostic, SourceMap};

/// Groups nested deeper are refused.
const DEEPEST: usize = 100;

struct Reader<'a> {
    file: &'a File,
    sources: &'a SourceMap,
    inventory: &'a mut Inventory,
    mistakes: &'a mut Vec<Diagnostic>,
}

/// Reads the root of a YAML inventory into `inventory`. An empty file holds nothing.
pub(super) fn read(
    file: &File,
    root: Node,
    inventory: &mut Inventory,
    sources: &SourceMap,
    mistakes: &mut Vec<Diagnostic>,
) {
    let mut reader = Reader { file, sources, inventory, mistakes };
    let (place, kind) = (root.place, root.kind());
    match root.data {
        Data::Scalar(Value::Null) => {}
        Data::Map(groups) => {
            if let Some((key, _)) = groups.iter().find(|(key, _)| key.name == "plugin") {
                let message = "this configures an inventory plugin, and those are not known yet";
                return reader.wrong(key.place, message, Some("list the hosts in a file".into()));
            }
            for (key, node) in groups {
                reader.group(&key, node, 0);
            }
        }
        _ => {
            reader.wrong(place, format!("an inventory is a mapping of groups, and this is {kind}"), None);
        }
    }
}

impl Reader<'_> {
    fn wrong(&mut self, place: Place, message: impl Into<String>, hint: Option<String>) {
        let diagnostic = self.file.mistake(self.sources, "bad-inventory", place, message);
        self.mistakes.push(match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
    }

    fn group(&mut self, key: &Key, node: Node, depth: usize) -> Option<GroupIndex> {
        if depth > DEEPEST {
            self.wrong(key.place, format!("groups nested deeper than {DEEPEST} levels"), None);
            return None;
        }
        let (place, kind) = (node.place, node.kind());
        let group = self.inventory.group_index(&key.name);
        let sections = match node.data {
            Data::Scalar(Value::Null) => Vec::new(),
            Data::Map(sections) => sections,
            _ => {
                let hint = "a group has `hosts`, `children` and `vars`";
                self.wrong(place, format!("the group `{}` is {kind}", key.name), Some(hint.into()));
                return None;
            }
        };
        for (section, node) in sections {
            match section.name.as_str() {
                "hosts" => self.hosts(group, node),
                "children" => self.children(group, node, depth),
                "vars" => self.vars(group, node),
                other => {
                    let hint = match nearest(other, ["hosts", "children", "vars"]) {
                        Some(right) => format!("did you mean `{right}`?"),
                        None => "a group has `hosts`, `children` and `vars`; groups inside it stand below `children`"
                            .to_owned(),
                    };
                    let message = format!("the group `{}` has no section `{other}`", key.name);
                    self.wrong(section.place, message, Some(hint));
                }
            }
        }
        Some(group)
    }

    /// The entries of a section: a mapping, one name alone, or nothing.
    fn section(&mut self, what: &str, node: Node) -> Vec<(Key, Node)> {
        let (place, kind) = (node.place, node.kind());
        match node.data {
            Data::Map(entries) => entries,
            Data::Scalar(Value::Null) => Vec::new(),
            Data::Scalar(Value::String(name)) => {
                vec![(Key { name, place }, Node { data: Data::Scalar(Value::Null), place })]
            }
            other => {
                let hint = matches!(other, Data::List(_))
                    .then(|| format!("write `{what}` with `name:` instead of `- name`"));
                self.wrong(place, format!("`{what}` is a mapping, and this is {kind}"), hint);
                Vec::new()
            }
        }
    }

    fn hosts(&mut self, group: GroupIndex, node: Node) {
        for (key, node) in self.section("hosts", node) {
            let vars = self.map("a host's variables are", &format!("host `{}`", key.name), node);
            match range::expand(&key.name) {
                Err(error) => self.wrong(key.place, error.to_string(), None),
                Ok((names, port)) => {
                    for name in names {
                        let host = self.inventory.host_index(&name);
                        self.inventory.put(host, group);
                        let known = &mut self.inventory.hosts[host].vars;
                        if let Some(port) = port {
                            known.insert("ansible_port", port.into());
                        }
                        for (key, value) in &vars {
                            known.set(&key.name, value.clone(), self.file.position(key.place));
                        }
                    }
                }
            }
        }
    }

    fn children(&mut self, group: GroupIndex, node: Node, depth: usize) {
        for (key, node) in self.section("children", node) {
            let Some(child) = self.group(&key, node, depth + 1) else { continue };
            if let Err(error) = self.inventory.add_child(group, child) {
                self.wrong(key.place, error.to_string(), None);
            }
        }
    }

    fn vars(&mut self, group: GroupIndex, node: Node) {
        let owner = format!("group `{}`", self.inventory.group_name(group));
        for (key, value) in self.map("`vars` is", &owner, node) {
            self.inventory.set_group_var(group, &key.name, value, self.file.position(key.place));
        }
    }

    /// The variables of `owner`, each with its key.
    fn map(&mut self, what: &str, owner: &str, node: Node) -> Vec<(Key, Value)> {
        let (place, kind) = (node.place, node.kind());
        match node.data {
            Data::Map(entries) => {
                let vars: Vec<_> =
                    entries.into_iter().map(|(key, node)| (key, node.into_variable())).collect();
                for (key, value) in &vars {
                    if let Err(error) = connection::check(owner, &key.name, value) {
                        self.mistakes.push(self.file.refused(self.sources, key.place, &error));
                    }
                }
                vars
            }
            Data::Scalar(Value::Null) => Vec::new(),
            _ => {
                self.wrong(place, format!("{what} a mapping, and this is {kind}"), None);
                Vec::new()
            }
        }
    }
}
