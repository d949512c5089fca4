//! Options where one value or several are natural.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One text, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a string, or an array of strings")]
pub(crate) enum OneOrMany {
    /// One.
    One(String),
    /// Several; none where the option is left out.
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    /// All of them, in their order.
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};

    use super::OneOrMany;

    #[test]
    fn one_is_as_good_as_an_array_of_one() {
        for (value, expected) in [
            (json!("/srv"), Some(vec!["/srv"])),
            (json!(["/srv"]), Some(vec!["/srv"])),
            (json!(["/srv", "/opt"]), Some(vec!["/srv", "/opt"])),
            (json!([]), Some(vec![])),
            (json!("a,b"), Some(vec!["a,b"])),
            (json!(3), None),
            (json!(["/srv", 3]), None),
            (Value::Null, None),
        ] {
            let read = serde_json::from_value::<OneOrMany>(value.clone());
            let texts = read.as_ref().ok().map(|read| read.as_slice().iter().map(String::as_str).collect());
            assert_eq!(texts, expected, "{value}");
            if let Err(error) = read {
                assert_eq!(error.to_string(), "expected a string, or an array of strings");
            }
        }
        assert!(OneOrMany::default().as_slice().is_empty());
    }
}
