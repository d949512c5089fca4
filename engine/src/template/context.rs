//! What a template sees.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use minijinja::Value as Shown;
use minijinja::value::{Enumerator, Object, Serde};
use oneex_sdk::{HostInfo, Map, Value};

use super::variables::{self, Link, Shared, VariableError};
use crate::inventory::Inventory;

/// The names that a template sees, with their values.
#[derive(Debug, Clone)]
pub struct TemplateContext {
    shown: Shown,
    shared: Option<Arc<Shared>>,
}

impl From<Value> for TemplateContext {
    /// The entries of a map; anything else gives no names.
    fn from(value: Value) -> Self {
        let map = if value.is_object() { shown(&value) } else { shown(&Value::Object(Map::new())) };
        Self { shown: map, shared: None }
    }
}

impl From<&Map<String, Value>> for TemplateContext {
    fn from(map: &Map<String, Value>) -> Self {
        Self { shown: Shown::from(Serde(map)), shared: None }
    }
}

impl TemplateContext {
    pub(super) fn host(
        inventory: &Arc<RwLock<Inventory>>,
        host: &Arc<HostInfo>,
        facts: &Arc<Value>,
        vars: &Map<String, Value>,
    ) -> Self {
        let shared = Shared::new(inventory);
        let names = HostNames::new(Arc::clone(&shared), host, Some(facts), vars.clone());
        Self { shown: Shown::from_object(names), shared: Some(shared) }
    }

    pub(super) fn value(&self) -> Shown {
        self.shown.clone()
    }

    /// The names at the top.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.shown.try_iter().into_iter().flatten();
        names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }

    /// Why the variable that an expression ends in is not defined, though the inventory has it.
    pub(super) fn why_undefined(&self, expression: &str) -> Option<VariableError> {
        self.shared.as_ref()?.why_undefined(expression)
    }
}

/// The names of a host: what the call gave, what every host has, and its variables.
#[derive(Debug)]
pub(super) struct HostNames {
    pub(super) shared: Arc<Shared>,
    pub(super) host: Arc<HostInfo>,
    facts: Option<Arc<Value>>,
    vars: Arc<Map<String, Value>>,
    /// The variable that asks.
    pub(super) asked_by: Option<Arc<Link>>,
    /// Seen through `hostvars`: without the names that lead to other hosts.
    within: bool,
}

/// The names that every host has.
const MAGIC: [&str; 3] = ["inventory_hostname", "inventory_hostname_short", "group_names"];
/// The names that lead elsewhere.
const AROUND: [&str; 4] = ["groups", "hostvars", "facts", "ansible_facts"];

impl HostNames {
    /// The names of a host; `vars` come first.
    pub(super) fn new(
        shared: Arc<Shared>,
        host: &Arc<HostInfo>,
        facts: Option<&Arc<Value>>,
        vars: Map<String, Value>,
    ) -> Self {
        let (host, facts) = (Arc::clone(host), facts.cloned());
        Self { shared, host, facts, vars: Arc::new(vars), asked_by: None, within: false }
    }

    /// The same names for a variable that is being rendered.
    pub(super) fn asked_by(&self, link: Arc<Link>) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::clone(&self.shared),
            host: Arc::clone(&self.host),
            facts: self.facts.clone(),
            vars: Arc::clone(&self.vars),
            asked_by: Some(link),
            within: false,
        })
    }

    /// All names, sorted.
    pub(super) fn all(&self) -> BTreeSet<&str> {
        let around =
            AROUND.iter().filter(|name| !self.within && (self.facts.is_some() || !name.ends_with("facts")));
        let own = self.vars.keys().chain(self.host.vars.keys()).map(String::as_str);
        own.chain(MAGIC).chain(around.copied()).collect()
    }

    fn around(&self, name: &str) -> Option<Shown> {
        match name {
            _ if self.within => None,
            "groups" => Some(Shown::from_object(Groups(Arc::clone(&self.shared)))),
            "hostvars" => {
                let (shared, asked_by) = (Arc::clone(&self.shared), self.asked_by.clone());
                Some(Shown::from_object(HostVars { shared, asked_by }))
            }
            "facts" | "ansible_facts" => self.facts.as_deref().map(shown),
            _ => None,
        }
    }
}

impl Object for HostNames {
    fn get_value(self: &Arc<Self>, key: &Shown) -> Option<Shown> {
        let name = key.as_str()?;
        if let Some(value) = self.vars.get(name) {
            return Some(shown(value));
        }
        self.around(name).or_else(|| magic(&self.host, name)).or_else(|| {
            let value = self.host.vars.get(name)?;
            variables::variable(self, name, value)
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.all().into_iter().map(Shown::from).collect())
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
struct Groups(Arc<Shared>);

impl Object for Groups {
    fn get_value(self: &Arc<Self>, key: &Shown) -> Option<Shown> {
        let inventory = self.0.inventory.read().unwrap_or_else(PoisonError::into_inner);
        let hosts = inventory.group_hosts(key.as_str()?)?;
        Some(hosts.iter().map(|host| Shown::from(&**host)).collect())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let inventory = self.0.inventory.read().unwrap_or_else(PoisonError::into_inner);
        Enumerator::Values(inventory.groups().iter().map(|group| Shown::from(&**group)).collect())
    }
}

/// The hosts of the inventory with their variables, as they are when asked.
#[derive(Debug)]
struct HostVars {
    shared: Arc<Shared>,
    asked_by: Option<Arc<Link>>,
}

impl Object for HostVars {
    fn get_value(self: &Arc<Self>, key: &Shown) -> Option<Shown> {
        let host = {
            let inventory = self.shared.inventory.read().unwrap_or_else(PoisonError::into_inner);
            inventory.host(key.as_str()?)?
        };
        let names = HostNames::new(Arc::clone(&self.shared), &host, None, Map::new());
        Some(Shown::from_object(HostNames { asked_by: self.asked_by.clone(), within: true, ..names }))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let inventory = self.shared.inventory.read().unwrap_or_else(PoisonError::into_inner);
        Enumerator::Values(inventory.names().iter().map(|host| Shown::from(&**host)).collect())
    }
}
