//! Graphs for tests.

use std::sync::Arc;

use super::{Amount, Block, Graph, HostsFrom, Needed, Notifies, Task, TaskId, TaskKind};
use crate::diag::{Diagnostics, Position, SourceMap};
use crate::inventory::HostSet;

/// Tasks and blocks, as a script would have declared them.
#[derive(Default)]
pub(crate) struct Sample {
    pub(crate) tasks: Vec<Task>,
    pub(crate) blocks: Vec<Block>,
}

/// The names of these tasks.
pub(crate) fn names(tasks: &[Task], ids: &[TaskId]) -> Vec<String> {
    ids.iter().map(|id| tasks[id.index()].name.to_string()).collect()
}

fn position(line: usize) -> Position {
    Position { file: "t".into(), line: line as u32, column: 0 }
}

impl Sample {
    /// Declares a task at line `index + 1`; what it waits for stands 100 lines below.
    pub(crate) fn task(&mut self, name: &str) -> TaskId {
        let id = TaskId(self.tasks.len() as u32);
        self.tasks.push(Task {
            id,
            name: name.into(),
            kind: TaskKind::Task,
            position: position(self.tasks.len() + 1),
            block: None,
            on: None,
            each: None,
            needs: Vec::new(),
            after: Vec::new(),
            after_any: Vec::new(),
            when: Vec::new(),
            batch: None,
            max_fail: Amount::Count(0),
            throttle: None,
            exclusive: Vec::new(),
            retry: None,
            timeout: None,
            sudo: None,
            tags: Vec::new(),
            allow_empty: false,
            adds_hosts: Vec::new(),
            sensitive: false,
            doc: String::new(),
            body: None,
            rescue: None,
            always: None,
            notifies: Notifies::default(),
        });
        id
    }

    pub(crate) fn block(&mut self, name: &str, parent: Option<usize>, parallel: bool) -> usize {
        let name = match parent {
            Some(outer) => format!("{}/{name}", self.blocks[outer].name),
            None => name.to_owned(),
        };
        self.blocks.push(Block {
            name: name.into(),
            parent,
            tasks: Vec::new(),
            parallel,
            batch: None,
            max_fail: Amount::Count(0),
            position: position(900 + self.blocks.len()),
        });
        self.blocks.len() - 1
    }

    pub(crate) fn in_block(&mut self, block: usize, name: &str) -> TaskId {
        let id = self.task(&format!("{}/{name}", self.blocks[block].name));
        self.tasks[id.index()].block = Some(block);
        let mut at = Some(block);
        while let Some(outer) = at {
            self.blocks[outer].tasks.push(id);
            at = self.blocks[outer].parent;
        }
        id
    }

    pub(crate) fn handler(&mut self, id: TaskId) {
        self.tasks[id.index()].kind = TaskKind::Handler;
    }

    pub(crate) fn on(&mut self, id: TaskId, hosts: &[&str]) {
        let names = hosts.iter().map(|name| Arc::from(*name)).collect();
        self.tasks[id.index()].on = Some(HostsFrom::Set(HostSet::Names(names)));
    }

    pub(crate) fn notifies(&mut self, id: TaskId, handler: TaskId) {
        self.tasks[id.index()].notifies.handlers.push(handler);
    }

    fn needed(id: TaskId, on: &[TaskId]) -> Needed {
        Needed { tasks: on.to_vec(), position: position(101 + id.index()) }
    }

    pub(crate) fn needs(&mut self, id: TaskId, on: &[TaskId]) {
        self.tasks[id.index()].needs.push(Self::needed(id, on));
    }

    pub(crate) fn after(&mut self, id: TaskId, on: &[TaskId]) {
        self.tasks[id.index()].after.push(Self::needed(id, on));
    }

    pub(crate) fn after_any(&mut self, id: TaskId, on: &[TaskId]) {
        self.tasks[id.index()].after_any.push(Self::needed(id, on));
    }

    pub(crate) fn build(self) -> Result<Graph, Diagnostics> {
        Graph::build(self.tasks, self.blocks, Vec::new(), &SourceMap::default())
    }
}
