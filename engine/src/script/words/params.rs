//! `params`: what a runbook takes from the one who runs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use oneex_sdk::{Map, SecretSink, Value};
use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext};
use serde::Serialize;

use super::hosts::{HostRef, Hosts, set_of};
use super::param_spec::{ParamType, Spec};
use super::tasks::declared;
use crate::redact::MASK;
use crate::script::convert::to_dynamic;
use crate::script::current::{Stop, current, stop, waited};
use crate::script::error::Thrown;
use crate::script::load::Script;

/// Asks a person for a parameter.
pub trait Prompt: Send + Sync {
    /// Asks; a secret is not echoed. Nothing when nobody is there to answer.
    fn ask(&self, name: &str, question: &str, secret: bool) -> Option<String>;
}

/// What was given for parameters, the strongest first: `set`, `files`, `ONEEX_PARAM_NAME`, the
/// spec's own variable, the environment's parameters; then the spec's value; then a prompt.
#[derive(Clone, Default)]
pub struct ParamInputs {
    /// `--set name=value`.
    pub set: Vec<(String, String)>,
    /// `--params FILE`: the file's name and content; later files win.
    pub files: Vec<(String, Map<String, Value>)>,
    /// The parameters of the chosen environment in `oneex.toml`.
    pub environment: Map<String, Value>,
    /// Who answers prompts.
    pub prompt: Option<Arc<dyn Prompt>>,
    /// The load needs no values: what is missing gets its type's empty value.
    pub partial: bool,
    /// The load ends at `params`.
    pub describe: bool,
}

impl ParamInputs {
    /// The names that were given on the command line, which must exist.
    pub(crate) fn given_names(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().flat_map(|(_, map)| map.keys());
        self.set.iter().map(|(name, _)| name).chain(files).map(String::as_str)
    }
}

/// A parameter as `--help`, reports and the record show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParamShown {
    /// Its name.
    pub name: String,
    /// Its type, by its name in specs.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is for.
    pub help: String,
    /// True when it must be given.
    pub required: bool,
    /// The value when nothing is given; a secret's is masked.
    pub default: Option<Value>,
    /// The values that it may have.
    pub choices: Vec<Value>,
    /// The variable that it is read from.
    pub env: Option<String>,
    /// The value of this load; a secret's is masked.
    pub value: Value,
}

fn params(specs: rhai::Map) -> Result<Dynamic, Thrown> {
    let script = current()?.script;
    declared("params", |_, declared| {
        if std::mem::replace(&mut declared.params_declared, true) {
            return Err(
                Thrown::invalid("`params` is called twice").hint("declare all parameters in one call")
            );
        }
        Ok(())
    })?;
    let specs = specs
        .into_iter()
        .map(|(name, spec)| Spec::read(&name, spec).map(|spec| (name.to_string(), spec)))
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    refuse_unknown(&script, &specs)?;
    if !script.params.describe {
        refuse_unknown_variables(&script, &specs)?;
    }
    let mut values = rhai::Map::new();
    let (mut shown, mut plain) = (Vec::new(), oneex_sdk::Map::new());
    for (name, spec) in &specs {
        let value = if script.params.describe { Value::Null } else { value_of(&script, name, spec)? };
        if spec.kind == ParamType::Secret {
            [Some(&value), spec.value.as_ref()].into_iter().flatten().filter_map(Value::as_str).for_each(
                |secret| {
                    script.redactor.register(secret);
                },
            );
        }
        shown.push(show(name, spec, &value));
        plain.insert(name.clone(), value.clone());
        values.insert(name.as_str().into(), to_script(&spec.kind, name, &value)?);
    }
    declared("params", |_, declared| {
        (declared.params, declared.values) = (shown, plain);
        Ok(())
    })?;
    if script.params.describe {
        return Err(stop(Stop::ParamsReached));
    }
    Ok(values.into())
}

fn show(name: &str, spec: &Spec, value: &Value) -> ParamShown {
    let mask =
        |value: Value| if spec.kind == ParamType::Secret && !value.is_null() { MASK.into() } else { value };
    ParamShown {
        name: name.to_owned(),
        kind: spec.kind.name().to_owned(),
        help: spec.help.clone(),
        required: spec.required,
        default: spec.value.clone().map(mask),
        choices: spec.choices.clone(),
        env: spec.env.clone(),
        value: mask(value.clone()),
    }
}

/// What the names of variables that give parameters begin with.
const VARIABLES: &str = "ONEEX_PARAM_";

/// The variable that gives a parameter; what a variable's name cannot hold becomes `_`.
fn own_variable(name: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    VARIABLES.chars().chain(name.chars().map(letter)).collect()
}

/// The variables of the environment that mean to give a parameter.
pub(crate) fn given_variables(script: &Script) -> impl Iterator<Item = &str> {
    script.variables.keys().map(String::as_str).filter(|name| name.starts_with(VARIABLES))
}

fn refuse_unknown_variables(script: &Script, specs: &BTreeMap<String, Spec>) -> Result<(), Thrown> {
    let known: Vec<String> = specs.keys().map(|name| own_variable(name)).collect();
    let Some(wrong) = given_variables(script).find(|name| !known.iter().any(|known| known == name)) else {
        return Ok(());
    };
    let error = Thrown::invalid(format!("the variable `{wrong}` gives a parameter that there is not"));
    Err(match oneex_sdk::nearest(wrong, known.iter().map(String::as_str)) {
        Some(right) => error.hint(format!("did you mean `{right}`?")),
        None => error.hint(format!("variables for parameters are: {}", known.join(", "))),
    })
}

fn refuse_unknown(script: &Script, specs: &BTreeMap<String, Spec>) -> Result<(), Thrown> {
    let given = script.params.given_names().chain(script.params.environment.keys().map(String::as_str));
    // An environment's parameters serve all runbooks of a project, so one may not take them all.
    let strict: Vec<&str> = script.params.given_names().collect();
    for name in given.filter(|name| strict.contains(name)) {
        if !specs.contains_key(name) {
            let error = Thrown::invalid(format!("there is no parameter `{name}`"));
            return Err(match oneex_sdk::nearest(name, specs.keys().map(String::as_str)) {
                Some(right) => error.hint(format!("did you mean `{right}`?")),
                None => error.hint(format!(
                    "parameters are: {}",
                    specs.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
                )),
            });
        }
    }
    Ok(())
}

/// Finds a parameter's value and checks it.
fn value_of(script: &Script, name: &str, spec: &Spec) -> Result<Value, Thrown> {
    let inputs = &script.params;
    let variable = own_variable(name);
    let text = |text: &str, origin: String| (spec.parse(text), origin);
    let set =
        inputs.set.iter().rev().find(|(key, _)| key == name).map(|(_, value)| text(value, "`--set`".into()));
    let file = || {
        let mut files = inputs.files.iter().rev();
        files.find_map(|(file, map)| map.get(name).map(|value| (spec.accept(value), format!("`{file}`"))))
    };
    let own =
        || script.variables.get(&variable).map(|value| text(value, format!("the variable `{variable}`")));
    let spec_variable = || {
        let variable = spec.env.as_ref()?;
        script.variables.get(variable).map(|value| text(value, format!("the variable `{variable}`")))
    };
    let environment =
        || inputs.environment.get(name).map(|value| (spec.accept(value), "`oneex.toml`".to_owned()));
    let found = set.or_else(file).or_else(own).or_else(spec_variable).or_else(environment);
    let (value, origin) = match found {
        Some(found) => found,
        None => match &spec.value {
            Some(value) => (spec.accept(value), "its spec".to_owned()),
            None => match ask(script, name, spec) {
                Some(answer) => text(&answer, "the answer".into()),
                None => return missing(script, name, spec),
            },
        },
    };
    let value = value.and_then(|value| spec.check(&value).map(|()| value));
    value.map_err(|why| {
        let error = Thrown::invalid(format!("parameter `{name}`: {why}"));
        error.hint(format!("the value comes from {origin}"))
    })
}

fn ask(script: &Script, name: &str, spec: &Spec) -> Option<String> {
    let question = spec.prompt.as_ref()?;
    let answer = script.params.prompt.as_ref()?.ask(name, question, spec.kind == ParamType::Secret);
    waited();
    answer
}

fn missing(script: &Script, name: &str, spec: &Spec) -> Result<Value, Thrown> {
    if !spec.required {
        return Ok(spec.kind.empty());
    }
    if script.params.partial {
        return Ok(spec.sample());
    }
    let help = if spec.help.is_empty() { String::new() } else { format!(" ({})", spec.help) };
    Err(Thrown::invalid(format!("parameter `{name}`{help} is required and was not given"))
        .hint(format!("give it with `--set {name}=…`, `--params FILE` or `{}`", own_variable(name))))
}

/// The value as the script gets it: hosts as hosts, everything else as plain data.
fn to_script(kind: &ParamType, name: &str, value: &Value) -> Result<Dynamic, Thrown> {
    let text = value.as_str().unwrap_or_default();
    match kind {
        ParamType::Host if !text.is_empty() => {
            let host = HostRef { name: text.into(), user: None };
            host.info().map_err(|error| error.within(&format!("parameter `{name}`")))?;
            Ok(Dynamic::from(host))
        }
        ParamType::Hosts => {
            let set = if text.is_empty() {
                crate::inventory::HostSet::Names(Vec::new())
            } else {
                set_of(&text.to_owned().into())?
            };
            Ok(Dynamic::from(Hosts::new(set)?))
        }
        _ => Ok(to_dynamic(value)),
    }
}

/// Registers the word.
pub(super) fn register(engine: &mut Engine) {
    engine.register_fn(
        "params",
        |context: NativeCallContext, specs: rhai::Map| -> Result<Dynamic, Box<EvalAltResult>> {
            params(specs).map_err(|error| error.at(&context))
        },
    );
}
