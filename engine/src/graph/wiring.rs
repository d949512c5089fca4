//! The order among the tasks that were chosen, in the form that a run needs.

use std::collections::HashSet;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::sequence::Sequences;
use super::{EdgeKind, Graph, Selection, TaskId};

/// One end of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Link {
    /// The task at the other end.
    pub(crate) task: TaskId,
    /// Why the one waits for the other.
    pub(crate) kind: EdgeKind,
}

/// The order among the tasks that were chosen. A task that was not is as if it were not there: what
/// waits for it waits for what it would have waited for.
#[derive(Debug)]
pub(crate) struct Wiring {
    /// By task: what it waits for.
    pub(crate) before: Vec<Vec<Link>>,
    /// By task: what waits for it.
    pub(crate) behind: Vec<Vec<Link>>,
    /// The order that blocks give.
    pub(crate) sequences: Sequences,
}

impl Wiring {
    /// Wires the chosen tasks.
    pub(crate) fn new(graph: &Graph, selection: &Selection) -> Self {
        let mut before = vec![Vec::new(); graph.tasks.len()];
        let mut behind = vec![Vec::new(); graph.tasks.len()];
        let sequences = Sequences::new(&graph.tasks, &graph.blocks, |id| selection.contains(id));
        let mut connect = |first: TaskId, then: TaskId, kind: EdgeKind| {
            before[then.index()].push(Link { task: first, kind });
            behind[first.index()].push(Link { task: then, kind });
        };
        for task in graph.tasks.iter().filter(|task| selection.contains(task.id)) {
            let mut links = Vec::new();
            walk(graph, selection, task.id, None, &mut HashSet::new(), &mut links);
            if links.len() > 1 {
                let mut seen = HashSet::with_capacity(links.len());
                links.retain(|link| seen.insert(*link));
            }
            for link in links {
                connect(link.task, task.id, link.kind);
            }
        }
        for (first, then) in sequences.edges() {
            connect(first, then, EdgeKind::Block);
        }
        Self { before, behind, sequences }
    }
}

/// Collects what `task` waits for, through tasks that were not chosen.
fn walk(
    graph: &Graph,
    selection: &Selection,
    task: TaskId,
    so_far: Option<EdgeKind>,
    seen: &mut HashSet<(TaskId, EdgeKind)>,
    links: &mut Vec<Link>,
) {
    let mut open = vec![(task, so_far)];
    while let Some((at, so_far)) = open.pop() {
        for edge in graph.order.edges_directed(NodeIndex::from(at.0), Direction::Incoming) {
            let first = graph.order[edge.source()];
            let own = edge.weight().kind;
            // The order of blocks is wired among the chosen tasks alone, and nobody can be notified
            // by a task that does not run.
            if own == EdgeKind::Block || (own == EdgeKind::Notify && !selection.contains(first)) {
                continue;
            }
            let kind = so_far.map_or(own, |outer| outer.max(own));
            if selection.contains(first) {
                links.push(Link { task: first, kind });
            } else if seen.insert((first, kind)) {
                open.push((first, Some(kind)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Wiring;
    use crate::graph::samples::Sample;
    use crate::graph::{EdgeKind, Selection};

    #[test]
    fn order_goes_through_a_task_that_was_not_chosen() {
        let mut sample = Sample::default();
        let [a, b, c] = ["a", "b", "c"].map(|name| sample.task(name));
        sample.needs(b, &[a]);
        sample.after(c, &[b]);
        let graph = sample.build().expect("no mistake");
        let selection = Selection::of(&graph, [a, c]);
        let wiring = Wiring::new(&graph, &selection);
        let found: Vec<_> = wiring.before[c.index()].iter().map(|link| (link.task, link.kind)).collect();
        assert_eq!(found, [(a, EdgeKind::After)]);
        assert!(wiring.before[b.index()].is_empty() && wiring.behind[b.index()].is_empty());
    }
}
