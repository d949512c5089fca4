//! What the top level declares, until the load ends and a graph is made of it.

use std::collections::HashMap;
use std::sync::Arc;

use super::load::Script;
use super::words::params::ParamShown;
use crate::diag::{Diagnostic, Diagnostics, Position};
use crate::graph::{Block, Graph, Needed, Task, TaskId};
use crate::run::{Code, RunEvent};

/// What the top level declares.
#[derive(Default)]
pub(crate) struct Declarations {
    pub(crate) tasks: Vec<Draft>,
    /// The tasks by their full names.
    pub(crate) names: HashMap<Arc<str>, TaskId>,
    pub(crate) blocks: Vec<Block>,
    /// What the tasks of each block inherit, beside [`Declarations::blocks`].
    pub(crate) inherited: Vec<Inherited>,
    /// The blocks that are being declared, the innermost last.
    pub(crate) open: Vec<usize>,
    pub(crate) on_end: Vec<Arc<dyn Code>>,
    pub(crate) params: Vec<ParamShown>,
    pub(crate) params_declared: bool,
    pub(crate) messages: Vec<RunEvent>,
    /// The values of the parameters, secrets included.
    pub(crate) values: oneex_sdk::Map<String, oneex_sdk::Value>,
}

/// A task that is being declared.
pub(crate) struct Draft {
    pub(crate) task: Task,
    pub(crate) role: Option<String>,
    pub(crate) complete: bool,
    pub(crate) needs: Vec<(Reference, Position)>,
    pub(crate) after: Vec<(Reference, Position)>,
    pub(crate) after_any: Vec<(Reference, Position)>,
    /// Handlers named by literals in the code, found by name when the load ends.
    pub(crate) notified_names: Vec<String>,
}

/// What the tasks of a block inherit.
#[derive(Default, Clone)]
pub(crate) struct Inherited {
    pub(crate) on: Option<crate::graph::HostsFrom>,
    pub(crate) sudo: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) when: Vec<crate::graph::Condition>,
    pub(crate) needs: Vec<(Reference, Position)>,
    pub(crate) after: Vec<(Reference, Position)>,
    pub(crate) max_fail: Option<crate::graph::Amount>,
    pub(crate) throttle: Option<usize>,
    pub(crate) exclusive: Vec<String>,
}

/// What a `needs` names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reference {
    /// A handle.
    Tasks(Vec<TaskId>),
    /// A name, which may be declared later.
    Name(String),
}

impl Declarations {
    /// The name that a task declared now gets: its blocks, its role, its own.
    pub(crate) fn full_name(&self, role: Option<&str>, own: &str) -> Arc<str> {
        let block =
            self.open.last().map(|block| format!("{}/", self.blocks[*block].name)).unwrap_or_default();
        let role = role.map(|role| format!("{role}:")).unwrap_or_default();
        format!("{block}{role}{own}").into()
    }

    /// Finds a task by a name as code of the task `from` would write it: in its own block and role
    /// first, then outwards.
    pub(crate) fn find(&self, name: &str, from: &Draft) -> Option<TaskId> {
        scoped_names(name, &from.task, from.role.as_deref(), &self.blocks)
            .into_iter()
            .find_map(|candidate| self.names.get(candidate.as_str()).copied())
    }

    /// Makes the graph. Fails for tasks without a body and names that nothing has.
    pub(crate) fn into_graph(mut self, script: &Script) -> Result<Graph, Diagnostics> {
        let mut errors = Vec::new();
        for index in 0..self.tasks.len() {
            let draft = &self.tasks[index];
            if !draft.complete {
                let label = script.sources.label(&draft.task.position, "declared here", true);
                errors.push(
                    Diagnostic::error("no-body", format!("task `{}` has no body", draft.task.name))
                        .label(label)
                        .hint("end the declaration with `.run(|h| { … })`"),
                );
            }
            let [needs, after, after_any] = [&draft.needs, &draft.after, &draft.after_any]
                .map(|references| self.resolve(draft, references, script, &mut errors));
            let handlers: Vec<TaskId> =
                draft.notified_names.iter().filter_map(|name| self.find(name, draft)).collect();
            let task = &mut self.tasks[index].task;
            (task.needs, task.after, task.after_any) = (needs, after, after_any);
            task.notifies.handlers.extend(handlers);
            task.notifies.handlers.sort_unstable();
            task.notifies.handlers.dedup();
        }
        if !errors.is_empty() {
            return Err(Diagnostics(errors));
        }
        // Nothing else of the drafts is needed, so the tasks take their place in memory: there may be
        // a hundred thousand.
        let tasks = self.tasks.into_iter().map(|draft| draft.task).collect();
        Graph::build(tasks, self.blocks, self.on_end, &script.sources)
    }

    fn resolve(
        &self,
        draft: &Draft,
        references: &[(Reference, Position)],
        script: &Script,
        errors: &mut Vec<Diagnostic>,
    ) -> Vec<Needed> {
        let mut needed = Vec::new();
        for (reference, position) in references {
            let tasks = match reference {
                Reference::Tasks(tasks) => tasks.clone(),
                Reference::Name(name) => {
                    match self.find(name, draft).map(|id| vec![id]).or_else(|| self.block(name)) {
                        Some(tasks) => tasks,
                        None => {
                            errors.push(self.unknown(name, draft, position, script));
                            continue;
                        }
                    }
                }
            };
            needed.push(Needed { tasks, position: position.clone() });
        }
        needed
    }

    fn block(&self, name: &str) -> Option<Vec<TaskId>> {
        self.blocks.iter().find(|block| &*block.name == name).map(|block| block.tasks.clone())
    }

    fn unknown(&self, name: &str, draft: &Draft, position: &Position, script: &Script) -> Diagnostic {
        let names =
            self.tasks.iter().map(|other| &*other.task.name).filter(|other| *other != &*draft.task.name);
        let error = Diagnostic::error(
            "unknown-task",
            format!("task `{}` needs `{name}`, which does not exist", draft.task.name),
        )
        .label(script.sources.label(position, "", true));
        match oneex_sdk::nearest(name, names) {
            Some(right) => error.hint(format!("did you mean `{right}`?")),
            None => error.hint("tasks are named by their blocks and roles: `block/role:task`"),
        }
    }
}

/// The full names that `name` may stand for in code of `task`, the nearest first.
pub(crate) fn scoped_names(name: &str, task: &Task, role: Option<&str>, blocks: &[Block]) -> Vec<String> {
    let mut prefixes = Vec::new();
    let mut block = task.block;
    while let Some(index) = block {
        prefixes.push(format!("{}/", blocks[index].name));
        block = blocks[index].parent;
    }
    prefixes.push(String::new());
    let mut names = Vec::new();
    for prefix in prefixes {
        names.extend(role.map(|role| format!("{prefix}{role}:{name}")));
        names.push(format!("{prefix}{name}"));
    }
    names
}

/// The role that a task's name carries.
pub(crate) fn role_of(task: &Task, blocks: &[Block]) -> Option<String> {
    let own = match task.block {
        Some(block) => task.name.strip_prefix(&*blocks[block].name)?.strip_prefix('/')?,
        None => &task.name,
    };
    own.split_once(':').map(|(role, _)| role.to_owned())
}
