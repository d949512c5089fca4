//! Mistakes in the order of tasks.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use super::edge::Order;
use super::sequence::is_within;
use super::{Block, EdgeKind, Task, TaskKind};
use crate::diag::{Diagnostic, SourceMap};

/// Two tasks of one name.
pub(super) fn twice_declared(tasks: &[Task], sources: &SourceMap) -> Vec<Diagnostic> {
    let mut first: HashMap<&str, &Task> = HashMap::with_capacity(tasks.len());
    let mut found = Vec::new();
    for task in tasks {
        if let Some(before) = first.get(&*task.name) {
            found.push(
                Diagnostic::error("two-tasks-of-one-name", format!("two tasks are named `{}`", task.name))
                    .label(sources.label(&task.position, "declared again", true))
                    .label(sources.label(&before.position, "first declared", false))
                    .hint(
                        "names stand for tasks in reports and on the command line: give one of them another",
                    ),
            );
        } else {
            first.insert(&task.name, task);
        }
    }
    found
}

/// References to tasks that are not in the graph: the handle of another load.
pub(super) fn unknown_tasks(tasks: &[Task], blocks: &[Block], sources: &SourceMap) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for task in tasks {
        for needed in task.needs.iter().chain(&task.after).chain(&task.after_any) {
            if needed.tasks.iter().any(|id| id.index() >= tasks.len()) {
                found.push(
                    Diagnostic::error(
                        "unknown-task",
                        format!("`{}` waits for a task that is not there", task.name),
                    )
                    .label(sources.label(&needed.position, "", true)),
                );
            }
        }
        let handlers = &task.notifies.handlers;
        let is_handler = |index: usize| tasks.get(index).is_some_and(|task| task.kind == TaskKind::Handler);
        if handlers.iter().any(|id| !is_handler(id.index()))
            || task.block.is_some_and(|at| at >= blocks.len())
        {
            found.push(
                Diagnostic::error("unknown-handler", format!("`{}` notifies what is no handler", task.name))
                    .label(sources.label(&task.position, "", true))
                    .hint("`handler(name)` declares one"),
            );
        }
    }
    found
}

/// A task that waits for itself, by way of others or not: the shortest such path.
pub(super) fn cycle(tasks: &[Task], order: &Order, sources: &SourceMap) -> Option<Diagnostic> {
    let start = petgraph::algo::toposort(order, None).err()?.node_id();
    let path = shortest_circle(order, start)?;
    let name = |node: NodeIndex| &tasks[node.index()].name;
    // People say "a needs b", so the path goes from what waits to what it waits for.
    let mut shown: Vec<String> = path.iter().map(|step| name(step.then).to_string()).collect();
    shown.push(name(start).to_string());
    let itself = path.len() == 1;
    let message = if itself {
        format!("`{}` waits for itself", name(start))
    } else {
        format!("tasks wait for each other: `{}`", shown.join(" → "))
    };
    let mut diagnostic = Diagnostic::error("cycle", message);
    for (index, step) in path.iter().enumerate() {
        let task = &tasks[step.then.index()];
        let first = name(step.first);
        let (position, text) = match step.kind {
            EdgeKind::Needs => (&task.position, format!("`{}` needs `{first}`", task.name)),
            EdgeKind::After => (&task.position, format!("`{}` comes after `{first}`", task.name)),
            EdgeKind::AfterAny => (&task.position, format!("`{}` waits for the end of `{first}`", task.name)),
            EdgeKind::Block => {
                (&task.position, format!("`{}` stands after `{first}` in its block", task.name))
            }
            EdgeKind::Notify => (
                &tasks[step.first.index()].position,
                format!("`{}` runs after `{first}`, which may notify it", task.name),
            ),
        };
        let position = step.position(order).unwrap_or(position);
        diagnostic = diagnostic.label(sources.label(position, text, index == 0));
    }
    let by_handler = path.iter().any(|step| step.kind == EdgeKind::Notify);
    Some(diagnostic.hint(if by_handler {
        "a handler runs after all that may notify it: let what needs it notify another one, or nothing"
    } else {
        "take one of these dependencies away"
    }))
}

/// One edge of a circle.
struct Step {
    first: NodeIndex,
    then: NodeIndex,
    kind: EdgeKind,
}

impl Step {
    fn position<'a>(&self, order: &'a Order) -> Option<&'a crate::diag::Position> {
        order
            .edges_connecting(self.first, self.then)
            .find(|edge| edge.weight().kind == self.kind)
            .and_then(|edge| edge.weight().position.as_ref())
    }
}

/// The shortest way from `start` back to it against the edges; each step waits for the next.
fn shortest_circle(order: &Order, start: NodeIndex) -> Option<Vec<Step>> {
    let mut came: HashMap<NodeIndex, (NodeIndex, EdgeKind)> = HashMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(then) = queue.pop_front() {
        for edge in order.edges_directed(then, Direction::Incoming) {
            let first = edge.source();
            if first == start {
                let mut path = vec![Step { first, then, kind: edge.weight().kind }];
                let mut at = then;
                while at != start {
                    let (then, kind) = came.get(&at).copied()?;
                    path.push(Step { first: at, then, kind });
                    at = then;
                }
                path.reverse();
                return Some(path);
            }
            if let Entry::Vacant(fresh) = came.entry(first) {
                fresh.insert((then, edge.weight().kind));
                queue.push_back(first);
            }
        }
    }
    None
}

/// What a batch through a block cannot hold: what would wait for all batches to end before the
/// first one can.
pub(super) fn batch_mistakes(tasks: &[Task], blocks: &[Block], sources: &SourceMap) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.batch.is_some()) {
        let inside = |id: &super::TaskId| is_within(blocks, tasks[id.index()].block, index);
        let members = block.tasks.iter().map(|id| &tasks[id.index()]);
        for task in members.filter(|task| task.kind != TaskKind::Handler) {
            if task.on.is_none() {
                found.push(
                    Diagnostic::error(
                        "batch-without-hosts",
                        format!(
                            "`{}` has no hosts, but a batch rolls through its block `{}`",
                            task.name, block.name
                        ),
                    )
                    .label(sources.label(&task.position, "runs once", true))
                    .label(sources.label(&block.position, "rolls over hosts", false))
                    .hint("give it hosts with `.on`, or declare it before or after the block"),
                );
            }
            for needed in task.after.iter().chain(&task.after_any) {
                if needed.tasks.iter().any(inside) {
                    found.push(
                        Diagnostic::error(
                            "batch-barrier",
                            format!(
                                "`{}` waits for all batches of its own block `{}`",
                                task.name, block.name
                            ),
                        )
                        .label(sources.label(&needed.position, "waits for all hosts", true))
                        .label(sources.label(&block.position, "rolls over hosts", false))
                        .hint("use `.needs`, which waits host by host"),
                    );
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diag::Diagnostics;
    use crate::graph::samples::Sample;
    use crate::graph::{Amount, Batch, EdgeKind};

    fn refused(sample: Sample) -> String {
        let Diagnostics(found) = sample.build().expect_err("a mistake");
        let lines = found.iter().map(|diagnostic| {
            let labels: Vec<String> =
                diagnostic.labels.iter().map(|label| format!("{} {}", label.position, label.text)).collect();
            format!("{}\n{}", diagnostic.message, labels.join("\n"))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn two_tasks_of_one_name_show_both_places() {
        let mut sample = Sample::default();
        sample.task("a");
        sample.task("a");
        assert_eq!(refused(sample), "two tasks are named `a`\nt:2 declared again\nt:1 first declared");
    }

    #[test]
    fn a_cycle_shows_its_path_and_each_place() {
        let mut sample = Sample::default();
        let [a, b, c] = ["a", "b", "c"].map(|name| sample.task(name));
        sample.needs(a, &[b]);
        sample.needs(b, &[c]);
        sample.after(c, &[a]);
        let text = refused(sample);
        let path = text.lines().next().expect("a message");
        assert!(
            ["`a → b → c → a`", "`b → c → a → b`", "`c → a → b → c`"].iter().any(|way| path.ends_with(way)),
            "{text}"
        );
        for said in ["t:101 `a` needs `b`", "t:102 `b` needs `c`", "t:103 `c` comes after `a`"] {
            assert!(text.contains(said), "{said} is not in {text}");
        }
    }

    #[test]
    fn a_task_that_needs_itself_is_refused() {
        let mut sample = Sample::default();
        let a = sample.task("a");
        sample.needs(a, &[a]);
        assert_eq!(refused(sample), "`a` waits for itself\nt:101 `a` needs `a`");
    }

    #[test]
    fn a_task_may_not_notify_the_handler_it_needs() {
        let mut sample = Sample::default();
        let [a, reload] = ["a", "reload"].map(|name| sample.task(name));
        sample.handler(reload);
        sample.notifies(a, reload);
        sample.needs(a, &[reload]);
        let text = refused(sample);
        assert!(text.contains("`reload` runs after `a`, which may notify it"), "{text}");
    }

    #[test]
    fn code_that_may_notify_any_handler_does_not_count_for_those_it_needs() {
        let mut sample = Sample::default();
        let [a, one, two] = ["a", "one", "two"].map(|name| sample.task(name));
        sample.handler(one);
        sample.handler(two);
        sample.needs(a, &[one]);
        sample.tasks[a.index()].notifies.any = true;
        let graph = sample.build().expect("no mistake");
        let notified: Vec<_> =
            graph.edges().filter(|(.., edge)| edge.kind == EdgeKind::Notify).map(|(_, to, _)| to).collect();
        assert_eq!(notified, [two]);
    }

    #[test]
    fn the_order_of_a_block_takes_part_in_cycles() {
        let mut sample = Sample::default();
        let block = sample.block("web", None, false);
        let a = sample.in_block(block, "a");
        let b = sample.in_block(block, "b");
        sample.needs(a, &[b]);
        assert!(refused(sample).contains("`web/b` stands after `web/a` in its block"));
    }

    #[test]
    fn a_batch_through_a_block_holds_no_barrier_and_only_tasks_with_hosts() {
        let mut sample = Sample::default();
        let block = sample.block("web", None, false);
        let a = sample.in_block(block, "a");
        let b = sample.in_block(block, "b");
        sample.on(a, &["h1"]);
        sample.after(b, &[a]);
        sample.blocks[block].batch = Some(Box::new(Batch {
            ladder: vec![Amount::Count(1)],
            pause: std::time::Duration::ZERO,
            check: None,
        }));
        let text = refused(sample);
        assert!(text.contains("`web/b` has no hosts, but a batch rolls through its block `web`"), "{text}");
        assert!(text.contains("`web/b` waits for all batches of its own block `web`"), "{text}");
    }

    #[test]
    fn a_long_chain_is_no_trouble() {
        let mut sample = Sample::default();
        let ids: Vec<_> = (0..50_000).map(|index| sample.task(&format!("t{index}"))).collect();
        for pair in ids.windows(2) {
            sample.needs(pair[1], &[pair[0]]);
        }
        assert!(sample.build().is_ok());
    }
}
