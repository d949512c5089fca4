//! `env_var`.

use std::sync::Arc;

use rhai::{Dynamic, Engine, FuncRegistration, NativeCallContext};

use super::World;
use super::error::{Fallible, failure};

pub(super) fn register(engine: &mut Engine, world: &Arc<dyn World>) {
    let asked = Arc::clone(world);
    FuncRegistration::new("env_var")
        .with_params_info(["name: &str", "Result<String>"])
        .with_comments([
            "/// A variable of the controller's environment; an error where it is not set.\n///",
            "/// ```rhai\n/// env_var(\"EXAMPLE\") == \"shop\"\n/// ```",
        ])
        .register_into_engine(engine, move |context: NativeCallContext, name: &str| -> Fallible<String> {
            asked.variable(name).ok_or_else(|| {
                let hint = format!("`env_var(\"{name}\", fallback)` allows for that");
                failure(&context, format!("the environment variable `{name}` is not set; {hint}"))
            })
        });
    let asked = Arc::clone(world);
    FuncRegistration::new("env_var")
        .with_params_info(["name: &str", "fallback: Dynamic", "Dynamic"])
        .with_comments([
            "/// A variable of the controller's environment, or `fallback` where it is not set.\n///",
            "/// ```rhai\n/// env_var(\"NOT_SET\", \"none\") == \"none\"\n/// ```",
        ])
        .register_into_engine(engine, move |name: &str, fallback: Dynamic| -> Dynamic {
            asked.variable(name).map_or(fallback, Dynamic::from)
        });
}
