//! What would have changed so far, so that a plan can say what depends on it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use oneex_sdk::Resources;

use crate::graph::{Graph, TaskId};
use crate::run::NodeKey;

/// Pending changes by target.
#[derive(Debug, Default)]
pub struct Pending {
    changes: Mutex<HashMap<Arc<str>, Vec<Change>>>,
    /// The tasks before a task, found when they were first asked for.
    before: Mutex<HashMap<TaskId, Arc<HashSet<TaskId>>>>,
}

/// Whose operation it is that changes or looks.
#[derive(Debug, Clone)]
pub struct Author {
    /// The node.
    pub node: NodeKey,
    /// Its task; none for `on_end`, which every task comes before.
    pub task: Option<TaskId>,
}

#[derive(Debug)]
struct Change {
    what: Resources,
    by: Author,
    /// What people call it.
    called: String,
}

impl Pending {
    /// Notes that `what` on `target` has a pending change, which people know as `called`.
    pub fn add(&self, target: &Arc<str>, what: Resources, by: Author, called: String) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.entry(Arc::clone(target)).or_default().push(Change { what, by, called });
    }

    /// The pending change that a look at `what` on `target` would depend on: one of the same node, or
    /// of a task before its own. What runs beside it may come later as well, and says nothing.
    pub fn assumed_by(
        &self,
        target: &str,
        what: &Resources,
        reader: &Author,
        graph: &Graph,
    ) -> Option<String> {
        self.find(target, reader, graph, |changed| overlaps(changed, what))
    }

    /// The pending change that may bring `what`, which a look at `target` did not find: a package
    /// brings files, services, users and groups, and a unit or script that is written is a service.
    pub fn may_bring(
        &self,
        target: &str,
        what: &Resources,
        reader: &Author,
        graph: &Graph,
    ) -> Option<String> {
        self.find(target, reader, graph, |changed| brings(changed, what))
    }

    fn find(
        &self,
        target: &str,
        reader: &Author,
        graph: &Graph,
        matters: impl Fn(&Resources) -> bool,
    ) -> Option<String> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = changes.get(target)?.iter().filter(|change| matters(&change.what));
        found.find(|change| self.comes_before(&change.by, reader, graph)).map(|change| change.called.clone())
    }

    fn comes_before(&self, first: &Author, then: &Author, graph: &Graph) -> bool {
        match (first.task, then.task) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(one), Some(other)) if one == other => first.node == then.node,
            (Some(one), Some(other)) => self.tasks_before(other, graph).contains(&one),
        }
    }

    fn tasks_before(&self, task: TaskId, graph: &Graph) -> Arc<HashSet<TaskId>> {
        /// So many tasks at most are remembered: a set can be as large as the graph.
        const MOST: usize = 256;
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        if before.len() >= MOST && !before.contains_key(&task) {
            before.clear();
        }
        Arc::clone(before.entry(task).or_insert_with(|| Arc::new(graph.before(task))))
    }
}

/// Says whether a change of `changed` can be why `missing` is not there yet.
fn brings(changed: &Resources, missing: &Resources) -> bool {
    let all_begin = |names: &[String], kind: &str| names.iter().all(|name| name.starts_with(kind));
    match (changed, missing) {
        (_, Resources::Nothing) => false,
        (Resources::Named(names), Resources::Named(missing)) => {
            all_begin(names, "package:") && !all_begin(missing, "package:")
        }
        (Resources::Named(names), _) => all_begin(names, "package:"),
        (Resources::Paths(paths), Resources::Named(missing)) => {
            let is_unit = |path: &String| SERVICE_FOLDERS.iter().any(|folder| within(path, folder));
            all_begin(missing, "service:") && paths.iter().any(is_unit)
        }
        _ => false,
    }
}

/// Where services are described, systemd.unit(5) and init scripts.
const SERVICE_FOLDERS: &[&str] = &[
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/etc/init.d",
];

/// Says whether a change of `changed` can show in a look at `seen`.
fn overlaps(changed: &Resources, seen: &Resources) -> bool {
    match (changed, seen) {
        (Resources::Nothing, _) | (_, Resources::Nothing) => false,
        (Resources::Host, _) | (_, Resources::Host) => true,
        (Resources::Paths(a), Resources::Paths(b)) => {
            a.iter().any(|a| b.iter().any(|b| within(a, b) || within(b, a)))
        }
        (Resources::Named(a), Resources::Named(b)) => a.iter().any(|name| b.contains(name)),
        (Resources::Paths(_), Resources::Named(_)) | (Resources::Named(_), Resources::Paths(_)) => false,
    }
}

fn within(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
