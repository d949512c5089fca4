//! Values of TOML as text.

use oneex_sdk::{Map, Value};

use super::step::Step;

/// A name: bare where it can be.
pub(super) fn name_text(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

/// Names with dots between; positions, which headings do not have, are left out.
pub(super) fn path_text(steps: &[Step]) -> String {
    steps.iter().filter_map(Step::name).map(name_text).collect::<Vec<_>>().join(".")
}

/// A text in double quotes, whose escapes are those of JSON but for one.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A value on one line, in the quotes of one that began with `old`.
pub(super) fn inline(value: &Value, old: Option<char>) -> String {
    match value {
        Value::String(text) => {
            let is_literal = old == Some('\'') && !text.contains(|c: char| c == '\'' || c.is_control());
            if is_literal { format!("'{text}'") } else { quoted(text) }
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(item, None)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries =
                map.iter().map(|(name, value)| format!("{} = {}", name_text(name), inline(value, None)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// A map as a table with its heading, and those below it.
pub(super) fn blocks(path: &[Step], map: &Map<String, Value>, is_item: bool) -> Vec<String> {
    let is_table = |value: &Value| value.as_object().is_some_and(|map| !map.is_empty());
    let mut lines = Vec::new();
    if is_item {
        lines.push(format!("[[{}]]", path_text(path)));
    } else if map.is_empty() || !map.values().all(is_table) {
        lines.push(format!("[{}]", path_text(path)));
    }
    let own = map.iter().filter(|(_, value)| !is_table(value));
    lines.extend(own.map(|(name, value)| format!("{} = {}", name_text(name), inline(value, None))));
    for (name, value) in map.iter().filter(|(_, value)| is_table(value)) {
        let Some(inner) = value.as_object() else { continue };
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(blocks(&[path, &[Step::Name(name.clone())]].concat(), inner, false));
    }
    lines
}
