//! The options of one module's table, read key by key.

use std::time::Duration as Time;

use oneex_engine::diag::Diagnostic;
use oneex_sdk::{Duration, Map, Value};

use super::file::{Config, EnvConfig};

/// What a duration must be.
const DURATION: &str = "a duration such as `\"30s\"`";

/// `[env.NAME.MODULE]` over `[MODULE]`, with the places of what stands there.
#[derive(Debug, Clone, Default)]
pub(super) struct OptionTable {
    module: &'static str,
    /// Values as they are written; some may be references.
    pub(super) options: Map<String, Value>,
    /// The whole file.
    pub(super) config: Config,
    environment: Option<String>,
}

impl OptionTable {
    /// What the file says of a module.
    pub(super) fn of(module: &'static str, config: &Config, environment: Option<&EnvConfig>) -> Self {
        Self {
            module,
            options: config.connection(environment, module, None).unwrap_or_default(),
            config: config.clone(),
            environment: environment.map(|environment| environment.name.clone()),
        }
    }

    /// The same table with other values, as references become what they refer to.
    pub(super) fn with(&self, options: Map<String, Value>) -> Self {
        Self { options, ..self.clone() }
    }

    /// A duration; zero too.
    pub(super) fn duration_or_zero(&self, key: &str) -> Result<Option<Time>, Diagnostic> {
        self.read(key, DURATION, duration)
    }

    /// A duration that is not zero.
    pub(super) fn duration(&self, key: &str) -> Result<Option<Time>, Diagnostic> {
        self.read(key, DURATION, |value| duration(value).filter(|time| !time.is_zero()))
    }

    /// Text that is not empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Diagnostic> {
        self.read(key, "a string that is not empty", text)
    }

    /// Texts that are not empty, or one.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Diagnostic> {
        self.read(key, "a string that is not empty, or a list of them", |value| match value {
            Value::Array(items) if items.is_empty() => None,
            Value::Array(items) => items.iter().map(text).collect(),
            other => text(other).map(|text| vec![text]),
        })
    }

    /// A value that `take` makes something of; a mistake where it makes nothing.
    pub(super) fn read<T>(
        &self,
        key: &str,
        wanted: &str,
        take: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Diagnostic> {
        let Some(value) = self.options.get(key) else { return Ok(None) };
        let taken = take(value).ok_or_else(|| self.mistake(key, format!("`{key}` must be {wanted}")))?;
        Ok(Some(taken))
    }

    /// A mistake in the value of a key, with its place.
    pub(super) fn mistake(&self, option: &str, message: String) -> Diagnostic {
        let key = option.split('.').next().unwrap_or(option);
        let module = self.module;
        let of_environment = self.environment.iter().map(|name| format!("env.{name}.{module}.{key}"));
        let paths: Vec<String> = of_environment.chain([format!("{module}.{key}")]).collect();
        self.config.places.mistake(&paths, message)
    }
}

/// The duration that a value is.
pub(super) fn duration(value: &Value) -> Option<Time> {
    serde_json::from_value::<Duration>(value.clone()).ok().map(|time| time.0)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}
