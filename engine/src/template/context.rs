//! What a template sees.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use minijinja::Value as Shown;
use minijinja::value::{Enumerator, Object, Serde};
use oneex_sdk::{HostInfo, Map, Value};

use crate::inventory::Inventory;

/// The names that a template sees, with their values.
#[derive(Debug, Clone)]
pub struct TemplateContext {
    shown: Shown,
}

impl From<Value> for TemplateContext {
    /// The entries of a map; anything else gives no names.
    fn from(value: Value) -> Self {
        let map = if value.is_object() { shown(&value) } else { shown(&Value::Object(Map::new())) };
        Self { shown: map }
    }
}

impl From<&Map<String, Value>> for TemplateContext {
    fn from(map: &Map<String, Value>) -> Self {
        Self { shown: Shown::from(Serde(map)) }
    }
}

impl TemplateContext {
    pub(super) fn host(
        inventory: &Arc<RwLock<Inventory>>,
        host: &Arc<HostInfo>,
        facts: &Arc<Value>,
        vars: &Map<String, Value>,
    ) -> Self {
        let names = HostNames {
            inventory: Arc::clone(inventory),
            host: Arc::clone(host),
            facts: Arc::clone(facts),
            vars: vars.clone(),
        };
        Self { shown: Shown::from_object(names) }
    }

    pub(super) fn value(&self) -> Shown {
        self.shown.clone()
    }

    /// The names at the top.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.shown.try_iter().into_iter().flatten();
        names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }
}

/// The names of a host: what the call gave, what every host has, and its variables.
#[derive(Debug)]
struct HostNames {
    inventory: Arc<RwLock<Inventory>>,
    host: Arc<HostInfo>,
    facts: Arc<Value>,
    vars: Map<String, Value>,
}

const MAGIC: [&str; 7] = [
    "inventory_hostname",
    "inventory_hostname_short",
    "group_names",
    "groups",
    "hostvars",
    "facts",
    "ansible_facts",
];

impl Object for HostNames {
    fn get_value(self: &Arc<Self>, key: &Shown) -> Option<Shown> {
        let name = key.as_str()?;
        if let Some(value) = self.vars.get(name) {
            return Some(shown(value));
        }
        match name {
            "groups" => Some(Shown::from_object(Groups(Arc::clone(&self.inventory)))),
            "hostvars" => Some(Shown::from_object(HostVars(Arc::clone(&self.inventory)))),
            "facts" | "ansible_facts" => Some(shown(&self.facts)),
            _ => magic(&self.host, name).or_else(|| self.host.vars.get(name).map(shown)),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names: BTreeSet<&str> =
            self.vars.keys().chain(self.host.vars.keys()).map(String::as_str).chain(MAGIC).collect();
        Enumerator::Values(names.into_iter().map(Shown::from).collect())
    }
}

/// Plain data as the template engine holds it.
fn shown(value: &Value) -> Shown {
    Shown::from(Serde(value))
}

/// What every host has beside its variables.
fn magic(host: &HostInfo, name: &str) -> Option<Shown> {
    match name {
        "inventory_hostname" => Some(Shown::from(host.name.as_str())),
        "inventory_hostname_short" => Some(Shown::from(host.name.split('.').next().unwrap_or_default())),
        "group_names" => {
            let mut groups = host.groups.clone();
            groups.sort();
            Some(Shown::from(groups))
        }
        _ => None,
    }
}

/// The groups of the inventory with the names of their hosts, as they are when asked.
#[derive(Debug)]
struct Groups(Arc<RwLock<Inventory>>);

impl Object for Groups {
    fn get_value(self: &Arc<Self>, key: &Shown) -> Option<Shown> {
        let inventory = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let hosts = inventory.group_hosts(key.as_str()?)?;
        Some(hosts.iter().map(|host| Shown::from(&**host)).collect())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let inventory = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Enumerator::Values(inventory.groups().iter().map(|group| Shown::from(&**group)).collect())
    }
}

/// The hosts of the inventory with their variables, as they are when asked.
#[derive(Debug)]
struct HostVars(Arc<RwLock<Inventory>>);

impl Object for HostVars {
    fn get_value(self: &Arc<Self>, key: &Shown) -> Option<Shown> {
        let inventory = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let host = inventory.host(key.as_str()?)?;
        let magic = ["inventory_hostname", "inventory_hostname_short", "group_names"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), magic(&host, name)?)));
        let vars = host.vars.iter().map(|(name, value)| (name.clone(), shown(value)));
        Some(Shown::from_pairs(vars.chain(magic)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let inventory = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Enumerator::Values(inventory.names().iter().map(|host| Shown::from(&**host)).collect())
    }
}
