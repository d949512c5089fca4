//! Finding and reading the sources of an inventory.

use std::path::{Path, PathBuf};

use super::data::{Inventory, UNGROUPED};
use super::mistake::{self, File};
use super::vars_folder::VarsFolder;
use super::yaml::{self, Data};
use super::{ini, range, yaml_source};
use crate::diag::{Diagnostic, Diagnostics, SourceMap};

/// Endings that a folder may hold beside its inventories; such files are not read.
const PASSED_OVER: [&str; 11] =
    ["pyc", "pyo", "swp", "bak", "rpm", "md", "txt", "rst", "orig", "cfg", "retry"];

/// Where hosts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InventorySource {
    /// An inventory in YAML or INI.
    File(PathBuf),
    /// A folder of inventories, read in the order of their names, subfolders included.
    Folder(PathBuf),
    /// Host names and addresses, separated by commas: `web1,web2:2222,10.0.0.[1:9]`.
    List(String),
}

impl InventorySource {
    /// What `-i TEXT` means: with a comma a list, else a folder or a file.
    pub fn parse(text: &str) -> Self {
        let path = PathBuf::from(text);
        if text.contains(',') && !path.exists() {
            Self::List(text.to_owned())
        } else if path.is_dir() {
            Self::Folder(path)
        } else {
            Self::File(path)
        }
    }
}

impl Inventory {
    /// Reads all sources, with `group_vars` and `host_vars` beside them. What later sources say wins.
    ///
    /// Fails with every mistake found, each with file, line and column.
    pub fn load(sources: &[InventorySource], sources_map: &SourceMap) -> Result<Self, Diagnostics> {
        let mut loader = Loader { inventory: Self::default(), sources: sources_map, mistakes: Vec::new() };
        let mut folders: Vec<PathBuf> = Vec::new();
        for source in sources {
            let folder = match source {
                InventorySource::List(list) => {
                    loader.list(list);
                    continue;
                }
                InventorySource::File(path) => {
                    loader.file(path);
                    folder_of(path)
                }
                InventorySource::Folder(path) => {
                    loader.folder(path);
                    path.clone()
                }
            };
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        let mut inventory = loader.inventory;
        let mut mistakes = loader.mistakes;
        inventory.beside_inventory =
            folders.iter().map(|folder| VarsFolder::read(folder, sources_map, &mut mistakes)).collect();
        inventory.settle();
        if mistakes.is_empty() { Ok(inventory) } else { Err(Diagnostics(mistakes)) }
    }

    /// Adds `group_vars` and `host_vars` beside the project file or the runbook, which win over those beside the
    /// inventory. Of several folders the later one wins.
    ///
    /// Fails with every mistake found in them; then nothing is added.
    pub fn read_runbook_vars(&mut self, folder: &Path, sources_map: &SourceMap) -> Result<(), Diagnostics> {
        let known = |folders: &[VarsFolder]| folders.iter().find(|known| known.is_of(folder)).cloned();
        if known(&self.beside_runbook).is_some() {
            return Ok(());
        }
        let mut mistakes = Vec::new();
        let vars = known(&self.beside_inventory)
            .unwrap_or_else(|| VarsFolder::read(folder, sources_map, &mut mistakes));
        if !mistakes.is_empty() {
            return Err(Diagnostics(mistakes));
        }
        self.beside_runbook.push(vars);
        self.settle();
        Ok(())
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

struct Loader<'a> {
    inventory: Inventory,
    sources: &'a SourceMap,
    mistakes: Vec<Diagnostic>,
}

impl Loader<'_> {
    fn list(&mut self, list: &str) {
        for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match range::expand(item) {
                Err(error) => self.mistakes.push(Diagnostic::error("bad-inventory", error.to_string())),
                Ok((names, port)) => {
                    for name in names {
                        let host = self.inventory.host_index(&name);
                        self.inventory.put(host, UNGROUPED);
                        if let Some(port) = port {
                            self.inventory.hosts[host].vars.insert("ansible_port", port.into());
                        }
                    }
                }
            }
        }
    }

    fn folder(&mut self, folder: &Path) {
        for path in mistake::entries(folder, &mut self.mistakes) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let passed_over = name.starts_with('.')
                || name.ends_with('~')
                || matches!(name, "group_vars" | "host_vars" | "vars_plugins")
                || PASSED_OVER.contains(&ending);
            if passed_over {
                continue;
            }
            if path.is_dir() { self.folder(&path) } else { self.file(&path) }
        }
    }

    fn file(&mut self, path: &Path) {
        let Some(file) = File::read(path, self.sources, &mut self.mistakes) else { return };
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let unknown = |what: &str| {
            Diagnostic::error("bad-inventory", format!("`{}` is {what}, which cannot be read yet", file.name))
                .hint("an inventory is a file in YAML or INI")
        };
        match ending {
            "yml" | "yaml" | "json" => self.yaml(&file),
            "toml" => self.mistakes.push(unknown("an inventory in TOML")),
            _ if file.text.starts_with("#!") => self.mistakes.push(unknown("an inventory script")),
            "ini" => self.ini(&file),
            // As Ansible does: YAML where it is a mapping, else INI.
            _ => match yaml::parse(&file.text) {
                Ok(root) if matches!(root.data, Data::Map(_)) => self.yaml(&file),
                Err(_) if file.text.trim_start().starts_with("---") => self.yaml(&file),
                _ => self.ini(&file),
            },
        }
    }

    fn ini(&mut self, file: &File) {
        ini::read(file, &mut self.inventory, self.sources, &mut self.mistakes);
    }

    fn yaml(&mut self, file: &File) {
        match yaml::parse(&file.text) {
            Ok(root) => yaml_source::read(file, root, &mut self.inventory, self.sources, &mut self.mistakes),
            Err(error) => self.mistakes.push(file.yaml_error(self.sources, &error)),
        }
    }
}
