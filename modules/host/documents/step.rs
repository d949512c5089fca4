//! Where in a document of maps and arrays a value is.

use oneex_sdk::{OpError, OpResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place in a document: names and positions from the outside in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a string with dots, or an array of names and positions")]
pub(crate) enum Key {
    /// Names with dots between them; a name of digits is a position where an array is.
    Dotted(String),
    /// Names, which may hold dots, and positions.
    Steps(Vec<Step>),
}

/// One part of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a name, or a position from 0 on")]
pub(crate) enum Step {
    /// The position in an array, from 0; its length is the place of a new item.
    Index(usize),
    /// The name in a map.
    Name(String),
}

impl Key {
    /// The parts; at least one.
    pub(crate) fn steps(&self) -> OpResult<Vec<Step>> {
        let steps: Vec<Step> = match self {
            Self::Dotted(text) => text.split('.').map(|name| Step::Name(name.to_owned())).collect(),
            Self::Steps(steps) => steps.clone(),
        };
        let is_empty = matches!(self, Self::Dotted(_)) && steps.contains(&Step::Name(String::new()));
        if steps.is_empty() || is_empty {
            return Err(OpError::invalid("`key` has an empty part")
                .hint("write for example `\"server.port\"` or `[\"server\", \"port\"]`"));
        }
        Ok(steps)
    }
}

impl Step {
    /// The position that it is in an array; a name of digits is one, as dotted keys have no other way to say it.
    pub(crate) fn position(&self) -> Option<usize> {
        match self {
            Self::Index(at) => Some(*at),
            Self::Name(name) => {
                let is_number =
                    name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
                if is_number { name.parse().ok() } else { None }
            }
        }
    }

    /// The name that it is in a map; a position is none.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Index(_) => None,
            Self::Name(name) => Some(name),
        }
    }
}

/// The place as people read it.
pub(crate) fn shown(steps: &[Step]) -> String {
    let parts = steps.iter().map(|step| match step {
        Step::Index(at) => at.to_string(),
        Step::Name(name) => name.clone(),
    });
    parts.collect::<Vec<_>>().join(".")
}
