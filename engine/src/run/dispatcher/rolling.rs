//! Rolling updates, of a task or through a whole block.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::main_loop::{Dispatcher, Errand, Message};
use super::state::{Action, NodeState};
use crate::graph::{Amount, Batch, TaskId, TaskKind};
use crate::run::call::Caller;
use crate::run::expansion::in_order;
use crate::run::policy::batch_size;
use crate::run::{Interrupt, Mode, NodeKey, NodeStatus, Phase, Returned, RunEvent};

/// A rolling update. What it rolls over are hosts; for a task without hosts, its items.
pub(super) struct Roll {
    name: Arc<str>,
    batch: Box<Batch>,
    max_fail: Amount,
    tasks: Vec<u32>,
    /// How many of its tasks have no nodes yet.
    missing: usize,
    /// By host number, or by item: the place in the order.
    ranks: HashMap<u32, u32>,
    units: Vec<Unit>,
    by_host: bool,
    begun: bool,
    over: bool,
    bad: usize,
    released: usize,
    /// Hosts of the present batch that have not ended.
    batch_left: usize,
    batch_start: usize,
    number: usize,
    announced: bool,
}

#[derive(Debug, Clone, Copy)]
struct Unit {
    host: u32,
    /// Nodes that have not ended, in all tasks of the update.
    left: u32,
    bad: bool,
}

impl Roll {
    fn new(name: Arc<str>, batch: Box<Batch>, max_fail: Amount, tasks: Vec<u32>) -> Self {
        Self {
            name,
            batch,
            max_fail,
            missing: tasks.len(),
            tasks,
            ranks: HashMap::new(),
            units: Vec::new(),
            by_host: true,
            begun: false,
            over: false,
            bad: 0,
            released: 0,
            batch_left: 0,
            batch_start: 0,
            number: 0,
            announced: true,
        }
    }

    /// Why no further batch may begin, where too many hosts have failed.
    fn over_limit(&self) -> Option<String> {
        let most = self.max_fail.of(self.units.len());
        let hosts = if self.bad == 1 { "host" } else { "hosts" };
        (self.bad > most).then(|| {
            format!(
                "batch {} of `{}` was the last: {} {hosts} did not end well, `max_fail` is {most}",
                self.number, self.name, self.bad
            )
        })
    }

    /// No batch begins any more.
    pub(super) fn give_up(&mut self) {
        self.over = true;
    }
}

impl Dispatcher {
    /// Makes the rolling updates through blocks; those of tasks come with their nodes.
    pub(super) fn prepare_block_rolls(&mut self) {
        let graph = Arc::clone(&self.graph);
        for block in &graph.blocks {
            let Some(batch) = &block.batch else { continue };
            let counted = |id: &&TaskId| {
                self.request.selection.contains(**id) && graph.tasks[id.index()].kind != TaskKind::Handler
            };
            let tasks: Vec<u32> = block.tasks.iter().filter(counted).map(|id| id.0).collect();
            let roll = self.rolls.len() as u32;
            for task in &tasks {
                self.tasks[*task as usize].rolls.push(roll);
            }
            self.rolls.push(Roll::new(Arc::clone(&block.name), batch.clone(), block.max_fail, tasks));
        }
    }

    /// A task has nodes: it takes its part in the rolling updates.
    pub(super) fn join_rolls(&mut self, task: u32) {
        for roll in &self.tasks[task as usize].rolls {
            let own = &mut self.rolls[*roll as usize];
            own.missing -= 1;
            if own.missing == 0 {
                self.actions.push_back(Action::Roll(*roll));
            }
        }
        let spec = &self.graph.tasks[task as usize];
        if let Some(batch) = spec.batch.clone() {
            let roll = self.rolls.len() as u32;
            let mut own = Roll::new(Arc::clone(&spec.name), batch, spec.max_fail, vec![task]);
            own.missing = 0;
            self.rolls.push(own);
            self.tasks[task as usize].rolls.push(roll);
            self.actions.push_back(Action::Roll(roll));
        }
    }

    /// All tasks of a rolling update have nodes: finds what it rolls over, and begins.
    pub(super) fn begin_roll(&mut self, roll: u32) {
        let own = &self.rolls[roll as usize];
        let tasks = own.tasks.clone();
        let by_host = tasks.iter().any(|task| self.tasks[*task as usize].hosts.is_some());
        let order: Vec<u32> = if by_host {
            self.hosts_in_order(&tasks)
        } else {
            tasks.first().map(|task| (0..self.tasks[*task as usize].count).collect()).unwrap_or_default()
        };
        let ranks: HashMap<u32, u32> =
            order.iter().enumerate().map(|(rank, unit)| (*unit, rank as u32)).collect();
        let mut units: Vec<Unit> =
            order.iter().map(|host| Unit { host: *host, left: 0, bad: false }).collect();
        for task in &tasks {
            let state = &self.tasks[*task as usize];
            for node in state.nodes() {
                let (place, item) = state.place_of(node);
                let unit = match &state.hosts {
                    Some(list) => list.hosts.get(place as usize).copied(),
                    None => Some(item).filter(|_| !by_host),
                };
                let unit =
                    unit.and_then(|unit| ranks.get(&unit)).and_then(|rank| units.get_mut(*rank as usize));
                let Some(unit) = unit else { continue };
                match self.nodes[node as usize].state {
                    NodeState::Ended(status) => unit.bad |= !status.is_well(),
                    _ => unit.left += 1,
                }
            }
        }
        let own = &mut self.rolls[roll as usize];
        own.bad = units.iter().filter(|unit| unit.bad).count();
        (own.ranks, own.units, own.by_host, own.begun) = (ranks, units, by_host, true);
        if own.over {
            return;
        }
        self.release_batch(roll);
    }

    /// The hosts of several tasks, each once, in inventory order.
    fn hosts_in_order(&mut self, tasks: &[u32]) -> Vec<u32> {
        if let [only] = tasks {
            return self.tasks[*only as usize]
                .hosts
                .as_ref()
                .map(|list| list.hosts.clone())
                .unwrap_or_default();
        }
        let mut all: Vec<u32> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for task in tasks {
            let hosts = self.tasks[*task as usize].hosts.iter().flat_map(|list| &list.hosts);
            all.extend(hosts.copied().filter(|host| seen.insert(*host)));
        }
        let names: Vec<Arc<str>> = all.iter().map(|host| self.hosts.name(*host)).collect();
        let ordered = in_order(&self.inventory(), names);
        self.hosts.list(&ordered).hosts.clone()
    }

    /// Releases the next batch in which something is left to do.
    fn release_batch(&mut self, roll: u32) {
        loop {
            let own = &mut self.rolls[roll as usize];
            if own.released >= own.units.len() {
                own.over = true;
                return;
            }
            own.number += 1;
            let size = batch_size(&own.batch.ladder, own.number, own.units.len());
            own.batch_start = own.released;
            own.released = (own.released + size).min(own.units.len());
            own.announced = false;
            let range = own.batch_start..own.released;
            own.batch_left = own.units[range.clone()].iter().filter(|unit| unit.left > 0).count();
            if own.batch_left > 0 {
                let hosts: Vec<u32> = own.units[range].iter().map(|unit| unit.host).collect();
                return self.try_units(roll, &hosts);
            }
            if !self.is_within_limit(roll) {
                return;
            }
        }
    }

    fn nodes_of_unit(&self, roll: u32, unit: u32) -> Vec<u32> {
        let own = &self.rolls[roll as usize];
        let mut nodes = Vec::new();
        for task in &own.tasks {
            let state = &self.tasks[*task as usize];
            if !own.by_host {
                nodes.push(state.first + unit);
            } else if let Some(place) = state.place_of_host(unit) {
                nodes.extend(state.nodes_at(place));
            }
        }
        nodes
    }

    fn try_units(&mut self, roll: u32, units: &[u32]) {
        for unit in units {
            let nodes = self.nodes_of_unit(roll, *unit);
            self.actions.extend(nodes.into_iter().map(Action::Try));
        }
    }

    /// The place of a node in the order of a rolling update.
    fn rank(&self, roll: u32, node: u32) -> Option<usize> {
        let state = &self.tasks[self.nodes[node as usize].task as usize];
        let (place, item) = state.place_of(node);
        let own = &self.rolls[roll as usize];
        let unit = match &state.hosts {
            Some(list) => *list.hosts.get(place as usize)?,
            None => Some(item).filter(|_| !own.by_host)?,
        };
        own.ranks.get(&unit).map(|rank| *rank as usize)
    }

    /// Says whether no batch to come holds a node back.
    pub(super) fn is_released(&self, node: u32) -> bool {
        let task = self.nodes[node as usize].task;
        self.tasks[task as usize].rolls.iter().all(|roll| {
            let own = &self.rolls[*roll as usize];
            own.begun && self.rank(*roll, node).is_none_or(|rank| rank < own.released)
        })
    }

    /// Says, before the first node of a batch begins, that the batch does.
    pub(super) fn announce_batches(&mut self, node: u32) {
        let task = self.nodes[node as usize].task as usize;
        for index in 0..self.tasks[task].rolls.len() {
            let roll = self.tasks[task].rolls[index];
            let own = &mut self.rolls[roll as usize];
            if std::mem::replace(&mut own.announced, true) {
                continue;
            }
            let units = own.units[own.batch_start..own.released].iter();
            let hosts = units.filter(|_| own.by_host).map(|unit| self.hosts.name(unit.host)).collect();
            let event = RunEvent::BatchStarted { task: Arc::clone(&own.name), batch: own.number, hosts };
            self.context.events.emit(event);
        }
    }

    /// A node that may be part of a batch has ended.
    pub(super) fn unit_ended(&mut self, node: u32, status: NodeStatus) {
        let task = self.nodes[node as usize].task as usize;
        for index in 0..self.tasks[task].rolls.len() {
            let roll = self.tasks[task].rolls[index];
            if !self.rolls[roll as usize].begun {
                continue;
            }
            let Some(rank) = self.rank(roll, node) else { continue };
            let own = &mut self.rolls[roll as usize];
            let Some(unit) = own.units.get_mut(rank) else { continue };
            unit.left = unit.left.saturating_sub(1);
            if !status.is_well() && !std::mem::replace(&mut unit.bad, true) {
                own.bad += 1;
            }
            self.stop_batch(roll, node, status);
            let own = &mut self.rolls[roll as usize];
            let Some(unit) = own.units.get(rank) else { continue };
            if unit.left == 0 && rank >= own.batch_start && rank < own.released {
                own.batch_left = own.batch_left.saturating_sub(1);
                if own.batch_left == 0 {
                    self.actions.push_back(Action::BatchEnded(roll));
                }
            }
        }
    }

    /// Stops the rolling where too many hosts have failed; says whether it may go on.
    fn is_within_limit(&mut self, roll: u32) -> bool {
        let own = &self.rolls[roll as usize];
        if own.released >= own.units.len() {
            return true;
        }
        let Some(why) = own.over_limit() else { return true };
        self.stop_rolling(roll, &why);
        false
    }

    /// Where too many hosts have failed and the rolling has not stopped yet: the nodes of the present
    /// batch that have not ended, and why nothing comes after it.
    pub(super) fn lost_batch(&self, roll: u32) -> Option<(Vec<u32>, String)> {
        let own = &self.rolls[roll as usize];
        let why = own.over_limit().filter(|_| !own.over)?;
        let present = own.units.get(own.batch_start..own.released)?.iter().filter(|unit| unit.left > 0);
        let nodes = present.flat_map(|unit| self.nodes_of_unit(roll, unit.host));
        Some((nodes.collect(), why))
    }

    pub(super) fn stop_rolling(&mut self, roll: u32, why: &str) {
        let own = &mut self.rolls[roll as usize];
        own.over = true;
        let rest: Vec<u32> = own.units[own.released..].iter().map(|unit| unit.host).collect();
        for unit in rest {
            for node in self.nodes_of_unit(roll, unit) {
                self.block(node, why);
            }
        }
    }

    /// All hosts of a batch have ended: pauses, asks, goes on.
    pub(super) fn batch_ended(&mut self, roll: u32) {
        let own = &self.rolls[roll as usize];
        if own.over || self.stopping || own.released >= own.units.len() || !self.is_within_limit(roll) {
            return;
        }
        let own = &self.rolls[roll as usize];
        let (next, pause) = (own.number + 1, own.batch.pause);
        if self.context.past().is_some_and(|past| past.had_begun(&own.name, next)) {
            // Its pause was over, and its check had said yes.
            return self.release_batch(roll);
        }
        if pause.is_zero() || self.context.mode == Mode::Plan {
            return self.pause_over(roll);
        }
        self.outside += 1;
        let (cancel, sender) = (self.context.cancel.clone(), self.sender.clone());
        self.context.runtime.spawn(async move {
            // An interrupt ends the pause as well.
            let _ = tokio::time::timeout(pause, cancel.cancelled()).await;
            let _ = sender.send(Message::PauseOver(roll));
        });
    }

    /// The pause after a batch is over: asks the check, where there is one.
    pub(super) fn pause_over(&mut self, roll: u32) {
        let own = &self.rolls[roll as usize];
        if self.stopping || own.over {
            return;
        }
        let Some(check) = own.batch.check.clone() else { return self.release_batch(roll) };
        let key = NodeKey { task: Arc::clone(&own.name), host: None, item: None };
        let task = own.tasks.first().map(|task| self.graph.tasks[*task as usize].id);
        let caller = Caller::new(&self.context, key, task);
        let number = u32::try_from(own.number).unwrap_or(u32::MAX);
        let work = move || {
            let answer = caller.call(&check, (Phase::BatchCheck, number), &caller.run.cancel, None, &[]);
            Message::Checked(roll, Box::new(answer))
        };
        self.errands.push_back(Errand {
            work: Box::new(work),
            panicked: Box::new(move |interrupt| Message::Checked(roll, Box::new(Err(interrupt)))),
        });
    }

    /// The check between two batches has answered. A plan asks it and goes on: nothing has rolled.
    pub(super) fn checked(&mut self, roll: u32, answer: Result<Returned, Interrupt>) {
        let own = &self.rolls[roll as usize];
        if self.stopping || own.over {
            return;
        }
        let (number, name) = (own.number, Arc::clone(&own.name));
        let no = match answer {
            _ if self.context.mode == Mode::Plan => None,
            Ok(Returned { unknown: true, .. } | Returned { value: Value::Null | Value::Bool(true), .. }) => {
                None
            }
            Ok(Returned { value: Value::Bool(false), .. }) => Some("said no".to_owned()),
            Ok(Returned { value, .. }) => Some(format!("returned `{value}`, which is no bool")),
            Err(Interrupt::Skipped(_) | Interrupt::KnownAfterRun(_)) => None,
            Err(Interrupt::Failed(failure)) => Some(format!("failed: {}", failure.message)),
            Err(Interrupt::Cancelled) => Some("was cancelled".to_owned()),
        };
        match no {
            None => self.release_batch(roll),
            Some(no) => self.stop_rolling(roll, &format!("the check after batch {number} of `{name}` {no}")),
        }
    }
}
