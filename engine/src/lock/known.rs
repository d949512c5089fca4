//! The hosts that a run is known to change before it begins.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::graph::{Graph, HostsFrom, Selection};
use crate::inventory::{HostSet, Inventory};

/// The hosts of the tasks that run, as far as they are known before; within `limit`. What a closure names and what a
/// task adds is not; the controller is nobody's, as runs on any hosts use it.
pub fn known_hosts(
    graph: &Graph,
    selection: &Selection,
    limit: Option<&HostSet>,
    inventory: &Inventory,
) -> BTreeSet<String> {
    let allowed: Option<HashSet<Arc<str>>> =
        limit.map(|limit| limit.resolve(inventory).into_iter().collect());
    let tasks = selection.iter().filter_map(|id| graph.task(id));
    let sets = tasks.filter_map(|task| match &task.on {
        Some(HostsFrom::Set(set)) => Some(set.resolve(inventory)),
        Some(HostsFrom::Code(_)) | None => None,
    });
    sets.flatten()
        .filter(|host| allowed.as_ref().is_none_or(|allowed| allowed.contains(host)))
        .filter(|host| !inventory.is_implicit(host))
        .map(|host| host.to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::known_hosts;
    use crate::graph::Selection;
    use crate::inventory::HostSet;
    use crate::run::scenario::{DONE, Scenario, code, inventory};

    #[test]
    fn the_hosts_of_what_runs_within_the_limit() {
        let mut scenario = Scenario::new("a,b,c,d");
        let ids: Vec<_> = ["a,b", "b,c", "d", "localhost"]
            .into_iter()
            .map(|hosts| {
                let id = scenario.task(hosts, |_| DONE);
                scenario.on(id, hosts);
                id
            })
            .collect();
        let closure = scenario.task("closure", |_| DONE);
        scenario.at(closure).on = Some(crate::graph::HostsFrom::Code(code(|_| DONE)));
        scenario.task("no host", |_| DONE);
        let graph = scenario.sample.build().expect("no mistake");
        let hosts = inventory("a,b,c,d");
        let known = |tasks: &[usize], limit: Option<&str>| {
            let selection = Selection::of(&graph, tasks.iter().map(|index| ids[*index]));
            let limit = limit.map(|limit| HostSet::pattern(limit).expect("a pattern"));
            known_hosts(&graph, &selection, limit.as_ref(), &hosts).into_iter().collect::<String>()
        };
        assert_eq!(known(&[0, 1, 2, 3], None), "abcd", "not the controller");
        assert_eq!(known(&[0, 1], None), "abc");
        assert_eq!(known(&[0, 1, 2], Some("c,d")), "cd");
        assert_eq!(known(&[0], Some("d")), "");
        assert_eq!(known_hosts(&graph, &Selection::all(&graph), None, &hosts).len(), 4);
    }
}
