//! A world of three operations over a map in memory: `put` (ensure), `get` (read), `act` (action),
//! and `shell` (action), which runs a command through the connection.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use oneex_sdk::{
    BoxFuture, CancellationToken, Change, Command, CommandOutput, Connector, CutOutput, Exit, Kind, Op,
    OpError, OpResult, Output, OutputSink, Reader, Registry, Resources, Target, Traffic, Transport, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

/// What the hosts hold: the value of each key, by host and key.
#[derive(Clone, Default)]
pub(super) struct Store(pub(super) Arc<Mutex<BTreeMap<String, String>>>);

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pair {
    /// The key.
    key: String,
    /// The value.
    #[serde(default)]
    value: String,
}

impl Store {
    fn at(&self, reader: &dyn Reader, key: &str) -> Option<String> {
        let map = self.0.lock().expect("not poisoned");
        map.get(&format!("{}/{key}", reader.host().name)).cloned()
    }

    fn put(&self, writer: &dyn Writer, key: &str, value: &str) {
        let name = format!("{}/{key}", writer.host().name);
        self.0.lock().expect("not poisoned").insert(name, value.to_owned());
    }
}

fn key_of(pair: &Pair) -> Resources {
    Resources::Named(vec![pair.key.clone()])
}

struct Put(Store);

impl Op for Put {
    type Params = Pair;
    type State = Option<String>;
    const NAME: &'static str = "put";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "Puts a value.";
    const POSITIONAL: &'static [&'static str] = &["key", "value"];
    const EXAMPLES: &'static [oneex_sdk::Example] = &[];

    fn resources(&self, pair: &Pair) -> Resources {
        key_of(pair)
    }

    async fn read(&self, reader: &dyn Reader, pair: &Pair) -> OpResult<Option<String>> {
        Ok(self.0.at(reader, &pair.key))
    }

    fn diff(&self, pair: &Pair, state: &Option<String>) -> Change {
        let mut change = Change::none();
        change.property("value", state.clone(), Some(pair.value.clone()));
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        pair: &Pair,
        _: &Option<String>,
        _: &Change,
    ) -> OpResult<Output> {
        self.0.put(writer, &pair.key, &pair.value);
        Ok(Output::none().with("length", pair.value.len()))
    }
}

struct Get(Store);

impl Op for Get {
    type Params = Pair;
    type State = String;
    const NAME: &'static str = "get_value";
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "Gets a value.";
    const POSITIONAL: &'static [&'static str] = &["key"];
    const EXAMPLES: &'static [oneex_sdk::Example] = &[];

    fn resources(&self, pair: &Pair) -> Resources {
        key_of(pair)
    }

    async fn read(&self, reader: &dyn Reader, pair: &Pair) -> OpResult<String> {
        self.0.at(reader, &pair.key).ok_or_else(|| OpError::failed(format!("there is no `{}`", pair.key)))
    }

    fn output(&self, _: &Pair, state: &String) -> Output {
        Output::none().with("stdout", state.clone())
    }
}

struct Act(Store);

impl Op for Act {
    type Params = Pair;
    type State = ();
    const NAME: &'static str = "act";
    const KIND: Kind = Kind::Action;
    const MANUAL: &'static str = "Counts its calls.";
    const POSITIONAL: &'static [&'static str] = &["key"];
    const EXAMPLES: &'static [oneex_sdk::Example] = &[];

    fn resources(&self, _: &Pair) -> Resources {
        Resources::Host
    }

    async fn read(&self, _: &dyn Reader, _: &Pair) -> OpResult<()> {
        Ok(())
    }

    fn diff(&self, _: &Pair, (): &()) -> Change {
        Change::action()
    }

    async fn apply(&self, writer: &dyn Writer, pair: &Pair, (): &(), _: &Change) -> OpResult<Output> {
        let calls = self.0.at(writer, &pair.key).map_or(0, |count| count.len()) + 1;
        self.0.put(writer, &pair.key, &"x".repeat(calls));
        Ok(Output::none().with("calls", calls))
    }
}

struct Shell;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    /// The text.
    command: String,
}

impl Op for Shell {
    type Params = Text;
    type State = ();
    const NAME: &'static str = "shell";
    const KIND: Kind = Kind::Action;
    const MANUAL: &'static str = "Runs a command.";
    const POSITIONAL: &'static [&'static str] = &["command"];
    const EXAMPLES: &'static [oneex_sdk::Example] = &[];

    fn resources(&self, _: &Text) -> Resources {
        Resources::Host
    }

    async fn read(&self, _: &dyn Reader, _: &Text) -> OpResult<()> {
        Ok(())
    }

    fn diff(&self, _: &Text, (): &()) -> Change {
        Change::action()
    }

    async fn apply(&self, writer: &dyn Writer, text: &Text, (): &(), _: &Change) -> OpResult<Output> {
        let command = Command::shell(&text.command);
        let output = writer.run(command.clone()).await?;
        if !output.ok() {
            let why = format!("`{}` ended with status {}", command.shown(), output.code());
            return Err(OpError::failed(why).command(command.shown(), output));
        }
        Ok(Output::none().with("stdout", output.stdout_text()))
    }
}

/// A connection that answers `ok` to everything but `false`.
pub(super) struct Answers;

impl Connector for Answers {
    fn name(&self) -> &'static str {
        "local"
    }

    fn connect<'a>(
        &'a self,
        _: &'a Target,
        _: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Arc<dyn Transport>>> {
        Box::pin(async { Ok(Arc::new(Answers) as Arc<dyn Transport>) })
    }
}

impl Transport for Answers {
    fn run<'a>(
        &'a self,
        command: &'a Command,
        _: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<CommandOutput>> {
        let failed = command.line() == "false";
        let exit = Exit::Code(i32::from(failed));
        Box::pin(async move {
            Ok(CommandOutput { exit, stdout: b"ok".to_vec(), stderr: Vec::new(), cut: CutOutput::default() })
        })
    }

    fn run_heard<'a>(
        &'a self,
        command: &'a Command,
        _: &'a dyn OutputSink,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<CommandOutput>> {
        self.run(command, cancel)
    }

    fn upload<'a>(
        &'a self,
        _: &'a mut (dyn AsyncRead + Send + Unpin),
        _: u64,
        _: &'a str,
        _: Option<&'a str>,
        _: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Option<String>>> {
        Box::pin(async { Err(OpError::failed("takes no files")) })
    }

    fn download<'a>(
        &'a self,
        _: &'a str,
        _: &'a mut (dyn AsyncWrite + Send + Unpin),
        _: Option<&'a str>,
        _: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<u64>> {
        Box::pin(async { Err(OpError::failed("has no files")) })
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// The registry of this world.
pub(super) fn registry(store: &Store) -> Registry {
    let mut registry = Registry::default();
    registry.op(Put(store.clone())).op(Get(store.clone())).op(Act(store.clone())).op(Shell);
    registry.connector(Arc::new(Answers));
    registry
}
