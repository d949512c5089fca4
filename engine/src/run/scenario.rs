//! Runs for tests: tasks whose bodies are closures, and everything that happened in one list.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use oneex_sdk::{CancellationToken, ErrorKind, OpError, OpResult, Registry};
use serde_json::Value;

use super::{
    Arg, Chronicle, Code, Decision, Failure, GateKeeper, Interrupt, Listener, Mode, NodeContext, NodeKey,
    NodeStatus, ProjectFiles, Returned, RunContext, RunEvent, RunIntroduction, RunOptions, RunReport,
    RunRequest, RunSetup, Stamped, Stop, run,
};
use crate::ahead::Memory;
use crate::diag::SourceMap;
use crate::graph::samples::Sample;
use crate::graph::{Condition, Graph, HostsFrom, ItemsFrom, TaskId, TaskKind};
use crate::inventory::{HostSet, Inventory, InventorySource};
use crate::redact::Redactor;
use crate::template::Templates;

fn runtime() -> tokio::runtime::Handle {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let make = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_time().build().expect("a runtime")
    };
    RUNTIME.get_or_init(make).handle().clone()
}

struct NoFiles;

impl ProjectFiles for NoFiles {
    fn find(&self, _source: &str, _folder: &str, name: &str) -> OpResult<PathBuf> {
        Err(OpError::failed(format!("there is no `{name}` in a test")))
    }
}

/// A context with nothing but a graph and hosts.
pub(crate) fn context(
    graph: Graph,
    mode: Mode,
    inventory: Inventory,
    chronicle: Option<(String, Chronicle)>,
    listener: Box<dyn Listener>,
) -> Arc<RunContext> {
    RunContext::new(RunSetup {
        name: "test.rhai".to_owned(),
        mode,
        graph: Arc::new(graph),
        inventory: Arc::new(RwLock::new(inventory)),
        registry: Registry::default(),
        redactor: Arc::new(Redactor::default()),
        sources: Arc::new(SourceMap::default()),
        files: Arc::new(NoFiles),
        reads: Memory::default(),
        runs: None,
        chronicle,
        templates: Templates::default(),
        listeners: vec![listener],
        runtime: runtime(),
    })
}

/// An inventory of hosts that are separated by commas.
pub(crate) fn inventory(hosts: &str) -> Inventory {
    let sources = [InventorySource::List(hosts.to_owned())];
    Inventory::load(if hosts.is_empty() { &[] } else { &sources }, &SourceMap::default()).expect("hosts")
}

/// What a body of a test sees.
pub(crate) struct Call<'a> {
    pub(crate) context: &'a Arc<NodeContext>,
    pub(crate) failure: Option<&'a Failure>,
    pub(crate) item: Option<&'a Value>,
    pub(crate) status: Option<&'static str>,
}

impl Call<'_> {
    pub(crate) fn host(&self) -> &str {
        self.context.node.host.as_deref().unwrap_or_default()
    }

    /// Blocks until the call is cancelled.
    pub(crate) fn until_cancelled(&self) -> Body {
        self.context.run.runtime.block_on(self.context.cancel.cancelled());
        Err(Interrupt::Cancelled)
    }

    pub(crate) fn notify(&self, handler: TaskId) {
        let (run, node) = (&self.context.run, &self.context.node);
        self.context.mark_changed();
        run.notified.add(handler, node.host.clone());
        let handler = run.graph.task(handler).map(|task| Arc::clone(&task.name)).unwrap_or_default();
        if let Some(past) = run.past() {
            past.notified_again(node, "body/1/1", &handler);
        }
        run.events.emit(RunEvent::Notified { node: node.clone(), handler, place: "body/1/1".to_owned() });
    }
}

/// What a body of a test returns.
pub(crate) type Body = Result<Value, Interrupt>;

/// A body that returns nothing.
pub(crate) const DONE: Body = Ok(Value::Null);

/// A body that fails.
pub(crate) fn fails(message: &str) -> Body {
    fails_as(ErrorKind::Failed, message)
}

/// A body that fails in some way.
pub(crate) fn fails_as(kind: ErrorKind, message: &str) -> Body {
    Err(Interrupt::Failed(Box::new(Failure::new(kind, message))))
}

struct TestCode<F>(F);

impl<F> fmt::Debug for TestCode<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("code of a test")
    }
}

impl<F: Fn(&Call<'_>) -> Body + Send + Sync> Code for TestCode<F> {
    fn call(&self, context: &Arc<NodeContext>, args: &[Arg<'_>]) -> Result<Returned, Interrupt> {
        let mut call = Call { context, failure: None, item: None, status: None };
        for arg in args {
            match arg {
                Arg::Host(host) => assert_eq!(*host, call.host()),
                Arg::Item(item) => call.item = Some(item),
                Arg::Failure(failure) => call.failure = Some(failure),
                Arg::Run(summary) => call.status = Some(summary.status.as_str()),
            }
        }
        (self.0)(&call).map(|value| Returned { value, unknown: false })
    }
}

/// Makes code of a closure.
pub(crate) fn code(body: impl Fn(&Call<'_>) -> Body + Send + Sync + 'static) -> Arc<dyn Code> {
    Arc::new(TestCode(body))
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<RunEvent>>>);

impl Listener for Recorder {
    fn on_event(&mut self, event: &Stamped) {
        self.0.lock().expect("no panic in a listener").push(event.event.clone());
    }
}

/// Answers gates from a table; what is not in it waits.
struct Table(HashMap<String, Decision>);

impl GateKeeper for Table {
    fn decide(&self, gate: &Arc<str>, _message: &str, _cancel: &CancellationToken) -> Decision {
        self.0.get(&**gate).cloned().unwrap_or(Decision::Waiting)
    }
}

/// A runbook and how it is run.
pub(crate) struct Scenario {
    pub(crate) sample: Sample,
    pub(crate) on_end: Vec<Arc<dyn Code>>,
    pub(crate) inventory: Inventory,
    pub(crate) mode: Mode,
    pub(crate) options: RunOptions,
    pub(crate) decisions: HashMap<String, Decision>,
    pub(crate) stop: Stop,
    pub(crate) chronicle: Option<(String, Chronicle)>,
}

impl Scenario {
    /// With these hosts, separated by commas.
    pub(crate) fn new(hosts: &str) -> Self {
        Self {
            sample: Sample::default(),
            on_end: Vec::new(),
            inventory: inventory(hosts),
            mode: Mode::Run,
            options: RunOptions::default(),
            decisions: HashMap::new(),
            stop: Stop::default(),
            chronicle: None,
        }
    }

    pub(crate) fn task(
        &mut self,
        name: &str,
        body: impl Fn(&Call<'_>) -> Body + Send + Sync + 'static,
    ) -> TaskId {
        let id = self.sample.task(name);
        self.at(id).body = Some(code(body));
        id
    }

    pub(crate) fn in_block(
        &mut self,
        block: usize,
        name: &str,
        body: impl Fn(&Call<'_>) -> Body + Send + Sync + 'static,
    ) -> TaskId {
        let id = self.sample.in_block(block, name);
        self.at(id).body = Some(code(body));
        id
    }

    pub(crate) fn handler(
        &mut self,
        name: &str,
        body: impl Fn(&Call<'_>) -> Body + Send + Sync + 'static,
    ) -> TaskId {
        let id = self.task(name, body);
        self.sample.handler(id);
        id
    }

    pub(crate) fn gate(&mut self, name: &str) -> TaskId {
        let id = self.sample.task(name);
        self.at(id).kind = TaskKind::Gate(format!("{name}?"));
        id
    }

    pub(crate) fn at(&mut self, id: TaskId) -> &mut crate::graph::Task {
        &mut self.sample.tasks[id.index()]
    }

    pub(crate) fn on(&mut self, id: TaskId, pattern: &str) {
        self.at(id).on = Some(HostsFrom::Set(HostSet::pattern(pattern).expect("a pattern")));
    }

    pub(crate) fn each(&mut self, id: TaskId, items: impl IntoIterator<Item = Value>) {
        self.at(id).each = Some(ItemsFrom::List(items.into_iter().collect()));
    }

    pub(crate) fn when(&mut self, id: TaskId, holds: impl Fn(&Call<'_>) -> bool + Send + Sync + 'static) {
        self.at(id).when.push(Condition::Code(code(move |call| Ok(Value::Bool(holds(call))))));
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ended {
        let mut graph = self.sample.build().expect("no mistake");
        graph.on_end = self.on_end;
        let selection = graph.select(&self.options).expect("known names");
        let recorder = Recorder::default();
        let context = context(graph, self.mode, self.inventory, self.chronicle, Box::new(recorder.clone()));
        let report = run(RunRequest {
            context: Arc::clone(&context),
            selection,
            options: self.options,
            gates: Arc::new(Table(self.decisions)),
            stop: self.stop,
            introduction: RunIntroduction { mode: "run", ..RunIntroduction::default() },
        });
        let events = recorder.0.lock().expect("no panic in a listener").clone();
        Ended { report, events, context }
    }
}

/// A run that has ended.
pub(crate) struct Ended {
    pub(crate) report: RunReport,
    pub(crate) events: Vec<RunEvent>,
    pub(crate) context: Arc<RunContext>,
}

impl Ended {
    /// What happened, a line each: `start a [h1]`, `end a [h1] ok`, `batch a 1: h1,h2`.
    pub(crate) fn log(&self) -> Vec<String> {
        self.events.iter().filter_map(line).collect()
    }

    /// The place of a line in the log.
    pub(crate) fn place(&self, line: &str) -> usize {
        let log = self.log();
        log.iter().position(|own| own == line).unwrap_or_else(|| panic!("`{line}` is not in {log:#?}"))
    }

    /// Asserts that these lines came in this order.
    pub(crate) fn in_order(&self, lines: &[&str]) {
        let places: Vec<usize> = lines.iter().map(|line| self.place(line)).collect();
        assert!(places.is_sorted(), "{lines:?} are at {places:?} in {:#?}", self.log());
    }

    /// Lines that begin with a word.
    pub(crate) fn lines(&self, word: &str) -> Vec<String> {
        let rest = |line: String| line.strip_prefix(word)?.strip_prefix(' ').map(str::to_owned);
        self.log().into_iter().filter_map(rest).collect()
    }

    /// How a node ended.
    pub(crate) fn status(&self, node: &str) -> NodeStatus {
        let found = self.ends().find(|(key, ..)| key.to_string() == node);
        found.unwrap_or_else(|| panic!("{node} has not ended in {:#?}", self.log())).1
    }

    /// Why a node ended as it did.
    pub(crate) fn reason(&self, node: &str) -> String {
        let reason = self.events.iter().find_map(|event| match event {
            RunEvent::NodeFinished { node: key, reason, .. } if key.to_string() == node => {
                Some(reason.clone())
            }
            _ => None,
        });
        reason.flatten().unwrap_or_default()
    }

    /// All ends in order.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (&NodeKey, NodeStatus, Option<&Failure>)> {
        self.events.iter().filter_map(|event| match event {
            RunEvent::NodeFinished { node, status, failure, .. } => Some((node, *status, failure.as_ref())),
            _ => None,
        })
    }

    /// What a node failed with.
    pub(crate) fn failure(&self, node: &str) -> &Failure {
        let found = self.ends().find(|(key, ..)| key.to_string() == node).and_then(|(.., failure)| failure);
        found.unwrap_or_else(|| panic!("{node} has no failure in {:#?}", self.log()))
    }
}

fn line(event: &RunEvent) -> Option<String> {
    Some(match event {
        RunEvent::NodeStarted { node, attempt: 1 } => format!("start {node}"),
        RunEvent::NodeStarted { node, attempt } => format!("again {node} {attempt}"),
        RunEvent::NodePhase { node, phase } => format!("{phase} {node}"),
        RunEvent::NodeFinished { node, status, .. } => format!("end {node} {}", status.as_str()),
        RunEvent::BatchStarted { task, batch, hosts } => format!("batch {task} {batch}: {}", hosts.join(",")),
        RunEvent::Gate { gate, decision, .. } => format!("gate {gate} {decision}"),
        RunEvent::Interrupted { signal, at_once: false } => format!("interrupted {signal}"),
        RunEvent::Interrupted { signal, at_once: true } => format!("interrupted {signal} again"),
        RunEvent::Halted { reason, .. } => format!("halted {reason}"),
        RunEvent::Message { text, .. } => format!("message {text}"),
        _ => return None,
    })
}
