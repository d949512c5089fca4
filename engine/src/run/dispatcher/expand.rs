//! From a task to its nodes.

use std::sync::Arc;

use oneex_sdk::ErrorKind;
use serde_json::Value;

use super::main_loop::{Dispatcher, Errand, Message};
use super::state::{Action, Doom, Group, Node, NodeState, Stage};
use crate::graph::{Condition, EdgeKind, HostsFrom, ItemsFrom, TaskKind};
use crate::run::call::Caller;
use crate::run::expansion::{Items, hosts_in, hosts_of, items_of};
use crate::run::life::NodeEnd;
use crate::run::{Failure, Interrupt, Mode, NodeKey, NodeStatus, Phase, Returned, RunEvent};

/// What the closures of a task returned; nothing for what is no closure.
#[derive(Default)]
pub(in crate::run) struct Asked {
    hosts: Option<Returned>,
    items: Option<Returned>,
}

impl Dispatcher {
    /// Everything that the task's hosts depend on is known: finds them.
    pub(super) fn expand(&mut self, task: u32) {
        if self.tasks[task as usize].stage != Stage::Unknown {
            return;
        }
        if let Some(doom) = self.doomed_before_hosts(task) {
            return self.end_without_hosts(task, doom.end());
        }
        let graph = Arc::clone(&self.graph);
        let spec = &graph.tasks[task as usize];
        let on = match &spec.on {
            Some(HostsFrom::Code(code)) => Some(Arc::clone(code)),
            _ => None,
        };
        let each = match &spec.each {
            Some(ItemsFrom::Code(code)) => Some(Arc::clone(code)),
            _ => None,
        };
        if on.is_none() && each.is_none() {
            return self.asked(task, Ok(Asked::default()));
        }
        self.tasks[task as usize].stage = Stage::Asking;
        let key = NodeKey { task: Arc::clone(&spec.name), host: None, item: None };
        let caller = Caller::new(&self.context, key, Some(spec.id));
        let limit = spec.timeout;
        let work = move || {
            let ask = |code: Option<_>, number| {
                let call = |code| caller.call(&code, (Phase::Expand, number), &caller.run.cancel, limit, &[]);
                code.map(call).transpose()
            };
            let asked = ask(on, 1).and_then(|hosts| Ok(Asked { hosts, items: ask(each, 2)? }));
            Message::Asked(task, Box::new(asked))
        };
        self.errands.push_back(Errand {
            work: Box::new(work),
            panicked: Box::new(move |interrupt| Message::Asked(task, Box::new(Err(interrupt)))),
        });
    }

    /// The closures have answered, or there are none.
    pub(super) fn asked(&mut self, task: u32, asked: Result<Asked, Interrupt>) {
        if matches!(self.tasks[task as usize].stage, Stage::Expanded | Stage::Ended) {
            return;
        }
        let end = match asked {
            Ok(asked) => match self.resolve(task, asked) {
                Ok((hosts, items)) => return self.make_nodes(task, hosts, items),
                Err(end) => end,
            },
            Err(interrupt) => NodeEnd::interrupted(interrupt),
        };
        self.end_without_hosts(task, end);
    }

    /// The task's hosts, those of `--limit` alone, and its items.
    #[expect(clippy::type_complexity, reason = "the two lists of a task, each of which may be missing")]
    fn resolve(
        &self,
        task: u32,
        asked: Asked,
    ) -> Result<(Option<Vec<Arc<str>>>, Option<Arc<Items>>), NodeEnd> {
        let graph = Arc::clone(&self.graph);
        let spec = &graph.tasks[task as usize];
        if [&asked.hosts, &asked.items].into_iter().flatten().any(|returned| returned.unknown) {
            let reason = "its hosts or items are known after the run".to_owned();
            return Err(NodeEnd::with(NodeStatus::KnownAfterRun, Some(reason)));
        }
        let value = |returned: Option<Returned>| returned.unwrap_or_default().value;
        let items = match &spec.each {
            None => None,
            Some(ItemsFrom::List(list)) => Some(list.clone()),
            Some(ItemsFrom::Code(_)) => Some(items_of(value(asked.items)).map_err(NodeEnd::failed)?),
        };
        let items = items.map(Items::new).transpose().map_err(NodeEnd::failed)?;
        let hosts = match &spec.on {
            None => None,
            Some(HostsFrom::Set(set)) => Some(hosts_in(&self.inventory(), set).map_err(NodeEnd::failed)?),
            Some(HostsFrom::Code(_)) => {
                Some(hosts_of(&self.inventory(), value(asked.hosts)).map_err(NodeEnd::failed)?)
            }
        };
        let Some(mut hosts) = hosts else { return Ok((None, items.map(Arc::new))) };
        if hosts.is_empty() && !spec.allow_empty && spec.kind != TaskKind::Handler {
            return Err(self.nobody(task));
        }
        if let Some(limit) = &self.options().limit {
            let limit = limit.resolve(&self.inventory());
            let allowed: std::collections::HashSet<&Arc<str>> = limit.iter().collect();
            hosts.retain(|host| allowed.contains(host));
        }
        Ok((Some(hosts), items.map(Arc::new)))
    }

    /// A deployment to nobody is a mistake, unless a plan cannot know who will be there.
    fn nobody(&self, task: u32) -> NodeEnd {
        let spec = &self.graph.tasks[task as usize];
        let maker = if self.context.mode == Mode::Plan { self.maker_of_hosts(task) } else { None };
        if let Some(maker) = maker {
            let reason = format!("its hosts are known after `{maker}` has run");
            return NodeEnd::with(NodeStatus::KnownAfterRun, Some(reason));
        }
        let mut failure =
            Failure::new(ErrorKind::Invalid, format!("`{}` has no hosts: its set is empty", spec.name));
        failure.position = Some(spec.position.clone());
        failure.hints.push("`.allow_empty()` allows that".to_owned());
        NodeEnd::failed(failure)
    }

    /// A task before this one that adds hosts.
    fn maker_of_hosts(&self, task: u32) -> Option<Arc<str>> {
        let mut seen = std::collections::HashSet::from([task]);
        let mut open = vec![task];
        while let Some(at) = open.pop() {
            for link in &self.wiring.before[at as usize] {
                let spec = &self.graph.tasks[link.task.index()];
                if !spec.adds_hosts.is_empty() {
                    return Some(Arc::clone(&spec.name));
                }
                if seen.insert(link.task.0) {
                    open.push(link.task.0);
                }
            }
        }
        None
    }

    /// What a task without hosts, or one whose hosts never became known, did to this one: then its
    /// own hosts may not be what they will be, so they are not looked for. A handler waits until it
    /// is known whether anybody has notified it.
    fn doomed_before_hosts(&self, task: u32) -> Option<Doom> {
        if self.graph.tasks[task as usize].kind == TaskKind::Handler {
            return None;
        }
        let links = &self.wiring.before[task as usize];
        links
            .iter()
            .filter(|link| matches!(link.kind, EdgeKind::Needs | EdgeKind::After | EdgeKind::Block))
            .filter(|link| self.is_ended(link.task.0) && self.tasks[link.task.index()].hosts.is_none())
            .find_map(|link| self.doom_by_whole(link.task.0))
    }

    /// Ends a task as one node, whatever its hosts are.
    pub(super) fn end_without_hosts(&mut self, task: u32, end: NodeEnd) {
        let only = self.one_node(task);
        self.nodes[only as usize].state = NodeState::Doomed;
        self.actions.push_back(Action::End(only, Box::new(end)));
    }

    /// Gives a task one node, whatever its hosts are.
    pub(super) fn one_node(&mut self, task: u32) -> u32 {
        self.add_nodes(task, 1);
        self.announce(task, 1, Vec::new());
        self.after_nodes(task);
        self.tasks[task as usize].first
    }

    fn make_nodes(&mut self, task: u32, hosts: Option<Vec<Arc<str>>>, items: Option<Arc<Items>>) {
        let per_host = items.as_ref().map_or(1, |items| items.values.len());
        let count = hosts.as_ref().map_or(1, Vec::len) * per_host;
        let most = self.options().items.max(1);
        let state = &mut self.tasks[task as usize];
        if let Some(hosts) = &hosts {
            state.hosts = Some(self.hosts.list(hosts));
            if items.is_some() {
                state.groups = vec![Group { left: per_host as u32, bad: None }; hosts.len()];
            }
        }
        if items.is_some() && per_host > most {
            state.next_item = vec![most as u32; hosts.as_ref().map_or(1, Vec::len)];
        }
        state.items = items;
        self.add_nodes(task, count as u32);
        if per_host > most {
            for node in self.tasks[task as usize].nodes() {
                if self.tasks[task as usize].place_of(node).1 as usize >= most {
                    self.nodes[node as usize].waits += 1;
                }
            }
        }
        self.announce(task, count, hosts.unwrap_or_default());
        let before = self.after_nodes(task);
        self.count_waits(task, before);
        let state = &self.tasks[task as usize];
        if state.count == 0 {
            self.actions.push_back(Action::TaskEnded(task));
        } else if state.waits == 0 {
            self.actions.extend(state.nodes().map(Action::Try));
        }
    }

    fn add_nodes(&mut self, task: u32, count: u32) {
        let state = &mut self.tasks[task as usize];
        state.first = self.nodes.len() as u32;
        (state.count, state.left) = (count, count);
        state.stage = Stage::Expanded;
        let fresh = || Node { task, waits: 0, state: NodeState::Pending };
        self.nodes.extend(std::iter::repeat_with(fresh).take(count as usize));
        self.context.outputs.reserve(self.graph.tasks[task as usize].id, count as usize);
    }

    fn announce(&self, task: u32, nodes: usize, hosts: Vec<Arc<str>>) {
        let task = Arc::clone(&self.graph.tasks[task as usize].name);
        self.context.events.emit(RunEvent::TaskExpanded { task, nodes, hosts });
    }

    /// Takes the task's place in blocks and batches, and lets those behind it look for their hosts.
    /// Says whom it stands behind in its blocks.
    fn after_nodes(&mut self, task: u32) -> Vec<u32> {
        let before = self.pass_fronts(task);
        self.join_rolls(task);
        if self.graph.tasks[task as usize].on.is_some() {
            self.one_less_to_expand(task);
        }
        before
    }

    /// Tells those behind `task` that what they needed of it for their hosts is known.
    pub(super) fn one_less_to_expand(&mut self, task: u32) {
        for link in &self.wiring.behind[task as usize] {
            let behind = &mut self.tasks[link.task.index()];
            behind.expand_waits = behind.expand_waits.saturating_sub(1);
            if behind.expand_waits == 0 && behind.stage == Stage::Unknown {
                self.actions.push_back(Action::Expand(link.task.0));
            }
        }
    }

    /// Says whether a condition that needs nobody's answer is false.
    pub(super) fn is_off(&self, task: u32) -> bool {
        self.graph.tasks[task as usize]
            .when
            .iter()
            .any(|condition| matches!(condition, Condition::Fixed(false)))
    }

    /// The item of a node.
    pub(super) fn item(&self, node: u32) -> Value {
        let state = &self.tasks[self.nodes[node as usize].task as usize];
        let (_, index) = state.place_of(node);
        state.items.as_ref().and_then(|items| items.values.get(index as usize)).cloned().unwrap_or_default()
    }
}
