//! Who waits for whom, host by host.

use std::sync::Arc;

use super::main_loop::Dispatcher;
use super::state::{Action, Doom, NodeState, Stage};
use crate::graph::{EdgeKind, TaskKind};
use crate::run::NodeStatus;
use crate::run::life::condition_is_false;

/// How far a task waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Every node waits for all of it.
    Whole,
    /// On a host that both have, for that host's nodes. Elsewhere for all of it where `elsewhere`.
    HostWise { elsewhere: bool },
}

fn must_be_well(kind: EdgeKind) -> bool {
    matches!(kind, EdgeKind::Needs | EdgeKind::After | EdgeKind::Block)
}

impl Dispatcher {
    fn scope(&self, task: u32, first: u32, kind: EdgeKind) -> Scope {
        let (own, other) = (&self.tasks[task as usize], &self.tasks[first as usize]);
        let both = own.hosts.is_some() && other.hosts.is_some();
        match kind {
            EdgeKind::Block if both => Scope::HostWise { elsewhere: false },
            // In a batch that rolls through both, all of it would be the batches to come.
            EdgeKind::Needs | EdgeKind::Notify if both => {
                Scope::HostWise { elsewhere: !own.rolls.iter().any(|roll| other.rolls.contains(roll)) }
            }
            _ => Scope::Whole,
        }
    }

    /// Takes the task's place in its blocks and says whom it stands behind there.
    pub(super) fn pass_fronts(&mut self, task: u32) -> Vec<u32> {
        let places = self.wiring.sequences.places(self.graph.tasks[task as usize].id);
        let mut before = Vec::new();
        for place in places {
            let front = self.fronts.entry(place.block).or_default();
            before.extend(front.pass(place.element, task, &self.tasks));
        }
        before.sort_unstable();
        before.dedup();
        for first in &before {
            self.tasks[*first as usize].block_behind.push(task);
        }
        before
    }

    /// Counts what the nodes of a task wait for: what it says, and those it stands behind in its
    /// blocks. All of these have nodes by now.
    pub(super) fn count_waits(&mut self, task: u32, block_before: Vec<u32>) {
        let links = self.wiring.before[task as usize].iter().filter(|link| link.kind != EdgeKind::Block);
        let mut links: Vec<(u32, EdgeKind)> = links.map(|link| (link.task.0, link.kind)).collect();
        links.extend(block_before.into_iter().map(|first| (first, EdgeKind::Block)));
        for (first, kind) in links {
            self.count_waits_for(task, first, kind);
        }
    }

    fn count_waits_for(&mut self, task: u32, first: u32, kind: EdgeKind) {
        let whole_doom =
            if self.is_ended(first) && must_be_well(kind) { self.doom_by_whole(first) } else { None };
        match self.scope(task, first, kind) {
            Scope::Whole if self.is_ended(first) => {
                if let Some(doom) = whole_doom {
                    self.tasks[task as usize].nodes().for_each(|node| self.doom(node, &doom));
                }
            }
            Scope::Whole => self.tasks[task as usize].waits += 1,
            Scope::HostWise { elsewhere } => {
                let Some(list) = self.tasks[task as usize].hosts.clone() else { return };
                for (place, host) in list.hosts.iter().enumerate() {
                    let nodes = self.tasks[task as usize].nodes_at(place as u32);
                    let (waits, doom) = match self.tasks[first as usize].place_of_host(*host) {
                        Some(at) => match self.group_end(first, at) {
                            None => (true, None),
                            Some(bad) => (false, bad.map(|bad| self.doom_on_host(first, *host, bad))),
                        },
                        None => {
                            (elsewhere && !self.is_ended(first), whole_doom.clone().filter(|_| elsewhere))
                        }
                    };
                    for node in nodes {
                        self.nodes[node as usize].waits += u32::from(waits);
                        if let Some(doom) = doom.as_ref().filter(|_| must_be_well(kind)) {
                            self.doom(node, doom);
                        }
                    }
                }
            }
        }
    }

    /// Whether a host's nodes have all ended; then, how one did that did not end well.
    fn group_end(&self, task: u32, place: u32) -> Option<Option<NodeStatus>> {
        let state = &self.tasks[task as usize];
        if let Some(group) = state.groups.get(place as usize) {
            return (group.left == 0).then_some(group.bad);
        }
        match self.nodes[(state.first + place) as usize].state {
            NodeState::Ended(status) => Some((!status.is_well()).then_some(status)),
            _ => None,
        }
    }

    /// A host's nodes have all ended: tells those that wait for them.
    pub(super) fn host_ended(&mut self, first: u32, place: u32) {
        let Some(host) = self.tasks[first as usize]
            .hosts
            .as_ref()
            .and_then(|list| list.hosts.get(place as usize))
            .copied()
        else {
            return;
        };
        let bad = self.group_end(first, place).flatten();
        let doom = bad.map(|bad| self.doom_on_host(first, host, bad));
        for index in 0..self.behind_len(first) {
            let Some((task, kind)) = self.behind(first, index) else { continue };
            if !matches!(self.scope(task, first, kind), Scope::HostWise { .. }) {
                continue;
            }
            if let Some(at) = self.tasks[task as usize].place_of_host(host) {
                let nodes = self.tasks[task as usize].nodes_at(at);
                self.one_less(nodes, doom.as_ref().filter(|_| must_be_well(kind)));
            }
        }
    }

    /// All nodes of a task have ended.
    pub(super) fn task_ended(&mut self, first: u32) {
        if self.is_ended(first) {
            return;
        }
        self.tasks[first as usize].stage = Stage::Ended;
        self.tasks_left -= 1;
        let order = std::mem::take(&mut self.tasks[first as usize].pushed);
        self.context.outputs.arrange(self.graph.tasks[first as usize].id, order);
        let doom = self.doom_by_whole(first);
        for index in 0..self.behind_len(first) {
            let Some((task, kind)) = self.behind(first, index) else { continue };
            let doom = doom.as_ref().filter(|_| must_be_well(kind));
            match self.scope(task, first, kind) {
                Scope::Whole => self.one_less_for_all(task, doom),
                Scope::HostWise { elsewhere: true } => {
                    let Some(list) = self.tasks[task as usize].hosts.clone() else { continue };
                    for (at, host) in list.hosts.iter().enumerate() {
                        if self.tasks[first as usize].place_of_host(*host).is_none() {
                            let nodes = self.tasks[task as usize].nodes_at(at as u32);
                            self.one_less(nodes, doom);
                        }
                    }
                }
                Scope::HostWise { elsewhere: false } => {}
            }
        }
        if self.graph.tasks[first as usize].on.is_none() {
            self.one_less_to_expand(first);
        }
    }

    fn behind_len(&self, first: u32) -> usize {
        self.wiring.behind[first as usize].len() + self.tasks[first as usize].block_behind.len()
    }

    /// One of those that wait for a task, where it has nodes already: declared dependencies, then the
    /// order of blocks as hosts decide it. (The declared order of blocks only says when hosts are
    /// looked for.)
    fn behind(&self, first: u32, index: usize) -> Option<(u32, EdgeKind)> {
        let declared = &self.wiring.behind[first as usize];
        let (task, kind) = match declared.get(index) {
            Some(link) => (link.task.0, link.kind),
            None => (self.tasks[first as usize].block_behind[index - declared.len()], EdgeKind::Block),
        };
        let only_for_hosts = index < declared.len() && kind == EdgeKind::Block;
        let counts = self.tasks[task as usize].stage == Stage::Expanded;
        (counts && !only_for_hosts).then_some((task, kind))
    }

    fn one_less(&mut self, nodes: std::ops::Range<u32>, doom: Option<&Doom>) {
        for node in nodes {
            let waits = &mut self.nodes[node as usize].waits;
            *waits = waits.saturating_sub(1);
            if let Some(doom) = doom {
                self.doom(node, doom);
            }
            self.actions.push_back(Action::Try(node));
        }
    }

    fn one_less_for_all(&mut self, task: u32, doom: Option<&Doom>) {
        let state = &mut self.tasks[task as usize];
        state.waits = state.waits.saturating_sub(1);
        let (ready, nodes) = (state.waits == 0, state.nodes());
        for node in nodes {
            if let Some(doom) = doom {
                self.doom(node, doom);
            }
            if ready {
                self.actions.push_back(Action::Try(node));
            }
        }
    }

    /// A node cannot run. It ends at once, but for a handler's: that waits until it is known whether
    /// anybody notifies it.
    pub(super) fn doom(&mut self, node: u32, doom: &Doom) {
        if self.nodes[node as usize].state != NodeState::Pending {
            return;
        }
        let task = self.nodes[node as usize].task;
        if self.graph.tasks[task as usize].kind == TaskKind::Handler {
            self.dooms.entry(node).or_insert_with(|| doom.clone());
        } else {
            self.nodes[node as usize].state = NodeState::Doomed;
            self.actions.push_back(Action::End(node, Box::new(doom.end())));
        }
    }

    fn doom_on_host(&self, first: u32, host: u32, bad: NodeStatus) -> Doom {
        let name = &self.graph.tasks[first as usize].name;
        let host = self.hosts.name(host);
        let reason = match bad {
            NodeStatus::Unreachable => format!("`{host}` was unreachable in `{name}`"),
            NodeStatus::Blocked => format!("`{name}` was blocked on `{host}`"),
            NodeStatus::Cancelled => format!("`{name}` was cancelled on `{host}`"),
            NodeStatus::Waiting => format!("`{name}` waits on `{host}`"),
            _ => format!("`{name}` failed on `{host}`"),
        };
        Doom { status: blocked_or_waiting(bad), reason: reason.into() }
    }

    /// Why what waits for all of a task that has ended cannot run, where that is so.
    pub(super) fn doom_by_whole(&self, first: u32) -> Option<Doom> {
        let (spec, state) = (&self.graph.tasks[first as usize], &self.tasks[first as usize]);
        let lost = state.not_well - state.waiting;
        let name = &spec.name;
        if lost as usize > spec.max_fail.of(state.count as usize) {
            let reason = match (&spec.kind, state.count) {
                (TaskKind::Gate(_), _) if state.failed > 0 => format!("`{name}` was refused"),
                (_, 1) if state.failed > 0 => format!("`{name}` failed"),
                (_, 1) if state.unreachable > 0 => format!("`{name}` was unreachable"),
                (_, 1) => format!("`{name}` was blocked"),
                (_, all) => format!("`{name}` did not end well on {lost} of {all} nodes"),
            };
            return Some(Doom { status: NodeStatus::Blocked, reason: reason.into() });
        }
        (state.waiting > 0).then(|| Doom {
            status: NodeStatus::Waiting,
            reason: format!("`{name}` waits for approval").into(),
        })
    }

    /// Lets a node run where nothing holds it any more.
    pub(super) fn try_node(&mut self, node: u32) {
        let at = &self.nodes[node as usize];
        let task = at.task;
        if at.state != NodeState::Pending || at.waits > 0 || self.tasks[task as usize].waits > 0 {
            return;
        }
        // What was blocked while it waited for its batch has none to wait for.
        if self.stopping || !(self.is_released(node) || self.dooms.contains_key(&node)) {
            return;
        }
        let graph = Arc::clone(&self.graph);
        let spec = &graph.tasks[task as usize];
        if spec.kind == TaskKind::Handler {
            if !self.is_notified(node) {
                return self.pass_over(node);
            }
            if let Some(doom) = self.dooms.remove(&node) {
                return self.end(node, doom.end());
            }
        }
        if self.is_off(task) {
            self.end(node, condition_is_false());
        } else if let TaskKind::Gate(message) = &spec.kind {
            self.ask_gate(node, &spec.name, message);
        } else {
            self.nodes[node as usize].state = NodeState::Ready;
            self.queue.push(task, node, &mut self.tasks[task as usize]);
        }
    }
}

fn blocked_or_waiting(bad: NodeStatus) -> NodeStatus {
    if bad == NodeStatus::Waiting { NodeStatus::Waiting } else { NodeStatus::Blocked }
}
