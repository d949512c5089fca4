//! A run's hold on its journal: what it writes there, and what it knows of its earlier part.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use oneex_sdk::{OpError, OpResult, SecretSink as _};
use serde_json::Value;

use super::{Failure, Halt, Interrupt, Mode, NodeContext, NodeKey, RunContext};
use crate::diag::digest;
use crate::journal::{Entry, Intent, JournalError, Past, Recorder, sealed};

/// What is done about a call of which nobody knows how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is made again.
    Retry,
    /// It is taken for done, with an empty result.
    Skip,
    /// It fails.
    Fail,
}

/// Decides about calls of which nobody knows how they ended; the command line asks, or looks at its flags.
pub trait Arbiter: Send + Sync {
    /// Decides about one call.
    fn decide(&self, call: &Intent) -> Fate;
}

/// A run's hold on its journal.
pub struct Chronicle {
    /// What writes.
    pub recorder: Recorder,
    /// What is known of the earlier part; empty for a run that is not resumed.
    pub past: Past,
    /// Where hosts keep what outlives a connection, see [`crate::journal::Began::place`].
    pub place: String,
    /// Decides about calls of which nobody knows how they ended.
    pub arbiter: Arc<dyn Arbiter>,
    /// Files that were read in mid-run.
    pub read: Mutex<HashSet<String>>,
}

impl Chronicle {
    /// The hold of a run that knows this of its earlier part.
    pub fn new(recorder: Recorder, past: Past, place: String, arbiter: Arc<dyn Arbiter>) -> Self {
        Self { recorder, past, place, arbiter, read: Mutex::default() }
    }
}

/// What a run stops with whose journal cannot be written.
fn unwritable(error: &JournalError) -> Halt {
    let halt = Halt::new(format!("{error}: nothing is changed that is not written there"));
    match error.hint() {
        Some(hint) => halt.hint(hint),
        None => halt,
    }
}

impl RunContext {
    /// What is known of the earlier part of a run that is resumed.
    pub fn past(&self) -> Option<&Past> {
        self.chronicle.as_ref().map(|chronicle| &chronicle.past)
    }

    pub(super) fn recorder(&self) -> Option<&Recorder> {
        self.chronicle.as_ref().map(|chronicle| &chronicle.recorder)
    }

    /// Writes down a call that is about to change something. Where that cannot be, the run stops.
    pub(super) async fn intend(&self, intent: Intent) -> OpResult<()> {
        let Some(recorder) = self.recorder() else { return Ok(()) };
        recorder.intend(intent).await.map_err(|error| {
            self.guards.halt(unwritable(&error));
            OpError::cancelled()
        })
    }

    /// Seals a value that is not to be read by who reads the journal.
    pub(crate) fn seal(&self, name: &str, value: &Value) {
        let Some(recorder) = self.recorder() else { return };
        if let Err(error) = recorder.seal(name, value) {
            self.guards.halt(unwritable(&error));
        }
    }

    /// Seals what has become a secret in mid-run: a run that is resumed must mask it too.
    pub(super) fn seal_new_secrets(&self) {
        if self.chronicle.is_none() {
            return;
        }
        for secret in self.redactor.take_new() {
            self.seal(&format!("{} {:032x}", sealed::SECRET, rand::random::<u128>()), &Value::from(secret));
        }
    }

    /// Whether the journal shows something else of a value than it is.
    pub(crate) fn is_hidden(&self, value: &Value) -> bool {
        self.chronicle.is_some() && self.redactor.is_tainted(&value.to_string())
    }

    /// Writes down that a file of the project was read in mid-run, once.
    pub(crate) fn note_input(&self, path: &Path, content: &[u8]) {
        let Some(chronicle) = &self.chronicle else { return };
        let name = path.display().to_string();
        let mut read = chronicle.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.insert(name.clone()) {
            chronicle.recorder.record(&Entry::Input { name, digest: digest(content) });
        }
    }

    /// Writes a record of the journal's own, its secrets masked.
    pub(crate) fn note(&self, entry: &Entry) {
        if let Some(recorder) = self.recorder() {
            recorder.record(entry);
        }
    }
}

/// Gives what `make` gives, or what it gave in the earlier part of a run that is resumed.
///
/// # Errors
///
/// What `make` fails with.
pub fn drawn<E>(
    node: &NodeContext,
    place: &str,
    name: &str,
    make: impl FnOnce() -> Result<Value, E>,
) -> Result<Value, E> {
    let run = &node.run;
    if run.mode == Mode::Plan || run.chronicle.is_none() {
        return make();
    }
    if let Some(value) = run.past().and_then(|past| past.drawn(&node.node, place, name)) {
        return Ok(value.clone());
    }
    let value = make()?;
    // A variable of the environment may be a secret that nobody has called one.
    let is_private = node.sensitive || name == "env_var" || run.is_hidden(&value);
    let mut shown = value.clone();
    if is_private {
        run.seal(&sealed::name(sealed::DRAWN, &node.node, place), &value);
        shown = Value::from(crate::redact::MASK);
    }
    let (node, place, name) = (node.node.clone(), place.to_owned(), name.to_owned());
    run.note(&Entry::Drawn { node, place, name, value: shown });
    Ok(value)
}

/// Stops a run that was resumed, because the script makes another call than it made before.
pub(super) fn differs(node: &NodeContext, place: &str, made: &str, now: &str) -> Interrupt {
    let key: &NodeKey = &node.node;
    let message =
        format!("`{key}` no longer does what it did: at {place} it called {made}, and now it calls {now}");
    let halt = Halt::new(message).hint(
        "put the script back as it was, or begin anew with `oneex run`: what is done stays done, and is found so",
    );
    node.run.guards.halt(halt);
    Interrupt::Cancelled
}

/// The failure of a call of which nobody knows how it ended.
pub(super) fn unknown(call: &Intent) -> Failure {
    let mut failure = Failure::new(
        oneex_sdk::ErrorKind::Failed,
        "it was begun in the earlier part of the run, and nobody knows how it ended",
    );
    failure.operation = Some(call.name.clone());
    failure.target = Some(call.target.clone());
    failure
        .hints
        .push("look at the target; then `oneex resume --unknown=retry` or `--unknown=skip`".to_owned());
    failure
}
