//! Filters between text and data: YAML, base64, shell words.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, Error, ErrorKind, Value};

use super::data::wrong;
use crate::inventory::yaml;

type Json = serde_json::Value;

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("to_yaml", to_yaml);
    environment.add_filter("to_nice_yaml", to_yaml);
    environment.add_filter("from_yaml", from_yaml);
    environment.add_filter("b64encode", |text: String| STANDARD.encode(text));
    environment.add_filter("b64decode", b64decode);
    environment.add_filter("quote", |text: String| oneex_sdk::quote(&text));
    environment.add_filter("comment", comment);
}

pub(super) fn json_of(value: &Value) -> Result<Json, Error> {
    if value.is_undefined() {
        return Err(Error::new(ErrorKind::UndefinedError, "an undefined value cannot be written"));
    }
    serde_json::to_value(value).map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))
}

/// YAML in block style, ending in a line break.
fn to_yaml(value: &Value, options: Kwargs) -> Result<String, Error> {
    // Accepted for templates written for Ansible; the layout is the same for all of them.
    let _: Option<usize> = options.get("indent")?;
    let _: Option<usize> = options.get("width")?;
    let sort: Option<bool> = options.get("sort_keys")?;
    options.assert_all_used()?;
    let mut value = json_of(value)?;
    if sort.unwrap_or(true) {
        value.sort_all_objects();
    }
    let mut text = serde_saphyr::to_string(&value)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn from_yaml(text: String) -> Result<Value, Error> {
    yaml::parse(&text)
        .map(|node| Value::from(Serde(node.into_value())))
        .map_err(|error| wrong(format!("`from_yaml`: line {}: {error}", error.place.line)))
}

fn b64decode(text: String) -> Result<String, Error> {
    let clean: String = text.split_whitespace().collect();
    let bytes = STANDARD.decode(clean).map_err(|error| wrong(format!("`b64decode`: {error}")))?;
    String::from_utf8(bytes).map_err(|_| wrong("`b64decode`: the content is not UTF-8"))
}

/// A comment as Ansible writes it: a `#` line, the lines each after `# `, a `#` line.
fn comment(text: String, style: Option<String>, options: Kwargs) -> Result<String, Error> {
    let given: Option<String> = options.get("decoration")?;
    let prefix: Option<String> = options.get("prefix")?;
    let postfix: Option<String> = options.get("postfix")?;
    options.assert_all_used()?;
    let (begin, decoration, end) = match style.as_deref().unwrap_or("plain") {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        other => {
            return Err(wrong(format!(
                "`comment` knows `plain`, `erlang`, `c`, `cblock` and `xml`, not `{other}`"
            )));
        }
    };
    let decoration = given.unwrap_or_else(|| decoration.to_owned());
    let edge = decoration.trim_end();
    let mut lines: Vec<String> = Vec::new();
    lines.extend((!begin.is_empty()).then(|| begin.to_owned()));
    lines.push(prefix.unwrap_or_else(|| edge.to_owned()));
    lines.extend(text.lines().map(|line| format!("{decoration}{line}").trim_end().to_owned()));
    lines.push(postfix.unwrap_or_else(|| edge.to_owned()));
    lines.extend((!end.is_empty()).then(|| end.to_owned()));
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::Templates;

    fn render(text: &str) -> String {
        let data = json!({"m": {"b": [1, true, null], "a": "x"}, "text": "grüße"});
        Templates::default().render_text("t", text, data).expect(text)
    }

    #[test]
    fn yaml_goes_out_and_comes_back() {
        assert_eq!(
            render("{{ m | to_nice_yaml | from_yaml | to_json }}"),
            r#"{"a": "x", "b": [1, true, null]}"#
        );
        assert_eq!(render("{{ ('a: yes' | from_yaml).a }}"), "True");
    }

    #[test]
    fn encodings_and_comments() {
        assert_eq!(render("{{ text | b64encode }} {{ text | b64encode | b64decode }}"), "Z3LDvMOfZQ== grüße");
        assert_eq!(render("{{ \"it's\" | quote }}"), oneex_sdk::quote("it's"));
        assert_eq!(render("{{ 'a\nb' | comment }}"), "#\n# a\n# b\n#");
        assert_eq!(render("{{ 'a' | comment('cblock') }}"), "/*\n *\n * a\n *\n */");
    }
}
