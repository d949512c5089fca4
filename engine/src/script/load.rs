//! Loading: the top level runs once, offline, and leaves a graph.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use oneex_sdk::{Map, Registry, Value};
use rhai::{AST, Engine, OptimizationLevel, Scope};

use super::current::{Current, Stop, enter};
use super::declare::Declarations;
use super::draws::Draws;
use super::error::{
    diagnostic_from, diagnostic_of, failure_from, place, stopped_from_outside, within_the_call,
};
use super::resolver::Library;
use super::words::params::{ParamInputs, ParamShown};
use super::{checking, compile, engine};
use crate::diag::{Diagnostic, Diagnostics, Severity, SourceMap};
use crate::graph::Graph;
use crate::inventory::Inventory;
use crate::redact::Redactor;
use crate::run::RunEvent;
use crate::source_file;

/// Where scripts and their files may be read from.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The folder of `oneex.toml`; the runbook's own folder where there is none.
    pub root: PathBuf,
    /// The folder of the runbook.
    pub runbook_folder: PathBuf,
    /// Where roles are looked for after the runbook's own folder.
    pub role_paths: Vec<PathBuf>,
    /// Further folders that scripts may read from, as `oneex.toml` allows.
    pub allow: Vec<PathBuf>,
}

impl Project {
    /// All folders that scripts and templates may read from.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.root, &self.runbook_folder].into_iter().chain(&self.role_paths).chain(&self.allow)
    }
}

/// The environment that `--env` chose.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// True where runs ask before they change anything.
    pub protected: bool,
    /// Its variables.
    pub vars: Map<String, Value>,
}

/// Everything that loading needs; the command line gathers it.
pub struct LoadRequest {
    /// The runbook.
    pub runbook: PathBuf,
    /// Its name as the user gave it.
    pub name: String,
    /// Where scripts and their files may be read from.
    pub project: Project,
    /// The hosts.
    pub inventory: Inventory,
    /// What was given for parameters.
    pub params: ParamInputs,
    /// The process's environment variables.
    pub variables: BTreeMap<String, String>,
    /// The chosen environment.
    pub environment: Option<Environment>,
    /// What the modules bring.
    pub registry: Registry,
    /// The standard library.
    pub library: Arc<dyn Library>,
    /// What masks secrets.
    pub redactor: Arc<Redactor>,
    /// For a run that is resumed, what its first load drew, see [`Loaded::drawn`].
    pub drawn: Vec<Value>,
}

/// What code of the script can see at any time.
pub(crate) struct Script {
    /// The runbook's name as the user gave it.
    pub(crate) name: Arc<str>,
    /// Where scripts and their files may be read from.
    pub(crate) project: Project,
    /// The hosts.
    pub(crate) inventory: Arc<RwLock<Inventory>>,
    /// What was given for parameters.
    pub(crate) params: ParamInputs,
    /// The process's environment variables.
    pub(crate) variables: BTreeMap<String, String>,
    /// The chosen environment.
    pub(crate) environment: Option<Environment>,
    /// What masks secrets.
    pub(crate) redactor: Arc<Redactor>,
    /// The texts that positions point into.
    pub(crate) sources: Arc<SourceMap>,
    /// What was imported so far.
    pub(crate) imports: super::resolver::Imports,
    /// What was read of the code, to know who notifies whom.
    pub(crate) reading: super::notifies::Reading,
    /// What was declared so far; taken out when the load ends.
    pub(crate) declared: Mutex<Declarations>,
    /// What the load drew.
    pub(crate) drawn: Draws,
}

/// A loaded runbook.
pub struct Loaded {
    /// The tasks.
    pub graph: Arc<Graph>,
    /// The parameters with their values, secrets masked.
    pub params: Vec<ParamShown>,
    /// The runbook's doc comment.
    pub doc: String,
    /// The hosts; grows in the run.
    pub inventory: Arc<RwLock<Inventory>>,
    /// The texts that positions point into.
    pub sources: Arc<SourceMap>,
    /// What masks secrets.
    pub redactor: Arc<Redactor>,
    /// `print` and `warn` of the load.
    pub messages: Vec<RunEvent>,
    /// What would be different another time, as times and random numbers, in its order; with secrets.
    pub drawn: Vec<Value>,
    /// The values of the parameters, with secrets: what a run that is resumed is given again.
    pub values: Map<String, Value>,
    /// Mistakes that do not stop a run.
    pub warnings: Vec<Diagnostic>,
    /// Where scripts and their files may be read from.
    pub project: Project,
    /// What the modules bring.
    pub registry: Registry,
    /// The chosen environment.
    pub environment: Option<Environment>,
    /// What code of the script sees in the run.
    pub(crate) script: Arc<Script>,
}

/// What `params` declares, and the doc comment, for `--help`: the load stops there.
#[derive(Debug, Clone)]
pub struct Described {
    /// The runbook's doc comment.
    pub doc: String,
    /// The parameters.
    pub params: Vec<ParamShown>,
}

/// Why a runbook was not loaded, with what it had said by then.
#[derive(Debug, Default)]
pub struct LoadError {
    /// What is wrong.
    pub diagnostics: Diagnostics,
    /// `print` and `warn` of the load, in their order; secrets are not masked yet.
    pub messages: Vec<RunEvent>,
    /// Mistakes that would not stop a run.
    pub warnings: Vec<Diagnostic>,
}

impl From<Diagnostics> for LoadError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self { diagnostics, ..Self::default() }
    }
}

/// Loads a runbook: compiles it, looks for mistakes, runs its top level.
pub fn load(request: LoadRequest) -> Result<Loaded, LoadError> {
    on_deep_stack(move || Loading::begin(request)?.finish())
}

/// Reads a runbook up to `params`, which needs no values.
pub fn describe(mut request: LoadRequest) -> Result<Described, Diagnostics> {
    request.params.describe = true;
    on_deep_stack(move || Loading::begin(request)?.describe())
}

/// A deep recursion of the script must meet Rhai's limit before the end of the stack.
fn on_deep_stack<T: Send + 'static, E: From<Diagnostics> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    let failed = |what: String| Diagnostics::from(Diagnostic::error("internal", what));
    std::thread::Builder::new()
        .name("load".into())
        .stack_size(64 << 20)
        .spawn(work)
        .map_err(|error| failed(format!("the loading thread could not start: {error}")))?
        .join()
        .map_err(|_| failed("loading ended unexpectedly; this is a bug in oneex".into()))?
}

struct Loading {
    engine: Arc<Engine>,
    script: Arc<Script>,
    ast: AST,
    doc: String,
    registry: Registry,
    warnings: Vec<Diagnostic>,
}

impl Loading {
    fn begin(request: LoadRequest) -> Result<Self, Diagnostics> {
        let sources = Arc::new(SourceMap::default());
        let redactor = Arc::clone(&request.redactor);
        sources.mask_by(move |text| redactor.text(text));
        let source = source_file::read(&request.runbook, &request.name, &sources)?;
        let script = Arc::new(Script {
            name: request.name.as_str().into(),
            project: request.project,
            inventory: Arc::new(RwLock::new(request.inventory)),
            params: request.params,
            variables: request.variables,
            environment: request.environment,
            redactor: request.redactor,
            sources,
            imports: super::resolver::Imports::new(request.library),
            reading: super::notifies::Reading::default(),
            declared: Mutex::new(Declarations::default()),
            drawn: Draws::new(request.drawn),
        });
        let engine = Arc::new(engine::build(&request.registry));
        script.imports.enter_file(&source.name, &request.runbook);
        let ast = compile::compile(&engine, &source).map_err(Diagnostics::from)?;
        script.read_turns(&source.name, &ast);
        let _ = script.reading.main.set(ast.clone());
        let doc = compile::doc_comment(&source.text);
        let mut loading = Self { engine, script, ast, doc, registry: request.registry, warnings: Vec::new() };
        loading.check()?;
        Ok(loading)
    }

    /// Looks for mistakes in the text, before any of it runs.
    fn check(&mut self) -> Result<(), Diagnostics> {
        let found = checking::check_script(&self.engine, &self.script, &self.registry);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error);
        self.warnings = warnings;
        if errors.is_empty() { Ok(()) } else { Err(Diagnostics(errors)) }
    }

    fn run(&self) -> Result<Option<Stop>, Diagnostics> {
        let current = Current::new(Arc::clone(&self.script), None);
        super::closure::set_engine(&self.engine);
        let (result, stop) = enter(current, || self.engine.run_ast_with_scope(&mut Scope::new(), &self.ast));
        super::closure::clear_engine();
        match (result, stop) {
            (Err(error), None) => Err(diagnostic_from(&error, &self.script).into()),
            (result, Some(Stop::Excess(excess))) => {
                let mut diagnostic = match result {
                    Err(error) => {
                        let mut failure = failure_from(&error, &self.script);
                        if stopped_from_outside(&error) {
                            let at = self.script.blind_loop(&self.script.name, None);
                            within_the_call(&mut failure, at, "in the call here");
                        }
                        diagnostic_of("script", &failure, &self.script)
                    }
                    Ok(()) => Diagnostic::error("script", ""),
                };
                // Code that caught the error ended by another one, or by none.
                diagnostic.message = excess.message();
                Err(diagnostic.into())
            }
            (_, stop) => Ok(stop),
        }
    }

    fn describe(self) -> Result<Described, Diagnostics> {
        self.run()?;
        let params = std::mem::take(&mut self.declared().params);
        Ok(Described { doc: self.doc, params })
    }

    /// Runs all of the top level.
    fn run_whole(&self) -> Result<(), Diagnostics> {
        if let Some(stop) = self.run()? {
            let what = match stop {
                Stop::Skipped(_) => "`skip` works only in the body of a task",
                _ => "the load was stopped",
            };
            return Err(Diagnostic::error("script", what).into());
        }
        self.refuse_unknown_params()
    }

    fn finish(self) -> Result<Loaded, LoadError> {
        let whole = self.run_whole();
        let declared = std::mem::take(&mut *self.declared());
        let (params, messages) = (declared.params.clone(), declared.messages.clone());
        let values = declared.values.clone();
        let graph = match whole.and_then(|()| declared.into_graph(&self.script)) {
            Ok(graph) => graph,
            Err(diagnostics) => return Err(LoadError { diagnostics, messages, warnings: self.warnings }),
        };
        let script = &self.script;
        Ok(Loaded {
            graph: Arc::new(graph),
            params,
            doc: self.doc,
            inventory: Arc::clone(&script.inventory),
            sources: Arc::clone(&script.sources),
            redactor: Arc::clone(&script.redactor),
            messages,
            drawn: script.drawn.made(),
            values,
            warnings: self.warnings,
            project: script.project.clone(),
            registry: self.registry,
            environment: script.environment.clone(),
            script: Arc::clone(script),
        })
    }

    /// A runbook without `params` takes none: what was given is a mistake.
    fn refuse_unknown_params(&self) -> Result<(), Diagnostics> {
        if self.declared().params_declared {
            return Ok(());
        }
        let of_variables = super::words::params::given_variables(&self.script);
        match self.script.params.given_names().chain(of_variables).next() {
            Some(name) => {
                let message = format!("`{}` has no parameter `{name}`: it declares none", self.script.name);
                Err(Diagnostic::error("param", message).into())
            }
            None => Ok(()),
        }
    }

    fn declared(&self) -> std::sync::MutexGuard<'_, Declarations> {
        self.script.declared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Script {
    /// The place where a native function was called.
    pub(crate) fn position(&self, context: &rhai::NativeCallContext<'_>) -> crate::diag::Position {
        let file: Arc<str> = context.call_source().map_or_else(|| Arc::clone(&self.name), Into::into);
        place(&file, context.call_position()).unwrap_or(crate::diag::Position { file, line: 1, column: 0 })
    }
}

/// Scripts are compiled for checking and for running alike: folded constants would lose positions.
pub(super) const OPTIMIZATION: OptimizationLevel = OptimizationLevel::None;
