//! Between values of the script and plain data.
//!
//! | script | plain data |
//! | --- | --- |
//! | `()` | null |
//! | bool, integer, string, array, map | the same |
//! | float | number; not-a-number and infinity are refused |
//! | char | string of one character |
//! | blob | string in standard base64 |
//! | function, handle, range, timestamp | refused, with the path to it |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhai::{Array, Dynamic, FnPtr, ImmutableString, Map};
use serde_json::{Number, Value};

/// How deep arrays and maps may be nested, so that no value can exhaust the stack.
pub(crate) const DEEPEST: usize = 128;

/// A value that is not plain data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what} is not plain data", prefix(path))]
pub(crate) struct ConvertError {
    /// Where in the value: `.hosts[0].body`; empty for the value itself.
    pub(crate) path: String,
    /// What was found there: `a function`, "a `Host`".
    pub(crate) what: String,
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("`{}`: ", path.trim_start_matches('.')) }
}

/// Turns a value of the script into plain data; the module's table says how.
///
/// # Errors
///
/// The value, or something in it, is not plain data, or it is nested deeper than [`DEEPEST`].
pub(crate) fn to_value(value: &Dynamic) -> Result<Value, ConvertError> {
    convert(value, &mut Vec::new())
}

/// A step on the way into a value.
enum Step {
    Key(String),
    Index(usize),
}

fn convert(value: &Dynamic, path: &mut Vec<Step>) -> Result<Value, ConvertError> {
    if path.len() > DEEPEST {
        return Err(refused(path, format!("a value nested more than {DEEPEST} deep")));
    }
    if value.is_shared() {
        let plain = value.flatten_clone();
        if plain.is_shared() {
            return Err(refused(path, "a variable that another task holds"));
        }
        return convert(&plain, path);
    }
    if let Some(map) = value.read_lock::<Map>() {
        let mut out = serde_json::Map::with_capacity(map.len());
        for (key, item) in map.iter() {
            path.push(Step::Key(key.to_string()));
            out.insert(key.to_string(), convert(item, path)?);
            path.pop();
        }
        return Ok(Value::Object(out));
    }
    if let Some(array) = value.read_lock::<Array>() {
        let mut out = Vec::with_capacity(array.len());
        for (index, item) in array.iter().enumerate() {
            path.push(Step::Index(index));
            out.push(convert(item, path)?);
            path.pop();
        }
        return Ok(Value::Array(out));
    }
    scalar(value, path)
}

fn scalar(value: &Dynamic, path: &[Step]) -> Result<Value, ConvertError> {
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(Value::String(text.to_string()));
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(Value::Bool(flag));
    }
    if let Ok(number) = value.as_int() {
        return Ok(Value::Number(number.into()));
    }
    if let Ok(number) = value.as_float() {
        let number = Number::from_f64(number).map(Value::Number);
        return number.ok_or_else(|| refused(path, "a number that is not finite"));
    }
    if let Ok(character) = value.as_char() {
        return Ok(Value::String(character.to_string()));
    }
    if let Ok(blob) = value.as_blob_ref() {
        return Ok(Value::String(STANDARD.encode(blob.as_slice())));
    }
    if value.is::<FnPtr>() {
        return Err(refused(path, "a function"));
    }
    let name = value.type_name();
    let name = name.split(['<', ' ']).next().unwrap_or(name);
    Err(refused(path, format!("a `{}`", name.rsplit("::").next().unwrap_or(name))))
}

fn refused(path: &[Step], what: impl Into<String>) -> ConvertError {
    // A path as long as the deepest value says nothing that its beginning does not.
    const SHOWN: usize = 12;
    let mut text = String::new();
    for step in path.iter().take(SHOWN) {
        match step {
            Step::Key(key) if rhai::is_valid_identifier(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Key(key) => text.push_str(&format!("[{key:?}]")),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    if path.len() > SHOWN {
        text.push('…');
    }
    ConvertError { path: text, what: what.into() }
}

/// Turns plain data into a value of the script. A whole number beyond 64 signed bits becomes a
/// float, which is the nearest number that a script can hold.
pub(crate) fn to_dynamic(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) => float.into(),
            (None, None) => Dynamic::UNIT,
        },
        Value::String(text) => ImmutableString::from(text.as_str()).into(),
        Value::Array(items) => items.iter().map(to_dynamic).collect::<Array>().into(),
        Value::Object(fields) => {
            let map: Map = fields.iter().map(|(key, item)| (key.as_str().into(), to_dynamic(item))).collect();
            map.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use rhai::{Dynamic, Engine};
    use serde_json::{Value, json};

    use super::{to_dynamic, to_value};

    fn eval(code: &str) -> Dynamic {
        Engine::new().eval::<Dynamic>(code).expect(code)
    }

    #[test]
    fn plain_values_become_plain_data() {
        let cases: &[(&str, Value)] = &[
            ("()", Value::Null),
            ("true", json!(true)),
            ("-7", json!(-7)),
            ("1.5", json!(1.5)),
            ("2.0", json!(2.0)),
            ("'x'", json!("x")),
            ("\"ünï\"", json!("ünï")),
            ("[1, [2, ()], #{}]", json!([1, [2, null], {}])),
            ("#{ a: #{ \"b c\": 'd' } }", json!({ "a": { "b c": "d" } })),
            ("blob(3, 0xff)", json!("////")),
        ];
        for (code, expected) in cases {
            assert_eq!(to_value(&eval(code)).as_ref(), Ok(expected), "{code}");
        }
    }

    #[test]
    fn a_captured_variable_is_read_through() {
        let value = eval("let a = [1]; let f = || a; a.push(2); #{ a: a }");
        assert_eq!(to_value(&value), Ok(json!({ "a": [1, 2] })));
    }

    #[test]
    fn what_is_not_plain_data_is_refused_with_its_path() {
        let cases = [
            ("|x| x", "a function is not plain data"),
            ("#{ hosts: [1, #{ body: |x| x }] }", "`hosts[1].body`: a function is not plain data"),
            ("#{ \"a b\": [0..3] }", "`[\"a b\"][0]`: a `Range` is not plain data"),
            ("[1.0 / 0.0]", "`[0]`: a number that is not finite is not plain data"),
            ("timestamp()", "a `timestamp` is not plain data"),
        ];
        for (code, expected) in cases {
            let error = to_value(&eval(code)).expect_err(code);
            assert_eq!(error.to_string(), expected, "{code}");
        }
    }

    #[test]
    fn a_bottomless_value_is_refused() {
        let mut value = Dynamic::from(1_i64);
        for _ in 0..500 {
            value = Dynamic::from_array(vec![value]);
        }
        let error = to_value(&value).expect_err("too deep").to_string();
        assert!(error.ends_with("…`: a value nested more than 128 deep is not plain data"), "{error}");
    }

    #[test]
    fn plain_data_survives_the_way_there_and_back() {
        let value = json!({ "a": [null, true, -1, 1.5, "t", { "b": [] }] });
        assert_eq!(to_value(&to_dynamic(&value)), Ok(value));
    }

    #[test]
    fn a_number_beyond_the_range_becomes_a_float() {
        let huge = to_dynamic(&json!(u64::MAX));
        assert_eq!(huge.as_float(), Ok(18_446_744_073_709_551_615.0));
    }
}
