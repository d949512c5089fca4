//! INI inventories.
//!
//! Source: ansible-core's `plugins/inventory/ini.py`. The file is read as though its first line were
//! `[ungrouped]`.

use std::sync::LazyLock;

use indexmap::IndexMap;
use oneex_sdk::nearest;
use regex::Regex;
use serde_json::Value;

use super::connection::{self, ConnectionError};
use super::data::{GroupIndex, Inventory, UNGROUPED};
use super::mistake::File;
use super::yaml::Place;
use super::{literal, range, words};
use crate::conceal::{conceal, looks_secret};
use crate::diag::{Diagnostic, SourceMap};
use crate::redact::MASK;

static SECTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$").ok());
static GROUP_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^([^:\]\s]+)\s*(?:#.*)?$").ok());

/// What the lines below a section header are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Hosts,
    Children,
    Vars,
}

/// A group that was named before it was declared.
struct Pending {
    place: Place,
    by_vars: bool,
}

struct Reader<'a> {
    file: &'a File,
    inventory: &'a mut Inventory,
    group: GroupIndex,
    kind: Kind,
    pending: IndexMap<String, Pending>,
    links: Vec<(GroupIndex, String, Place)>,
    found: Vec<(Place, String, Option<String>)>,
    refused: Vec<(Place, ConnectionError)>,
}

/// Reads an INI inventory into `inventory`.
pub(super) fn read(
    file: &File,
    inventory: &mut Inventory,
    sources: &SourceMap,
    mistakes: &mut Vec<Diagnostic>,
) {
    let mut reader = Reader {
        file,
        inventory,
        group: UNGROUPED,
        kind: Kind::Hosts,
        pending: IndexMap::new(),
        links: Vec::new(),
        found: Vec::new(),
        refused: Vec::new(),
    };
    for (number, line) in (1_u32..).zip(file.text.lines()) {
        let trimmed = line.trim_start();
        let indent = u32::try_from(line.chars().count() - trimmed.chars().count()).unwrap_or(0);
        let trimmed = trimmed.trim_end();
        if !trimmed.is_empty() && !trimmed.starts_with(['#', ';']) {
            reader.line(trimmed, Place { line: number, column: indent + 1 });
        }
    }
    reader.finish();
    mistakes.extend(reader.refused.iter().map(|(place, error)| file.refused(sources, *place, error)));
    for (place, message, hint) in reader.found {
        let diagnostic = file.mistake(sources, "bad-inventory", place, message);
        mistakes.push(match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
    }
}

impl Reader<'_> {
    fn wrong(&mut self, place: Place, message: impl Into<String>) {
        self.found.push((place, message.into(), None));
    }

    fn line(&mut self, line: &str, place: Place) {
        if let Some(section) = SECTION.as_ref().and_then(|section| section.captures(line)) {
            let group = section.get(1).map_or("", |group| group.as_str());
            let kind = section.get(2).map(|kind| kind.as_str());
            return self.section(group, kind, place);
        }
        if line.starts_with('[') && line.ends_with(']') {
            let hint = "write `[GROUP]`, `[GROUP:children]` or `[GROUP:vars]` without spaces";
            return self.found.push((
                place,
                format!("`{}` is no section header", conceal(line)),
                Some(hint.into()),
            ));
        }
        match self.kind {
            Kind::Hosts => self.host(line, place),
            Kind::Vars => self.var(line, place),
            Kind::Children => self.child(line, place),
        }
    }

    fn section(&mut self, group: &str, kind: Option<&str>, place: Place) {
        self.kind = match kind {
            None | Some("hosts") => Kind::Hosts,
            Some("children") => Kind::Children,
            Some("vars") => Kind::Vars,
            Some(other) => {
                let hint = match nearest(other, ["hosts", "children", "vars"]) {
                    Some(right) => format!("did you mean `[{group}:{right}]`?"),
                    None => "a section is of kind `hosts`, `children` or `vars`".to_owned(),
                };
                let column = place.column + 2 + u32::try_from(group.chars().count()).unwrap_or(0);
                let place = Place { column, ..place };
                self.found.push((place, format!("unknown kind of section `{other}`"), Some(hint)));
                Kind::Hosts
            }
        };
        let known = self.inventory.groups.contains_key(group);
        self.group = self.inventory.group_index(group);
        if self.kind == Kind::Vars {
            if !known {
                self.pending.entry(group.to_owned()).or_insert(Pending { place, by_vars: true });
            }
        } else {
            self.pending.shift_remove(group);
        }
    }

    fn host(&mut self, line: &str, place: Place) {
        let words = match words::split(line) {
            Ok(words) => words,
            Err(error) => return self.wrong(place, error.to_string()),
        };
        let Some((pattern, rest)) = words.split_first() else { return };
        let at = |column: u32| Place { line: place.line, column: place.column + column - 1 };
        let owner = format!("host `{}`", pattern.text);
        let mut vars = Vec::new();
        for (word, before) in rest.iter().zip(&words) {
            match word.text.split_once('=') {
                Some((name, value)) => {
                    let value = literal::parse(value);
                    self.connection(&owner, name, &value, at(word.column));
                    vars.push((name, value, at(word.column)));
                }
                None => {
                    let shown = if looks_secret(&before.text) { MASK } else { &word.text };
                    let message = format!("a host's variable is `name=value`, and this is `{shown}`");
                    // One is enough: where a line is none of a host at all, every word of it would be wrong.
                    return self.found.push((at(word.column), message, None));
                }
            }
        }
        if pattern.text == "---" {
            let hint = "end the file's name in `.yml` when it is YAML";
            return self.found.push((place, "`---` is no host".into(), Some(hint.into())));
        }
        match range::expand(&pattern.text) {
            Err(error) => self.wrong(at(pattern.column), error.to_string()),
            Ok((names, port)) => {
                for name in names {
                    let host = self.inventory.host_index(&name);
                    self.inventory.put(host, self.group);
                    let known = &mut self.inventory.hosts[host].vars;
                    if let Some(port) = port {
                        known.insert("ansible_port", port.into());
                    }
                    for (name, value, place) in &vars {
                        known.set(name, value.clone(), self.file.position(*place));
                    }
                }
            }
        }
    }

    fn var(&mut self, line: &str, place: Place) {
        let Some((name, value)) = line.split_once('=') else {
            let group = self.inventory.group_name(self.group);
            let hint = format!("hosts stand below `[{group}]`, variables below `[{group}:vars]`");
            let message = format!("`name=value` is expected here, and this is `{}`", conceal(line));
            return self.found.push((place, message, Some(hint)));
        };
        let value: Value = literal::parse(value.trim());
        let owner = format!("group `{}`", self.inventory.group_name(self.group));
        self.connection(&owner, name.trim(), &value, place);
        self.inventory.set_group_var(self.group, name.trim(), value, self.file.position(place));
    }

    fn connection(&mut self, owner: &str, name: &str, value: &Value, place: Place) {
        if let Err(error) = connection::check(owner, name, value) {
            self.refused.push((place, error));
        }
    }

    fn child(&mut self, line: &str, place: Place) {
        let name = GROUP_NAME.as_ref().and_then(|name| name.captures(line)).and_then(|found| found.get(1));
        let Some(name) = name.map(|name| name.as_str()) else {
            return self.wrong(place, format!("the name of a group is expected here, and this is `{line}`"));
        };
        if !self.inventory.groups.contains_key(name) {
            self.pending.entry(name.to_owned()).or_insert(Pending { place, by_vars: false });
        }
        self.links.push((self.group, name.to_owned(), place));
    }

    /// Links children, which may be declared after they are named, and reports those that never were.
    fn finish(&mut self) {
        for (name, pending) in std::mem::take(&mut self.pending) {
            let known = self.inventory.groups.keys().map(|group| &**group).filter(|known| *known != name);
            let hint = nearest(&name, known).map(|right| format!("did you mean `{right}`?"));
            let message = if pending.by_vars {
                format!("`[{name}:vars]` gives variables to a group that is declared nowhere")
            } else {
                format!("the group `{name}` is declared nowhere")
            };
            let hint = hint.unwrap_or_else(|| format!("add a section `[{name}]`"));
            self.found.push((pending.place, message, Some(hint)));
        }
        for (parent, child, place) in std::mem::take(&mut self.links) {
            let Some(child) = self.inventory.groups.get_index_of(child.as_str()) else { continue };
            if let Err(error) = self.inventory.add_child(parent, child) {
                self.wrong(place, error.to_string());
            }
        }
    }
}
