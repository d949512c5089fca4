//! Running a graph: the runtime, the signals, the reports, and what the end of it means.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use oneex_engine::ahead::Memory;
use oneex_engine::graph::{Graph, TaskKind};
use oneex_engine::inventory::Inventory;
use oneex_engine::run::{
    Chronicle, Listener, Mode, ProjectFiles, RunContext, RunIntroduction, RunOptions, RunReport, RunRequest,
    RunSetup, Stop, new_id, run,
};
use oneex_engine::template::Templates;
use oneex_sdk::{Map, OpError, OpResult, SecretSink as _, Value};
use tokio::runtime::Handle;

use crate::commands::inputs::ReportArgs;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::gates::Gates;
use crate::locks::{HeldLock, Locking, Wanted};
use crate::remembered;
use crate::report::stats::{Api, Stats};
use crate::site::Site;

/// Puts a run together for these listeners.
pub(crate) type Assemble<'a> =
    Box<dyn FnOnce(Held, Vec<Box<dyn Listener>>, Handle) -> std::io::Result<Arc<RunContext>> + 'a>;

/// A run's id, with its hold on its journal; none for what is not written down.
pub(crate) type Held = Option<(String, Chronicle)>;

/// Begins the journal of a run with this id.
pub(crate) type Begin<'a> = Box<dyn FnOnce(String) -> Result<(String, Chronicle), CommandError> + 'a>;

/// How long the connections of a run may take to be closed.
const CLOSING: Duration = Duration::from_secs(5);

/// What is run.
pub(crate) struct Job<'a> {
    /// Puts the run together.
    pub(crate) assemble: Assemble<'a>,
    /// Which part of it runs.
    pub(crate) options: RunOptions,
    /// The lock that it takes; none for what changes nothing.
    pub(crate) lock: Option<Locking>,
    /// What the first event says.
    pub(crate) introduction: RunIntroduction,
    /// What people call it.
    pub(crate) name: String,
    /// Its tasks.
    pub(crate) graph: Arc<Graph>,
    /// Its hosts.
    pub(crate) inventory: Arc<RwLock<Inventory>>,
    /// The id of a run that goes on; a new one has none yet.
    pub(crate) id: Option<String>,
    /// Begins its journal under the run's id; none for what is not written down.
    pub(crate) begin: Option<Begin<'a>>,
}

impl Job<'_> {
    /// The run of a graph that no script made.
    pub(crate) fn adhoc(
        context: &Context,
        name: &str,
        graph: Graph,
        site: Site,
        options: RunOptions,
    ) -> Self {
        let runs = remembered::runs(context, &context.cwd);
        let introduction = RunIntroduction {
            mode: "exec",
            environment: site.environment.map(|environment| environment.name),
            params: Value::Object(Map::new()),
            said: Vec::new(),
        };
        let (graph, inventory) = (Arc::new(graph), Arc::new(RwLock::new(site.inventory)));
        let (reached, found, shown) = (Arc::clone(&graph), Arc::clone(&inventory), name.to_owned());
        let name = name.to_owned();
        let assemble = |chronicle, listeners, runtime| {
            Ok(RunContext::new(RunSetup {
                name,
                mode: Mode::Run,
                graph,
                inventory,
                registry: site.registry,
                redactor: site.redactor,
                sources: Arc::default(),
                files: Arc::new(NoFiles),
                reads: Memory::off(),
                runs,
                chronicle,
                templates: Templates::default(),
                listeners,
                runtime,
            }))
        };
        Self {
            assemble: Box::new(assemble),
            options,
            lock: None,
            introduction,
            id: None,
            begin: None,
            name: shown,
            graph: reached,
            inventory: found,
        }
    }
}

/// The files of a run that has no script: none.
struct NoFiles;

impl ProjectFiles for NoFiles {
    fn find(&self, _: &str, _: &str, name: &str) -> OpResult<PathBuf> {
        Err(OpError::invalid(format!("`{name}` can be found only from a runbook")))
    }
}

/// Runs a graph to its end. `gates` decides gates; what happens goes to `listeners`.
pub(crate) fn launch(
    context: &Context,
    job: Job<'_>,
    gates: Gates,
    listeners: Vec<Box<dyn Listener>>,
) -> Result<Ended, CommandError> {
    let failed = |error: std::io::Error| CommandError::failed(format!("the run cannot begin: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("oneex")
        .build()
        .map_err(failed)?;
    let stop = Stop::default();
    context.signals.stop(stop.clone());
    let id = job.id.unwrap_or_else(new_id);
    let environment = job.introduction.environment.as_deref();
    let wanted = || Wanted {
        run: &id,
        name: &job.name,
        environment,
        graph: &job.graph,
        inventory: &job.inventory,
        options: &job.options,
    };
    // Before anything is written down: a run that is refused never began.
    let take = |locking: Locking| locking.take(context, &wanted(), runtime.handle(), &stop);
    let lock = job.lock.map(take).transpose()?;
    let held = job.begin.map(|begin| begin(id.clone())).transpose()?;
    let run_context = (job.assemble)(held, listeners, runtime.handle().clone()).map_err(failed)?;
    let selection = run_context.graph.select(&job.options)?;
    lock.iter().for_each(|lock| lock.guard(&run_context));
    let report = run(RunRequest {
        context: Arc::clone(&run_context),
        selection,
        options: job.options,
        gates: Arc::new(gates),
        stop,
        introduction: job.introduction,
    });
    Ok(Ended { report, context: run_context, _lock: lock, runtime })
}

/// A run that has ended; its connections are closed when it is dropped.
pub(crate) struct Ended {
    /// How it went.
    pub(crate) report: RunReport,
    /// What its nodes shared.
    pub(crate) context: Arc<RunContext>,
    /// Given back when everything else is over.
    _lock: Option<HeldLock>,
    runtime: tokio::runtime::Runtime,
}

impl Ended {
    /// Writes the statistics that the flags ask for. Says whether all reports are there, of which
    /// `lost` says it of the others.
    pub(crate) fn write_stats(&self, context: &Context, args: &ReportArgs, lost: &AtomicBool) -> Reports {
        let written = self.stats(context, args);
        if let Err(error) = &written {
            error.show(&context.stderr);
        }
        Reports { complete: written.is_ok() && !lost.load(Ordering::Relaxed) }
    }

    /// Keeps what was read for the next run. A plan writes nothing, not even that.
    fn remember(&self) {
        let tasks = &self.context.graph.tasks;
        let names = LazyCell::new(|| tasks.iter().map(|task| &*task.name).collect::<HashSet<&str>>());
        let redactor = &self.context.redactor;
        let saved = match self.context.mode {
            Mode::Run => {
                self.context.reads.save(|name| names.contains(name), |text| redactor.is_tainted(text))
            }
            Mode::Plan => Ok(()),
        };
        if let Err(error) = self.context.kept.mask_again(redactor) {
            tracing::warn!(%error, "a secret that became known late may stand in a file of long outputs");
        }
        if let Err(error) = saved {
            tracing::debug!(%error, "what was read is not remembered");
        }
    }

    fn stats(&self, context: &Context, args: &ReportArgs) -> Result<(), CommandError> {
        let Some(path) = &args.stats else { return Ok(()) };
        let traffic = self.context.connections.traffic();
        let hosts = traffic.into_iter().map(|(host, traffic)| (host.to_string(), traffic)).collect();
        let api = Api::add_up(self.context.registry.meters().map(|(_, meter)| meter));
        Stats::collect(&self.report.summary, hosts, api).write(&context.cwd.join(path))
    }
}

/// The files that a run leaves.
pub(crate) struct Reports {
    complete: bool,
}

impl Reports {
    /// How the program ends: a run that went well fails where a report of it is lost.
    pub(crate) fn end(&self, exit: Exit) -> Exit {
        match exit {
            Exit::Ok | Exit::WouldChange if !self.complete => Exit::Failed,
            exit => exit,
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.remember();
        // A host that stopped answering must not hold the program back.
        let close = self.context.connections.close();
        let _ = self.runtime.block_on(async { tokio::time::timeout(CLOSING, close).await });
    }
}

/// Refuses approvals of gates that the graph does not have, with the nearest name.
pub(crate) fn check_approvals(
    graph: &Graph,
    approved: &[String],
    also: Option<&str>,
) -> Result<(), CommandError> {
    let gates: Vec<&str> = graph
        .tasks
        .iter()
        .filter(|task| matches!(task.kind, TaskKind::Gate(_)))
        .map(|task| &*task.name)
        .chain(also)
        .collect();
    let Some(unknown) = approved.iter().find(|name| !gates.contains(&name.as_str())) else { return Ok(()) };
    let error = CommandError::usage(format!("there is no gate `{unknown}`"));
    Err(match oneex_sdk::nearest(unknown, gates.iter().copied()) {
        Some(right) => error.hint(format!("did you mean `{right}`?")),
        None if gates.is_empty() => error.hint("the runbook has no gates"),
        None => error.hint(format!("gates are: {}", gates.join(", "))),
    })
}
