//! What arrays and maps lack.

use rhai::plugin::*;
use rhai::{Array, Dynamic, FnPtr, Map};

use super::error::{Fallible, failure};
use super::text::joined;
use crate::script::closure::freeze_captured;
use crate::script::convert::to_value;
use crate::script::limits::ELEMENTS;

pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(exported_module!(array_methods).into());
}

fn json(context: &NativeCallContext, value: Dynamic) -> Fallible<String> {
    to_value(&value).map(|value| value.to_string()).map_err(|error| failure(context, error.to_string()))
}

/// How many items a value counts for: those inside of it, and long texts more than once.
fn weight(item: &Dynamic) -> usize {
    if let Some(array) = item.read_lock::<Array>() {
        return array.iter().fold(1, |sum: usize, item| sum.saturating_add(weight(item)));
    }
    if let Some(map) = item.read_lock::<Map>() {
        return map.values().fold(1, |sum: usize, item| sum.saturating_add(weight(item)));
    }
    1 + item.as_immutable_string_ref().map_or(0, |text| text.len() / 32)
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

    /// Fills an array up to `length` items, in place. Rhai's own (1.27) miscounts what would be made of
    /// a large number.
    ///
    /// ```rhai
    /// let a = [1]; a.pad(3, 0); a == [1, 0, 0]
    /// ```
    #[rhai_fn(name = "pad", return_raw)]
    pub fn pad_array(
        context: NativeCallContext,
        array: &mut Array,
        length: i64,
        item: Dynamic,
    ) -> Fallible<()> {
        let length = usize::try_from(length).unwrap_or(0);
        let missing = length.saturating_sub(array.len());
        if missing.saturating_mul(weight(&item)).saturating_add(array.len()) > ELEMENTS {
            return Err(failure(&context, format!("an array holds at most {ELEMENTS} items")));
        }
        if missing > 0 {
            array.resize(length, item);
        }
        Ok(())
    }

    /// Adds a function at the end, with copies of what it captured: one that was made in a loop sees its own
    /// turn's values. Rhai's own shares them, the loop's variable included.
    ///
    /// ```rhai
    /// let all = []; for n in 0..3 { all.push(|| n * 2); } all.map(|f| f.call()) == [0, 2, 4]
    /// ```
    #[rhai_fn(name = "push", return_raw)]
    pub fn push_function(context: NativeCallContext, array: &mut Array, mut function: FnPtr) -> Fallible<()> {
        freeze_captured(&mut function).map_err(|error| error.at(&context))?;
        array.push(function.into());
        Ok(())
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
