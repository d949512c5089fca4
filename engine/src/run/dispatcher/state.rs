//! What the dispatcher knows of nodes and tasks.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::graph::TaskId;
use crate::run::expansion::Items;
use crate::run::life::NodeEnd;
use crate::run::{NodeKey, NodeStatus};

/// A node; small, since there may be a million.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) task: u32,
    /// How many things it waits for by itself, besides those its whole task waits for.
    pub(super) waits: u32,
    pub(super) state: NodeState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeState {
    Pending,
    /// It cannot run; the action that ends it is under way.
    Doomed,
    Ready,
    Running,
    Ended(NodeStatus),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stage {
    /// Its hosts are not known.
    #[default]
    Unknown,
    /// Its closures are being asked for hosts and items.
    Asking,
    /// It has nodes.
    Expanded,
    /// All its nodes have ended.
    Ended,
}

/// Hosts of a task by their numbers; tasks with the same hosts share it.
#[derive(Debug, Default)]
pub(super) struct HostList {
    pub(super) hosts: Vec<u32>,
    pub(super) at: HashMap<u32, u32>,
}

/// Why a node cannot run.
#[derive(Debug, Clone)]
pub(super) struct Doom {
    /// `Blocked` or `Waiting`.
    pub(super) status: NodeStatus,
    pub(super) reason: Arc<str>,
}

impl Doom {
    pub(super) fn end(&self) -> NodeEnd {
        NodeEnd::with(self.status, Some(self.reason.to_string()))
    }
}

/// The items of one host, where a task has both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) left: u32,
    /// How one of them ended that did not end well.
    pub(super) bad: Option<NodeStatus>,
}

#[derive(Debug, Default)]
pub(super) struct TaskState {
    pub(super) stage: Stage,
    /// How many tasks must be expanded, or have ended, before its own hosts are looked for.
    pub(super) expand_waits: u32,
    pub(super) first: u32,
    pub(super) count: u32,
    /// None for a task without hosts, and for one that ended before they were known.
    pub(super) hosts: Option<Arc<HostList>>,
    pub(super) items: Option<Arc<Items>>,
    /// How many things all its nodes wait for.
    pub(super) waits: u32,
    pub(super) left: u32,
    pub(super) not_well: u32,
    pub(super) failed: u32,
    pub(super) unreachable: u32,
    pub(super) waiting: u32,
    /// Which node each result that was pushed is of.
    pub(super) pushed: Vec<u32>,
    pub(super) groups: Vec<Group>,
    /// By host: the next item that waits for a place among those that run.
    pub(super) next_item: Vec<u32>,
    /// Tasks behind it in the order of a block.
    pub(super) block_behind: Vec<u32>,
    /// Rolling updates that it is part of: indices.
    pub(super) rolls: Vec<u32>,
    pub(super) ready: VecDeque<u32>,
    pub(super) running: u32,
}

impl TaskState {
    /// How many nodes it has on each host.
    pub(super) fn per_host(&self) -> u32 {
        self.items.as_ref().map_or(1, |items| items.values.len() as u32)
    }

    pub(super) fn nodes(&self) -> std::ops::Range<u32> {
        self.first..self.first + self.count
    }

    /// The nodes at a place in its list of hosts.
    pub(super) fn nodes_at(&self, place: u32) -> std::ops::Range<u32> {
        let size = self.per_host();
        self.first + place * size..self.first + (place + 1) * size
    }

    /// The place of a node in its list of hosts, and its item's index.
    pub(super) fn place_of(&self, node: u32) -> (u32, u32) {
        let (offset, size) = (node - self.first, self.per_host().max(1));
        (offset / size, offset % size)
    }

    pub(super) fn place_of_host(&self, host: u32) -> Option<u32> {
        self.hosts.as_ref().and_then(|list| list.at.get(&host).copied())
    }
}

/// Hosts by number.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    lists: HashMap<Vec<u32>, Arc<HostList>>,
}

impl Hosts {
    pub(super) fn name(&self, number: u32) -> Arc<str> {
        self.names.get(number as usize).cloned().unwrap_or_default()
    }

    pub(super) fn list(&mut self, names: &[Arc<str>]) -> Arc<HostList> {
        let numbers: Vec<u32> = names.iter().map(|name| self.number(name)).collect();
        if let Some(list) = self.lists.get(&numbers) {
            return Arc::clone(list);
        }
        let at = numbers.iter().enumerate().map(|(place, number)| (*number, place as u32)).collect();
        let list = Arc::new(HostList { hosts: numbers.clone(), at });
        self.lists.insert(numbers, Arc::clone(&list));
        list
    }

    fn number(&mut self, name: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(Arc::clone(name));
        self.numbers.insert(Arc::clone(name), number);
        number
    }
}

/// Where the order of a block stands: what the next element's nodes wait for.
#[derive(Debug, Default)]
pub(super) struct Front {
    element: u32,
    /// Tasks of the present element.
    current: Vec<u32>,
    /// By host: the tasks of the last element before that have it.
    hosts: HashMap<u32, Vec<u32>>,
    /// The tasks without hosts of the last element that had any: all hosts wait for them.
    barrier: Vec<u32>,
    /// All tasks since that element, with it: what a task without hosts waits for.
    since: Vec<u32>,
}

impl Front {
    /// Notes that a task of `element` has nodes on `hosts`, and says which tasks it waits for.
    pub(super) fn pass(&mut self, element: u32, task: u32, tasks: &[TaskState]) -> Vec<u32> {
        if element != self.element {
            self.element = element;
            self.commit(tasks);
        }
        self.current.push(task);
        let mut before: Vec<u32> = match &tasks[task as usize].hosts {
            None => self.since.clone(),
            Some(list) => {
                let own = list.hosts.iter().filter_map(|host| self.hosts.get(host)).flatten();
                own.chain(&self.barrier).copied().collect()
            }
        };
        before.sort_unstable();
        before.dedup();
        before
    }

    fn commit(&mut self, tasks: &[TaskState]) {
        let ended = std::mem::take(&mut self.current);
        let without: Vec<u32> =
            ended.iter().copied().filter(|task| tasks[*task as usize].hosts.is_none()).collect();
        let mut fresh: HashMap<u32, Vec<u32>> = HashMap::new();
        for task in &ended {
            for host in tasks[*task as usize].hosts.iter().flat_map(|list| &list.hosts) {
                fresh.entry(*host).or_default().push(*task);
            }
        }
        self.hosts.extend(fresh);
        if !without.is_empty() {
            self.barrier = without;
            self.since.clear();
        }
        self.since.extend(ended);
    }
}

/// Counts for the summary.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) nodes: BTreeMap<NodeStatus, u64>,
    pub(super) failed: Vec<NodeKey>,
    /// Nodes that were cancelled with their batch, and not by an interrupt.
    pub(super) stopped: u64,
    pub(super) pending_handlers: Vec<NodeKey>,
    /// Handlers' nodes that ended because nothing had notified them.
    pub(super) passed_over: Vec<(TaskId, Arc<str>)>,
}

/// What follows from what happened.
pub(super) enum Action {
    /// All that a task's hosts depend on is known.
    Expand(u32),
    /// A node may have become ready.
    Try(u32),
    /// A node ends.
    End(u32, Box<NodeEnd>),
    /// All nodes of a task have ended.
    TaskEnded(u32),
    /// All tasks of a rolling update have nodes.
    Roll(u32),
    /// All hosts of a batch have ended.
    BatchEnded(u32),
}
