//! A run begins in its journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use oneex_engine::journal::{Began, FORMAT, Past, Recorder, Request, SealKey};
use oneex_engine::redact::{MASK, Redactor};
use oneex_engine::run::{Chronicle, new_id, new_place};
use oneex_sdk::Value;
use serde_json::json;

use super::{Deciding, key_file, origin};
use crate::commands::inputs::{PaceArgs, ParamArgs, SelectArgs, SiteArgs};
use crate::context::Context;
use crate::error::CommandError;
use crate::load::LoadedRunbook;

/// The options of a run that decide what is run and where, besides the runbook.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Options {
    pub(crate) site: SiteArgs,
    pub(crate) params: ParamArgs,
    pub(crate) select: SelectArgs,
    pub(crate) pace: PaceArgs,
    /// The values of all parameters.
    pub(crate) values: oneex_sdk::Map<String, Value>,
}

/// Begins the journal of a runbook's run.
pub(crate) fn begin(
    context: &Context,
    journal: &Path,
    (given, runbook): (&str, &LoadedRunbook),
    options: &Options,
    id: String,
) -> Result<(String, Chronicle), CommandError> {
    let loaded = &runbook.loaded;
    let inputs = runbook.read();
    let options = serde_json::to_value(options).unwrap_or_default();
    let request = Request {
        runbook: given.to_owned(),
        folder: context.cwd.display().to_string(),
        options: masked(&loaded.redactor, options.clone()),
    };
    let drawn = loaded.drawn.iter().map(|drawn| shown(&loaded.redactor, drawn)).collect();
    let environment = loaded.environment.as_ref().map(|environment| environment.name.clone());
    let began = Began { id, ..began(context, &runbook.name, "run", environment) };
    let began = Began { request: Some(request), inputs, drawn, ..began };
    start(context, journal, began, (&loaded.drawn, &options))
}

/// Begins the journal of a command on hosts.
pub(crate) fn begin_adhoc(
    context: &Context,
    journal: &Path,
    (name, environment): (&str, Option<String>),
    id: String,
) -> Result<(String, Chronicle), CommandError> {
    let began = Began { id, ..began(context, name, "exec", environment) };
    start(context, journal, began, (&[], &Value::Null))
}

fn began(context: &Context, name: &str, mode: &str, environment: Option<String>) -> Began {
    Began {
        format: FORMAT,
        id: new_id(),
        name: name.to_owned(),
        mode: mode.to_owned(),
        environment,
        time: Timestamp::now(),
        origin: origin(context),
        request: None,
        inputs: BTreeMap::new(),
        place: new_place(),
        drawn: Vec::new(),
    }
}

fn start(
    context: &Context,
    journal: &Path,
    began: Began,
    hidden: (&[Value], &Value),
) -> Result<(String, Chronicle), CommandError> {
    let key = SealKey::read_or_make(&key_file(context, journal))?;
    let (id, place) = (began.id.clone(), began.place.clone());
    let recorder = Recorder::begin(journal, began, hidden, key)?;
    Ok((
        id,
        Chronicle {
            recorder,
            past: Past::default(),
            place,
            arbiter: Arc::new(Deciding::never()),
            read: Mutex::default(),
        },
    ))
}

fn masked(redactor: &Redactor, mut value: Value) -> Value {
    redactor.value(&mut value);
    value
}

/// What was drawn, as the journal shows it. A variable of the environment may be a secret that nobody has called one.
fn shown(redactor: &Redactor, drawn: &Value) -> Value {
    match drawn.as_array().map(Vec::as_slice) {
        Some([name, _]) if name == "env_var" => json!([name, MASK]),
        _ => masked(redactor, drawn.clone()),
    }
}
