//! What an operation gives back.

use crate::{Map, Value};

/// The fields of an operation's result, besides `changed` and `diff`, which the engine adds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// The result's own fields, as a script reads them.
    pub fields: Map<String, Value>,
    /// Overrides `changed` where only the operation knows: an `exec` that was skipped by `creates`.
    pub changed: Option<bool>,
}

impl Output {
    /// No fields of its own.
    pub fn none() -> Self {
        Self::default()
    }

    /// Takes the fields of a serialisable struct or map; anything else becomes the field `value`.
    pub fn from_fields(value: &impl serde::Serialize) -> Self {
        let fields = match serde_json::to_value(value) {
            Ok(Value::Object(fields)) => fields,
            Ok(other) => Map::from_iter([("value".to_owned(), other)]),
            Err(error) => Map::from_iter([("error".to_owned(), Value::String(error.to_string()))]),
        };
        Self { fields, changed: None }
    }

    /// Adds one field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Overrides whether something changed.
    #[must_use]
    pub fn changed(mut self, changed: bool) -> Self {
        self.changed = Some(changed);
        self
    }
}
