//! The operation: everything that looks at the world or changes it.

use std::any::Any;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{BoxFuture, Change, OpError, OpResult, Output, Reader, Value, Writer, nearest};

/// What an operation promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Changes nothing; runs under `plan` too.
    Read,
    /// Brings something to a wanted state; run twice, the second changes nothing.
    Ensure,
    /// Always acts; under `plan` it is listed and not run.
    Action,
}

impl Kind {
    /// The word that people see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ensure => "ensure",
            Self::Action => "action",
        }
    }
}

/// How far a test can go with an example of the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is run, twice, on a host of its own; `dir` is an empty folder there.
    Run,
    /// It is planned: reads run, nothing is changed.
    Plan,
    /// It is checked against the names and options only: it would harm the machine it runs on.
    Check,
}

/// An example of the manual. Its code is Rhai with `h`, the host, and `dir`, a folder on it.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it shows, a lower-case fragment.
    pub about: &'static str,
    /// The code.
    pub code: &'static str,
    /// How far a test goes with it.
    pub proof: Proof,
}

/// What of its target an operation looks at or changes: decides what a plan says depends on what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resources {
    /// Anything on the host: a command whose effects are not known.
    Host,
    /// Files and folders by absolute path, with all below them.
    Paths(Vec<String>),
    /// Named things: `package:curl`, `service:nginx`, `user:ops`.
    Named(Vec<String>),
    /// Nothing that an operation of oneex could change.
    Nothing,
}

/// An operation. Three functions say all: what is, what differs, and how to make it so.
///
/// `plan` is `read` and `diff`; a run is `read`, `diff` and, only where that is not empty, `apply`.
pub trait Op: Send + Sync + Sized + 'static {
    /// The options, every field documented, unknown ones refused (`#[serde(deny_unknown_fields)]`).
    type Params: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static;
    /// What `read` found.
    type State: Send + Sync + 'static;

    /// The method or function name in scripts.
    const NAME: &'static str;
    /// The namespace of a function that needs no host: `http` for `http::get`. Without it the
    /// operation is a method of a host.
    const NAMESPACE: Option<&'static str> = None;
    /// What it promises.
    const KIND: Kind;
    /// The manual: the first line is the summary; sources (manual pages, RFCs) at the end.
    const MANUAL: &'static str;
    /// The options that may be given by position, in order; the rest comes in a map at the end.
    const POSITIONAL: &'static [&'static str];
    /// Operations of one lock take turns on a host: `packages`.
    const LOCK: Option<&'static str> = None;
    /// Examples; every one is run by a test as far as its proof says.
    const EXAMPLES: &'static [Example];

    /// What the call looks at or changes.
    fn resources(&self, params: &Self::Params) -> Resources;

    /// Looks at the present state and changes nothing. One round trip.
    fn read(
        &self,
        reader: &dyn Reader,
        params: &Self::Params,
    ) -> impl Future<Output = OpResult<Self::State>> + Send;

    /// Says what differs from what is wanted. Pure. Empty for a `Read`.
    fn diff(&self, params: &Self::Params, state: &Self::State) -> Change {
        let _ = (params, state);
        Change::none()
    }

    /// Makes it so; called only where the change is not empty. At most one round trip beside uploads.
    fn apply(
        &self,
        writer: &dyn Writer,
        params: &Self::Params,
        state: &Self::State,
        change: &Change,
    ) -> impl Future<Output = OpResult<Output>> + Send {
        let _ = (writer, params, state, change);
        async { Err(OpError::failed(format!("`{}` has nothing to apply", Self::NAME))) }
    }

    /// What the call gives back where nothing is applied: a `Read`, an `Ensure` that finds all well.
    fn output(&self, params: &Self::Params, state: &Self::State) -> Output {
        let _ = (params, state);
        Output::none()
    }
}

/// What there is to know of an operation without calling it.
#[derive(Debug, Clone)]
pub struct Manual {
    /// See [`Op::NAME`].
    pub name: &'static str,
    /// See [`Op::NAMESPACE`].
    pub namespace: Option<&'static str>,
    /// See [`Op::KIND`].
    pub kind: Kind,
    /// See [`Op::MANUAL`].
    pub text: &'static str,
    /// See [`Op::POSITIONAL`].
    pub positional: &'static [&'static str],
    /// See [`Op::LOCK`].
    pub lock: Option<&'static str>,
    /// See [`Op::EXAMPLES`].
    pub examples: &'static [Example],
    /// JSON schema of the options.
    pub schema: Value,
}

impl Manual {
    /// The name as a script writes it: `file`, `http::get`.
    pub fn full_name(&self) -> String {
        self.namespace.map_or_else(|| self.name.to_owned(), |space| format!("{space}::{}", self.name))
    }

    /// The names of all options, in the order of the struct.
    pub fn options(&self) -> Vec<&str> {
        self.schema
            .get("properties")
            .and_then(Value::as_object)
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }

    /// The names of the options that must be given.
    pub fn required(&self) -> Vec<&str> {
        self.schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    }
}

/// What was found, and what follows from it.
pub struct Looked {
    state: Box<dyn Any + Send + Sync>,
    /// What differs.
    pub change: Change,
    /// What the call gives back where nothing is applied.
    pub output: Output,
}

/// An operation whose types are hidden, so that the engine can hold any.
pub trait DynOp: Send + Sync {
    /// What there is to know of it.
    fn manual(&self) -> &Manual;

    /// Checks the options and binds them. The error names the option and the nearest right one.
    fn bind(&self, options: Value) -> OpResult<Box<dyn Call>>;
}

/// An operation with its options.
pub trait Call: Send + Sync {
    /// The options as they may be shown: typed secrets masked, defaults filled in.
    fn shown(&self) -> Value;

    /// What the call looks at or changes.
    fn resources(&self) -> Resources;

    /// `read` and `diff`.
    fn look<'a>(&'a self, reader: &'a dyn Reader) -> BoxFuture<'a, OpResult<Looked>>;

    /// `apply`, on what `look` found.
    fn apply<'a>(&'a self, writer: &'a dyn Writer, looked: &'a Looked) -> BoxFuture<'a, OpResult<Output>>;
}

/// What a script calls what serde found: `string "x"` is a string.
fn found_words(found: &str) -> String {
    match found.split(' ').next().unwrap_or_default() {
        "sequence" => "an array".to_owned(),
        "map" => "a map".to_owned(),
        "string" | "character" => "a string".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => found.replacen("integer ", "", 1),
        "floating" => found.replacen("floating point ", "", 1),
        "null" | "unit" => "`()`".to_owned(),
        _ => found.to_owned(),
    }
}

/// What a script calls what serde expected: an `u16` is a whole number.
fn wanted_words(wanted: &str) -> &str {
    match wanted {
        "a sequence" => "an array",
        "a boolean" => "true or false",
        "i8" | "i16" | "i32" | "i64" | "isize" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        wanted if wanted.starts_with("struct ") => "a map",
        wanted => wanted,
    }
}

/// What is wrong with a call, and what is meant instead where that is known.
type Wrong = (String, Option<String>);

/// One error of everything that is wrong. Each hint stays with what it is for.
fn refused(mut wrong: Vec<Wrong>) -> OpError {
    if wrong.len() == 1
        && let Some((message, hint)) = wrong.pop()
    {
        let error = OpError::invalid(message);
        return hint.map_or(error.clone(), |hint| error.hint(hint));
    }
    let all = wrong.into_iter().map(|(message, hint)| match hint {
        Some(hint) => format!("{message} ({hint})"),
        None => message,
    });
    OpError::invalid(all.collect::<Vec<_>>().join("; "))
}

/// Reads the options, of which some may be known to be `wrong`. Where one more is, the others are read without
/// it, so that all that are wrong are told.
fn read_options<P: DeserializeOwned>(
    name: &str,
    mut options: Value,
    mut wrong: Vec<Wrong>,
) -> Result<P, Vec<Wrong>> {
    loop {
        let error = match serde_path_to_error::deserialize(options.clone()) {
            Ok(params) if wrong.is_empty() => return Ok(params),
            Ok(_) => return Err(wrong),
            Err(error) => error,
        };
        let path = error.path().to_string();
        let (why, hint) = wrong_value(&error.inner().to_string());
        let key = path.split(['.', '[']).next().unwrap_or_default();
        let is_removed = options.as_object_mut().is_some_and(|map| map.remove(key).is_some());
        if is_removed {
            wrong.push((format!("`{name}`: option `{path}`: {why}"), hint));
        } else if wrong.is_empty() {
            return Err(vec![(format!("`{name}`: {why}"), hint)]);
        } else {
            // What is missing now was taken away here, or told before.
            return Err(wrong);
        }
    }
}

/// What serde says of a value, as our messages are written; with the nearest right one where it is
/// one of several.
fn wrong_value(text: &str) -> (String, Option<String>) {
    if let Some((found, wanted)) =
        text.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        return (format!("must be {}, not {}", wanted_words(wanted), found_words(found)), None);
    }
    if let Some(wanted) = text.strip_prefix("expected ") {
        return (format!("must be {wanted}"), None);
    }
    let Some((given, known)) = text.strip_prefix("unknown variant `").and_then(|rest| rest.split_once('`'))
    else {
        return (text.to_owned(), None);
    };
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let hint = match nearest(given, known.iter().copied()) {
        Some(right) => format!("did you mean `{right}`?"),
        None => format!("values are: {}", known.join(", ")),
    };
    (format!("it cannot be `{given}`"), Some(hint))
}

/// Hides the types of an operation.
pub fn erase<O: Op>(op: O) -> Arc<dyn DynOp> {
    let schema = schemars::schema_for!(O::Params).to_value();
    let manual = Manual {
        name: O::NAME,
        namespace: O::NAMESPACE,
        kind: O::KIND,
        text: O::MANUAL,
        positional: O::POSITIONAL,
        lock: O::LOCK,
        examples: O::EXAMPLES,
        schema,
    };
    Arc::new(Erased { op: Arc::new(op), manual })
}

struct Erased<O> {
    op: Arc<O>,
    manual: Manual,
}

struct Bound<O: Op> {
    op: Arc<O>,
    params: O::Params,
}

impl<O: Op> DynOp for Erased<O> {
    fn manual(&self) -> &Manual {
        &self.manual
    }

    fn bind(&self, options: Value) -> OpResult<Box<dyn Call>> {
        let name = self.manual.full_name();
        let known = self.manual.options();
        let mut wrong: Vec<Wrong> = Vec::new();
        let mut options = options;
        if let Some(map) = options.as_object_mut() {
            for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
                let hint = match nearest(key, known.iter().copied()) {
                    Some(right) => format!("did you mean `{right}`?"),
                    None => format!("options are: {}", known.join(", ")),
                };
                wrong.push((format!("`{name}` has no option `{key}`"), Some(hint)));
            }
            let is_known = wrong.is_empty();
            map.retain(|key, _| known.contains(&key.as_str()));
            let missing = self.manual.required().into_iter().filter(|key| !map.contains_key(*key));
            let missing: Vec<Wrong> =
                missing.map(|key| (format!("`{name}` needs the option `{key}`"), None)).collect();
            // One that does not exist may be meant for what seems to be missing.
            if is_known {
                wrong.extend(missing);
            }
        }
        let params = read_options(&name, options, wrong).map_err(refused)?;
        Ok(Box::new(Bound { op: Arc::clone(&self.op), params }))
    }
}

impl<O: Op> Call for Bound<O> {
    fn shown(&self) -> Value {
        let mut shown = serde_json::to_value(&self.params).unwrap_or_default();
        if let Some(map) = shown.as_object_mut() {
            map.retain(|_, value| !value.is_null());
        }
        shown
    }

    fn resources(&self) -> Resources {
        self.op.resources(&self.params)
    }

    fn look<'a>(&'a self, reader: &'a dyn Reader) -> BoxFuture<'a, OpResult<Looked>> {
        Box::pin(async move {
            let state = self.op.read(reader, &self.params).await?;
            let change = self.op.diff(&self.params, &state);
            let output = self.op.output(&self.params, &state);
            Ok(Looked { state: Box::new(state), change, output })
        })
    }

    fn apply<'a>(&'a self, writer: &'a dyn Writer, looked: &'a Looked) -> BoxFuture<'a, OpResult<Output>> {
        Box::pin(async move {
            let state = looked.state.downcast_ref::<O::State>().ok_or_else(|| {
                OpError::invalid(format!("`{}` was given another operation's state", O::NAME))
            })?;
            self.op.apply(writer, &self.params, state, &looked.change).await
        })
    }
}
