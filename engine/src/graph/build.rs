//! From what a script declared to a graph without mistakes.

use std::collections::HashSet;
use std::sync::Arc;

use petgraph::visit::EdgeRef;

use super::check::{batch_mistakes, cycle, twice_declared, unknown_tasks};
use super::edge::{Order, add_open_notifies, declared};
use super::sequence::Sequences;
use super::{Block, Edge, Task, TaskId};
use crate::diag::{Diagnostics, SourceMap};
use crate::run::Code;

/// The tasks of a runbook and their order.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// All tasks, handlers and gates, in order of declaration.
    pub tasks: Vec<Task>,
    /// All blocks; an inner block comes after the one around it.
    pub blocks: Vec<Block>,
    /// What runs last in any case, in order of declaration.
    pub on_end: Vec<Arc<dyn Code>>,
    pub(super) order: Order,
}

impl Graph {
    /// Makes a graph of what a script declared.
    ///
    /// # Errors
    ///
    /// Two tasks of one name, a task that waits for one that is not there, for itself or for itself
    /// by way of others (the path is shown), and what a batch through a block cannot hold.
    pub fn build(
        tasks: Vec<Task>,
        blocks: Vec<Block>,
        on_end: Vec<Arc<dyn Code>>,
        sources: &SourceMap,
    ) -> Result<Self, Diagnostics> {
        let mut mistakes = twice_declared(&tasks, sources);
        mistakes.extend(unknown_tasks(&tasks, &blocks, sources));
        if !mistakes.is_empty() {
            return Err(Diagnostics(mistakes));
        }
        let mut order = declared(&tasks, &Sequences::new(&tasks, &blocks, |_| true));
        mistakes.extend(cycle(&tasks, &order, sources));
        mistakes.extend(batch_mistakes(&tasks, &blocks, sources));
        if !mistakes.is_empty() {
            return Err(Diagnostics(mistakes));
        }
        add_open_notifies(&tasks, &mut order);
        Ok(Self { tasks, blocks, on_end, order })
    }

    /// The task with that id.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(id.index())
    }

    /// The task of that name.
    pub fn named(&self, name: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| &*task.name == name)
    }

    /// All tasks that come before a task, by whatever way.
    pub fn before(&self, task: TaskId) -> HashSet<TaskId> {
        let reversed = petgraph::visit::Reversed(&self.order);
        let mut walk = petgraph::visit::Dfs::new(reversed, task.0.into());
        let mut before = HashSet::new();
        while let Some(reached) = walk.next(reversed) {
            before.insert(self.order[reached]);
        }
        before.remove(&task);
        before
    }

    /// All edges: what comes first, what waits for it, and why.
    pub fn edges(&self) -> impl Iterator<Item = (TaskId, TaskId, &Edge)> + '_ {
        self.order
            .edge_references()
            .map(|edge| (self.order[edge.source()], self.order[edge.target()], edge.weight()))
    }
}
