//! The manual of the helpers, taken from what they are documented with where they are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::Engine;
use serde_json::Value;

use super::WordManual;
use crate::script::{library, world};

/// Every helper, by name: what a script can do without a host.
pub fn helpers() -> Vec<WordManual> {
    let plain: Vec<Function> = of_engine(&Engine::new());
    let mut engine = Engine::new();
    let world: Arc<dyn library::World> = Arc::new(world::ScriptWorld);
    library::register(&mut engine, &world);
    let mut ours: Vec<Function> =
        of_engine(&engine).into_iter().filter(|helper| !plain.contains(helper)).collect();
    // The engine lists overloads in no order.
    ours.sort();
    let mut manuals: BTreeMap<String, WordManual> = BTreeMap::new();
    for helper in ours {
        let manual = manuals.entry(helper.name.clone()).or_insert_with(|| WordManual {
            name: helper.name.clone(),
            group: "helpers",
            calls: Vec::new(),
            text: String::new(),
            examples: Vec::new(),
        });
        manual.add(&helper);
    }
    manuals.into_values().collect()
}

/// A function as the engine describes it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    name: String,
    call: String,
    comments: String,
}

fn of_engine(engine: &Engine) -> Vec<Function> {
    // What cannot be described is left out: the manual is for people, and a test sees what is missing.
    let Ok(text) = engine.gen_fn_metadata_to_json(false) else { return Vec::new() };
    let Ok(metadata) = serde_json::from_str::<Value>(&text) else { return Vec::new() };
    let mut found: Vec<Function> = functions(&metadata["functions"], "").collect();
    for (name, module) in metadata["modules"].as_object().into_iter().flatten() {
        found.extend(functions(&module["functions"], &format!("{name}::")));
    }
    found
}

fn functions<'a>(list: &'a Value, prefix: &'a str) -> impl Iterator<Item = Function> + 'a {
    list.as_array().into_iter().flatten().map(move |function| {
        let bare = function["name"].as_str().unwrap_or_default();
        let comments = function["docComments"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Function {
            name: format!("{prefix}{bare}"),
            call: call(prefix, bare, &function["params"]),
            comments: comments.collect::<Vec<_>>().join("\n"),
        }
    })
}

/// `text.replace(from, to)` for a method, `json::parse(text)` for a function.
fn call(prefix: &str, name: &str, params: &Value) -> String {
    let params: Vec<(&str, &str)> = params
        .as_array()
        .into_iter()
        .flatten()
        .map(|param| (param["name"].as_str().unwrap_or_default(), param["type"].as_str().unwrap_or_default()))
        .filter(|(_, kind)| !kind.contains("NativeCallContext"))
        .collect();
    let names = |params: &[(&str, &str)]| params.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    match params.split_first() {
        Some(((receiver, kind), rest)) if kind.starts_with("&mut") => {
            format!("{receiver}.{name}({})", names(rest))
        }
        _ => format!("{prefix}{name}({})", names(&params)),
    }
}

impl WordManual {
    /// Adds one more way to call it.
    fn add(&mut self, helper: &Function) {
        if !self.calls.contains(&helper.call) {
            self.calls.push(helper.call.clone());
        }
        let lines = helper.comments.lines().map(|line| line.trim().trim_start_matches("///").trim());
        let (mut text, mut inside) = (Vec::new(), false);
        for line in lines {
            match line {
                "```rhai" => inside = true,
                "```" => inside = false,
                line if inside => self.examples.push(line.to_owned()),
                line => text.push(line),
            }
        }
        let text = text.join("\n").trim().to_owned();
        if !self.text.contains(&text) {
            let gap = if self.text.is_empty() { "" } else { "\n\n" };
            self.text.push_str(&format!("{gap}{text}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::helpers;

    #[test]
    fn every_helper_has_a_call_a_text_and_an_example() {
        let helpers = helpers();
        assert!(helpers.len() > 80, "{}", helpers.len());
        for helper in &helpers {
            let bare = helper.name.rsplit("::").next().unwrap_or_default();
            assert!(!helper.text.is_empty() && !helper.examples.is_empty(), "{helper:?}");
            for call in &helper.calls {
                assert!(call.contains(&format!("{bare}(")), "{helper:?}");
                assert!(!call.contains("NativeCallContext") && !call.contains('&'), "{helper:?}");
            }
        }
    }

    #[test]
    fn functions_and_methods_are_called_as_scripts_call_them() {
        let helpers = helpers();
        let calls = |name: &str| {
            let found = helpers.iter().find(|helper| helper.name == name);
            found.map(|helper| helper.calls.join("; ")).unwrap_or_default()
        };
        assert_eq!(calls("json::parse"), "json::parse(text)");
        assert_eq!(calls("join"), "array.join(separator)");
        assert_eq!(calls("file::read"), "file::read(path)");
        assert_eq!(calls("env_var"), "env_var(name); env_var(name, fallback)");
    }
}
