//! From what a task says of its hosts and items to the names of its nodes.

use std::collections::HashSet;
use std::sync::Arc;

use indexmap::IndexSet;
use oneex_sdk::ErrorKind;
use serde_json::Value;

use super::Failure;
use crate::inventory::{HostSet, Inventory};

/// Each once, in inventory order; what the inventory does not list (`localhost`) comes last.
pub(super) fn in_order(inventory: &Inventory, names: Vec<Arc<str>>) -> Vec<Arc<str>> {
    let mut left: IndexSet<Arc<str>> = names.into_iter().collect();
    let mut ordered: Vec<Arc<str>> = Vec::with_capacity(left.len());
    if left.len() > 1 {
        ordered.extend(inventory.names().into_iter().filter(|name| left.contains(name)));
        ordered.iter().for_each(|name| {
            left.swap_remove(name);
        });
    }
    ordered.extend(left);
    ordered
}

/// The hosts of a set. A pattern may match nothing; a host by its name must be there.
pub(super) fn hosts_in(inventory: &Inventory, set: &HostSet) -> Result<Vec<Arc<str>>, Box<Failure>> {
    match unknown_host(inventory, set) {
        Some(name) => Err(no_host(inventory, &name)),
        None => Ok(set.resolve(inventory)),
    }
}

fn unknown_host(inventory: &Inventory, set: &HostSet) -> Option<Arc<str>> {
    match set {
        HostSet::Names(names) => names.iter().find(|name| !is_known(inventory, name)).cloned(),
        HostSet::Union(one, other) | HostSet::Intersection(one, other) | HostSet::Difference(one, other) => {
            unknown_host(inventory, one).or_else(|| unknown_host(inventory, other))
        }
        HostSet::Pattern(_) => None,
    }
}

/// The controller is known though no inventory names it.
fn is_known(inventory: &Inventory, name: &str) -> bool {
    inventory.contains(name) || inventory.host(name).is_some()
}

fn no_host(inventory: &Inventory, name: &str) -> Box<Failure> {
    let hint = match inventory.nearest_name(name) {
        Some(right) => format!("did you mean `{right}`?"),
        None => "`add_host` makes one during the run".to_owned(),
    };
    Box::new(Failure { hints: vec![hint], ..*invalid(format!("there is no host `{name}`")) })
}

/// The hosts that a closure of `.on` returned.
pub(super) fn hosts_of(inventory: &Inventory, returned: Value) -> Result<Vec<Arc<str>>, Box<Failure>> {
    if !matches!(returned, Value::Array(_) | Value::String(_)) {
        return Err(invalid("the closure of `.on` did not return hosts"));
    }
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut open = vec![returned];
    while let Some(value) = open.pop() {
        match value {
            // A set is an array of its hosts by now, also within an array.
            Value::Array(list) => open.extend(list),
            Value::String(name) if is_known(inventory, &name) => names.push(name.into()),
            Value::String(name) => return Err(no_host(inventory, &name)),
            other => {
                return Err(invalid(format!("the closure of `.on` returned `{other}`, which is no host")));
            }
        }
    }
    Ok(in_order(inventory, names))
}

/// The items that a closure of `.each` returned.
pub(super) fn items_of(returned: Value) -> Result<Vec<Value>, Box<Failure>> {
    match returned {
        Value::Array(list) => Ok(list),
        _ => Err(invalid("the closure of `.each` did not return an array")),
    }
}

/// The items of a task with the names that people see.
#[derive(Debug)]
pub(super) struct Items {
    /// One for each item; no two are the same.
    pub(super) names: Vec<Arc<str>>,
    /// The items themselves.
    pub(super) values: Vec<Value>,
}

impl Items {
    /// Names the items: a map by its `name`, a text, number or bool by itself, another by its index.
    pub(super) fn new(values: Vec<Value>) -> Result<Self, Box<Failure>> {
        let names: Vec<Arc<str>> =
            values.iter().enumerate().map(|(index, value)| name_of(index, value)).collect();
        let mut seen = HashSet::with_capacity(names.len());
        match names.iter().find(|name| !seen.insert(Arc::clone(name))) {
            Some(twice) => Err(Box::new(Failure {
                hints: vec!["give each item a `name` of its own".to_owned()],
                ..*invalid(format!("two items of `.each` are named `{twice}`"))
            })),
            None => Ok(Self { names, values }),
        }
    }
}

fn name_of(index: usize, value: &Value) -> Arc<str> {
    match value {
        Value::Object(map) => match map.get("name") {
            Some(Value::String(name)) => name.as_str().into(),
            _ => index.to_string().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Number(_) | Value::Bool(_) => value.to_string().into(),
        Value::Array(_) | Value::Null => index.to_string().into(),
    }
}

fn invalid(message: impl Into<String>) -> Box<Failure> {
    Box::new(Failure::new(ErrorKind::Invalid, message))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::{Items, hosts_in, hosts_of, in_order, items_of};
    use crate::inventory::{HostSet, Inventory};

    fn three() -> Inventory {
        crate::run::scenario::inventory("a,b,c")
    }

    #[test]
    fn items_are_shown_by_name_by_text_or_by_index() {
        let items =
            Items::new(vec![json!({"name": "vm1"}), json!("b"), json!(30), json!({"x": 1}), json!([1])]);
        let names: Vec<String> = items.expect("five names").names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["vm1", "b", "30", "3", "4"]);
    }

    #[test]
    fn two_items_of_one_name_are_refused() {
        let failure = Items::new(vec![json!({"name": "x"}), json!({"name": "x"})]).expect_err("twice");
        assert_eq!(failure.message, "two items of `.each` are named `x`");
    }

    #[test]
    fn hosts_of_a_closure_are_put_in_order_and_taken_once() {
        let hosts = hosts_of(&three(), json!(["c", "a", "c"])).expect("known");
        assert_eq!(hosts, ["a", "c"].map(Arc::from));
        assert_eq!(hosts_of(&three(), json!("b")).expect("known"), ["b"].map(Arc::from));
        assert_eq!(
            in_order(&three(), vec!["x".into(), "b".into(), "a".into()]),
            ["a", "b", "x"].map(Arc::from)
        );
    }

    #[test]
    fn a_host_by_name_must_be_there_and_a_pattern_may_match_nothing() {
        let set = |text: &str| HostSet::pattern(text).expect("a pattern");
        assert_eq!(hosts_in(&three(), &(set("b*") + set("none"))).expect("known"), ["b"].map(Arc::from));
        let failure = hosts_in(&three(), &(set("a") + HostSet::host("web1"))).expect_err("unknown");
        assert_eq!(failure.message, "there is no host `web1`");
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for (returned, message) in [
            (json!(["a", "web1"]), "there is no host `web1`"),
            (json!([1]), "the closure of `.on` returned `1`, which is no host"),
            (json!({}), "the closure of `.on` did not return hosts"),
        ] {
            assert_eq!(hosts_of(&three(), returned).expect_err("no host").message, message);
        }
        assert!(items_of(json!("a")).is_err());
    }
}
