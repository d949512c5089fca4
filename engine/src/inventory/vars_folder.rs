//! `group_vars/` and `host_vars/` of one folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::connection;
use super::mistake::{self, File};
use super::vars::Vars;
use super::yaml::{self, Data};
use crate::diag::{Diagnostic, SourceMap};

/// The endings of variable files; of several files for one name, the first of these is read.
const ENDINGS: [&str; 4] = ["", "yml", "yaml", "json"];

/// The variables that the files beside an inventory or a runbook give to groups and hosts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct VarsFolder {
    /// The folder that holds both.
    path: PathBuf,
    pub(super) groups: HashMap<String, Vars>,
    pub(super) hosts: HashMap<String, Vars>,
}

impl VarsFolder {
    /// Says whether it was read from that folder.
    pub(super) fn is_of(&self, folder: &Path) -> bool {
        folder.canonicalize().is_ok_and(|folder| folder == self.path)
    }

    /// Reads `folder/group_vars` and `folder/host_vars`, where they are.
    pub(super) fn read(folder: &Path, sources: &SourceMap, mistakes: &mut Vec<Diagnostic>) -> Self {
        Self {
            path: folder.canonicalize().unwrap_or_else(|_| folder.to_owned()),
            groups: read_all(&folder.join("group_vars"), "group", sources, mistakes),
            hosts: read_all(&folder.join("host_vars"), "host", sources, mistakes),
        }
    }
}

fn read_all(
    folder: &Path,
    what: &str,
    sources: &SourceMap,
    mistakes: &mut Vec<Diagnostic>,
) -> HashMap<String, Vars> {
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
            let mut vars = Vars::default();
            read_into(&path, &format!("{what} `{name}`"), sources, mistakes, &mut vars);
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
fn read_into(path: &Path, owner: &str, sources: &SourceMap, mistakes: &mut Vec<Diagnostic>, vars: &mut Vars) {
    if path.is_dir() {
        for entry in mistake::entries(path, mistakes) {
            let name = entry.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let ending = entry.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if !name.starts_with('.') && !name.ends_with('~') && ENDINGS.contains(&ending) {
                read_into(&entry, owner, sources, mistakes, vars);
            }
        }
        return;
    }
    let Some(file) = File::read(path, sources, mistakes) else { return };
    match yaml::parse(&file.text) {
        Err(error) => mistakes.push(file.yaml_error(sources, &error)),
        Ok(node) if node.is_null() => {}
        Ok(node) => match node.data {
            Data::Map(entries) => {
                for (key, node) in entries {
                    let value = node.into_variable();
                    if let Err(error) = connection::check(owner, &key.name, &value) {
                        mistakes.push(file.refused(sources, key.place, &error));
                    }
                    vars.set(&key.name, value, file.position(key.place));
                }
            }
            _ => {
                let message = format!("a file of variables is a mapping, and this is {}", node.kind());
                mistakes.push(file.mistake(sources, "bad-variables", node.place, message));
            }
        },
    }
}
