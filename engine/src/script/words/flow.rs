//! `fail`, `skip`, `warn`, `info`, `print`, `error`, and `.notify`.

use std::sync::Arc;

use oneex_sdk::ErrorKind;
use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext};

use super::tasks::Handle;
use crate::diag::Position;
use crate::graph::{TaskId, TaskKind};
use crate::run::{Failure, Level, NodeContext, RunEvent};
use crate::script::current::{Stop, body, current, stop};
use crate::script::declare::{role_of, scoped_names};
use crate::script::error::{Thrown, error_map, failure_from_value, without_place};
use crate::script::result::OpResult;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Sends a message to the run, or keeps it until the load has ended.
pub(crate) fn message(level: Level, text: &str, position: Option<Position>) {
    let Ok(current) = current() else { return };
    let node = current.node.as_ref().map(|node| node.node.clone());
    let event = RunEvent::Message { node, level, text: text.to_owned(), position };
    match &current.node {
        Some(node) => node.run.events.emit(event),
        None => {
            let event = current.script.redactor.event(event);
            let mut declared =
                current.script.declared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            declared.messages.push(event);
        }
    }
}

fn say(context: &NativeCallContext<'_>, level: Level, text: &Dynamic) {
    let position = current().ok().map(|current| current.script.position(context));
    message(level, &text.to_string(), position);
}

/// Makes an error map of whatever was thrown, for `catch`.
fn error_of(value: &Dynamic) -> rhai::Map {
    let mut failure = failure_from_value(value);
    // Errors of the language itself come as maps with `error` and `message`.
    if let Some(map) = value.read_lock::<rhai::Map>()
        && !map.contains_key("kind")
        && map.contains_key("error")
    {
        failure.kind = ErrorKind::Invalid;
        failure.message = without_place(&failure.message);
        failure.position = place_in(&map);
        ["error", "function", "line", "source"].iter().for_each(|key| drop(failure.extra.remove(*key)));
    }
    error_map(&failure)
}

/// The place that an error of the language carries: its `source`, `line` and `position`.
fn place_in(map: &rhai::Map) -> Option<Position> {
    let number = |key: &str| u32::try_from(map.get(key)?.as_int().ok()?).ok();
    let source = map.get("source").and_then(|source| source.clone().into_string().ok());
    let script = || current().ok().map(|current| current.script.name.to_string());
    let file = source.filter(|source| !source.is_empty()).or_else(script)?;
    Some(Position { file: file.into(), line: number("line")?, column: number("position").unwrap_or(0) })
}

/// `.notify`: where something changed, the handler will run on this host.
fn notify(result: &OpResult, handler: &Dynamic) -> Result<(), Thrown> {
    let (_, node) = body(".notify")?;
    let handlers = match handler.read_lock::<Handle>() {
        Some(handle) => handle.tasks.to_vec(),
        None => vec![by_name(&node, &handler.to_string())?],
    };
    for id in handlers {
        let task = &node.run.graph.tasks[id.index()];
        if task.kind != TaskKind::Handler {
            return Err(Thrown::invalid(format!("`{}` is not a handler", task.name))
                .hint("declare it with `handler(\"…\")` to have it notified"));
        }
        if result.may_have_changed() {
            let host = if task.on.is_some() { node.node.host.clone() } else { None };
            node.run.notified.add(id, host);
            let handler = Arc::clone(&task.name);
            let place = result.place().to_owned();
            if let Some(past) = node.run.past() {
                past.notified_again(&node.node, &place, &handler);
            }
            node.run.events.emit(RunEvent::Notified { node: node.node.clone(), handler, place });
        }
    }
    Ok(())
}

fn by_name(node: &NodeContext, name: &str) -> Result<TaskId, Thrown> {
    let graph = &node.run.graph;
    let handlers = || graph.tasks.iter().filter(|task| task.kind == TaskKind::Handler);
    let found = node.task.and_then(|id| {
        let task = &graph.tasks[id.index()];
        let role = role_of(task, &graph.blocks);
        let names = scoped_names(name, task, role.as_deref(), &graph.blocks);
        names.iter().find_map(|name| handlers().find(|task| &*task.name == name.as_str()))
    });
    match found {
        Some(task) => Ok(task.id),
        None => {
            let error = Thrown::invalid(format!("there is no handler `{name}`"));
            Err(match oneex_sdk::nearest(name, handlers().map(|task| &*task.name)) {
                Some(right) => error.hint(format!("did you mean `{right}`?")),
                None => error.hint("declare it with `handler(\"…\").run(…)`"),
            })
        }
    }
}

/// Registers the words.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_fn("fail", |context: NativeCallContext, why: Dynamic| -> Fallible<()> {
            let mut failure: Failure = failure_from_value(&why);
            if let (Ok(current), None) = (current(), &failure.position) {
                failure.position = Some(current.script.position(&context));
            }
            Err(Thrown::from(failure).at(&context))
        })
        .register_fn("skip", |context: NativeCallContext, why: &str| -> Fallible<()> {
            let error = match body("skip") {
                Ok(_) => stop(Stop::Skipped(why.to_owned())),
                Err(error) => error,
            };
            Err(error.at(&context))
        })
        .register_fn("warn", |context: NativeCallContext, text: Dynamic| say(&context, Level::Warning, &text))
        .register_fn("info", |context: NativeCallContext, text: Dynamic| say(&context, Level::Info, &text))
        .register_fn("error", |value: Dynamic| error_of(&value))
        .register_fn(
            "notify",
            |context: NativeCallContext, result: &mut OpResult, handler: Dynamic| -> Fallible<OpResult> {
                notify(result, &handler).map(|()| result.clone()).map_err(|error| error.at(&context))
            },
        );
}
