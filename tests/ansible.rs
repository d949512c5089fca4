//! Guard: what the chapter for people who come from Ansible names is there.

use std::collections::{BTreeMap, BTreeSet};

use oneex_modules::Settings;
use oneex_sdk::Registry;
use oneex_testkit::project::TestProject;

use crate::sources;

/// Words of Rhai itself.
const LANGUAGE: &[&str] = &["let", "if", "for", "import", "try", "catch"];

/// A row of a table: the operation that its heading names, and the names in its first two columns.
struct Row {
    operation: Option<String>,
    theirs: Vec<String>,
    ours: Vec<String>,
}

/// The texts between back-quotes.
fn names(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rows(page: &str) -> Vec<Row> {
    let (mut operation, mut rows) = (None, Vec::new());
    for line in page.lines() {
        if line.starts_with('#') {
            operation = names(line).into_iter().find_map(|name| name.strip_prefix("h.").map(str::to_owned));
        } else if let Some(cells) = line.strip_prefix("| ").filter(|cells| !cells.starts_with("---")) {
            let mut cells = cells.split(" | ").map(names);
            let (theirs, ours) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            if !theirs.is_empty() || !ours.is_empty() {
                rows.push(Row { operation: operation.clone(), theirs, ours });
            }
        }
    }
    rows
}

/// The options of each operation of hosts.
fn operations() -> BTreeMap<String, BTreeSet<String>> {
    let mut registry = Registry::default();
    oneex_modules::register(&mut registry, Settings::default());
    let of_hosts = registry.ops().iter().map(|op| op.manual()).filter(|manual| manual.namespace.is_none());
    of_hosts
        .map(|manual| (manual.name.to_owned(), manual.options().into_iter().map(str::to_owned).collect()))
        .collect()
}

/// Everything that `oneex doc` and `oneex --help` list.
fn words() -> BTreeSet<String> {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    let listed = |arguments: &[&str], before: &str| {
        let said = project.oneex(arguments).run().expect_code(0).stdout;
        let lines = said.lines().filter_map(|line| line.strip_prefix("  "));
        let first =
            lines.filter_map(|line| line.split_whitespace().next().map(|word| format!("{before}{word}")));
        first.collect::<Vec<_>>()
    };
    listed(&["doc"], "").into_iter().chain(listed(&["--help"], "oneex ")).collect()
}

#[test]
fn the_tables_name_what_is_there() {
    let page = std::fs::read_to_string(sources::root().join("book/src/from-ansible.md")).unwrap();
    let (rows, operations, words) = (rows(&page), operations(), words());
    assert!(rows.len() > 60, "only {} rows were read", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        if row.theirs.is_empty() || row.ours.is_empty() {
            wrong.push(format!("a row has one side only: {:?} {:?}", row.theirs, row.ours));
        }
        for name in &row.ours {
            let is_there = match (name.strip_prefix("h."), &row.operation) {
                (Some(operation), _) => operations.contains_key(operation),
                (None, Some(operation)) if operations[operation].contains(name) => true,
                _ => words.contains(name) || LANGUAGE.contains(&name.as_str()),
            };
            if !is_there {
                wrong.push(format!("there is no `{name}` ({:?})", row.operation));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_operation_and_what_people_look_for_is_in_the_tables() {
    let page = std::fs::read_to_string(sources::root().join("book/src/from-ansible.md")).unwrap();
    let named: BTreeSet<String> = names(&page.replace("```", "")).into_iter().collect();
    for operation in operations().keys() {
        assert!(named.contains(&format!("h.{operation}")), "`h.{operation}` is not in the chapter");
    }
    for known in [
        "file",
        "copy",
        "template",
        "lineinfile",
        "blockinfile",
        "apt",
        "service",
        "systemd",
        "user",
        "group",
        "find",
        "stat",
        "fetch",
        "command",
        "shell",
        "script",
        "reboot",
        "wait_for",
        "set_fact",
        "register",
        "when",
        "loop",
        "notify",
        "delegate_to",
        "run_once",
        "serial",
        "block",
        "rescue",
        "always",
        "become",
        "tags",
        "no_log",
        "add_host",
        "until",
        "import_role",
    ] {
        assert!(named.contains(known), "`{known}` of Ansible is not in the chapter");
    }
}

/// The modules of ansible-core, as it is installed for the comparison with ours.
fn core_modules() -> BTreeSet<String> {
    let libraries = sources::root().join("target/ansible/lib");
    let found = std::fs::read_dir(&libraries).expect("tests/setup.sh installs ansible-core");
    let folders = found.flatten().map(|entry| entry.path().join("site-packages/ansible/modules"));
    let modules = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let names = modules.filter_map(|entry| entry.path().file_stem()?.to_str().map(str::to_owned));
    // Packages begin so; `async_wrapper` is what others are run by.
    names.filter(|name| !name.starts_with("__") && name != "async_wrapper").collect()
}

#[test]
fn every_module_of_ansible_core_is_in_the_chapter() {
    let page = std::fs::read_to_string(sources::root().join("book/src/from-ansible.md")).unwrap();
    let named: BTreeSet<String> = names(&page.replace("```", "")).into_iter().collect();
    let modules = core_modules();
    assert!(modules.len() > 60, "only {} modules were found", modules.len());
    let missing: Vec<_> = modules.difference(&named).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
