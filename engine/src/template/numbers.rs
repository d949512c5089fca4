//! Filters from text to numbers, which take what is no number as 0, as Jinja2 does.

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, Value};

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("int", int);
    environment.add_filter("float", float);
}

fn int(
    state: &State,
    value: &Value,
    default: Option<Value>,
    base: Option<u32>,
    options: Kwargs,
) -> Result<Value, Error> {
    let instead = fallback(default.as_ref(), &options, Value::from(0));
    let read = minijinja::filters::int(state, &trimmed(value), default, base, options);
    or(read, value, instead)
}

fn float(state: &State, value: &Value, default: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let instead = fallback(default.as_ref(), &options, Value::from(0.0));
    let read = minijinja::filters::float(state, &trimmed(value), default, options);
    or(read, value, instead)
}

fn trimmed(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| Value::from(text.trim()))
}

fn fallback(default: Option<&Value>, options: &Kwargs, zero: Value) -> Value {
    default.cloned().or_else(|| options.peek::<Value>("default").ok()).unwrap_or(zero)
}

fn or(read: Result<Value, Error>, value: &Value, instead: Value) -> Result<Value, Error> {
    match read {
        Err(error) if !value.is_undefined() && error.kind() == ErrorKind::InvalidOperation => Ok(instead),
        read => read,
    }
}
