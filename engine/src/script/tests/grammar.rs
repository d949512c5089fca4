//! A runbook uses only names that stock Rhai accepts, so that editors and language servers for Rhai
//! work on it; the one departure is `h.var("name")`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use oneex_sdk::Registry;
use rhai::Engine;
use serde_json::Value;

use crate::script::engine;

/// What Rhai reserves without a use, and this program frees.
const FREED: &str = "var";

fn stock() -> Engine {
    let mut engine = Engine::new();
    engine.set_max_expr_depths(0, 0);
    engine
}

/// All files below a folder with that ending.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files(&entry, ending, found);
        } else if entry.extension().is_some_and(|end| end == ending) {
            found.push(entry);
        }
    }
}

#[test]
fn every_runbook_and_role_of_the_project_is_stock_rhai() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root");
    let mut scripts = Vec::new();
    for folder in ["runbooks", "stdlib"] {
        files(&root.join(folder), "rhai", &mut scripts);
    }
    assert!(scripts.len() > 2, "{scripts:?}");
    for script in scripts {
        let text = std::fs::read_to_string(&script).expect("a text");
        let text =
            text.strip_prefix("#!").map_or(text.as_str(), |rest| &rest[rest.find('\n').unwrap_or(0)..]);
        let text = text.replace(".var(", ".variable(");
        let parsed = stock().compile(&text);
        assert!(parsed.is_ok(), "{}: {}", script.display(), parsed.unwrap_err());
    }
}

/// The names of all functions and namespaces that an engine offers.
fn names(engine: &Engine) -> BTreeSet<String> {
    let metadata: Value =
        serde_json::from_str(&engine.gen_fn_metadata_to_json(true).expect("metadata")).expect("JSON");
    let mut names = BTreeSet::new();
    collect(&metadata, &mut names);
    names
}

fn collect(metadata: &Value, names: &mut BTreeSet<String>) {
    for function in metadata["functions"].as_array().into_iter().flatten() {
        names.extend(function["name"].as_str().map(str::to_owned));
    }
    for (name, module) in metadata["modules"].as_object().into_iter().flatten() {
        names.insert(name.clone());
        collect(module, names);
    }
}

#[test]
fn every_word_of_the_language_is_a_name_in_stock_rhai() {
    let is_name = |name: &&String| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let own = names(&engine::build(&Registry::default()));
    let plain = names(&stock());
    let words: Vec<&String> = own.difference(&plain).filter(is_name).collect();
    assert!(words.len() > 100, "{words:?}");
    let refused: Vec<&String> = words
        .into_iter()
        .filter(|word| stock().compile(format!("let x = 1; x.{word}();")).is_err())
        .collect();
    assert_eq!(refused, [FREED]);
}
