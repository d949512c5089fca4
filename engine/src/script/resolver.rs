//! `import`: beside the script, in `roles/`, and `std/…` in the embedded library.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rhai::{AST, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use super::compile::compile;
use super::current::current;
use super::error::place;
use super::load::Script;
use crate::diag::{Diagnostic, Source};
use crate::source_file;

/// The standard library, embedded in the binary.
pub trait Library: Send + Sync {
    /// The text of a role: `motd` for `import "std/motd"`.
    fn role(&self, name: &str) -> Option<String>;

    /// A file of a role, by its path in it: `templates/motd.j2`.
    fn file(&self, role: &str, path: &str) -> Option<Vec<u8>>;

    /// The paths of all files of a role.
    fn files(&self, role: &str) -> Vec<String>;

    /// The names of all roles.
    fn names(&self) -> Vec<String>;
}

/// Where an imported text came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file.
    File(PathBuf),
    /// A role of the standard library.
    Library(String),
}

/// An imported text: what it compiles to, and the module once it was evaluated.
type Imported = (Arc<Source>, AST, Option<Shared<Module>>);

/// What was imported so far, and where each source came from.
pub(crate) struct Imports {
    library: Arc<dyn Library>,
    origins: Mutex<HashMap<Arc<str>, Origin>>,
    modules: Mutex<HashMap<Arc<str>, Imported>>,
    open: Mutex<Vec<Arc<str>>>,
}

impl Imports {
    /// Nothing is imported yet.
    pub(crate) fn new(library: Arc<dyn Library>) -> Self {
        Self { library, origins: Mutex::default(), modules: Mutex::default(), open: Mutex::default() }
    }

    /// Notes where the source `name` came from.
    pub(crate) fn enter_file(&self, name: &str, path: &Path) {
        lock(&self.origins).insert(name.into(), Origin::File(path.to_owned()));
    }

    /// Where the source `name` came from.
    pub(crate) fn origin(&self, name: &str) -> Option<Origin> {
        lock(&self.origins).get(name).cloned()
    }

    /// The standard library.
    pub(crate) fn library(&self) -> &Arc<dyn Library> {
        &self.library
    }

    /// The name that tasks of a source are headed by; none for the runbook itself.
    pub(crate) fn role_name(&self, source: &str) -> Option<String> {
        match self.origin(source)? {
            Origin::Library(name) => Some(name),
            Origin::File(path) => {
                let stem = path.file_stem()?.to_string_lossy().into_owned();
                let folder =
                    path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
                Some(if stem == "role" { folder.unwrap_or(stem) } else { stem })
            }
        }
    }

    /// The syntax trees of all imported sources.
    pub(crate) fn trees(&self) -> Vec<(Arc<Source>, AST)> {
        lock(&self.modules).values().map(|(source, ast, _)| (Arc::clone(source), ast.clone())).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Script {
    /// Finds what `path` names for the source `from`, and compiles it once.
    pub(crate) fn import(
        &self,
        engine: &Engine,
        from: &str,
        path: &str,
    ) -> Result<(Arc<Source>, AST), Diagnostic> {
        let (name, origin) = self.find_import(from, path)?;
        if let Some((source, ast, _)) = lock(&self.imports.modules).get(&name) {
            return Ok((Arc::clone(source), ast.clone()));
        }
        let source = match &origin {
            Origin::Library(role) => {
                self.sources.add(&name, self.imports.library.role(role).unwrap_or_default())
            }
            Origin::File(file) => source_file::read(file, &name, &self.sources)?,
        };
        lock(&self.imports.origins).insert(Arc::clone(&name), origin);
        let ast = compile(engine, &source)?;
        self.read_turns(&name, &ast);
        lock(&self.imports.modules).insert(name, (Arc::clone(&source), ast.clone(), None));
        Ok((source, ast))
    }

    fn find_import(&self, from: &str, path: &str) -> Result<(Arc<str>, Origin), Diagnostic> {
        if let Some(role) = path.strip_prefix("std/") {
            if self.imports.library.role(role).is_some() {
                return Ok((path.into(), Origin::Library(role.to_owned())));
            }
            let names = self.imports.library.names();
            let error = Diagnostic::error("import", format!("the standard library has no `{path}`"));
            return Err(match oneex_sdk::nearest(role, names.iter().map(String::as_str)) {
                Some(right) => error.hint(format!("did you mean `std/{right}`?")),
                None => error.hint(format!("it has: {}", names.join(", "))),
            });
        }
        let mut folders = Vec::new();
        if let Some(Origin::File(file)) = self.imports.origin(from) {
            folders.extend(file.parent().map(Path::to_owned));
        }
        folders.push(self.project.runbook_folder.clone());
        folders.extend(self.project.role_paths.iter().cloned());
        folders.push(self.project.root.clone());
        let mut tried = Vec::new();
        for folder in &folders {
            for candidate in candidates(folder, path) {
                if candidate.is_file() {
                    let file = self.confine(&candidate)?;
                    return Ok((self.display(&file).into(), Origin::File(file)));
                }
                if !tried.contains(&candidate) {
                    tried.push(candidate);
                }
            }
        }
        let places: Vec<String> = tried.iter().map(|path| format!("`{}`", self.display(path))).collect();
        let error = Diagnostic::error("import", format!("there is no module `{path}`"));
        let error = match neighbour(&folders, path) {
            Some(right) => error.hint(format!("did you mean `{right}`?")),
            None => error,
        };
        Err(error.hint(format!("looked for {}", places.join(", "))))
    }

    /// The real path of a file, if scripts may read it.
    pub(crate) fn confine(&self, file: &Path) -> Result<PathBuf, Diagnostic> {
        let real = file.canonicalize().map_err(|error| {
            Diagnostic::error("read", format!("`{}` cannot be read: {error}", self.display(file)))
        })?;
        for folder in self.project.folders() {
            if folder.canonicalize().is_ok_and(|folder| real.starts_with(folder)) {
                return Ok(real);
            }
        }
        Err(Diagnostic::error("outside-project", format!("`{}` is outside of the project", file.display()))
            .hint(
                "move it into the project, or allow its folder in `oneex.toml`: `[project] allow = [\"…\"]`",
            ))
    }

    /// A path as people know it: relative to the folder of the runbook's name, else to the project.
    pub(crate) fn display(&self, path: &Path) -> String {
        let shown_folder = Path::new(&*self.name).parent().unwrap_or(Path::new(""));
        for (folder, shown) in
            [(&self.project.runbook_folder, shown_folder), (&self.project.root, Path::new(""))]
        {
            let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            if let Ok(rest) = path.strip_prefix(&folder) {
                return shown.join(rest).display().to_string();
            }
        }
        path.display().to_string()
    }
}

fn candidates(folder: &Path, path: &str) -> [PathBuf; 3] {
    let plain = folder.join(path);
    let with_extension = folder.join(format!("{path}.rhai"));
    [with_extension, plain.join("role.rhai"), plain]
}

/// The import that is most like one that does not exist.
fn neighbour(folders: &[PathBuf], path: &str) -> Option<String> {
    let (parent, name) = path.rsplit_once('/').map_or(("", path), |(parent, name)| (parent, name));
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder.join(parent)).ok()).flatten();
    let names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("role.rhai").is_file() || path.extension().is_some_and(|end| end == "rhai"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    let right = oneex_sdk::nearest(name, names.iter().map(String::as_str))?;
    Some(if parent.is_empty() { right.to_owned() } else { format!("{parent}/{right}") })
}

/// Resolves imports of the script that the present thread loads.
pub(super) struct Resolver;

impl ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let fail = |diagnostic: Diagnostic| -> Box<EvalAltResult> {
            EvalAltResult::ErrorSystem(String::new(), Box::new(diagnostic)).into()
        };
        let script = current()
            .map_err(|_| fail(Diagnostic::error("import", "imports work only in a runbook")))?
            .script;
        let from: Arc<str> = source.map_or_else(|| Arc::clone(&script.name), Into::into);
        let located = |diagnostic: Diagnostic| match (diagnostic.labels.is_empty(), place(&from, position)) {
            (true, Some(position)) => {
                let label = script.sources.label(&position, "", true);
                diagnostic.label(label)
            }
            _ => diagnostic,
        };
        let (source, ast) = script.import(engine, &from, path).map_err(|error| fail(located(error)))?;
        let name: Arc<str> = source.name.as_str().into();
        if let Some((_, _, Some(module))) = lock(&script.imports.modules).get(&name) {
            return Ok(Shared::clone(module));
        }
        if lock(&script.imports.open).contains(&name) {
            let mut way: Vec<String> = lock(&script.imports.open).iter().map(ToString::to_string).collect();
            way.push(name.to_string());
            let message = format!("imports form a cycle: {}", way.join(" → "));
            return Err(fail(located(Diagnostic::error("import", message))));
        }
        lock(&script.imports.open).push(Arc::clone(&name));
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine);
        lock(&script.imports.open).pop();
        let module = module
            .map_err(|error| Box::new(EvalAltResult::ErrorInModule(name.to_string(), error, position)))?;
        let module: Shared<Module> = module.into();
        if let Some(entry) = lock(&script.imports.modules).get_mut(&name) {
            entry.2 = Some(Shared::clone(&module));
        }
        Ok(module)
    }
}
