//! The operation: everything that looks at the world or changes it.

use std::any::Any;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{BoxFuture, Change, OpError, OpResult, Output, Reader, Value, Writer};

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
#[derive(Debug)]
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
    /// JSON schema of the options; made when it is asked for first, as a run asks for few.
    pub schema: LazyLock<Value>,
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

    /// Says whether an option may be a closure of the script, which answers when the operation is done: its property is
    /// a boolean with the keyword `closure`, and a closure stands for what it will say.
    pub fn takes_closure(&self, option: &str) -> bool {
        let property = self.schema.get("properties").and_then(|properties| properties.get(option));
        property.and_then(|property| property.get("closure")).and_then(Value::as_bool).unwrap_or(false)
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
    /// The [`Op::State`].
    pub(crate) state: Box<dyn Any + Send + Sync>,
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
