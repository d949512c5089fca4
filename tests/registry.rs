//! Guard: what holds for every operation, whatever it does. It asks for properties and lists none of them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use oneex_modules::Settings;
use oneex_sdk::{Example, Kind, Manual, Proof, Registry};
use oneex_testkit::project::TestProject;
use serde_json::Value;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut registry = Registry::default();
    oneex_modules::register(&mut registry, Settings::default());
    registry
});

fn manuals() -> Vec<&'static Manual> {
    let manuals: Vec<&Manual> = REGISTRY.ops().iter().map(|op| op.manual()).collect();
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

/// A runbook with the example as a task's body on this machine.
fn stage(example: &Example) -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    std::fs::create_dir(project.path("dir")).unwrap();
    let dir = project.path("dir").display().to_string();
    let code = example.code;
    let runbook =
        format!("task(\"example\").on(local()).run(|h| {{\n    let dir = \"{dir}\";\n{code}\n}});\n");
    project.write("example.rhai", &runbook);
    project
}

/// The operations of a run that changed something, by name.
fn changed(stdout: &str) -> Vec<String> {
    stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|event| event["event"] == "operation" && event["status"] == "changed")
        .map(|event| event["name"].to_string())
        .collect()
}

/// Goes as far with an example as its proof says; gives what went wrong.
fn prove(manual: &Manual, example: &Example) -> Result<(), String> {
    let project = stage(example);
    let call = |words: &[&str]| {
        let finished = project.oneex(words).run();
        match finished.code {
            0 => Ok(finished.stdout),
            code => Err(format!("{words:?} ends with {code}\n{}{}", finished.stdout, finished.stderr)),
        }
    };
    call(&["graph", "example.rhai"])?;
    if example.proof == Proof::Check {
        return Ok(());
    }
    call(&["plan", "example.rhai"])?;
    if example.proof == Proof::Plan {
        return Ok(());
    }
    call(&["run", "--output", "json", "example.rhai"])?;
    let again = changed(&call(&["run", "--output", "json", "example.rhai"])?);
    if manual.kind == Kind::Ensure && !again.is_empty() {
        return Err(format!("a second run changes again: {}", again.join(", ")));
    }
    Ok(())
}

#[test]
fn every_example_is_proven() {
    let mut complaints = Vec::new();
    for manual in manuals() {
        for example in manual.examples {
            if let Err(why) = prove(manual, example) {
                complaints.push(format!(
                    "`{}`, {}:\n{}\n{why}",
                    manual.full_name(),
                    example.about,
                    example.code
                ));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}
