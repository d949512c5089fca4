//! The manual of an operation, or of a word of the language, as a page of text.

use oneex_engine::script::WordManual;
use oneex_sdk::{Manual, Value};

use crate::term::{BOLD, CYAN, DIM, indent, paint};

/// Renders the page.
pub(crate) fn page(manual: &Manual, color: bool) -> String {
    let heading = |text: &str| format!("\n{}\n", paint(color, BOLD, text));
    let mut out = format!("{} ({})\n", paint(color, BOLD, &manual.full_name()), kind(manual));
    out.push_str(&format!("\n{}\n\n", indent(&signature(manual), 1).trim_end()));
    out.push_str(manual.text.trim());
    out.push('\n');
    let options = options(manual);
    if !options.is_empty() {
        out.push_str(&heading("Options"));
        let width = |cell: fn(&OptionRow) -> &str| {
            options.iter().map(|option| console::measure_text_width(cell(option))).max().unwrap_or(0)
        };
        let (names, kinds) = (width(|option| &option.name), width(|option| &option.kind));
        for option in &options {
            let name = paint(color, CYAN, &option.name);
            let pad = names - console::measure_text_width(&option.name);
            let gap = kinds - console::measure_text_width(&option.kind);
            out.push_str(&format!(
                "  {name}{:pad$}  {}{:gap$}  {}\n",
                "",
                option.kind,
                "",
                option.about.trim_end()
            ));
        }
    }
    if !manual.examples.is_empty() {
        out.push_str(&heading("Examples"));
        for example in manual.examples {
            out.push_str(&indent(&paint(color, DIM, &format!("// {}", example.about)), 1));
            out.push_str(&indent(example.code.trim(), 1));
        }
    }
    out
}

/// Renders the page of a word or a helper.
pub(crate) fn word_page(word: &WordManual, color: bool) -> String {
    let mut out = format!("{} ({})\n\n", paint(color, BOLD, &word.name), word.group);
    for call in &word.calls {
        out.push_str(&indent(call, 1));
    }
    out.push_str(&format!("\n{}\n", word.text.trim()));
    if !word.examples.is_empty() {
        out.push_str(&format!("\n{}\n", paint(color, BOLD, "Examples")));
        word.examples.iter().for_each(|example| out.push_str(&indent(example, 1)));
    }
    out
}

/// The first sentence of a text, on one line.
pub(crate) fn first_sentence(text: &str) -> &str {
    let line = text.trim().lines().next().unwrap_or_default();
    line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.')
}

/// The name and what it is for, on one line.
pub(crate) fn summary(manual: &Manual) -> (String, &str) {
    (manual.full_name(), manual.text.trim().lines().next().unwrap_or_default())
}

fn kind(manual: &Manual) -> &'static str {
    match manual.kind {
        oneex_sdk::Kind::Read => "read: changes nothing",
        oneex_sdk::Kind::Ensure => "ensure: run twice, the second changes nothing",
        oneex_sdk::Kind::Action => "action: acts every time",
    }
}

/// How a script calls it: `h.file(path, #{ … })`.
fn signature(manual: &Manual) -> String {
    let mut args: Vec<&str> = manual.positional.to_vec();
    if manual.options().len() > args.len() {
        args.push("#{ … }");
    }
    let receiver = if manual.namespace.is_some() { "" } else { "h." };
    format!("{receiver}{}({})", manual.full_name(), args.join(", "))
}

struct OptionRow {
    name: String,
    kind: String,
    about: String,
}

fn options(manual: &Manual) -> Vec<OptionRow> {
    let required = manual.required();
    let Some(properties) = manual.schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let mut options: Vec<OptionRow> = properties
        .iter()
        .map(|(name, schema)| {
            let mut about =
                schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
            let default = schema.get("default").filter(|default| !default.is_null());
            if required.contains(&name.as_str()) {
                about.push_str(" (required)");
            } else if let Some(default) = default {
                about.push_str(&format!(" (default: {default})"));
            }
            let mut kind = type_name(schema, &manual.schema);
            if manual.takes_closure(name) {
                kind.push_str(" | closure");
            }
            OptionRow { name: name.clone(), kind, about }
        })
        .collect();
    let place = |option: &OptionRow| manual.positional.iter().position(|name| *name == option.name);
    // Those that may be given by position come first; the sort keeps the order of the others.
    options.sort_by_key(|option| place(option).unwrap_or(usize::MAX));
    options
}

/// A JSON schema's type in the words of the language.
fn type_name(schema: &Value, root: &Value) -> String {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return choices.iter().map(Value::to_string).collect::<Vec<_>>().join(" | ");
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(name) =
        schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"))
    {
        let found = root.get("$defs").and_then(|defs| defs.get(name));
        return found.map_or_else(|| name.to_owned(), |found| type_name(found, root));
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(variants) = schema.get(key).and_then(Value::as_array) {
            let mut names: Vec<String> =
                variants.iter().map(|variant| type_name(variant, root)).filter(|name| name != "()").collect();
            names.dedup();
            return names.join(" | ");
        }
    }
    let word = |kind: &str| match kind {
        "integer" => "int".to_owned(),
        "number" => "float".to_owned(),
        "boolean" => "bool".to_owned(),
        "object" => "map".to_owned(),
        "null" => "()".to_owned(),
        "array" => match schema.get("items") {
            Some(items) => format!("list of {}", type_name(items, root)),
            None => "list".to_owned(),
        },
        other => other.to_owned(),
    };
    match schema.get("type") {
        Some(Value::String(kind)) => word(kind),
        Some(Value::Array(kinds)) => {
            let words = kinds.iter().filter_map(Value::as_str).map(word).filter(|word| word != "()");
            words.collect::<Vec<_>>().join(" | ")
        }
        _ => "any".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use oneex_sdk::{Example, Kind, Manual, Proof, json};

    use oneex_engine::script::WordManual;

    use super::{first_sentence, page, word_page};

    const EXAMPLES: &[Example] = &[Example {
        about: "a message of the day",
        code: "h.file(\"/etc/motd\", \"hi\\n\");",
        proof: Proof::Check,
    }];

    #[test]
    fn a_page_of_a_word() {
        let word = WordManual {
            name: ".retry".into(),
            group: "tasks",
            calls: vec![".retry(times)".into(), ".retry(times, wait)".into()],
            text: "Runs the body again. Up to so often.".into(),
            examples: vec!["task(\"a\").retry(3).run(|| {});".into()],
        };
        assert_eq!(
            word_page(&word, false),
            ".retry (tasks)\n\n  .retry(times)\n  .retry(times, wait)\n\nRuns the body again. Up to so often.\n\n\
             Examples\n  task(\"a\").retry(3).run(|| {});\n"
        );
        for (text, first) in
            [("One. Two.", "One"), ("One.\nTwo.", "One"), ("v1.2 is it.", "v1.2 is it"), ("", "")]
        {
            assert_eq!(first_sentence(text), first);
        }
    }

    #[test]
    fn a_page_of_the_manual() {
        let manual = Manual {
            name: "file",
            namespace: None,
            kind: Kind::Ensure,
            text: "a file with this content\n\nThe file is replaced atomically.",
            positional: &["path", "content"],
            lock: None,
            examples: EXAMPLES,
            schema: LazyLock::new(|| {
                json!({
                    "properties": {
                        "mode": { "type": ["string", "null"], "description": "its mode,\nas chmod takes it", "default": null },
                        "path": { "type": "string", "description": "the file" },
                        "content": { "anyOf": [{ "$ref": "#/$defs/Content" }, { "type": "null" }], "description": "the text" },
                        "state": { "enum": ["present", "absent"], "default": "present", "description": "what it is to be" },
                        "tags": { "type": "array", "items": { "type": "integer" } },
                    },
                    "required": ["path"],
                    "$defs": { "Content": { "type": "string" } },
                })
            }),
        };
        insta::assert_snapshot!(page(&manual, false));
        assert!(page(&manual, true).contains("\x1b["));
    }
}
