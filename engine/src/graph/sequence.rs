//! The order that blocks give to their tasks.
//!
//! The elements of a block are its own tasks and the blocks in it, in the order written. Each task
//! of an element comes after those of the element before, unless the block is parallel. Handlers
//! run when they are notified, so they have no place in the order.

use super::{Block, Task, TaskId, TaskKind};

/// A task's place in a block that is run in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The block: an index in [`super::Graph::blocks`].
    pub(crate) block: u32,
    /// The element of the block that the task is, or is in.
    pub(crate) element: u32,
}

/// The order that blocks give to their tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sequences {
    places: Vec<Vec<Place>>,
    edges: Vec<(TaskId, TaskId)>,
}

/// The first and the last tasks of a block.
#[derive(Debug, Clone, Default)]
struct Ends {
    first: Vec<TaskId>,
    last: Vec<TaskId>,
}

impl Sequences {
    /// Finds the order among the tasks that `include` says are there.
    pub(crate) fn new(tasks: &[Task], blocks: &[Block], include: impl Fn(TaskId) -> bool) -> Self {
        let mut found = Self { places: vec![Vec::new(); tasks.len()], edges: Vec::new() };
        let mut ends: Vec<Ends> = vec![Ends::default(); blocks.len()];
        // An inner block comes after the one around it, so its ends are known first.
        for (index, block) in blocks.iter().enumerate().rev() {
            let mut elements: Vec<Ends> = Vec::new();
            let mut inner = None;
            let counted =
                block.tasks.iter().filter(|id| tasks[id.index()].kind != TaskKind::Handler && include(**id));
            for id in counted {
                match child_of(blocks, index, tasks[id.index()].block) {
                    None => {
                        inner = None;
                        elements.push(Ends { first: vec![*id], last: vec![*id] });
                    }
                    Some(child) if inner == Some(child) => {}
                    Some(child) => {
                        inner = Some(child);
                        elements.push(ends[child].clone());
                    }
                }
                if !block.parallel {
                    let place = Place { block: index as u32, element: elements.len() as u32 };
                    found.places[id.index()].push(place);
                }
            }
            ends[index] = if block.parallel {
                Ends {
                    first: elements.iter().flat_map(|element| element.first.iter().copied()).collect(),
                    last: elements.iter().flat_map(|element| element.last.iter().copied()).collect(),
                }
            } else {
                for pair in elements.windows(2) {
                    for then in &pair[1].first {
                        found.edges.extend(pair[0].last.iter().map(|first| (*first, *then)));
                    }
                }
                Ends {
                    first: elements.first().map(|element| element.first.clone()).unwrap_or_default(),
                    last: elements.last().map(|element| element.last.clone()).unwrap_or_default(),
                }
            };
        }
        found
    }

    /// The task's places, that in the innermost block first.
    pub(crate) fn places(&self, task: TaskId) -> &[Place] {
        self.places.get(task.index()).map(Vec::as_slice).unwrap_or_default()
    }

    /// Pairs of tasks that follow each other.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (TaskId, TaskId)> + '_ {
        self.edges.iter().copied()
    }
}

/// The block directly inside `outer` that holds `inner`; none where they are the same.
fn child_of(blocks: &[Block], outer: usize, inner: Option<usize>) -> Option<usize> {
    let mut at = inner?;
    while at != outer {
        let parent = blocks[at].parent?;
        if parent == outer {
            return Some(at);
        }
        at = parent;
    }
    None
}

/// Says whether `block` is `outer` or lies in it.
pub(crate) fn is_within(blocks: &[Block], block: Option<usize>, outer: usize) -> bool {
    std::iter::successors(block, |at| blocks[*at].parent).any(|at| at == outer)
}

#[cfg(test)]
mod tests {
    use super::Sequences;
    use crate::graph::samples::{Sample, names};

    fn pairs(sample: &Sample) -> Vec<String> {
        let (tasks, blocks) = (&sample.tasks, &sample.blocks);
        let sequences = Sequences::new(tasks, blocks, |_| true);
        sequences.edges().map(|(a, b)| names(tasks, &[a, b]).join(" → ")).collect()
    }

    #[test]
    fn tasks_of_a_block_follow_each_other_and_handlers_do_not() {
        let mut sample = Sample::default();
        let block = sample.block("web", None, false);
        sample.in_block(block, "a");
        let handler = sample.in_block(block, "reload");
        sample.handler(handler);
        sample.in_block(block, "b");
        sample.in_block(block, "c");
        assert_eq!(pairs(&sample), ["web/a → web/b", "web/b → web/c"]);
    }

    #[test]
    fn a_parallel_block_stands_as_one_element_in_the_block_around_it() {
        let mut sample = Sample::default();
        let outer = sample.block("o", None, false);
        sample.in_block(outer, "a");
        let inner = sample.block("i", Some(outer), true);
        sample.in_block(inner, "b");
        sample.in_block(inner, "c");
        sample.in_block(outer, "d");
        assert_eq!(pairs(&sample), ["o/a → o/i/b", "o/a → o/i/c", "o/i/b → o/d", "o/i/c → o/d"]);
    }

    #[test]
    fn what_is_left_out_leaves_no_gap() {
        let mut sample = Sample::default();
        let block = sample.block("web", None, false);
        sample.in_block(block, "a");
        let left_out = sample.in_block(block, "b");
        sample.in_block(block, "c");
        let sequences = Sequences::new(&sample.tasks, &sample.blocks, |id| id != left_out);
        let found: Vec<_> = sequences.edges().map(|(a, b)| (a.0, b.0)).collect();
        assert_eq!(found, [(0, 2)]);
    }
}
