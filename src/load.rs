//! From what a person calls a runbook to a loaded one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oneex_engine::ahead::Memory;
use oneex_engine::diag::{Diagnostic, Diagnostics};
use oneex_engine::inventory::HostSet;
use oneex_engine::redact::Redactor;
use oneex_engine::run::{EventSink, Level, Mode, RunEvent, RunIntroduction, RunOptions};
use oneex_engine::script::{self, Described, LoadRequest, Loaded, ParamShown};
use oneex_sdk::{Map, Value};

use crate::commands::inputs::{
    ForksArgs, LockArgs, OutputFormat, PaceArgs, ParamArgs, ReportArgs, SelectArgs, SiteArgs,
};
use crate::config::LockTable;
use crate::context::Context;
use crate::error::CommandError;
use crate::launch::Job;
use crate::locks::{LockKind, Locking};
use crate::prompt::Asker;
use crate::report::{diagnostic, file, human::Human, json::JsonLines, junit, look::Look};
use crate::runbook::{self, Runbook};
use crate::site::Site;
use crate::{library, params, remembered};

/// What is given for a load.
pub(crate) struct Loading<'a> {
    /// Which hosts, and which environment.
    pub(crate) site: &'a SiteArgs,
    /// Values for parameters.
    pub(crate) params: &'a ParamArgs,
    /// Parameters need no values.
    pub(crate) partial: bool,
    /// What is told of the run that follows; nothing where none does.
    pub(crate) report: Option<&'a ReportArgs>,
    /// For a run that is resumed: what its first load was given and drew.
    pub(crate) again: Option<Again>,
}

/// What a run's first load was given and drew.
#[derive(Debug, Clone, Default)]
pub(crate) struct Again {
    /// The values of all parameters.
    pub(crate) values: Map<String, Value>,
    /// What was drawn, see [`Loaded::drawn`].
    pub(crate) drawn: Vec<Value>,
}

impl Loading<'_> {
    /// What the load says becomes events, and is not shown as text.
    fn as_events(&self) -> bool {
        self.report.is_some_and(|report| report.output == OutputFormat::Json)
    }
}

/// A loaded runbook with what the command line knows of it.
pub(crate) struct LoadedRunbook {
    /// The name that people see.
    pub(crate) name: String,
    /// The runbook's file.
    pub(crate) path: PathBuf,
    /// The runbook.
    pub(crate) loaded: Loaded,
    /// SHA-256 of the project file and the inventory, by name.
    pub(crate) inputs: BTreeMap<String, String>,
    /// Who asks the person.
    pub(crate) asker: Arc<Asker>,
    said: Vec<RunEvent>,
    forks: Option<usize>,
    /// Where what its tasks read on hosts is kept for the next run.
    reads: Option<PathBuf>,
    /// Where what is left of runs is kept.
    runs: Option<PathBuf>,
    /// What the project file says of locks.
    lock: LockTable,
}

/// Loads a runbook, and shows or keeps what the load says and warns of.
pub(crate) fn load(
    context: &Context,
    given: &str,
    loading: &Loading<'_>,
) -> Result<LoadedRunbook, CommandError> {
    let asker = Arc::new(Asker::new(context.stderr.clone(), context.signals.clone()));
    let told = Told { context, given, loading };
    told.check_files()?;
    let Requested { runbook, request, forks, inputs, lock } =
        request(context, given, loading, &asker, Site::open)
            .map_err(|error| told.failed(&Arc::default(), &[], &[], error))?;
    let redactor = Arc::clone(&request.redactor);
    tracing::debug!(path = %runbook.path.display(), "loading the runbook");
    let loaded = script::load(request).map_err(|failed| {
        let error = failure(failed.diagnostics, &redactor, &asker);
        told.failed(&redactor, &failed.warnings, &failed.messages, error)
    })?;
    let mut said = Vec::new();
    if loading.as_events() {
        said = events(&loaded.warnings, &loaded.messages).collect();
    } else {
        told.show(&redactor, &loaded.warnings, &loaded.messages);
    }
    let reads = remembered::file(context, &runbook.path);
    let runs = remembered::runs(context, runbook.path.parent().unwrap_or(Path::new("/")));
    Ok(LoadedRunbook {
        name: runbook.name,
        path: runbook.path,
        loaded,
        asker,
        said,
        forks,
        reads,
        runs,
        inputs,
        lock,
    })
}

/// What a load says, as events of the run.
fn events(warnings: &[Diagnostic], messages: &[RunEvent]) -> impl Iterator<Item = RunEvent> {
    warnings.iter().map(event).chain(messages.iter().cloned())
}

/// What is told of a load: as text or as events, and in the reports.
struct Told<'a> {
    context: &'a Context,
    given: &'a str,
    loading: &'a Loading<'a>,
}

impl Told<'_> {
    /// Refuses reports that could not be written, before anything is run for them.
    fn check_files(&self) -> Result<(), CommandError> {
        let Some(report) = self.loading.report else { return Ok(()) };
        let files = report.junit.iter().chain(&report.stats);
        files.into_iter().try_for_each(|path| file::check(self.context, path))
    }

    /// Shows warnings and what the runbook said.
    fn show(&self, redactor: &Redactor, warnings: &[Diagnostic], messages: &[RunEvent]) {
        let stderr = &self.context.stderr;
        for warning in warnings {
            let mut warning = warning.clone();
            redactor.diagnostic(&mut warning);
            stderr.write(&diagnostic::render(&warning, stderr.is_colored()));
        }
        let look = Look::run(stderr.is_colored(), self.context.verbosity, false);
        let mut said = Human::new(look, Arc::default());
        for message in messages {
            stderr.write(&said.render(&redactor.event(message.clone())));
        }
    }

    /// Tells of a load that failed, all but the error itself, which every command shows at its end.
    fn failed(
        &self,
        redactor: &Arc<Redactor>,
        warnings: &[Diagnostic],
        messages: &[RunEvent],
        error: CommandError,
    ) -> CommandError {
        if self.loading.as_events() {
            let lines = JsonLines::new(self.context.stdout.clone(), false);
            let sink = EventSink::new(Arc::clone(redactor), vec![Box::new(lines)]);
            events(warnings, messages).for_each(|event| sink.emit(event));
            sink.emit(RunEvent::LoadFailed { errors: error.mistakes() });
        } else {
            self.show(redactor, warnings, messages);
        }
        if let Some(path) = self.loading.report.and_then(|report| report.junit.as_ref()) {
            let name = redactor.text(self.given);
            if let Err(lost) = junit::not_loaded(&self.context.cwd.join(path), &name, &error) {
                lost.show(&self.context.stderr);
            }
        }
        error
    }
}

/// A warning of the load as an event of the run.
fn event(warning: &Diagnostic) -> RunEvent {
    let position = warning.labels.first().map(|label| label.position.clone());
    RunEvent::Message { node: None, level: Level::Warning, text: warning.message.clone(), position }
}

/// Reads a runbook's doc comment and parameters; gives its name too.
pub(crate) fn describe(
    context: &Context,
    given: &str,
    loading: &Loading<'_>,
) -> Result<(String, Described), CommandError> {
    let asker = Arc::new(Asker::new(context.stderr.clone(), context.signals.clone()));
    let Requested { runbook, request, .. } = request(context, given, loading, &asker, Site::open_to_show)?;
    let redactor = Arc::clone(&request.redactor);
    let described =
        script::describe(request).map_err(|diagnostics| failure(diagnostics, &redactor, &asker))?;
    Ok((runbook.name, described))
}

fn request(
    context: &Context,
    given: &str,
    loading: &Loading<'_>,
    asker: &Arc<Asker>,
    open: impl Fn(&Context, &Path, &SiteArgs) -> Result<Site, CommandError>,
) -> Result<Requested, CommandError> {
    let runbook = runbook::find(context, given)?;
    let folder = runbook.path.parent().unwrap_or(Path::new("/"));
    let mut site = open(context, folder, loading.site)?;
    site.read_runbook_vars(context, folder)?;
    let mut inputs = match &loading.again {
        Some(again) => params::again(&again.values),
        None => params::inputs(loading.params, context, asker)?,
    };
    inputs.environment = std::mem::take(&mut site.params);
    inputs.partial = loading.partial;
    if loading.partial {
        inputs.prompt = None;
    }
    let (forks, lock) = (site.config.defaults.forks, site.lock.clone());
    let request = LoadRequest {
        project: site.project(folder),
        runbook: runbook.path.clone(),
        name: runbook.name.clone(),
        inventory: site.inventory,
        params: inputs,
        variables: context.variables.clone(),
        environment: site.environment,
        registry: site.registry,
        library: library::embedded(),
        redactor: site.redactor,
        drawn: loading.again.as_ref().map(|again| again.drawn.clone()).unwrap_or_default(),
    };
    let inputs = site.sources.digests();
    Ok(Requested { runbook, request, forks, inputs, lock })
}

/// What is loaded, and what was read for it.
struct Requested {
    runbook: Runbook,
    request: LoadRequest,
    forks: Option<usize>,
    /// SHA-256 of the project file and the inventory, by name.
    inputs: BTreeMap<String, String>,
    /// What the project file says of locks.
    lock: LockTable,
}

fn failure(mut diagnostics: Diagnostics, redactor: &Redactor, asker: &Asker) -> CommandError {
    if asker.was_interrupted() {
        return CommandError::interrupted();
    }
    diagnostics.0.iter_mut().for_each(|diagnostic| redactor.diagnostic(diagnostic));
    diagnostics.into()
}

impl LoadedRunbook {
    /// SHA-256 of all that was read for the load, by name.
    pub(crate) fn read(&self) -> BTreeMap<String, String> {
        let mut read = self.loaded.sources.digests();
        read.extend(self.inputs.clone());
        read
    }

    /// What the run is asked to do.
    pub(crate) fn options(&self, select: &SelectArgs, forks: &ForksArgs) -> Result<RunOptions, CommandError> {
        let limit = select.limit.as_deref().map(|pattern| self.limit(pattern)).transpose()?;
        let mut options = RunOptions {
            tags: select.tags.clone(),
            skip_tags: select.skip_tags.clone(),
            only: select.only.clone(),
            from: select.from.clone(),
            limit,
            ..RunOptions::default()
        };
        if let Some(forks) = forks.forks.map(usize::from).or(self.forks) {
            options.forks = forks;
        }
        Ok(options)
    }

    /// A limit that matches nothing is a mistake, unless a task adds the hosts that it means.
    fn limit(&self, pattern: &str) -> Result<HostSet, CommandError> {
        let set =
            HostSet::pattern(pattern).map_err(|error| CommandError::usage(format!("--limit: {error}")))?;
        let inventory = self.loaded.inventory.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let dynamic = self.loaded.graph.tasks.iter().any(|task| !task.adds_hosts.is_empty());
        if !dynamic && set.resolve(&inventory).is_empty() {
            let error = CommandError::usage(format!("--limit: `{pattern}` matches no host"));
            return Err(crate::site::nearest_host(error, &set, &inventory));
        }
        Ok(set)
    }

    /// The lock that a run of it takes.
    pub(crate) fn locking(
        &self,
        context: &Context,
        args: &LockArgs,
    ) -> Result<Option<Locking>, CommandError> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let table = (&self.lock, &*self.loaded.redactor as &dyn oneex_sdk::SecretSink);
        Locking::choose(context, folder, args, table, LockKind::Environment)
    }

    /// The run.
    pub(crate) fn job(
        &self,
        mode: Mode,
        word: &'static str,
        select: &SelectArgs,
        pace: &PaceArgs,
    ) -> Result<Job<'_>, CommandError> {
        let loaded = &self.loaded;
        let file = self.reads.clone().filter(|_| !pace.no_read_ahead);
        let reads = file.map_or_else(Memory::off, Memory::open);
        let runs = self.runs.clone();
        Ok(Job {
            assemble: Box::new(move |held, listeners, runtime| {
                loaded.context(mode, reads, runs, held, listeners, runtime)
            }),
            name: self.name.clone(),
            graph: Arc::clone(&loaded.graph),
            inventory: Arc::clone(&loaded.inventory),
            id: None,
            begin: None,
            options: self.options(select, &pace.forks)?,
            lock: None,
            introduction: RunIntroduction {
                mode: word,
                environment: loaded.environment.as_ref().map(|environment| environment.name.clone()),
                params: shown(&loaded.params),
                said: self.said.clone(),
            },
        })
    }
}

/// The parameters as the first event has them.
fn shown(params: &[ParamShown]) -> Value {
    let map: Map<String, Value> =
        params.iter().map(|param| (param.name.clone(), param.value.clone())).collect();
    Value::Object(map)
}
