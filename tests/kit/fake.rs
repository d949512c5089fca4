//! A host that exists as a table: for decisions about things that a test must not really do.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oneex_sdk::{
    BoxFuture, CancellationToken, Command, CommandOutput, Content, CutOutput, Exit, HostInfo, Map, OpError,
    OpResult, Reader, SecretSink, Value, Writer, json,
};

use crate::host::TestSecrets;

/// A host with an answer for each command that it knows.
///
/// An answer belongs to the first command line that contains its pattern and that is not used up;
/// the last answer of a pattern stays. A command that no pattern fits fails the test.
pub struct FakeHost {
    info: HostInfo,
    answers: Mutex<Vec<(String, CommandOutput)>>,
    commands: Mutex<Vec<Command>>,
    reconnected: Mutex<Vec<Duration>>,
    secrets: TestSecrets,
    cancel: CancellationToken,
    facts: Value,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeHost {
    /// A host that knows no command.
    pub fn new() -> Self {
        Self {
            info: HostInfo { name: "fake".to_owned(), ..HostInfo::default() },
            answers: Mutex::default(),
            commands: Mutex::default(),
            reconnected: Mutex::default(),
            secrets: TestSecrets::default(),
            cancel: CancellationToken::new(),
            facts: json!({}),
        }
    }

    /// Answers a command whose line contains `pattern` with status 0 and `stdout`.
    #[must_use]
    pub fn answer(self, pattern: &str, stdout: &str) -> Self {
        self.answer_with(pattern, 0, stdout, "")
    }

    /// Answers a command whose line contains `pattern`.
    #[must_use]
    pub fn answer_with(self, pattern: &str, code: i32, stdout: &str, stderr: &str) -> Self {
        let output = CommandOutput {
            exit: Exit::Code(code),
            stdout: stdout.into(),
            stderr: stderr.into(),
            cut: CutOutput::default(),
        };
        self.answers.lock().expect("no test panicked").push((pattern.to_owned(), output));
        self
    }

    /// Sets the facts.
    #[must_use]
    pub fn with_facts(mut self, facts: Value) -> Self {
        self.facts = facts;
        self
    }

    /// The commands it was given, in order.
    pub fn commands(&self) -> Vec<Command> {
        self.commands.lock().expect("no test panicked").clone()
    }

    /// The limits of the reconnects that it was asked for.
    pub fn reconnects(&self) -> Vec<Duration> {
        self.reconnected.lock().expect("no test panicked").clone()
    }

    fn take(&self, command: Command) -> OpResult<CommandOutput> {
        let line = command.line();
        self.commands.lock().expect("no test panicked").push(command);
        let mut answers = self.answers.lock().expect("no test panicked");
        let fits: Vec<usize> = answers
            .iter()
            .enumerate()
            .filter(|(_, (pattern, _))| line.contains(pattern))
            .map(|(at, _)| at)
            .collect();
        let Some(first) = fits.first().copied() else { panic!("no answer for this command:\n{line}") };
        let others = fits.iter().filter(|at| answers[**at].0 == answers[first].0).count();
        Ok(if others > 1 { answers.remove(first).1 } else { answers[first].1.clone() })
    }
}

impl Reader for FakeHost {
    fn host(&self) -> &HostInfo {
        &self.info
    }

    fn user(&self) -> Option<&str> {
        None
    }

    fn query(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>> {
        Box::pin(async move { self.take(command) })
    }

    fn download<'a>(&'a self, path: &'a str, _: u64) -> BoxFuture<'a, OpResult<Vec<u8>>> {
        Box::pin(async move { Ok(self.take(Command::argv(["download", path]))?.stdout) })
    }

    fn facts(&self) -> BoxFuture<'_, OpResult<Arc<Value>>> {
        Box::pin(async { Ok(Arc::new(self.facts.clone())) })
    }

    fn project_file(&self, folder: &str, name: &str) -> OpResult<PathBuf> {
        Err(OpError::invalid(format!("there is no `{name}` in `{folder}/`")))
    }

    fn render<'a>(&'a self, name: &'a str, _: &'a Map<String, Value>) -> BoxFuture<'a, OpResult<String>> {
        Box::pin(async move { Err(OpError::invalid(format!("there is no template `{name}`"))) })
    }

    fn secrets(&self) -> &dyn SecretSink {
        &self.secrets
    }

    fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    fn progress(&self, _: &str) {}
}

impl Writer for FakeHost {
    fn run(&self, command: Command) -> BoxFuture<'_, OpResult<CommandOutput>> {
        Box::pin(async move { self.take(command) })
    }

    fn upload<'a>(&'a self, _: Content, path: &'a str) -> BoxFuture<'a, OpResult<Option<String>>> {
        Box::pin(async move { self.take(Command::argv(["upload", path])).map(|_| None) })
    }

    fn fetch<'a>(&'a self, path: &'a str, to: &'a Path) -> BoxFuture<'a, OpResult<u64>> {
        Box::pin(async move {
            let bytes = self.take(Command::argv(["fetch", path]))?.stdout;
            std::fs::write(to, &bytes).map_err(|error| OpError::failed(error.to_string()))?;
            Ok(bytes.len() as u64)
        })
    }

    fn forget_facts(&self) {}

    fn reconnect(&self, limit: Duration) -> BoxFuture<'_, OpResult<()>> {
        self.reconnected.lock().expect("no test panicked").push(limit);
        Box::pin(async { Ok(()) })
    }
}
