//! Hosts, groups, their variables, and the patterns that choose among them.

use std::sync::Arc;

use oneex_sdk::HostInfo;

/// Hosts and groups with their variables.
#[derive(Debug, Clone, Default)]
pub struct Inventory {}

impl Inventory {
    /// A host with its merged variables and its connection.
    pub fn host(&self, name: &str) -> Option<Arc<HostInfo>> {
        let _ = name;
        None
    }
}

/// A lazy set of hosts: resolved against the inventory as it is when it is needed.
#[derive(Debug, Clone, PartialEq)]
pub enum HostSet {
    /// Hosts by name, in this order.
    Names(Vec<Arc<str>>),
}

impl HostSet {
    /// The hosts that the set holds now, in inventory order.
    pub fn resolve(&self, inventory: &Inventory) -> Vec<Arc<str>> {
        let _ = inventory;
        Vec::new()
    }
}
