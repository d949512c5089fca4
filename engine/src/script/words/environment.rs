//! `environment()`: the environment that `--env` chose.

use rhai::{Dynamic, Engine, EvalAltResult, Map, NativeCallContext};

use crate::script::convert::to_dynamic;
use crate::script::current::current;
use crate::script::error::Thrown;

fn environment() -> Result<Map, Thrown> {
    let current = current()?;
    let chosen = current.script.environment.clone().ok_or_else(|| {
        Thrown::invalid("the project has no environment").hint("declare one in `oneex.toml`: `[env.test]`")
    })?;
    let mut map = Map::new();
    map.insert("name".into(), chosen.name.into());
    map.insert("protected".into(), chosen.protected.into());
    map.insert("vars".into(), to_dynamic(&oneex_sdk::Value::Object(chosen.vars)));
    Ok(map)
}

/// Registers the word.
pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("environment", |context: NativeCallContext| -> Result<Dynamic, Box<EvalAltResult>> {
        environment().map(Dynamic::from).map_err(|error| error.at(&context))
    });
}
