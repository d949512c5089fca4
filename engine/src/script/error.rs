//! Errors on their way between Rust and the script.

use std::collections::HashSet;
use std::sync::Arc;

use oneex_sdk::{ErrorKind, OpError};
use rhai::{Dynamic, EvalAltResult, Map, NativeCallContext, Position as RhaiPosition};

use super::convert::{to_dynamic, to_value};
use super::current::current;
use super::kind::in_words;
use super::limits::Excess;
use super::load::Script;
use super::scan::Scan;
use crate::diag::{Diagnostic, Position};
use crate::run::Failure;

/// What a native function of the language throws; [`Thrown::at`] gives it its place.
#[derive(Debug, Clone)]
pub(crate) enum Thrown {
    /// A failure that a script can catch.
    Failed(Box<Failure>),
    /// The code must end; why stands in [`super::current`].
    Stopped,
}

impl Thrown {
    /// A failure of the kind that `fail` makes.
    pub(crate) fn text(message: impl Into<String>) -> Self {
        Self::Failed(Box::new(Failure::new(ErrorKind::Failed, message)))
    }

    /// A call that is wrong in itself.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Failed(Box::new(Failure::new(ErrorKind::Invalid, message)))
    }

    /// Adds what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Failed(failure) = &mut self {
            failure.hints.push(hint.into());
        }
        self
    }

    /// Says in front of the message what it is about.
    pub(crate) fn within(mut self, what: &str) -> Self {
        if let Self::Failed(failure) = &mut self {
            failure.message = format!("{what}: {}", failure.message);
        }
        self
    }

    /// Makes the Rhai error, placed where the script calls.
    pub(crate) fn at(self, context: &NativeCallContext<'_>) -> Box<EvalAltResult> {
        let position = context.call_position();
        match self {
            // Rhai would forget the place of an error that it knows to be the end of everything. This
            // one a script may catch, and ends at its next step.
            Self::Stopped => EvalAltResult::ErrorRuntime(Dynamic::UNIT, position).into(),
            Self::Failed(mut failure) => {
                if failure.position.is_none() {
                    failure.position = current().ok().map(|current| current.script.position(context));
                }
                EvalAltResult::ErrorRuntime(error_map(&failure).into(), position).into()
            }
        }
    }
}

impl From<Failure> for Thrown {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl From<OpError> for Thrown {
    fn from(error: OpError) -> Self {
        if error.kind == ErrorKind::Cancelled {
            return super::current::stop(super::current::Stop::Cancelled);
        }
        Self::Failed(Box::new(Failure::of(error)))
    }
}

/// The error map that `catch` and `rescue` get.
pub(crate) fn error_map(failure: &Failure) -> Map {
    let mut map = Map::new();
    for (key, value) in &failure.extra {
        map.insert(key.as_str().into(), to_dynamic(value));
    }
    let text = |text: &Option<String>| text.clone().map_or(Dynamic::UNIT, Dynamic::from);
    map.insert("kind".into(), failure.kind.as_str().into());
    map.insert("message".into(), failure.message.clone().into());
    map.insert("operation".into(), text(&failure.operation));
    map.insert("target".into(), text(&failure.target));
    map.insert("command".into(), text(&failure.command));
    map.insert("code".into(), failure.code.map_or(Dynamic::UNIT, |code| i64::from(code).into()));
    map.insert("stdout".into(), text(&failure.stdout));
    map.insert("stderr".into(), text(&failure.stderr));
    let position = failure.position.as_ref().map_or(Dynamic::UNIT, |position| position.to_string().into());
    map.insert("position".into(), position);
    map.insert(
        "hints".into(),
        failure.hints.iter().cloned().map(Dynamic::from).collect::<rhai::Array>().into(),
    );
    map
}

const FIELDS: [&str; 10] =
    ["kind", "message", "operation", "target", "command", "code", "stdout", "stderr", "position", "hints"];

/// The failure that a thrown value stands for: an error map as it is, anything else as a message.
pub(crate) fn failure_from_value(value: &Dynamic) -> Failure {
    let Some(map) = value.read_lock::<Map>() else {
        let message = if value.is_unit() { "thrown without a value".into() } else { value.to_string() };
        return Failure::new(ErrorKind::Failed, message);
    };
    let text = |key: &str| map.get(key).filter(|value| !value.is_unit()).map(ToString::to_string);
    let kind = match text("kind").as_deref() {
        Some("unreachable") => ErrorKind::Unreachable,
        Some("timeout") => ErrorKind::Timeout,
        Some("denied") => ErrorKind::Denied,
        Some("invalid") => ErrorKind::Invalid,
        _ => ErrorKind::Failed,
    };
    let message = text("message").unwrap_or_else(|| value.to_string());
    let mut failure = Failure::new(kind, message);
    failure.operation = text("operation");
    failure.target = text("target");
    failure.command = text("command");
    failure.code =
        map.get("code").and_then(|code| code.as_int().ok()).and_then(|code| i32::try_from(code).ok());
    failure.stdout = text("stdout");
    failure.stderr = text("stderr");
    failure.position = text("position").and_then(|text| parse_position(&text));
    if let Some(hints) = map.get("hints").and_then(|hints| hints.read_lock::<rhai::Array>()) {
        failure.hints = hints.iter().map(ToString::to_string).collect();
    }
    for (key, value) in map.iter().filter(|(key, _)| !FIELDS.contains(&key.as_str())) {
        if let Ok(value) = to_value(value) {
            failure.extra.insert(key.to_string(), value);
        }
    }
    failure
}

fn parse_position(text: &str) -> Option<Position> {
    let mut parts = text.rsplitn(3, ':');
    let (column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Position { file: file.into(), line: line.parse().ok()?, column: column.parse().ok()? })
}

/// The failure that a Rhai error is, with its place and the calls that led there.
pub(crate) fn failure_from(error: &EvalAltResult, script: &Script) -> Failure {
    failure_in(error, script, &script.name)
}

/// The failure of code that stands in the source `from`.
pub(crate) fn failure_in(error: &EvalAltResult, script: &Script, from: &Arc<str>) -> Failure {
    let mut frames = Vec::new();
    let (inner, file) = unwind(error, from, &mut frames);
    let position = place(&file, inner.position());
    let mut failure = match inner {
        EvalAltResult::ErrorRuntime(value, _) => failure_from_value(value),
        EvalAltResult::ErrorSystem(_, cause) => match cause.downcast_ref::<Diagnostic>() {
            Some(diagnostic) => {
                let mut failure = Failure::new(ErrorKind::Invalid, diagnostic.message.clone());
                failure.hints = diagnostic.hints.clone();
                failure
            }
            None => Failure::new(ErrorKind::Invalid, cause.to_string()),
        },
        other => {
            let mut failure = Failure::new(ErrorKind::Invalid, sentence(other));
            failure.hints.extend(hint_for(other, script));
            failure
        }
    };
    frames.reverse();
    // A recursion has the same call many times.
    let mut seen = HashSet::new();
    frames.retain(|frame| seen.insert(frame.clone()));
    // An error map that was caught and thrown again keeps its own place; the calls are not its own.
    let in_file = failure.position.as_ref().is_some_and(|place| !script.is_source(&place.file));
    if in_file && let Some(call) = position {
        let operation = failure.operation.as_deref().unwrap_or("template");
        frames.insert(0, (call, format!("in the call of `{operation}`")));
        failure.frames = frames;
    } else if failure.position.is_none() || failure.position == position {
        failure.position = position.or_else(|| frames.first().map(|(position, _)| position.clone()));
        failure.frames = frames;
    }
    failure
}

/// Whether Rhai stopped the code of itself: its error has then the place of the outermost call alone.
pub(crate) fn stopped_from_outside(error: &EvalAltResult) -> bool {
    innermost(error).is_system_exception()
}

/// Gives a failure the place in the code, where that is known; what had been its place led there.
pub(crate) fn within_the_call(failure: &mut Failure, at: Option<Position>, text: &str) {
    let Some(at) = at.filter(|at| failure.position.as_ref() != Some(at)) else { return };
    if let Some(call) = failure.position.replace(at) {
        failure.frames.insert(0, (call, text.to_owned()));
    }
}

/// Walks to the innermost error; collects the calls on the way, outermost first.
fn unwind<'a>(
    error: &'a EvalAltResult,
    file: &Arc<str>,
    frames: &mut Vec<(Position, String)>,
) -> (&'a EvalAltResult, Arc<str>) {
    match error {
        EvalAltResult::ErrorInFunctionCall(name, source, inner, position) => {
            let text = if name.starts_with("anon$") {
                "in the closure given here".to_owned()
            } else {
                format!("in the call of `{name}`")
            };
            frames.extend(place(file, *position).map(|position| (position, text)));
            let next = if source.is_empty() { Arc::clone(file) } else { source.as_str().into() };
            unwind(inner, &next, frames)
        }
        EvalAltResult::ErrorInModule(name, inner, position) => {
            frames.extend(
                place(file, *position).map(|position| (position, format!("in the import of `{name}`"))),
            );
            let next = if name.is_empty() { Arc::clone(file) } else { name.as_str().into() };
            unwind(inner, &next, frames)
        }
        other => (other, Arc::clone(file)),
    }
}

/// A Rhai position as ours.
pub(crate) fn place(file: &Arc<str>, position: RhaiPosition) -> Option<Position> {
    let line = u32::try_from(position.line()?).ok()?;
    let column = position.position().and_then(|column| u32::try_from(column).ok()).unwrap_or(0);
    Some(Position { file: Arc::clone(file), line, column })
}

/// What Rhai says, as our messages are written: without position, literals in back-quotes.
fn sentence(error: &EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorParsing(kind, _) => parse_sentence(&kind.to_string()),
        EvalAltResult::ErrorVariableNotFound(name, _) => format!("variable `{name}` is not defined"),
        EvalAltResult::ErrorPropertyNotFound(name, _) => format!("the map has no key `{name}`"),
        EvalAltResult::ErrorFunctionNotFound(call, _) => no_function(call),
        EvalAltResult::ErrorModuleNotFound(name, _) => format!("module `{name}` was not found"),
        EvalAltResult::ErrorTooManyOperations(_) | EvalAltResult::ErrorTerminated(..) => {
            Excess::Steps.message()
        }
        EvalAltResult::ErrorStackOverflow(_) => Excess::Calls.message(),
        EvalAltResult::ErrorDataTooLarge(what, _) => {
            let what = match what.to_lowercase() {
                what if what.contains("string") => "a string",
                what if what.contains("array") => "an array",
                what if what.contains("map") => "a map",
                _ => "a value",
            };
            Excess::Data(what).message()
        }
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) => {
            format!("expected a value of type `{}`, found `{}`", in_words(wanted), in_words(found))
        }
        EvalAltResult::ErrorMismatchOutputType(wanted, found, _) => {
            format!("expected `{}` to be returned, found `{}`", in_words(wanted), in_words(found))
        }
        EvalAltResult::ErrorIndexNotFound(index, _) => format!("there is no `{index}`"),
        EvalAltResult::ErrorIndexingType(what, _) => format!("`{what}` has no such property or index"),
        EvalAltResult::ErrorArrayBounds(size, index, _) => {
            format!("index {index} is out of range: the array has {size} elements")
        }
        EvalAltResult::ErrorDotExpr(text, _) => no_property(text),
        EvalAltResult::ErrorUnboundThis(_) => "`this` has no value here".to_owned(),
        other => {
            // Rhai appends the position, which we show our own way.
            in_words(&without_place(&other.to_string()))
        }
    }
}

/// A call that fits no function: `name (types)`, or a name alone where nothing has it.
fn no_function(call: &str) -> String {
    let Some((name, types)) = call.split_once(" (") else {
        return format!("there is no function `{call}`");
    };
    let types = in_words(types.strip_suffix(')').unwrap_or(types));
    if name.starts_with("anon$") {
        return "the closure takes another number of arguments than it gets".to_owned();
    }
    match (name.starts_with(|first: char| first.is_alphabetic() || first == '_'), &*types) {
        (_, "") => format!("`{name}` cannot be called without arguments"),
        (true, _) => format!("`{name}` cannot be called with ({types})"),
        (false, _) => format!("`{name}` cannot join ({types})"),
    }
}

/// What Rhai says of a property that a value has not: `… 'name' - … for type 'int'`.
fn no_property(text: &str) -> String {
    let mut quoted = text.split('\'').skip(1).step_by(2);
    match (quoted.next(), quoted.next()) {
        (Some(name), Some(kind)) => {
            format!("a value of type `{}` has no property `{name}`", in_words(kind))
        }
        _ => in_words(&without_place(text)),
    }
}

/// How a word of the language is called.
fn right_call(name: &str) -> Option<&'static str> {
    Some(match name {
        "task" => "`task(\"name\")`",
        "handler" => "`handler(\"name\")`",
        "gate" => "`gate(\"name\", \"what is asked\")`",
        "block" => "`block(\"name\", #{ … }, || { … })`",
        "params" => "`params(#{ name: value, … })`",
        "hosts" => "`hosts(\"pattern\")`; sets are joined by `+`",
        "host" => "`host(\"name\")`",
        "run" | "rescue" | "always" => "`.run(|h| …)`, `.rescue(|h, err| …)`, `.always(|h| …)`",
        "on_end" => "`on_end(|run| …)`",
        "wait_until" => "`wait_until(\"60s\", #{ every: \"1s\" }, || …)`",
        "doc" => "`.doc(\"what it does\")`",
        // Where people of Ansible write it: at the task.
        "notify" => {
            "`h.write(path, text).notify(\"handler\")`: what changes the host notifies, in the body of the task"
        }
        _ => return None,
    })
}

/// What was probably meant, as far as the script's own text tells.
fn hint_for(error: &EvalAltResult, script: &Script) -> Option<String> {
    if let EvalAltResult::ErrorFunctionNotFound(call, _) = error {
        return right_call(call.split(" (").next()?).map(|right| format!("it is called as {right}"));
    }
    let EvalAltResult::ErrorPropertyNotFound(name, _) = error else { return None };
    let main = script.sources.get(&script.name);
    let imported = script.imports.trees().into_iter().map(|(source, _)| source);
    let scans: Vec<Scan> = main.into_iter().chain(imported).map(|source| Scan::of(&source.text)).collect();
    Some(match oneex_sdk::nearest(name, scans.iter().flat_map(Scan::keys)) {
        Some(right) => format!("did you mean `{right}`?"),
        None => format!("for what may be missing: `.get(\"{name}\") ?? fallback`"),
    })
}

/// A message of Rhai's without the place that it appends.
pub(crate) fn without_place(text: &str) -> String {
    let end = [" @ '", " (line "].iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    lower_first(&text[..end])
}

fn parse_sentence(text: &str) -> String {
    let text = text.strip_prefix("Syntax error: ").unwrap_or(text);
    lower_first(text)
}

pub(super) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        // An acronym stays as it is.
        (Some(first), Some(second)) if first.is_uppercase() && !second.is_uppercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// A diagnostic of an error while the script was loaded: the place, the line, the way there.
pub(crate) fn diagnostic_from(error: &EvalAltResult, script: &Script) -> Diagnostic {
    // A diagnostic of our own, from an import, travels inside of Rhai's error.
    if let Some(diagnostic) = carried(error) {
        return diagnostic.clone();
    }
    let failure = failure_from(error, script);
    let code = if matches!(innermost(error), EvalAltResult::ErrorParsing(..)) { "syntax" } else { "script" };
    diagnostic_of(code, &failure, script)
}

/// A diagnostic that shows a failure in the script.
pub(crate) fn diagnostic_of(code: &'static str, failure: &Failure, script: &Script) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(code, &failure.message);
    if let Some(position) = &failure.position {
        diagnostic = diagnostic.label(script.sources.label(position, "", true));
    }
    for (position, text) in &failure.frames {
        diagnostic = diagnostic.label(script.sources.label(position, text, false));
    }
    diagnostic.hints.extend(failure.hints.iter().cloned());
    diagnostic
}

fn innermost(error: &EvalAltResult) -> &EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) | EvalAltResult::ErrorInModule(_, inner, _) => {
            innermost(inner)
        }
        other => other,
    }
}

fn carried(error: &EvalAltResult) -> Option<&Diagnostic> {
    match innermost(error) {
        EvalAltResult::ErrorSystem(_, cause) => cause.downcast_ref::<Diagnostic>(),
        _ => None,
    }
}
