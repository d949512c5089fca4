//! Hosts that a run makes.

use std::sync::{Arc, OnceLock};

use oneex_sdk::HostInfo;
use serde_json::{Map, Value};

use super::connection::{self, ConnectionError};
use super::data::{ALL, Inventory};

/// A host that a task made.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct NewHost {
    /// The name in the inventory.
    pub name: String,
    /// Address or name to connect to; the name when left out.
    pub address: Option<String>,
    /// Port; the connector's default when left out.
    pub port: Option<u16>,
    /// User; the connector's default when left out.
    pub user: Option<String>,
    /// Groups that it is put into, made where there are none.
    pub groups: Vec<String>,
    /// Variables of its own.
    pub vars: Map<String, Value>,
    /// Its host keys, each `TYPE BASE64`.
    pub host_keys: Vec<String>,
    /// The connector's name; `ssh` when left out.
    pub connection: Option<String>,
    /// Made under a plan: it does not exist yet.
    pub planned: bool,
}

/// Why a host cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddHostError {
    /// No name, or one that no pattern could choose.
    #[error("`{0}` cannot name a host: a name is not empty and has no space, comma or control character")]
    Name(String),
    /// No name, or one that no pattern could choose.
    #[error(
        "`{0}` cannot name a group: a name is not empty and has no space, comma, colon or control character"
    )]
    Group(String),
    /// Not `TYPE BASE64`.
    #[error("`{0}` is no host key: a host key is `TYPE BASE64`")]
    HostKey(String),
    /// A connection variable that is no good.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}

impl Inventory {
    /// Adds a host, or adds to one: groups and host keys are joined, variables replaced one by one.
    ///
    /// Returns the host, and whether anything about it is new. Its groups' variables and its files in
    /// `host_vars` apply as to any host.
    pub fn add_host(&mut self, new: NewHost) -> Result<(Arc<HostInfo>, bool), AddHostError> {
        check(&new)?;
        let is_new = !self.hosts.contains_key(new.name.as_str()) && !self.is_implicit(&new.name);
        let (mut changed, mut regrouped) = (is_new, is_new);
        let index = self.host_index(&new.name);
        for name in new.groups.iter().filter(|name| *name != "all") {
            let group = self.group_index(name);
            if self.groups[group].parents.is_empty() {
                self.add_to_all(group);
            }
            regrouped |= self.put(index, group);
        }
        self.settle_host(index);
        if regrouped {
            self.forget_members();
            changed = true;
        }
        let connection = [
            ("ansible_host", new.address.map(Value::from)),
            ("ansible_port", new.port.map(Value::from)),
            ("ansible_user", new.user.map(Value::from)),
            ("ansible_connection", new.connection.map(Value::from)),
        ];
        let given = connection.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let host = &mut self.hosts[index];
        for (name, value) in given.chain(new.vars) {
            changed |= host.vars.values().get(&name) != Some(&value);
            host.vars.insert(&name, value);
        }
        for key in new.host_keys {
            if !host.host_keys.contains(&key) {
                host.host_keys.push(key);
                changed = true;
            }
        }
        // A host that is there already does not become one that is to be made.
        let planned = new.planned && (is_new || host.planned);
        changed |= host.planned != planned;
        host.planned = planned;
        host.info = OnceLock::new();
        let info = self.host(&new.name).ok_or(AddHostError::Name(new.name))?;
        Ok((info, changed))
    }

    fn add_to_all(&mut self, group: usize) {
        if group != ALL {
            self.groups[ALL].children.insert(group);
            self.groups[group].parents.insert(ALL);
            self.groups[group].depth = 1;
        }
    }
}

fn check(new: &NewHost) -> Result<(), AddHostError> {
    let bad = |name: &str| {
        name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',')
    };
    if bad(&new.name) || new.name.starts_with(['!', '&', '~', '-']) {
        return Err(AddHostError::Name(new.name.clone()));
    }
    if let Some(group) = new.groups.iter().find(|group| bad(group) || group.contains(':')) {
        return Err(AddHostError::Group(group.clone()));
    }
    let owner = format!("host `{}`", new.name);
    new.vars.iter().try_for_each(|(name, value)| connection::check(&owner, name, value))?;
    let is_key = |key: &str| key.split_whitespace().count() >= 2 && !key.contains(['\n', '\r']);
    match new.host_keys.iter().find(|key| !is_key(key)) {
        Some(key) => Err(AddHostError::HostKey(key.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{AddHostError, NewHost};
    use crate::inventory::{HostSet, Inventory};

    fn new(name: &str, groups: &[&str]) -> NewHost {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        NewHost { name: name.to_owned(), groups, ..NewHost::default() }
    }

    #[test]
    fn a_new_host_is_found_by_its_groups() {
        let mut inventory = Inventory::default();
        let host =
            NewHost { address: Some("10.0.0.7".into()), user: Some("ops".into()), ..new("k1", &["k8s"]) };
        let (info, changed) = inventory.add_host(host.clone()).expect("a host");
        assert!(changed);
        assert_eq!(info.groups, ["k8s"]);
        assert_eq!(info.target.address.as_deref(), Some("10.0.0.7"));
        assert_eq!(info.target.user.as_deref(), Some("ops"));
        let names = |pattern: &str| HostSet::pattern(pattern).expect("a pattern").resolve(&inventory);
        assert_eq!(names("k8s"), ["k1".into()]);
        assert_eq!(names("all"), ["k1".into()]);
        assert_eq!(names("ungrouped"), []);
        assert!(!inventory.clone().add_host(host).expect("a host").1, "the same again is no change");
    }

    #[test]
    fn adding_again_joins() {
        let mut inventory = Inventory::default();
        inventory.add_host(NewHost { planned: true, ..new("a", &[]) }).expect("a host");
        assert_eq!(inventory.host("a").expect("a host").groups, ["ungrouped"]);
        let vars = json!({"x": 1}).as_object().cloned().expect("a map");
        let again =
            NewHost { vars, host_keys: vec!["ssh-ed25519 AAAA".into()], planned: true, ..new("a", &["g"]) };
        let (info, changed) = inventory.add_host(again).expect("a host");
        assert!(changed && inventory.is_planned("a"));
        assert_eq!((info.groups.clone(), json!(info.vars)), (vec!["g".to_owned()], json!({"x": 1})));
        assert_eq!(info.target.host_keys, ["ssh-ed25519 AAAA"]);
        let (_, changed) = inventory.add_host(new("a", &["g"])).expect("a host");
        assert!(changed && !inventory.is_planned("a"), "it exists now");
    }

    #[test]
    fn a_plan_does_not_take_away_what_is_there() {
        let mut inventory = Inventory::default();
        inventory.add_host(new("here", &[])).expect("a host");
        for name in ["here", "localhost"] {
            let again = NewHost { planned: true, ..new(name, &["g"]) };
            assert!(inventory.add_host(again).expect("a host").1, "it is in a further group");
            assert!(!inventory.is_planned(name), "{name}");
        }
    }

    #[test]
    fn bad_names_are_refused() {
        let mut inventory = Inventory::default();
        assert_eq!(inventory.add_host(new("a b", &[])).map(|_| ()), Err(AddHostError::Name("a b".into())));
        assert_eq!(inventory.add_host(new("", &[])).map(|_| ()), Err(AddHostError::Name(String::new())));
        assert_eq!(
            inventory.add_host(new("a", &["x:y"])).map(|_| ()),
            Err(AddHostError::Group("x:y".into()))
        );
        let keys = NewHost { host_keys: vec!["AAAA".into()], ..new("a", &[]) };
        assert_eq!(inventory.add_host(keys).map(|_| ()), Err(AddHostError::HostKey("AAAA".into())));
        assert!(inventory.is_empty());
    }

    #[test]
    fn ten_thousand_hosts_are_added_quickly() {
        let mut inventory = Inventory::default();
        for number in 0..10_000 {
            inventory.add_host(new(&format!("n{number}"), &["g"])).expect("a host");
        }
        assert_eq!(HostSet::pattern("g[-1]").expect("a pattern").resolve(&inventory), ["n9999".into()]);
    }
}
