//! What arrays and maps lack.

use rhai::plugin::*;
use rhai::{Array, Dynamic, Map};

use super::error::{Fallible, failure};
use super::text::joined;
use crate::script::convert::to_value;

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(exported_module!(array_methods).into());
}

fn json(context: &NativeCallContext, value: Dynamic) -> Fallible<String> {
    to_value(&value).map(|value| value.to_string()).map_err(|error| failure(context, error.to_string()))
}

#[export_module]
#[allow(unreachable_pub, reason = "the macro registers public functions only")]
#[allow(clippy::unwrap_used, reason = "the macro unwraps the receiver, whose type rhai has checked")]
mod array_methods {
    /// Joins the items to a text, with a separator between them.
    ///
    /// ```rhai
    /// ["a", 1, true].join(", ") == "a, 1, true"
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn join(context: NativeCallContext, array: &mut Array, separator: &str) -> Fallible<String> {
        joined(&context, array, separator)
    }

    /// The array as JSON. Functions and handles are refused.
    ///
    /// ```rhai
    /// [1, ()].to_json() == "[1,null]"
    /// ```
    #[rhai_fn(name = "to_json", return_raw, pure)]
    pub fn array_to_json(context: NativeCallContext, array: &mut Array) -> Fallible<String> {
        json(&context, array.clone().into())
    }

    /// The map as JSON. Functions and handles are refused.
    ///
    /// ```rhai
    /// #{ a: "x" }.to_json() == `{"a":"x"}`
    /// ```
    #[rhai_fn(name = "to_json", return_raw, pure)]
    pub fn map_to_json(context: NativeCallContext, map: &mut Map) -> Fallible<String> {
        json(&context, map.clone().into())
    }
}
