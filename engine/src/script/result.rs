//! What an operation returned, as a script holds it.

use std::sync::Arc;

use oneex_sdk::{Change, Map, Value};
use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext};

use super::convert::to_dynamic;
use super::current::{Stop, stop};
use super::error::Thrown;

/// What an operation returned.
#[derive(Debug, Clone)]
pub(crate) struct OpResult(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    changed: bool,
    change: Change,
    fields: Map<String, Value>,
    unknown: Option<String>,
    place: String,
}

impl OpResult {
    /// Makes a result. `unknown` says, under `plan`, what only a run can know of it; `place` is where in the life of
    /// the node the call was made.
    pub(crate) fn new(
        name: String,
        changed: bool,
        change: Change,
        fields: Map<String, Value>,
        unknown: Option<String>,
        place: &str,
    ) -> Self {
        Self(Arc::new(Inner { name, changed, change, fields, unknown, place: place.to_owned() }))
    }

    /// Where in the life of the node the call was made.
    pub(crate) fn place(&self) -> &str {
        &self.0.place
    }

    /// Under `plan`, what only a run can know of it.
    pub(crate) fn unknown(&self) -> Option<&str> {
        self.0.unknown.as_deref()
    }

    /// True where something changed; an action that a plan has not run counts as a change.
    pub(crate) fn may_have_changed(&self) -> bool {
        self.0.changed || self.0.unknown.is_some()
    }

    /// All fields, `changed` and `diff` included.
    pub(crate) fn to_map(&self) -> rhai::Map {
        let mut map: rhai::Map =
            self.0.fields.iter().map(|(key, value)| (key.as_str().into(), to_dynamic(value))).collect();
        map.insert("changed".into(), self.0.changed.into());
        map.insert("diff".into(), self.0.change.to_text().into());
        map
    }

    fn field(&self, name: &str) -> Result<Dynamic, Thrown> {
        if let Some(what) = &self.0.unknown {
            return Err(stop(Stop::KnownAfterRun(format!("`.{name}` of {what}"))));
        }
        match name {
            "changed" => Ok(self.0.changed.into()),
            "diff" => Ok(self.0.change.to_text().into()),
            _ => self.0.fields.get(name).map(to_dynamic).ok_or_else(|| self.no_field(name)),
        }
    }

    fn no_field(&self, name: &str) -> Thrown {
        let known: Vec<&str> = self.0.fields.keys().map(String::as_str).chain(["changed", "diff"]).collect();
        let error = Thrown::invalid(format!("the result of `{}` has no field `{name}`", self.0.name));
        match oneex_sdk::nearest(name, known.iter().copied()) {
            Some(right) => error.hint(format!("did you mean `{right}`?")),
            None => error.hint(format!("fields are: {}", known.join(", "))),
        }
    }

    fn json(&self) -> Result<Dynamic, Thrown> {
        if let Some(what) = &self.0.unknown {
            return Err(stop(Stop::KnownAfterRun(format!("`.json()` of {what}"))));
        }
        let text =
            ["body", "stdout", "content"].into_iter().find_map(|name| self.0.fields.get(name)?.as_str());
        let text = text.ok_or_else(|| {
            Thrown::invalid(format!("the result of `{}` holds no text to read as JSON", self.0.name))
        })?;
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let start: String = text.chars().take(80).collect();
            Thrown::text(format!("the output of `{}` is not JSON: {error}", self.0.name))
                .hint(format!("it begins with `{}`", oneex_sdk::visible(&start)))
        })?;
        Ok(to_dynamic(&value))
    }
}

/// Registers the type with its properties; `notify` is a word of its own.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<OpResult>("result")
        .register_indexer_get(
            |context: NativeCallContext,
             result: &mut OpResult,
             name: &str|
             -> Result<Dynamic, Box<EvalAltResult>> {
                result.field(name).map_err(|error| error.at(&context))
            },
        )
        .register_fn("json", |context: NativeCallContext, result: &mut OpResult| {
            result.json().map_err(|error| error.at(&context))
        })
        .register_fn("to_string", |result: &mut OpResult| {
            serde_json::to_string(&result.0.fields).unwrap_or_default()
        });
}
