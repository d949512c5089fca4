//! `block`: tasks that share what they run on, in the order written.

use std::sync::Arc;

use rhai::{Engine, EvalAltResult, FnPtr, Map, NativeCallContext};

use super::options::{self, Options};
use super::tasks::{Handle, batch, condition, declared, hosts_from, references};
use crate::graph::{Amount, Block};
use crate::script::declare::Inherited;
use crate::script::error::Thrown;

const KNOWN: &[&str] = &[
    "on",
    "sudo",
    "tags",
    "when",
    "needs",
    "after",
    "batch",
    "max_fail",
    "throttle",
    "exclusive",
    "parallel",
];

/// Opens a block within the one that is open; what it does not say is inherited from there.
fn open(context: &NativeCallContext<'_>, name: &str, map: Map) -> Result<usize, Thrown> {
    if name.trim().is_empty() {
        return Err(Thrown::invalid("a block needs a name"));
    }
    let mut options = Options::new("block", KNOWN, map)?;
    let on = options.take("on").map(|value| hosts_from(context, value)).transpose()?;
    let when = options.take("when").map(|value| condition(context, value)).transpose()?;
    let rolling = options.take("batch").map(|value| batch(context, value)).transpose();
    let rolling = rolling.map_err(|error| error.within("`block`: option `batch`"))?;
    let parallel = options.parse("parallel", options::boolean)?.unwrap_or(false);
    declared("block", |current, declared| {
        let position = current.script.position(context);
        let outer = declared.open.last().copied();
        let mut inherited = outer.map_or_else(Inherited::default, |block| declared.inherited[block].clone());
        let placed =
            |references: Vec<_>| references.into_iter().map(|reference| (reference, position.clone()));
        inherited.on = on.or(inherited.on);
        inherited.when.extend(when);
        inherited.sudo = options.parse("sudo", options::user)?.unwrap_or(inherited.sudo);
        inherited.tags.extend(options.parse("tags", options::texts)?.unwrap_or_default());
        inherited.needs.extend(placed(options.parse("needs", references)?.unwrap_or_default()));
        inherited.after.extend(placed(options.parse("after", references)?.unwrap_or_default()));
        inherited.max_fail = options.parse("max_fail", options::amount)?.or(inherited.max_fail);
        inherited.throttle =
            options.parse("throttle", |value| options::count(value, 1))?.or(inherited.throttle);
        inherited.exclusive.extend(options.parse("exclusive", options::texts)?.unwrap_or_default());
        let role = current
            .script
            .imports
            .role_name(&position.file)
            .filter(|_| *position.file != *current.script.name);
        let full = declared.full_name(role.as_deref(), name);
        if let Some(other) = declared.blocks.iter().find(|block| block.name == full) {
            return Err(Thrown::invalid(format!("there are two blocks named `{full}`"))
                .hint(format!("the other one is declared at {}", other.position)));
        }
        let index = declared.blocks.len();
        declared.blocks.push(Block {
            name: full,
            parent: outer,
            tasks: Vec::new(),
            parallel,
            batch: rolling.map(Box::new),
            max_fail: inherited.max_fail.unwrap_or(Amount::Count(0)),
            position,
        });
        declared.inherited.push(inherited);
        declared.open.push(index);
        Ok(index)
    })
}

fn close(index: usize) -> Result<Handle, Thrown> {
    declared("block", |_, declared| {
        declared.open.pop();
        let block = &declared.blocks[index];
        Ok(Handle { tasks: block.tasks.clone().into(), name: Arc::clone(&block.name) })
    })
}

fn block(
    context: &NativeCallContext<'_>,
    name: &str,
    options: Map,
    body: &FnPtr,
) -> Result<Handle, Box<EvalAltResult>> {
    let index = open(context, name, options).map_err(|error| error.at(context))?;
    let result = body.call_raw(context, None, []);
    let handle = close(index).map_err(|error| error.at(context))?;
    result.map(|_| handle)
}

/// Registers the words.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_fn("block", |context: NativeCallContext, name: &str, options: Map, body: FnPtr| {
            block(&context, name, options, &body)
        })
        .register_fn("block", |context: NativeCallContext, name: &str, body: FnPtr| {
            block(&context, name, Map::new(), &body)
        });
}
