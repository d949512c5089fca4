//! `oneex doc`, `oneex params` and `oneex facts`: what a person asks before writing a task.

use oneex_testkit::project::TestProject;
use serde_json::{Value, json};

const RUNBOOK: &str = r#"//! Rolls the shop out.
let p = params(#{
    version: #{ type: "string", required: true, help: "image tag" },
    batch: #{ type: "int", value: 2 },
    token: #{ type: "secret", value: "hidden-default" },
});
"#;

fn project() -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project.write("runbooks/shop.rhai", RUNBOOK);
    project
}

#[test]
fn everything_that_is_listed_has_a_page() {
    let project = project();
    let list = project.oneex(["doc"]).run().expect_code(0).stdout;
    let (rows, others): (Vec<&str>, Vec<&str>) = list.lines().partition(|line| line.starts_with("  "));
    let headings: Vec<&str> = others.into_iter().filter(|line| !line.is_empty()).collect();
    let wanted = [
        "operations on hosts:",
        "operations:",
        "declarations:",
        "tasks:",
        "hosts:",
        "flow:",
        "results:",
        "helpers:",
    ];
    assert_eq!(headings, wanted);
    assert!(rows.len() > 150, "{list}");
    for row in rows {
        let (name, summary) = row.trim().split_once(' ').unwrap_or_else(|| panic!("{row}"));
        let summary = summary.trim();
        assert!(!summary.is_empty(), "{row}");
        let page = project.oneex(["doc", name]).run().expect_code(0).stdout;
        assert!(
            page.contains(name) && page.contains(summary) && page.contains("Examples\n"),
            "{name}:\n{page}"
        );
    }
}

#[test]
fn a_page_is_found_as_scripts_write_it_and_the_nearest_is_named() {
    let project = project();
    let page = |name: &str| project.oneex(["doc", name]).run().expect_code(0).stdout;
    assert_eq!(page("h.file"), page("file"));
    assert_eq!(page("task()"), page("task"));
    let both = page("retry");
    assert!(both.contains("retry(times, wait, || { … })") && both.contains(".retry(times, wait)"), "{both}");
    assert_eq!(page(".needs"), page("needs"));
    let wrong = project.oneex(["doc", "pakages"]).run().expect_code(2);
    assert_eq!(
        wrong.stderr,
        "error: there is no operation or word `pakages`\n |\n = help: did you mean `packages`?\n"
    );
    assert_eq!(wrong.stdout, "");
}

#[test]
fn parameters_are_shown_without_values() {
    let project = project();
    let shown = project.oneex(["params", "shop"]).run().expect_code(0).stdout;
    assert!(shown.starts_with("runbooks/shop.rhai\n\nRolls the shop out.\n\nParameters:\n"), "{shown}");
    for part in ["image tag (required)", "(default: 2)", "ONEEX_PARAM_NAME"] {
        assert!(shown.contains(part), "`{part}` is missing:\n{shown}");
    }
    assert!(!shown.contains("hidden-default"), "{shown}");
    let json_text = project.oneex(["params", "shop", "--output", "json"]).run().expect_code(0).stdout;
    let value: Value = serde_json::from_str(&json_text).unwrap();
    assert_eq!(
        (&value["runbook"], &value["doc"]),
        (&json!("runbooks/shop.rhai"), &json!("Rolls the shop out."))
    );
    assert!(!json_text.contains("hidden-default"), "{json_text}");
}

#[test]
fn facts_are_one_object_a_host() {
    let project = project();
    project.write("h.ini", "[here]\na ansible_connection=local\nb ansible_connection=local\n");
    let finished = project.oneex(["facts", "here", "-i", "h.ini", "--output", "json"]).run().expect_code(0);
    let mut found: Vec<Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    found.sort_by_key(|value| value["host"].to_string());
    assert_eq!((&found[0]["host"], &found[1]["host"]), (&json!("a"), &json!("b")));
    assert!(found.iter().all(|value| value["facts"].as_object().is_some_and(|facts| !facts.is_empty())));
    let wrong = project.oneex(["facts", "nobody", "-i", "h.ini"]).run().expect_code(2);
    assert!(wrong.stderr.starts_with("error: `nobody` matches no host\n"), "{}", wrong.stderr);
}
