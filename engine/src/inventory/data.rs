//! What an inventory holds, and how it is filled.

use std::sync::{Arc, OnceLock};

use indexmap::{IndexMap, IndexSet};
use oneex_sdk::HostInfo;
use serde_json::Value;

use super::vars::Vars;
use super::vars_folder::VarsFolder;
use crate::diag::Position;

/// A host's index in [`Inventory::hosts`].
pub(super) type HostIndex = usize;
/// A group's index in [`Inventory::groups`].
pub(super) type GroupIndex = usize;

/// The index of the group that holds every host.
pub(super) const ALL: GroupIndex = 0;
/// The index of the group of the hosts that are in no other.
pub(super) const UNGROUPED: GroupIndex = 1;

/// Hosts and groups with their variables.
///
/// Grows by [`Inventory::add_host`] while a run goes on; nothing is ever removed.
#[derive(Debug, Clone)]
pub struct Inventory {
    pub(super) hosts: IndexMap<Arc<str>, Host>,
    pub(super) groups: IndexMap<Arc<str>, Group>,
    /// `group_vars` and `host_vars` beside the inventory's sources, in their order.
    pub(super) beside_inventory: Vec<VarsFolder>,
    /// Those beside the runbook; they win over the ones beside the inventory.
    pub(super) beside_runbook: Vec<VarsFolder>,
    pub(super) localhost: OnceLock<Arc<HostInfo>>,
}

/// A host as the sources wrote it.
#[derive(Debug, Clone, Default)]
pub(super) struct Host {
    pub(super) vars: Vars,
    /// The groups that name it, in the order in which they do.
    pub(super) groups: IndexSet<GroupIndex>,
    pub(super) host_keys: Vec<String>,
    pub(super) planned: bool,
    /// The merged view; made when asked for.
    pub(super) info: OnceLock<Arc<HostInfo>>,
}

/// A group as the sources wrote it.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) vars: Vars,
    pub(super) priority: i64,
    pub(super) hosts: IndexSet<HostIndex>,
    pub(super) children: IndexSet<GroupIndex>,
    pub(super) parents: IndexSet<GroupIndex>,
    /// The length of the longest way from `all`.
    pub(super) depth: u32,
    /// Its hosts and those of the groups below; made when asked for.
    pub(super) members: OnceLock<Arc<IndexSet<HostIndex>>>,
}

/// A group would become its own descendant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{child}` cannot be a child of `{parent}`: `{parent}` is {}", if child == parent { "the same group" } else { "below it" })]
pub(super) struct CycleError {
    parent: String,
    child: String,
}

impl Default for Inventory {
    fn default() -> Self {
        let mut inventory = Self {
            hosts: IndexMap::new(),
            groups: IndexMap::new(),
            beside_inventory: Vec::new(),
            beside_runbook: Vec::new(),
            localhost: OnceLock::new(),
        };
        inventory.group_index("all");
        inventory.group_index("ungrouped");
        inventory.link(ALL, UNGROUPED);
        inventory
    }
}

impl Inventory {
    /// The group of that name, made where there is none.
    pub(super) fn group_index(&mut self, name: &str) -> GroupIndex {
        if let Some(index) = self.groups.get_index_of(name) {
            return index;
        }
        let group = Group { priority: 1, ..Group::default() };
        self.groups.insert_full(name.into(), group).0
    }

    /// The host of that name, made where there is none.
    pub(super) fn host_index(&mut self, name: &str) -> HostIndex {
        match self.hosts.get_index_of(name) {
            Some(index) => index,
            None => self.hosts.insert_full(name.into(), Host::default()).0,
        }
    }

    /// Puts a host into a group. Says whether it was not there.
    pub(super) fn put(&mut self, host: HostIndex, group: GroupIndex) -> bool {
        let new = self.groups[group].hosts.insert(host);
        self.hosts[host].groups.insert(group);
        new
    }

    /// Sets a variable of a group; `ansible_group_priority` becomes its priority.
    pub(super) fn set_group_var(&mut self, group: GroupIndex, name: &str, value: Value, place: Position) {
        let group = &mut self.groups[group];
        let priority = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match priority {
            Some(priority) if matches!(name, "ansible_group_priority" | "oneex_group_priority") => {
                group.priority = priority;
            }
            _ => {
                group.vars.set(name, value, place);
            }
        }
    }

    /// Puts a group below another.
    pub(super) fn add_child(&mut self, parent: GroupIndex, child: GroupIndex) -> Result<(), CycleError> {
        if self.groups[parent].children.contains(&child) {
            return Ok(());
        }
        if parent == child || self.ancestors([parent]).contains(&child) {
            let name = |index: GroupIndex| self.group_name(index).to_string();
            return Err(CycleError { parent: name(parent), child: name(child) });
        }
        self.link(parent, child);
        Ok(())
    }

    fn link(&mut self, parent: GroupIndex, child: GroupIndex) {
        self.groups[parent].children.insert(child);
        self.groups[child].parents.insert(parent);
    }

    pub(super) fn group_name(&self, index: GroupIndex) -> Arc<str> {
        self.groups.get_index(index).map_or_else(|| "".into(), |(name, _)| Arc::clone(name))
    }

    pub(super) fn host_name(&self, index: HostIndex) -> Arc<str> {
        self.hosts.get_index(index).map_or_else(|| "".into(), |(name, _)| Arc::clone(name))
    }

    /// These groups and all above them, the nearest first.
    pub(super) fn ancestors(&self, groups: impl IntoIterator<Item = GroupIndex>) -> IndexSet<GroupIndex> {
        let mut found: IndexSet<GroupIndex> = groups.into_iter().collect();
        let mut next = 0;
        while let Some(&group) = found.get_index(next) {
            found.extend(self.groups[group].parents.iter().copied());
            next += 1;
        }
        found
    }

    /// Restores what holds after every change: each group is below `all`, each host in `all` and, when in
    /// no other group, in `ungrouped`; depths are right; nothing cached is stale.
    pub(super) fn settle(&mut self) {
        for group in 2..self.groups.len() {
            if self.groups[group].parents.is_empty() {
                self.link(ALL, group);
            }
        }
        for host in 0..self.hosts.len() {
            self.settle_host(host);
        }
        self.settle_depths();
        self.forget_members();
        for host in self.hosts.values_mut() {
            host.info = OnceLock::new();
        }
        self.localhost = OnceLock::new();
    }

    /// Puts a host that is in no group of its own into `ungrouped`, and takes others out of it.
    pub(super) fn settle_host(&mut self, host: HostIndex) {
        let grouped = self.hosts[host].groups.iter().any(|group| *group > UNGROUPED);
        if grouped {
            if self.hosts[host].groups.shift_remove(&UNGROUPED) {
                self.groups[UNGROUPED].hosts.shift_remove(&host);
            }
        } else {
            self.put(host, UNGROUPED);
        }
    }

    /// Forgets who is in which group; asked again, it is found anew.
    pub(super) fn forget_members(&mut self) {
        for group in self.groups.values_mut() {
            group.members = OnceLock::new();
        }
    }

    /// Depths in one pass: a group is handled when all its parents are.
    fn settle_depths(&mut self) {
        let mut waiting: Vec<usize> = self.groups.values().map(|group| group.parents.len()).collect();
        let mut ready = vec![ALL];
        while let Some(group) = ready.pop() {
            let depth = self.groups[group].depth + 1;
            for child in self.groups[group].children.clone() {
                self.groups[child].depth = self.groups[child].depth.max(depth);
                waiting[child] -= 1;
                if waiting[child] == 0 {
                    ready.push(child);
                }
            }
        }
    }
}
