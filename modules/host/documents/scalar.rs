//! Values that a file without types holds as text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text, a number or a truth value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a string, a number, or true or false")]
pub(crate) enum Scalar {
    /// Taken as it is.
    Text(String),
    /// `true` or `false`.
    Truth(bool),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f64),
}

impl Scalar {
    /// The text that stands for it in the file.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Truth(truth) => truth.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
        }
    }
}
