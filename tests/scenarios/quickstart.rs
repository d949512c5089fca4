//! The README's first command: a run on this machine alone, in one folder.

use oneex_testkit::project::TestProject;
use serde_json::Value;

use crate::sources;

fn project() -> TestProject {
    TestProject::new(env!("CARGO_BIN_EXE_oneex"))
}

/// The events of a run of the quick start with the folder `made`.
fn run(project: &TestProject, more: &[&str]) -> Vec<Value> {
    let runbook = sources::root().join("runbooks/quickstart.rhai").display().to_string();
    let folder = format!("folder={}", project.path("made").display());
    let words = ["run", &runbook, "--output", "json", "--set", &folder];
    let finished = project.oneex(words.iter().chain(more)).run().expect_code(0);
    finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How many operations changed something.
fn changed(events: &[Value]) -> usize {
    events.iter().filter(|event| event["event"] == "operation" && event["status"] == "changed").count()
}

/// How often a handler was started.
fn handled(events: &[Value]) -> usize {
    let starts = events.iter().filter(|event| event["event"] == "node_started");
    starts.filter(|event| event["node"]["task"] == "count").count()
}

#[test]
fn a_second_run_changes_nothing_and_a_new_name_is_noticed() {
    let project = project();
    let first = run(&project, &[]);
    assert!(changed(&first) >= 6, "two folders, three pages and the notes are made");
    assert_eq!(handled(&first), 1, "the handler runs once, however many pages changed");
    assert!(project.read("made/site/about.html").contains("Hello, world!"));

    let second = run(&project, &[]);
    assert_eq!((changed(&second), handled(&second)), (0, 0));

    let third = run(&project, &["--set", "name=you"]);
    assert_eq!((changed(&third), handled(&third)), (4, 1), "three pages and the notes");
    assert!(project.read("made/notes.txt").ends_with("A site for you, with 3 pages.\n"));
}

#[test]
fn nothing_is_left_outside_the_folder() {
    let project = project();
    run(&project, &[]);
    let names = |folder: std::path::PathBuf| -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names(project.folder()), ["made"]);
    // The journal is the user's own, as there is no project that could have it.
    assert_eq!(names(project.home()), [".local"]);
    let mut state = names(project.home().join(".local/state/oneex"));
    state.sort();
    assert_eq!(state, ["journal.db", "journal.key"]);
}
