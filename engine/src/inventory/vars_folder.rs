//! `group_vars/` and `host_vars/` of one folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::mistake::{self, File};
use super::yaml::{self, Data};
use crate::diag::{Diagnostic, SourceMap};

/// The endings of variable files; of several files for one name, the first of these is read.
const ENDINGS: [&str; 4] = ["", "yml", "yaml", "json"];

/// The variables that the files beside an inventory or a runbook give to groups and hosts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct VarsFolder {
    pub(super) groups: HashMap<String, Map<String, Value>>,
    pub(super) hosts: HashMap<String, Map<String, Value>>,
}

impl VarsFolder {
    /// Reads `folder/group_vars` and `folder/host_vars`, where they are.
    pub(super) fn read(folder: &Path, sources: &SourceMap, mistakes: &mut Vec<Diagnostic>) -> Self {
        Self {
            groups: read_all(&folder.join("group_vars"), sources, mistakes),
            hosts: read_all(&folder.join("host_vars"), sources, mistakes),
        }
    }
}

fn read_all(
    folder: &Path,
    sources: &SourceMap,
    mistakes: &mut Vec<Diagnostic>,
) -> HashMap<String, Map<String, Value>> {
    if !folder.is_dir() {
        return HashMap::new();
    }
    let mut chosen: HashMap<String, (usize, PathBuf)> = HashMap::new();
    for path in mistake::entries(folder, mistakes) {
        let Some((name, rank)) = entity(&path) else { continue };
        match chosen.get(&name) {
            Some((before, _)) if *before <= rank => {}
            _ => {
                chosen.insert(name, (rank, path));
            }
        }
    }
    let mut paths: Vec<(String, PathBuf)> =
        chosen.into_iter().map(|(name, (_, path))| (name, path)).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|(name, path)| {
            let mut vars = Map::new();
            read_into(&path, sources, mistakes, &mut vars);
            (name, vars)
        })
        .collect()
}

/// The group or host that a file or folder is for, and the rank of its ending.
fn entity(path: &Path) -> Option<(String, usize)> {
    let name = path.file_name()?.to_str()?;
    if name.starts_with('.') || name.ends_with('~') {
        return None;
    }
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ENDINGS.iter().position(|known| *known == ending && !known.is_empty()) {
        Some(rank) if !path.is_dir() => Some((path.file_stem()?.to_str()?.to_owned(), rank)),
        _ => Some((name.to_owned(), 0)),
    }
}

/// Reads a file, or every file of a folder in the order of their names; later ones win.
fn read_into(
    path: &Path,
    sources: &SourceMap,
    mistakes: &mut Vec<Diagnostic>,
    vars: &mut Map<String, Value>,
) {
    if path.is_dir() {
        for entry in mistake::entries(path, mistakes) {
            let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let ending = entry.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if !name.starts_with('.') && !name.ends_with('~') && ENDINGS.contains(&ending) {
                read_into(&entry, sources, mistakes, vars);
            }
        }
        return;
    }
    let Some(file) = File::read(path, mistakes) else { return };
    match yaml::parse(&file.text) {
        Err(error) => mistakes.push(file.yaml_error(sources, &error)),
        Ok(node) if node.is_null() => {}
        Ok(node) => match node.data {
            Data::Map(entries) => {
                vars.extend(entries.into_iter().map(|(key, node)| (key.name, node.into_value())));
            }
            _ => {
                let message = format!("a file of variables is a mapping, and this is {}", node.kind());
                mistakes.push(file.mistake(sources, "bad-variables", node.place, message));
            }
        },
    }
}
