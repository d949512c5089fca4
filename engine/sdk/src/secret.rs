//! Values that must not be shown.

use std::borrow::Cow;
use std::fmt;

/// A typed parameter that holds a secret: shows as `•••` wherever it is printed or serialised.
#[derive(Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Gives the value itself; the caller keeps it out of every sink.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl<T> serde::Serialize for Secret<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("•••")
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Secret<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Secret_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

/// Where secrets are made known, so that they are masked wherever text leaves the program.
pub trait SecretSink: Send + Sync {
    /// Registers a secret; from now on it is masked in every sink, encoded forms included.
    fn register(&self, secret: &str);

    /// Says whether `text` contains a registered secret, plain or encoded.
    fn is_tainted(&self, text: &str) -> bool {
        self.holds_secret(text.as_bytes())
    }

    /// The same of a content, which need not be text.
    fn holds_secret(&self, content: &[u8]) -> bool;
}
