//! What others ask an inventory.

use std::sync::Arc;

use indexmap::IndexSet;
use oneex_sdk::HostInfo;
use serde::Serialize;
use serde_json::{Map, Value};

use super::data::{ALL, GroupIndex, HostIndex, Inventory};
use super::target;
use super::vars_folder::VarsFolder;

/// Names that mean the controller when the inventory does not know them.
const LOCALHOST: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A group with what is below it, as `oneex hosts --graph` draws it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupTree {
    /// The group's name.
    pub name: Arc<str>,
    /// The groups directly below, in inventory order.
    pub children: Vec<GroupTree>,
    /// The hosts that the group itself names, in inventory order.
    pub hosts: Vec<Arc<str>>,
}

impl Inventory {
    /// A host with its merged variables and its connection.
    ///
    /// `localhost`, `127.0.0.1` and `::1` are the controller when the inventory does not know them: they are
    /// in no group, and have the variables of `all`.
    pub fn host(&self, name: &str) -> Option<Arc<HostInfo>> {
        if let Some((index, _, host)) = self.hosts.get_full(name) {
            return Some(Arc::clone(host.info.get_or_init(|| Arc::new(self.merge(index)))));
        }
        LOCALHOST.contains(&name).then(|| {
            let implicit = self.localhost.get_or_init(|| Arc::new(self.implicit("localhost")));
            if name == "localhost" { Arc::clone(implicit) } else { Arc::new(self.implicit(name)) }
        })
    }

    /// The controller itself: the inventory's `localhost` where its connection is local, else the
    /// implicit one.
    pub fn local(&self) -> Arc<HostInfo> {
        self.host("localhost").filter(|host| host.target.connection == "local").unwrap_or_else(|| {
            Arc::clone(self.localhost.get_or_init(|| Arc::new(self.implicit("localhost"))))
        })
    }

    /// Says whether the inventory names the host; the implicit `localhost` is not named.
    pub fn contains(&self, host: &str) -> bool {
        self.hosts.contains_key(host)
    }

    /// Says whether the name means the controller though the inventory does not know it.
    pub(crate) fn is_implicit(&self, name: &str) -> bool {
        LOCALHOST.contains(&name) && !self.hosts.contains_key(name)
    }

    /// The number of hosts.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// True when there is no host.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The names of all hosts in inventory order: by groups from `all` down, in each as it is written.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.members(ALL).iter().map(|host| self.host_name(*host)).collect()
    }

    /// The names of all groups in the order of their first mention, `all` and `ungrouped` first.
    pub fn groups(&self) -> Vec<Arc<str>> {
        self.groups.keys().cloned().collect()
    }

    /// The hosts of a group and of those below it, in inventory order. None for an unknown group.
    pub fn group_hosts(&self, group: &str) -> Option<Vec<Arc<str>>> {
        let index = self.groups.get_index_of(group)?;
        Some(self.members(index).iter().map(|host| self.host_name(*host)).collect())
    }

    /// A group's own variables with those of its `group_vars` files. None for an unknown group.
    pub fn group_vars(&self, group: &str) -> Option<Map<String, Value>> {
        let index = self.groups.get_index_of(group)?;
        let mut vars = self.groups[index].vars.values().clone();
        for folder in self.vars_folders() {
            if let Some(layer) = folder.groups.get(group) {
                layer.overlay(&mut vars);
            }
        }
        Some(vars)
    }

    /// `all` and everything below it. A group with two parents stands below both.
    pub fn group_tree(&self) -> GroupTree {
        self.tree(ALL)
    }

    fn tree(&self, index: GroupIndex) -> GroupTree {
        let group = &self.groups[index];
        let children = group.children.iter().map(|child| self.tree(*child)).collect();
        let hosts = group.hosts.iter().map(|host| self.host_name(*host)).collect();
        GroupTree { name: self.group_name(index), children, hosts }
    }

    /// Says whether `add_host` made the host under a plan, so that it does not exist yet.
    pub fn is_planned(&self, host: &str) -> bool {
        self.hosts.get(host).is_some_and(|host| host.planned)
    }

    /// The hosts of a group and of those below it.
    pub(super) fn members(&self, group: GroupIndex) -> Arc<IndexSet<HostIndex>> {
        let members = self.groups[group].members.get_or_init(|| {
            let mut below = IndexSet::from([group]);
            let mut next = 0;
            while let Some(&group) = below.get_index(next) {
                below.extend(self.groups[group].children.iter().copied());
                next += 1;
            }
            Arc::new(below.iter().flat_map(|group| self.groups[*group].hosts.iter().copied()).collect())
        });
        Arc::clone(members)
    }

    fn merge(&self, index: HostIndex) -> HostInfo {
        let name = self.host_name(index);
        let groups = self.groups_of(index);
        let names = groups.iter().map(|group| self.group_name(*group).to_string()).collect();
        let mut vars = Map::new();
        for layer in self.layers(&name) {
            layer.vars.overlay(&mut vars);
        }
        let target = target::target(&name, &vars, &self.hosts[index].host_keys);
        HostInfo { name: name.to_string(), groups: names, vars, target }
    }

    /// The groups that a host is in, its own first, then theirs; without `all`.
    pub(super) fn groups_of(&self, host: HostIndex) -> IndexSet<GroupIndex> {
        let own = self.hosts[host].groups.iter().copied().filter(|group| *group != ALL);
        let mut groups = self.ancestors(own);
        groups.shift_remove(&ALL);
        groups
    }

    pub(super) fn vars_folders(&self) -> impl Iterator<Item = &VarsFolder> {
        self.beside_inventory.iter().chain(&self.beside_runbook)
    }

    fn implicit(&self, name: &str) -> HostInfo {
        let mut vars = Map::new();
        for layer in self.layers(name) {
            layer.vars.overlay(&mut vars);
        }
        // Whatever the variables of `all` say of other hosts, this one is the controller.
        vars.insert("ansible_connection".into(), "local".into());
        let mut target = target::target(name, &vars, &[]);
        target.connection = "local".to_owned();
        HostInfo { name: name.to_owned(), groups: Vec::new(), vars, target }
    }
}
