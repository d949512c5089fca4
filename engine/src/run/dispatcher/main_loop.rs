//! The loop: what happened, what follows from it, what can run now.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::time::Instant;

use oneex_sdk::CancellationToken;

use super::expand::Asked;
use super::queue::Queue;
use super::rolling::Roll;
use super::state::{Action, Doom, Front, Hosts, Node, NodeState, Stage, Tally, TaskState};
use super::stopping::InBatch;
use crate::graph::{Graph, Wiring};
use crate::inventory::{Inventory, NewHost, secrets_of};
use crate::run::call::{Caller, internal};
use crate::run::executor::{Pool, guarded};
use crate::run::life::{Life, NodeEnd};
use crate::run::{
    Decision, GateKeeper, Interrupt, NodeKey, Returned, RunContext, RunEvent, RunOptions, RunReport,
    RunRequest, Stop,
};

/// What reaches the dispatcher.
pub(super) enum Message {
    NodeEnded(u32, Box<NodeEnd>),
    Asked(u32, Box<Result<Asked, Interrupt>>),
    PauseOver(u32),
    Checked(u32, Box<Result<Returned, Interrupt>>),
    Gate(u32, Decision),
    OnEnd(Box<Result<Returned, Interrupt>>),
    Interrupted,
    Halted,
}

/// Runs a graph to its end, on the calling thread and those it makes. Everything that happens goes
/// to the context's events; `RunStarted` is the first and `RunFinished` the last.
pub fn run(request: RunRequest) -> RunReport {
    let mut dispatcher = Dispatcher::new(request);
    let watchers = dispatcher.watch();
    dispatcher.begin();
    dispatcher.work();
    let report = dispatcher.finish();
    watchers.iter().for_each(tokio::task::JoinHandle::abort);
    report
}

pub(super) struct Dispatcher {
    pub(super) context: Arc<RunContext>,
    pub(super) graph: Arc<Graph>,
    pub(super) request: RunRequest,
    pub(super) wiring: Wiring,
    pub(super) hosts: Hosts,
    pub(super) nodes: Vec<Node>,
    pub(super) tasks: Vec<TaskState>,
    pub(super) dooms: HashMap<u32, Doom>,
    pub(super) fronts: HashMap<u32, Front>,
    pub(super) rolls: Vec<Roll>,
    /// Nodes of batches that run.
    pub(super) in_batch: HashMap<u32, InBatch>,
    pub(super) queue: Queue,
    pub(super) actions: VecDeque<Action>,
    /// Work besides nodes that waits for a thread.
    pub(super) errands: VecDeque<Errand>,
    /// Threads at work.
    pub(super) busy: usize,
    /// Gates and pauses: a message will come from elsewhere.
    pub(super) outside: usize,
    pub(super) tasks_left: usize,
    /// Set by the first interrupt and by a guard: nothing begins any more.
    pub(super) stopping: bool,
    /// Set by the first interrupt.
    pub(super) is_interrupted: bool,
    /// Set by the second.
    pub(super) at_once: bool,
    /// Set when a guard stops the run.
    pub(super) is_halted: bool,
    /// Set where the interrupt came before everything had ended.
    pub(super) cut_short: bool,
    pub(super) tally: Tally,
    pub(super) started: Instant,
    pub(super) sender: Sender<Message>,
    receiver: Receiver<Message>,
    pool: Pool,
}

/// Work besides nodes: what it does, and what to say where it panics.
pub(super) struct Errand {
    pub(super) work: Box<dyn FnOnce() -> Message + Send>,
    pub(super) panicked: Box<dyn FnOnce(Interrupt) -> Message + Send>,
}

impl Dispatcher {
    fn new(request: RunRequest) -> Self {
        let context = Arc::clone(&request.context);
        let graph = Arc::clone(&context.graph);
        let wiring = Wiring::new(&graph, &request.selection);
        let (sender, receiver) = channel();
        let mut dispatcher = Self {
            queue: Queue::new(Arc::clone(&graph)),
            tasks: graph.tasks.iter().map(|_| TaskState::default()).collect(),
            tasks_left: request.selection.len(),
            context,
            graph,
            request,
            wiring,
            hosts: Hosts::default(),
            nodes: Vec::new(),
            dooms: HashMap::new(),
            fronts: HashMap::new(),
            rolls: Vec::new(),
            in_batch: HashMap::new(),
            actions: VecDeque::new(),
            errands: VecDeque::new(),
            busy: 0,
            outside: 0,
            stopping: false,
            is_interrupted: false,
            at_once: false,
            is_halted: false,
            cut_short: false,
            tally: Tally::default(),
            started: Instant::now(),
            sender,
            receiver,
            pool: Pool::default(),
        };
        dispatcher.prepare_block_rolls();
        dispatcher
    }

    pub(super) fn inventory(&self) -> RwLockReadGuard<'_, Inventory> {
        self.context.inventory.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn options(&self) -> &RunOptions {
        &self.request.options
    }

    pub(super) fn gates(&self) -> &Arc<dyn GateKeeper> {
        &self.request.gates
    }

    pub(super) fn stop(&self) -> &Stop {
        &self.request.stop
    }

    /// Hears of interrupts; cancels what must be cancelled even while the dispatcher is busy.
    fn watch(&self) -> [tokio::task::JoinHandle<()>; 3] {
        let watch = |fires: &CancellationToken, message: Message| {
            let (fires, cancel, sender) = (fires.clone(), self.context.cancel.clone(), self.sender.clone());
            self.context.runtime.spawn(async move {
                fires.cancelled().await;
                // Before anything ends because of it, and in vain once the run has ended.
                let _ = sender.send(message);
                cancel.cancel();
            })
        };
        [
            watch(self.stop().graceful(), Message::Interrupted),
            watch(self.stop().immediate(), Message::Interrupted),
            watch(self.context.guards.halted(), Message::Halted),
        ]
    }

    fn begin(&mut self) {
        let introduction = self.request.introduction.clone();
        self.context.events.emit(RunEvent::RunStarted {
            id: self.context.id.clone(),
            name: self.context.name.clone(),
            mode: introduction.mode,
            environment: introduction.environment,
            params: introduction.params,
            tasks: self.request.selection.len(),
        });
        for said in introduction.said {
            self.context.events.emit(said);
        }
        self.recall();
        for id in self.request.selection.iter() {
            let waits = self.wiring.before[id.index()].len() as u32;
            self.tasks[id.index()].expand_waits = waits;
            if waits == 0 {
                self.actions.push_back(Action::Expand(id.0));
            }
        }
    }

    /// Hosts that were added and handlers that were notified by what is not run again: they still are.
    fn recall(&self) {
        let Some(past) = self.context.past() else { return };
        for host in past.hosts() {
            let Ok(host) = serde_json::from_value::<NewHost>(host.clone()) else { continue };
            // The task that made its password known is not run again.
            self.context.redactor.register_all(secrets_of(&host.vars));
            let mut inventory = self.context.inventory.write().unwrap_or_else(PoisonError::into_inner);
            // It was let in before, so it is again.
            if let Err(error) = inventory.add_host(host) {
                tracing::warn!(%error, "a host of the earlier part of the run");
            }
        }
        for (handler, node) in past.notified() {
            let Some(task) = self.graph.tasks.iter().find(|task| *task.name == *handler) else { continue };
            let host = node.host.clone().filter(|_| task.on.is_some());
            self.context.notified.add(task.id, host);
        }
    }

    fn work(&mut self) {
        loop {
            self.settle();
            if self.tasks_left == 0 && self.busy == 0 && self.outside == 0 {
                return;
            }
            self.dispatch();
            if !self.actions.is_empty() {
                continue;
            }
            if self.busy == 0 && self.outside == 0 {
                self.unstick();
                continue;
            }
            // The sender that the dispatcher itself holds keeps the channel open.
            let Ok(message) = self.receiver.recv() else { return };
            self.hear(message);
            while let Ok(message) = self.receiver.try_recv() {
                self.hear(message);
            }
        }
    }

    pub(super) fn settle(&mut self) {
        while let Some(action) = self.actions.pop_front() {
            match action {
                Action::Expand(task) => self.expand(task),
                Action::Try(node) => self.try_node(node),
                Action::End(node, end) => self.end(node, *end),
                Action::TaskEnded(task) => self.task_ended(task),
                Action::Roll(roll) => self.begin_roll(roll),
                Action::BatchEnded(roll) => self.batch_ended(roll),
            }
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::NodeEnded(node, mut end) => {
                self.busy -= 1;
                self.leave_batch(node, &mut end);
                let task = self.nodes[node as usize].task;
                self.queue.release(task, &mut self.tasks[task as usize]);
                self.actions.push_back(Action::End(node, end));
            }
            Message::Asked(task, asked) => {
                self.busy -= 1;
                self.asked(task, *asked);
            }
            Message::Checked(roll, answer) => {
                self.busy -= 1;
                self.checked(roll, *answer);
            }
            Message::PauseOver(roll) => {
                self.outside -= 1;
                self.pause_over(roll);
            }
            Message::Gate(node, decision) => {
                self.outside -= 1;
                self.gate_decided(node, decision);
            }
            Message::OnEnd(_) => self.busy -= 1,
            Message::Interrupted => self.interrupted(),
            Message::Halted => self.halted(),
        }
    }

    /// Gives threads what can run now.
    fn dispatch(&mut self) {
        let forks = self.options().forks.max(1);
        while self.busy < forks {
            if let Some(errand) = self.errands.pop_front() {
                self.run_errand(errand);
            } else if let Some(node) = self.queue.pop(&mut self.tasks) {
                self.run_node(node);
            } else {
                return;
            }
        }
    }

    pub(super) fn run_errand(&mut self, errand: Errand) {
        self.busy += 1;
        let sender = self.sender.clone();
        self.pool.submit(Box::new(move || {
            let message = guarded(errand.work)
                .unwrap_or_else(|panic| (errand.panicked)(Interrupt::Failed(Box::new(internal(&panic)))));
            let _ = sender.send(message);
        }));
    }

    fn run_node(&mut self, node: u32) {
        let key = self.key(node);
        let ended = self.context.past().and_then(|past| past.ended(&key)).cloned();
        if ended.is_none() {
            self.announce_batches(node);
        }
        self.busy += 1;
        self.nodes[node as usize].state = NodeState::Running;
        if let Some(ended) = ended {
            let end = NodeEnd { recalled: true, ..NodeEnd::recalled(ended) };
            let _ = self.sender.send(Message::NodeEnded(node, Box::new(end)));
            return;
        }
        let (task, cancel) = (self.nodes[node as usize].task, self.token_of(node));
        let state = &self.tasks[task as usize];
        let item = state.items.clone().map(|items| (items, state.place_of(node).1 as usize));
        let id = self.graph.tasks[task as usize].id;
        let life = Life {
            caller: Caller::new(&self.context, key, Some(id)),
            item,
            cancel,
            immediate: self.stop().immediate().clone(),
        };
        let (sender, graph) = (self.sender.clone(), Arc::clone(&self.graph));
        self.pool.submit(Box::new(move || {
            let end = guarded(|| life.live(&graph.tasks[id.index()]));
            let end = end.unwrap_or_else(|panic| NodeEnd::failed(internal(&panic)));
            let _ = sender.send(Message::NodeEnded(node, Box::new(end)));
        }));
    }

    /// The name of a node.
    pub(super) fn key(&self, node: u32) -> NodeKey {
        let task = self.nodes[node as usize].task;
        let state = &self.tasks[task as usize];
        let (place, item) = state.place_of(node);
        NodeKey {
            task: Arc::clone(&self.graph.tasks[task as usize].name),
            host: state
                .hosts
                .as_ref()
                .and_then(|list| list.hosts.get(place as usize))
                .map(|host| self.hosts.name(*host)),
            item: state.items.as_ref().and_then(|items| items.names.get(item as usize)).cloned(),
        }
    }

    /// Waits for the answer of the closure of `on_end` that runs now.
    pub(super) fn hear_on_end(&mut self) -> Option<Result<Returned, Interrupt>> {
        loop {
            match self.receiver.recv().ok()? {
                Message::OnEnd(answer) => {
                    self.busy -= 1;
                    return Some(*answer);
                }
                other => self.hear(other),
            }
        }
    }

    /// Ends what waits for itself by way of batches and barriers, which no check before the run
    /// can see: hosts decide it.
    fn unstick(&mut self) {
        tracing::debug!(tasks = self.tasks_left, "nothing can run any more");
        let why = "waits for something that waits for it: a batch, a barrier and its hosts do not fit";
        self.end_the_rest(crate::run::NodeStatus::Blocked, why);
    }

    /// Says whether the run has been interrupted, whatever has been heard of it.
    pub(super) fn is_cancelled(&self) -> bool {
        self.context.cancel.is_cancelled()
    }

    pub(super) fn is_ended(&self, task: u32) -> bool {
        self.tasks[task as usize].stage == Stage::Ended
    }

    pub(super) fn operations(&self) -> [u64; 3] {
        let counters = &self.context.counters;
        [&counters.operations, &counters.changed, &counters.certain]
            .map(|counter| counter.load(Ordering::Relaxed))
    }
}
