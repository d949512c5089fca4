//! The variables of one host or group, as one place gives them.

use serde_json::{Map, Value};

use std::collections::HashMap;

use crate::diag::Position;
use crate::template::is_template;

/// Variables, and where those stand that are templates: their mistakes show only when they are rendered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Vars {
    values: Map<String, Value>,
    places: HashMap<String, Position>,
}

impl Vars {
    /// Sets a variable. `place` is asked for templates alone.
    pub(super) fn set(&mut self, name: &str, value: Value, place: impl FnOnce() -> Position) {
        if is_template(&value) {
            self.places.insert(name.to_owned(), place());
        } else {
            self.places.remove(name);
        }
        self.values.insert(name.to_owned(), value);
    }

    /// Sets a variable that no file gives.
    pub(super) fn insert(&mut self, name: &str, value: Value) {
        self.places.remove(name);
        self.values.insert(name.to_owned(), value);
    }

    /// All of them.
    pub(super) fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// Where a template stands.
    pub(super) fn place(&self, name: &str) -> Option<&Position> {
        self.places.get(name)
    }

    /// Puts these over `vars`.
    pub(super) fn overlay(&self, vars: &mut Map<String, Value>) {
        vars.extend(self.values.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}
