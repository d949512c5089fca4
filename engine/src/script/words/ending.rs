//! `on_end`: what runs last in any case.

use std::sync::Arc;

use rhai::{Engine, EvalAltResult, FnPtr, NativeCallContext};

use super::tasks::declared;
use crate::script::closure::Closure;
use crate::script::error::Thrown;

fn on_end(context: &NativeCallContext<'_>, body: FnPtr) -> Result<(), Thrown> {
    let closure = Closure::keep(context, body)?;
    declared("on_end", |_, declared| {
        declared.on_end.push(Arc::new(closure));
        Ok(())
    })
}

/// Registers the word.
pub(super) fn register(engine: &mut Engine) {
    engine.register_fn(
        "on_end",
        |context: NativeCallContext, body: FnPtr| -> Result<(), Box<EvalAltResult>> {
            on_end(&context, body).map_err(|error| error.at(&context))
        },
    );
}
