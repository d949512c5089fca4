//! Why a configuration is refused.

use std::fmt;
use std::sync::Arc;

/// Where something stands in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The file, or what stands for one: `ansible_ssh_args of host web1`.
    pub(crate) file: Arc<str>,
    /// The line, from 1; 0 is the whole file.
    pub(crate) line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => formatter.write_str(&self.file),
            line => write!(formatter, "{}:{line}", self.file),
        }
    }
}

/// Why a configuration is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub(crate) struct ConfigError {
    /// Where it stands.
    pub(crate) place: Place,
    /// A lower-case fragment.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
}

impl ConfigError {
    /// A mistake at a place.
    pub(crate) fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into(), hint: None }
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
