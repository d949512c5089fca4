//! Filters from data to JSON and back.

use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, ErrorKind, Value};
use serde::Serialize as _;

use super::data::wrong;
use super::encode::json_of;

type Json = serde_json::Value;

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("to_json", |value: &Value, options: Kwargs| to_json(value, None, false, &options));
    environment
        .add_filter("to_nice_json", |value: &Value, options: Kwargs| to_json(value, Some(4), true, &options));
    environment.add_filter("from_json", from_json);
}

/// As Python's `json.dumps` writes it: on one line `{"a": 1, "b": [1, 2]}`, or indented.
fn to_json(value: &Value, indent: Option<usize>, sort: bool, options: &Kwargs) -> Result<String, Error> {
    let indent = options.get::<Option<usize>>("indent")?.or(indent);
    let sort = options.get::<Option<bool>>("sort_keys")?.unwrap_or(sort);
    let ascii = options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(true);
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    options.assert_all_used()?;
    let mut value = json_of(value)?;
    if sort {
        value.sort_all_objects();
    }
    let text = match (indent, separators.as_deref()) {
        (None, None) => one_line(&value, ", ", ": "),
        (None, Some([item, key])) => one_line(&value, item, key),
        (None, Some(_)) => return Err(wrong("`separators` are two texts: between items, and after a key")),
        (Some(_), Some(_)) => return Err(wrong("`separators` are for JSON on one line, without `indent`")),
        (Some(indent), None) => indented(&value, indent)?,
    };
    Ok(if ascii { escaped(&text) } else { text })
}

fn one_line(value: &Json, item_separator: &str, key_separator: &str) -> String {
    let mut out = String::new();
    write_line(value, [item_separator, key_separator], &mut out);
    out
}

fn write_line(value: &Json, separators: [&str; 2], out: &mut String) {
    let between = |index: usize| if index > 0 { separators[0] } else { "" };
    match value {
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(between(index));
                write_line(item, separators, out);
            }
            out.push(']');
        }
        Json::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                out.push_str(between(index));
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push_str(separators[1]);
                write_line(item, separators, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn indented(value: &Json, indent: usize) -> Result<String, Error> {
    let indent = " ".repeat(indent.min(16));
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    value
        .serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter))
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    String::from_utf8(out).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// What is not ASCII as `\u00fc`: in JSON it stands in strings only.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

fn from_json(text: String) -> Result<Value, Error> {
    serde_json::from_str::<Json>(&text)
        .map(|value| Value::from(Serde(value)))
        .map_err(|error| wrong(format!("`from_json`: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::Templates;

    fn render(text: &str) -> String {
        let data = json!({"m": {"b": [1, true, null], "a": "x"}});
        Templates::default().render_text("t", text, data).expect(text)
    }

    #[test]
    fn json_is_written_as_python_writes_it() {
        assert_eq!(render("{{ m | to_json }}"), r#"{"b": [1, true, null], "a": "x"}"#);
        assert_eq!(
            render("{{ m | to_nice_json(indent=2) }}"),
            "{\n  \"a\": \"x\",\n  \"b\": [\n    1,\n    true,\n    null\n  ]\n}"
        );
        assert_eq!(render(r#"{{ ('{"a": [1]}' | from_json).a[0] }}"#), "1");
    }

    #[test]
    fn separators_are_two_and_for_one_line() {
        for (options, wanted) in [
            ("separators=[',']", "`separators` are two texts: between items, and after a key"),
            ("separators=[',', ':'], indent=2", "`separators` are for JSON on one line, without `indent`"),
        ] {
            let text = format!("{{{{ {{}} | to_json({options}) }}}}");
            let error = Templates::default().render_text("t", &text, json!({})).expect_err("a mistake");
            assert_eq!(error.message, wanted);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_back(text in ".*") {
            let data = json!({ "text": [text], "indent": 2 });
            for filter in ["to_json", "to_nice_json", "to_json(ensure_ascii=false)", "to_json(indent=indent)"] {
                let template = format!("{{{{ (text | {filter} | from_json) == text }}}}");
                let rendered = Templates::default().render_text("t", &template, data.clone());
                proptest::prop_assert_eq!(rendered.expect("a text"), "True");
            }
        }
    }
}
