//! A YAML node with its place.

use serde_json::{Map, Value};

use crate::template;

/// A place in the text, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line.
    pub(crate) line: u32,
    /// The column in characters.
    pub(crate) column: u32,
}

/// Why a text is not YAML as Ansible reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct YamlError {
    /// A lower-case fragment.
    pub(crate) message: String,
    /// Where.
    pub(crate) place: Place,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl YamlError {
    /// An error without a hint.
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { message: message.into(), place, hint: None }
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// The key as it is written; a key that is not a string keeps its spelling.
    pub(crate) name: String,
    /// Where it stands.
    pub(crate) place: Place,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// A scalar: null, bool, number or string.
    Scalar(Value),
    /// A text that is no template, whatever it looks like: `!unsafe`.
    Unsafe(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order written.
    Map(Vec<(Key, Node)>),
}

/// A node with its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// What it holds.
    pub(crate) data: Data,
    /// Where it begins.
    pub(crate) place: Place,
}

impl Node {
    /// The node as plain data.
    pub(crate) fn into_value(self) -> Value {
        match self.data {
            Data::Scalar(value) => value,
            Data::Unsafe(text) => Value::String(text),
            Data::List(items) => items.into_iter().map(Self::into_value).collect(),
            Data::Map(entries) => Value::Object(
                entries.into_iter().map(|(key, node)| (key.name, node.into_value())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// The node as the value of a variable, which is rendered when it is asked for.
    pub(crate) fn into_variable(self) -> Value {
        match self.data {
            Data::Unsafe(text) => template::literal(text),
            Data::List(items) => items.into_iter().map(Self::into_variable).collect(),
            Data::Map(entries) => Value::Object(
                entries
                    .into_iter()
                    .map(|(key, node)| (key.name, node.into_variable()))
                    .collect::<Map<_, _>>(),
            ),
            Data::Scalar(value) => value,
        }
    }

    /// The node with every text in it marked as no template.
    pub(crate) fn distrusted(self) -> Self {
        let data = match self.data {
            Data::Scalar(Value::String(text)) => Data::Unsafe(text),
            Data::List(items) => Data::List(items.into_iter().map(Self::distrusted).collect()),
            Data::Map(entries) => {
                Data::Map(entries.into_iter().map(|(key, node)| (key, node.distrusted())).collect())
            }
            data => data,
        };
        Self { data, place: self.place }
    }

    /// True for null, and for what an empty file holds.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.data, Data::Scalar(Value::Null))
    }

    /// What kind of thing it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.data {
            Data::Scalar(Value::Null) => "nothing",
            Data::Scalar(Value::Bool(_)) => "a bool",
            Data::Scalar(Value::Number(_)) => "a number",
            Data::Scalar(_) | Data::Unsafe(_) => "a string",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
        }
    }
}
