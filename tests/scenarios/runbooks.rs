//! The runbooks that come with oneex: each of them is planned, and run where this machine is enough.

use oneex_testkit::project::TestProject;

use crate::sources;

/// A runbook of `runbooks/`, what it is given, and whether it can be run here.
const RUNBOOKS: [(&str, &str, bool); 3] = [
    ("dynamic-hosts", "folder=HERE/made", true),
    ("quickstart", "folder=HERE/made", true),
    ("rolling-release", "version=v1.2", false),
];

const HOSTS: &str = "[web]\nweb[1:3]\n[lb]\nlb1\n[all:vars]\nansible_connection=local\n";

fn call(project: &TestProject, command: &str, (name, set, _): (&str, &str, bool), more: &[&str]) -> String {
    let book = sources::root().join(format!("runbooks/{name}.rhai")).display().to_string();
    let set = set.replace("HERE", &project.folder().display().to_string());
    let words = [&[command, &book, "-i", "hosts.ini", "--set", &set], more].concat();
    let finished = project.oneex(&words).run().expect_code(0);
    assert_eq!(finished.stderr, "", "{command} {name}");
    finished.stdout
}

#[test]
fn every_runbook_is_explained_and_planned_without_a_change_and_none_is_forgotten() {
    let folder = sources::files_below(&sources::root().join("runbooks"));
    let is_runbook = |path: &&std::path::PathBuf| path.extension().is_some_and(|ending| ending == "rhai");
    let there: Vec<_> =
        folder.iter().filter(is_runbook).filter_map(|path| path.file_stem()?.to_str()).collect();
    assert_eq!(there, RUNBOOKS.map(|(name, ..)| name));

    for runbook in RUNBOOKS {
        let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
        project.write("hosts.ini", HOSTS);
        let text =
            std::fs::read_to_string(sources::root().join(format!("runbooks/{}.rhai", runbook.0))).unwrap();
        assert!(text.starts_with("#!/usr/bin/env -S oneex run\n//! "), "{}", runbook.0);
        assert!(
            text.lines().any(|line| line.trim_start().starts_with("// ")),
            "{} explains nothing",
            runbook.0
        );

        let plan = call(&project, "plan", runbook, &[]);
        assert!(plan.contains("will change"), "{plan}");
        assert!(!plan.contains("failed"), "{plan}");
        assert!(!project.path("made").exists(), "{}", runbook.0);
        assert!(call(&project, "graph", runbook, &[]).contains("needs"), "{}", runbook.0);
    }
}

#[test]
fn what_runs_on_this_machine_alone_changes_nothing_the_second_time() {
    for runbook in RUNBOOKS.into_iter().filter(|(.., here)| *here) {
        let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
        project.write("hosts.ini", HOSTS);
        let first = call(&project, "run", runbook, &[]);
        assert!(first.contains("changed=") && project.path("made").is_dir(), "{first}");
        let journal = project.home().join(".local/state/oneex/journal.");
        let kept = [journal.with_extension("db"), journal.with_extension("key")];
        assert_eq!(sources::files_below(&project.home()), kept);
        let second = call(&project, "run", runbook, &["--output", "json"]);
        let changed = second.lines().filter(|line| line.contains("\"status\":\"changed\"")).count();
        assert_eq!(changed, 0, "{}: {second}", runbook.0);
    }
}
