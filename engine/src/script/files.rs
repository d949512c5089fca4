//! Files of the project, as scripts and operations name them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use oneex_sdk::{OpError, OpResult};

use super::load::Script;
use super::resolver::Origin;
use crate::diag::Diagnostic;
use crate::run::ProjectFiles;

impl Script {
    /// Says whether a name is that of a script, rather than of a file that scripts use.
    pub(crate) fn is_source(&self, name: &str) -> bool {
        name == &*self.name || self.imports.origin(name).is_some()
    }

    /// Finds a file that a script reads: beside the runbook, then in the project.
    pub(crate) fn find_file(&self, path: &str) -> Result<PathBuf, Diagnostic> {
        self.search(path, [self.project.runbook_folder.clone(), self.project.root.clone()])
    }

    fn search(&self, path: &str, folders: impl IntoIterator<Item = PathBuf>) -> Result<PathBuf, Diagnostic> {
        let mut tried = Vec::new();
        for folder in folders {
            let candidate = folder.join(path);
            if candidate.exists() {
                return self.confine(&candidate);
            }
            let shown = format!("`{}`", self.display(&candidate));
            if !tried.contains(&shown) {
                tried.push(shown);
            }
        }
        let error = Diagnostic::error("no-file", format!("there is no file `{path}`"));
        Err(error.hint(format!("looked for {}", tried.join(", "))))
    }
}

/// Files of the project for the operations of a run.
pub(crate) struct ScriptFiles {
    script: Arc<Script>,
    /// Files of embedded roles, written out for those who need a path.
    embedded: tempfile::TempDir,
    /// The roles that were written out.
    written: Mutex<HashSet<String>>,
}

impl ScriptFiles {
    /// Makes the view of a script's project.
    pub(crate) fn new(script: Arc<Script>) -> std::io::Result<Self> {
        Ok(Self {
            script,
            embedded: tempfile::Builder::new().prefix("oneex-std-").tempdir()?,
            written: Mutex::default(),
        })
    }

    /// The folder of what was written out: templates may be read there.
    pub(crate) fn embedded_folder(&self) -> PathBuf {
        self.embedded.path().to_owned()
    }

    fn embedded(&self, role: &str, path: &str) -> Option<PathBuf> {
        let library = self.script.imports.library();
        library.file(role, path)?;
        let folder = self.embedded.path().join(role);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if !written.contains(role) {
            // All of them: a template includes others beside it.
            for name in library.files(role) {
                let target = folder.join(&name);
                std::fs::create_dir_all(target.parent()?).ok()?;
                std::fs::write(&target, library.file(role, &name)?).ok()?;
            }
            written.insert(role.to_owned());
        }
        Some(folder.join(path))
    }
}

impl ProjectFiles for ScriptFiles {
    fn find(&self, source: &str, folder: &str, name: &str) -> OpResult<PathBuf> {
        let script = &self.script;
        let mut folders = Vec::new();
        match script.imports.origin(source) {
            Some(Origin::Library(role)) => {
                let inside = [format!("{folder}/{name}"), name.to_owned()];
                if let Some(found) = inside.iter().find_map(|path| self.embedded(&role, path)) {
                    return Ok(found);
                }
            }
            Some(Origin::File(file)) => {
                let beside = file.parent().unwrap_or(Path::new("")).to_owned();
                folders.extend([beside.join(folder), beside]);
            }
            None => {}
        }
        let project = &script.project;
        for base in [&project.runbook_folder, &project.root] {
            folders.extend([base.join(folder), base.clone()]);
        }
        script.search(name, folders).map_err(|error| {
            let failure = OpError::invalid(error.message);
            error.hints.into_iter().next().map_or(failure.clone(), |hint| failure.hint(hint))
        })
    }
}
