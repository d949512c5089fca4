//! The variables of one host or group, as one place gives them.

use serde_json::{Map, Value};

use std::collections::HashMap;

use crate::diag::Position;

/// Variables, and where they stand: a mistake of a template shows only when it is rendered.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Vars {
    values: Map<String, Value>,
    places: HashMap<String, Position>,
}

impl Vars {
    /// Sets a variable that stands at `place`.
    pub(super) fn set(&mut self, name: &str, value: Value, place: Position) {
        self.places.insert(name.to_owned(), place);
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

    /// Where a variable stands; nothing where no file gives it.
    pub(super) fn place(&self, name: &str) -> Option<&Position> {
        self.places.get(name)
    }

    /// Puts these over `vars`.
    pub(super) fn overlay(&self, vars: &mut Map<String, Value>) {
        vars.extend(self.values.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}
