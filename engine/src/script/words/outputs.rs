//! `t.output`, `t.outputs`, `t.results`: what ended tasks returned.

use std::sync::Arc;

use oneex_sdk::{Map, Value};
use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext};

use super::tasks::Handle;
use crate::graph::TaskId;
use crate::run::{NodeContext, NodeResult, NodeStatus};
use crate::script::convert::to_dynamic;
use crate::script::current::{Stop, body, current, stop};
use crate::script::error::Thrown;

/// The results of a handle's tasks. Fails while none has ended: the reader does not wait for it.
fn results(handle: &Handle, word: &str) -> Result<(Arc<NodeContext>, Vec<NodeResult>), Thrown> {
    if current()?.node.is_none() {
        let message = format!(
            "`.{word}` is known when `{}` has ended, and the script is only being loaded",
            handle.name
        );
        return Err(Thrown::invalid(message).hint("read it in the body of a task that needs this one"));
    }
    let (_, node) = body(&format!(".{word}"))?;
    let mut all = Vec::new();
    for task in handle.tasks.iter() {
        all.extend(task_results(*task, handle, &node, word)?);
    }
    Ok((node, all))
}

fn task_results(
    task: TaskId,
    handle: &Handle,
    node: &NodeContext,
    word: &str,
) -> Result<Vec<NodeResult>, Thrown> {
    match node.run.outputs.get(task) {
        Some(results) => Ok(results.to_vec()),
        None => {
            Err(Thrown::invalid(format!("`{}` has not ended, so there is no `.{word}` yet", handle.name))
                .hint(format!("let task `{}` wait for it with `.needs(…)` or `.after(…)`", node.node.task)))
        }
    }
}

fn known(result: &NodeResult) -> Result<&Value, Thrown> {
    if result.unknown || result.status == NodeStatus::KnownAfterRun {
        return Err(stop(Stop::KnownAfterRun(format!("the output of `{}`", result.node))));
    }
    Ok(&result.output)
}

fn output(handle: &Handle) -> Result<Dynamic, Thrown> {
    handle.single()?;
    let (reader, results) = results(handle, "output")?;
    match results.as_slice() {
        [only] => known(only).map(to_dynamic),
        [] => Ok(Dynamic::UNIT),
        many => {
            // A node sees the output of the node on its own host.
            let mut own = many
                .iter()
                .filter(|result| result.node.host.is_some() && result.node.host == reader.node.host);
            match (own.next(), own.next()) {
                (Some(own), None) => known(own).map(to_dynamic),
                _ => Err(Thrown::invalid(format!(
                    "task `{}` has {} nodes, so it has no single output",
                    handle.name,
                    many.len()
                ))
                .hint("use `.outputs`, a map by host, by item, or by host then item")),
            }
        }
    }
}

fn outputs(handle: &Handle) -> Result<Dynamic, Thrown> {
    let (_, results) = results(handle, "outputs")?;
    let mut map = Map::new();
    for result in &results {
        let value = known(result)?.clone();
        match (&result.node.host, &result.node.item) {
            (Some(host), Some(item)) => {
                let inner = map.entry(host.to_string()).or_insert_with(|| Value::Object(Map::new()));
                if let Some(inner) = inner.as_object_mut() {
                    inner.insert(item.to_string(), value);
                }
            }
            (Some(key), None) | (None, Some(key)) => {
                map.insert(key.to_string(), value);
            }
            (None, None) => {
                map.insert(result.node.task.to_string(), value);
            }
        }
    }
    Ok(to_dynamic(&Value::Object(map)))
}

fn all_results(handle: &Handle) -> Result<Dynamic, Thrown> {
    let (_, results) = results(handle, "results")?;
    let mut list = rhai::Array::with_capacity(results.len());
    for result in &results {
        let text =
            |text: &Option<Arc<str>>| text.as_ref().map_or(Dynamic::UNIT, |text| text.to_string().into());
        let mut map = rhai::Map::new();
        map.insert("name".into(), result.node.to_string().into());
        map.insert("host".into(), text(&result.node.host));
        map.insert("item".into(), to_dynamic(&result.item));
        map.insert("status".into(), result.status.as_str().into());
        map.insert("output".into(), to_dynamic(known(result)?));
        let error = result.failure.as_ref();
        map.insert(
            "error".into(),
            error.map_or(Dynamic::UNIT, |failure| crate::script::error::error_map(failure).into()),
        );
        list.push(map.into());
    }
    Ok(list.into())
}

/// Registers the properties.
pub(super) fn register(engine: &mut Engine) {
    engine.register_indexer_get(
        |context: NativeCallContext,
         handle: &mut Handle,
         name: &str|
         -> Result<Dynamic, Box<EvalAltResult>> {
            let value = match name {
                "output" => output(handle),
                "outputs" => outputs(handle),
                "results" => all_results(handle),
                "name" => Ok(handle.name.to_string().into()),
                other => {
                    let error = Thrown::invalid(format!("a task has no property `{other}`"));
                    let known = ["output", "outputs", "results", "name"];
                    Err(match oneex_sdk::nearest(other, known) {
                        Some(right) => error.hint(format!("did you mean `{right}`?")),
                        None => error.hint(format!("properties are: {}", known.join(", "))),
                    })
                }
            };
            value.map_err(|error| error.at(&context))
        },
    );
}
