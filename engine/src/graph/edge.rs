//! Edges between tasks: what must end before what.

use petgraph::graph::DiGraph;

use super::{Task, TaskId, TaskKind, sequence::Sequences};
use crate::diag::Position;

/// Why one task comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeKind {
    /// `.needs`: must end well, host by host where both run.
    Needs,
    /// The order written in a block: must end well on the same host.
    Block,
    /// `.after`: must end well on all its hosts.
    After,
    /// `.after_any`: must end, however.
    AfterAny,
    /// From a task to a handler that it may notify: must end, host by host, however.
    Notify,
}

/// An edge from what comes first to what waits for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// Why.
    pub kind: EdgeKind,
    /// Where the script says so; none for the order of a block and for handlers.
    pub position: Option<Position>,
}

/// The order of tasks; the index of a node is that of its task.
pub(super) type Order = DiGraph<TaskId, Edge, u32>;

/// Everything that tasks say of their order, and their blocks. May have cycles; the edges of code
/// that may notify any handler are not in it (see [`add_open_notifies`]).
pub(super) fn declared(tasks: &[Task], sequences: &Sequences) -> Order {
    let mut order = Order::with_capacity(tasks.len(), tasks.len());
    for task in tasks {
        order.add_node(task.id);
    }
    for task in tasks {
        let lists = [
            (EdgeKind::Needs, &task.needs),
            (EdgeKind::After, &task.after),
            (EdgeKind::AfterAny, &task.after_any),
        ];
        for (kind, list) in lists {
            for needed in list {
                for first in &needed.tasks {
                    let edge = Edge { kind, position: Some(needed.position.clone()) };
                    order.add_edge(first.0.into(), task.id.0.into(), edge);
                }
            }
        }
        for handler in &task.notifies.handlers {
            order.add_edge(
                task.id.0.into(),
                handler.0.into(),
                Edge { kind: EdgeKind::Notify, position: None },
            );
        }
    }
    for (first, then) in sequences.edges() {
        order.add_edge(first.0.into(), then.0.into(), Edge { kind: EdgeKind::Block, position: None });
    }
    order
}

/// Adds the edges of code that may notify any handler. A handler that the code's task itself waits
/// for has run by then, so it cannot be meant.
pub(super) fn add_open_notifies(tasks: &[Task], order: &mut Order) {
    let open: Vec<TaskId> = tasks.iter().filter(|task| task.notifies.any).map(|task| task.id).collect();
    if open.is_empty() {
        return;
    }
    for handler in tasks.iter().filter(|task| task.kind == TaskKind::Handler) {
        let mut later = vec![false; tasks.len()];
        let mut walk = petgraph::visit::Dfs::new(&*order, handler.id.0.into());
        while let Some(reached) = walk.next(&*order) {
            later[reached.index()] = true;
        }
        for task in open.iter().filter(|task| !later[task.index()]) {
            let edge = Edge { kind: EdgeKind::Notify, position: None };
            order.update_edge(task.0.into(), handler.id.0.into(), edge);
        }
    }
}
