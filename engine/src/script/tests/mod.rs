//! Runbooks as texts, loaded for real; bodies called as the executor calls them.

mod bodies;
mod captures;
mod grammar;
mod guards;
mod imports;
mod limits;
mod loading;
mod operations;
mod parameters;
mod policies;
mod store;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use oneex_sdk::Registry;
use tempfile::TempDir;

use super::{Library, LoadRequest, Loaded, ParamInputs, Project, load};
use crate::diag::Diagnostics;
use crate::inventory::Inventory;
use crate::redact::Redactor;
use crate::run::{Arg, Interrupt, Listener, Mode, NodeContext, NodeKey, Phase, Returned, RunEvent, Stamped};

/// A library with one role.
struct OneRole;

impl Library for OneRole {
    fn role(&self, name: &str) -> Option<String> {
        (name == "greet").then(|| "const WORD = \"hello\"; fn word() { global::WORD }".to_owned())
    }

    fn file(&self, _: &str, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn files(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn names(&self) -> Vec<String> {
        vec!["greet".into()]
    }
}

/// A project folder with a runbook.
struct Site {
    folder: TempDir,
    params: ParamInputs,
    variables: BTreeMap<String, String>,
    registry: Registry,
}

impl Site {
    fn new(runbook: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("main.rhai"), runbook).expect("the runbook is written");
        Self {
            folder,
            params: ParamInputs::default(),
            variables: BTreeMap::new(),
            registry: Registry::default(),
        }
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(path, text).expect("the file is written");
        self
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.params.set.push((name.into(), value.into()));
        self
    }

    fn load(&self) -> Result<Loaded, Diagnostics> {
        let root = self.folder.path().to_owned();
        load(LoadRequest {
            runbook: root.join("main.rhai"),
            name: "main.rhai".into(),
            project: Project {
                runbook_folder: root.clone(),
                role_paths: vec![root.join("roles")],
                root,
                allow: Vec::new(),
            },
            inventory: Inventory::default(),
            params: self.params.clone(),
            variables: self.variables.clone(),
            environment: None,
            registry: self.registry.clone(),
            library: Arc::new(OneRole),
            redactor: Arc::new(Redactor::default()),
            drawn: Vec::new(),
        })
        .map_err(|error| error.diagnostics)
    }

    fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|errors| panic!("the runbook loads: {:#?}", errors.0))
    }

    /// The first mistake: its message, its place, its hints.
    fn mistake(&self) -> (String, String, Vec<String>) {
        let errors = self.load().err().expect("the runbook has a mistake");
        let first = errors.0.first().expect("one diagnostic").clone();
        let place = first.labels.first().map(|label| label.position.to_string()).unwrap_or_default();
        (first.message, place, first.hints)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Keeps the events of a run.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<RunEvent>>>);

impl Listener for Events {
    fn on_event(&mut self, event: &Stamped) {
        self.0.lock().expect("not poisoned").push(event.event.clone());
    }
}

/// Calls the body of a task as the executor does.
fn call(loaded: &Loaded, task: &str, args: &[Arg<'_>]) -> Result<Returned, Interrupt> {
    called(loaded, task, args, Mode::Run).0
}

/// Calls a body; returns what it said too.
fn call_said(loaded: &Loaded, task: &str, args: &[Arg<'_>]) -> (Result<Returned, Interrupt>, Vec<String>) {
    let (result, events) = called(loaded, task, args, Mode::Run);
    let said = events.into_iter().filter_map(|event| match event {
        RunEvent::Message { text, .. } => Some(text),
        _ => None,
    });
    (result, said.collect())
}

/// Calls a body in a run or a plan; returns what happened too.
fn called(
    loaded: &Loaded,
    task: &str,
    args: &[Arg<'_>],
    mode: Mode,
) -> (Result<Returned, Interrupt>, Vec<RunEvent>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let events = Events::default();
    let run = loaded
        .context(
            mode,
            crate::ahead::Memory::default(),
            None,
            None,
            vec![Box::new(events.clone())],
            runtime.handle().clone(),
        )
        .expect("a run");
    let task = loaded
        .graph
        .tasks
        .iter()
        .find(|other| &*other.name == task)
        .unwrap_or_else(|| panic!("no task {task}"));
    let context = Arc::new(NodeContext {
        cancel: run.cancel.child_token(),
        run,
        node: NodeKey { task: Arc::clone(&task.name), host: None, item: None },
        task: Some(task.id),
        phase: Phase::Body,
        attempt: 1,
        sudo: None,
        sensitive: false,
        changed: Arc::new(AtomicBool::new(false)),
        assumes: Arc::default(),
        ahead: None,
        cancelled_at: std::sync::OnceLock::new(),
    });
    let body = Arc::clone(task.body.as_ref().expect("a body"));
    // Bodies block, and they need the stack of an executor's thread.
    let result = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(16 << 20);
        let running = thread.spawn_scoped(scope, || body.call(&context, args)).expect("a thread");
        running.join().expect("no panic")
    });
    let events = events.0.lock().expect("not poisoned").clone();
    (result, events)
}

/// What a body returned, as JSON.
fn value(loaded: &Loaded, task: &str) -> oneex_sdk::Value {
    call(loaded, task, &[]).unwrap_or_else(|interrupt| panic!("{task} returns: {interrupt:?}")).value
}
