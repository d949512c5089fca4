//! `secret`: makes a text known as one that must not be shown.

use oneex_sdk::SecretSink;
use rhai::{Engine, EvalAltResult, NativeCallContext};

use crate::script::current::current;
use crate::script::error::Thrown;

fn secret(text: &str) -> Result<String, Thrown> {
    current()?.script.redactor.register(text);
    Ok(text.to_owned())
}

/// Registers the word.
pub(super) fn register(engine: &mut Engine) {
    engine.register_fn(
        "secret",
        |context: NativeCallContext, text: &str| -> Result<String, Box<EvalAltResult>> {
            secret(text).map_err(|error| error.at(&context))
        },
    );
}
