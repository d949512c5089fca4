//! Lazy sets of hosts.

use std::collections::HashSet;
use std::ops::{Add, BitAnd, Sub};
use std::sync::Arc;

use indexmap::IndexSet;
use oneex_sdk::nearest;

use super::data::Inventory;
use super::pattern::{Pattern, PatternError};

/// A lazy set of hosts: resolved against the inventory as it is when it is needed.
#[derive(Debug, Clone, PartialEq)]
pub enum HostSet {
    /// What a pattern chooses.
    Pattern(Arc<Pattern>),
    /// Hosts by name, in this order.
    Names(Vec<Arc<str>>),
    /// The hosts of the first, then those of the second that are not in it.
    Union(Arc<HostSet>, Arc<HostSet>),
    /// The hosts of the first that are in the second too.
    Intersection(Arc<HostSet>, Arc<HostSet>),
    /// The hosts of the first that are not in the second.
    Difference(Arc<HostSet>, Arc<HostSet>),
}

impl HostSet {
    /// The hosts that a pattern of Ansible's chooses: `web:&prod:!web3`, `db[0:2]`, `~re`, `web*`.
    pub fn pattern(text: &str) -> Result<Self, PatternError> {
        Pattern::parse(text).map(|pattern| Self::Pattern(Arc::new(pattern)))
    }

    /// One host.
    pub fn host(name: &str) -> Self {
        Self::Names(vec![name.into()])
    }

    /// The hosts that the set holds now, each once, in the order in which Ansible has them. Names that
    /// the inventory does not know are left out.
    pub fn resolve(&self, inventory: &Inventory) -> Vec<Arc<str>> {
        self.names(inventory).into_iter().collect()
    }

    fn names(&self, inventory: &Inventory) -> IndexSet<Arc<str>> {
        match self {
            Self::Pattern(pattern) => pattern.resolve(inventory),
            Self::Names(names) => {
                let known = |name: &&Arc<str>| inventory.contains(name) || inventory.is_implicit(name);
                names.iter().filter(known).cloned().collect()
            }
            Self::Union(one, other) => {
                let mut names = one.names(inventory);
                names.extend(other.names(inventory));
                names
            }
            Self::Intersection(one, other) => {
                let other = other.names(inventory);
                one.names(inventory).into_iter().filter(|name| other.contains(name)).collect()
            }
            Self::Difference(one, other) => {
                let other = other.names(inventory);
                one.names(inventory).into_iter().filter(|name| !other.contains(name)).collect()
            }
        }
    }

    /// The names and the parts of patterns that match nothing now, each once.
    pub fn unknown_names(&self, inventory: &Inventory) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_unknown(inventory, &mut found);
        let mut seen = HashSet::new();
        found.retain(|name| seen.insert(name.clone()));
        found
    }

    fn collect_unknown(&self, inventory: &Inventory, found: &mut Vec<String>) {
        match self {
            Self::Pattern(pattern) => found.extend(pattern.unknown(inventory)),
            Self::Names(names) => {
                let unknown = |name: &&Arc<str>| !inventory.contains(name) && !inventory.is_implicit(name);
                found.extend(names.iter().filter(unknown).map(|name| name.to_string()));
            }
            Self::Union(one, other) | Self::Intersection(one, other) | Self::Difference(one, other) => {
                one.collect_unknown(inventory, found);
                other.collect_unknown(inventory, found);
            }
        }
    }
}

impl Inventory {
    /// The group or host whose name is most like `name`.
    pub fn nearest_name(&self, name: &str) -> Option<&str> {
        nearest(name, self.groups.keys().chain(self.hosts.keys()).map(|name| &**name))
    }
}

impl Add for HostSet {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::Union(Arc::new(self), Arc::new(other))
    }
}

impl BitAnd for HostSet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::Intersection(Arc::new(self), Arc::new(other))
    }
}

impl Sub for HostSet {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::Difference(Arc::new(self), Arc::new(other))
    }
}

impl std::fmt::Display for HostSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pattern(pattern) => pattern.fmt(f),
            Self::Names(names) => f.write_str(&names.join(",")),
            Self::Union(one, other) => write!(f, "({one} + {other})"),
            Self::Intersection(one, other) => write!(f, "({one} & {other})"),
            Self::Difference(one, other) => write!(f, "({one} - {other})"),
        }
    }
}
