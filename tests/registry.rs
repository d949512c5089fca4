//! Guard: what holds for every operation, whatever it does. It asks for properties and lists none of them.

use std::collections::BTreeSet;

use serde_json::Value;

use oneex_modules::Settings;
use oneex_sdk::{Manual, Registry};

fn manuals() -> Vec<Manual> {
    let mut registry = Registry::default();
    oneex_modules::register(&mut registry, Settings::default());
    let manuals: Vec<Manual> = registry.ops().iter().map(|op| op.manual().clone()).collect();
    assert!(!manuals.is_empty(), "the modules bring no operation");
    manuals
}

#[test]
fn names_are_unique() {
    let mut seen = BTreeSet::new();
    for manual in manuals() {
        assert!(seen.insert(manual.full_name()), "two operations are named `{}`", manual.full_name());
    }
}

#[test]
fn every_manual_begins_with_a_summary() {
    for manual in manuals() {
        let (name, summary) = (manual.full_name(), manual.text.lines().next().unwrap_or_default().trim());
        assert!(!summary.is_empty(), "`{name}` has no manual");
        assert!(summary.chars().count() <= 110, "the summary of `{name}` is too long: {summary}");
    }
}

#[test]
fn every_option_is_described() {
    for manual in manuals() {
        let name = manual.full_name();
        let properties =
            manual.schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for (option, schema) in properties {
            let described =
                schema.get("description").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            assert!(described, "`{name}` does not say what its option `{option}` is");
        }
        let closed = manual.schema.get("additionalProperties") == Some(&Value::Bool(false));
        assert!(closed, "`{name}` takes options that it does not know");
    }
}

#[test]
fn positional_options_exist() {
    for manual in manuals() {
        for option in manual.positional {
            assert!(manual.options().contains(option), "`{}` has no option `{option}`", manual.full_name());
        }
    }
}

#[test]
fn every_operation_has_examples() {
    for manual in manuals() {
        let name = manual.full_name();
        assert!(!manual.examples.is_empty(), "`{name}` has no example");
        for example in manual.examples {
            assert!(!example.about.is_empty(), "an example of `{name}` does not say what it shows");
            assert!(
                example.code.contains(manual.name),
                "an example does not call `{name}`: {}",
                example.code
            );
        }
    }
}
