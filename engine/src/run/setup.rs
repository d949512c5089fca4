//! Putting a run together.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, RwLock};

use oneex_sdk::{CancellationToken, Registry};

use super::{
    Chronicle, Connections, EventSink, Guards, KeptOutputs, Listener, Mode, Notified, OpCounters, Outputs,
    ProjectFiles, RunContext,
};
use crate::ahead::Memory;
use crate::diag::SourceMap;
use crate::graph::Graph;
use crate::inventory::Inventory;
use crate::plan::Pending;
use crate::redact::Redactor;
use crate::template::Templates;

/// What a run is made of.
pub struct RunSetup {
    /// The runbook's name.
    pub name: String,
    /// Whether it changes anything.
    pub mode: Mode,
    /// The tasks.
    pub graph: Arc<Graph>,
    /// The hosts.
    pub inventory: Arc<RwLock<Inventory>>,
    /// What the modules bring.
    pub registry: Registry,
    /// What masks secrets.
    pub redactor: Arc<Redactor>,
    /// The texts that positions point into.
    pub sources: Arc<SourceMap>,
    /// Finds files of the project.
    pub files: Arc<dyn ProjectFiles>,
    /// What each task read on each host last time.
    pub reads: Memory,
    /// The folder of all runs: output that is too long for memory goes there. Without it, such output is lost.
    pub runs: Option<PathBuf>,
    /// Templates and their engine.
    pub templates: Templates,
    /// Its hold on its journal, with the run's id; none for a run that is not written down.
    pub chronicle: Option<(String, Chronicle)>,
    /// Who reads the events.
    pub listeners: Vec<Box<dyn Listener>>,
    /// Runs futures.
    pub runtime: tokio::runtime::Handle,
}

/// The id of a new run: a UUIDv7, which begins with the time.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl RunContext {
    /// Puts a run together; nothing has happened yet.
    pub fn new(setup: RunSetup) -> Arc<Self> {
        let (id, chronicle) = match setup.chronicle {
            Some((id, chronicle)) => (id, Some(chronicle)),
            None => (new_id(), None),
        };
        // The journal hears of everything first: what others show has been written down.
        let mut listeners: Vec<Box<dyn Listener>> = Vec::new();
        listeners.extend(chronicle.as_ref().map(|chronicle| chronicle.recorder.listener()));
        listeners.extend(setup.listeners);
        if chronicle.is_some() {
            setup.redactor.keep_new();
        }
        let last_operation = chronicle.as_ref().map_or(0, |chronicle| chronicle.past.last_operation());
        Arc::new(Self {
            kept: KeptOutputs::new(setup.runs, &id),
            id,
            name: setup.name,
            mode: setup.mode,
            graph: setup.graph,
            inventory: setup.inventory,
            registry: setup.registry,
            connections: Connections::new(chronicle.as_ref().map(|chronicle| chronicle.place.clone())),
            events: EventSink::new(Arc::clone(&setup.redactor), listeners),
            redactor: setup.redactor,
            reads: setup.reads,
            templates: setup.templates,
            sources: setup.sources,
            outputs: Outputs::default(),
            notified: Notified::default(),
            pending: Pending::default(),
            runtime: setup.runtime,
            cancel: CancellationToken::new(),
            guards: Guards::default(),
            files: setup.files,
            next_op: AtomicU64::new(last_operation),
            counters: OpCounters::default(),
            chronicle,
        })
    }
}
