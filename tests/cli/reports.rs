//! What is told and written where a load fails, and where a report cannot be written.

use oneex_testkit::SmallDisk;
use oneex_testkit::project::TestProject;
use serde_json::{Value, json};

const SAYS: &str = "print(\"first\");\ninfo(\"second\");\nwarn(\"third\");\n";

/// What is wrong, and the mistake that is told; everything before it was said.
const MISTAKES: [(&str, &str, &str); 4] = [
    ("throw", "throw \"no\";", "no"),
    (
        "cycle",
        "task(\"a\").needs(\"b\").run(|| {});\ntask(\"b\").needs(\"a\").run(|| {});",
        "tasks wait for each other: `b → a → b`",
    ),
    ("skip", "skip(\"why\");", "`skip` works only in the body of a task"),
    ("unknown dependency", "task(\"a\").needs(\"c\").run(|| {});", "`c`"),
];

fn project(book: &str) -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project.write("book.rhai", book);
    project
}

fn events(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("an event a line")).collect()
}

#[test]
fn what_a_runbook_said_before_its_load_failed_is_shown_before_the_error() {
    for (name, mistake, message) in MISTAKES {
        for command in ["run", "plan", "graph"] {
            let project = project(&format!("{SAYS}{mistake}\nprint(\"never\");\n"));
            let finished = project.oneex([command, "book.rhai"]).run().expect_code(2);
            assert_eq!(finished.stdout, "", "{name}");
            let places: Vec<Option<usize>> =
                ["first", "second", "third", "error"].map(|word| finished.stderr.find(word)).to_vec();
            assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name}\n{}", finished.stderr);
        }
        let project = project(&format!("{SAYS}{mistake}\n"));
        let finished = project.oneex(["run", "book.rhai", "--output", "json"]).run().expect_code(2);
        assert!(finished.stderr.starts_with("error"), "the error, once: {}", finished.stderr);
        let events = events(&finished.stdout);
        let said: Vec<Value> =
            events.iter().map(|event| json!([event["seq"], event["event"], event["text"]])).collect();
        let wanted = json!([
            [1, "message", "first"],
            [2, "message", "second"],
            [3, "message", "third"],
            [4, "load_failed", null],
        ]);
        assert_eq!(json!(said), wanted, "{name}");
        let told = events[3]["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(told.contains(message), "{name}: {told}");
        assert_eq!(events[3]["errors"][0]["position"]["file"], "book.rhai", "{name}");
    }
}

#[test]
fn a_load_that_fails_leaves_a_report_that_says_so() {
    // Each with a report of an earlier run, which must not stand for this one.
    let table: [(&str, &[&str], &str); 4] = [
        ("task(\"a\").run(|| {", &[], "to terminate this block"),
        (
            "let p = params(#{ n: 1 });",
            &["--set", "n=many"],
            "parameter `n`: expected a whole number, found `many`",
        ),
        ("task(\"a\").run(|| {});", &["--set", "n=1"], "`book.rhai` has no parameter `n`: it declares none"),
        ("task(\"a\").run(|| {});", &["-i", "nowhere.ini"], "`nowhere.ini`"),
    ];
    for (book, more, message) in table {
        for command in ["run", "plan"] {
            let project = project(book);
            project.write("junit.xml", "<earlier/>").write("stats.json", "{\"earlier\": true}");
            let words =
                [&[command, "book.rhai", "--junit", "junit.xml", "--stats", "stats.json"], more].concat();
            let _ = project.oneex(&words).run().expect_code(2);
            let junit = project.read("junit.xml");
            assert!(junit.contains("errors=\"1\"") && junit.contains("<error"), "{junit}");
            assert!(junit.contains(message), "{message}: {junit}");
            assert_eq!(project.read("stats.json"), "{\"earlier\": true}", "what did not run cost nothing");

            let words = [&[command, "book.rhai", "--output", "json"], more].concat();
            let told = events(&project.oneex(&words).run().expect_code(2).stdout);
            assert_eq!(told.len(), 1, "{told:?}");
            let mistake = told[0]["errors"][0]["message"].as_str().unwrap_or_default();
            assert!(told[0]["event"] == "load_failed" && mistake.contains(message), "{told:?}");
        }
    }
}

#[test]
fn nothing_runs_for_a_report_that_could_not_be_written() {
    for option in ["--junit", "--stats"] {
        for (path, why) in [
            ("no/report", "`no/report` cannot be written: there is no folder `no`"),
            ("folder", "`folder` cannot be written: it is a folder"),
        ] {
            let project = project("task(\"a\").run(|| { local().exec([\"touch\", \"done\"]); });");
            std::fs::create_dir(project.path("folder")).expect("a folder");
            let finished = project.oneex(["run", "book.rhai", option, path]).run().expect_code(2);
            assert_eq!(finished.stderr, format!("error: {why}\n"), "{option}");
            assert!(!project.home().join("done").exists(), "{option}");
        }
    }
}

#[test]
fn a_report_that_is_lost_on_a_full_disk_fails_a_run_that_went_well() {
    let good = "task(\"a\").run(|| {});";
    let bad = "task(\"a\").on(hosts(\"lost\")).run(|h| { h.query(\"true\"); });";
    for (option, book, code) in
        [("--junit", good, 1), ("--stats", good, 1), ("--junit", bad, 3), ("--stats", bad, 3)]
    {
        let project = project(book);
        project.write("hosts.ini", "lost ansible_host=127.0.0.1 ansible_port=1\n");
        project.write("disk/report", "");
        let _disk = SmallDisk::mount(&project.path("disk"), 4096);
        project.write("disk/filling", &"x".repeat(4096)).write("disk/report", "");
        let words = ["run", "book.rhai", "-i", "hosts.ini", option, "disk/report"];
        let finished = project.oneex(words).run().expect_code(code);
        let told = finished.stderr.lines().next().unwrap_or_default();
        assert!(told.contains("` cannot be written: no space left on device"), "{}", finished.stderr);
        assert_eq!(project.read("disk/report"), "", "whole or not at all");
    }
}

#[test]
fn a_report_goes_through_a_pipe_and_through_a_link() {
    let project = project("task(\"a\").run(|| {});");
    project.write("elsewhere/junit.xml", "");
    std::os::unix::fs::symlink("elsewhere/junit.xml", project.path("junit.xml")).expect("a link");
    let words = ["run", "book.rhai", "--quiet", "--stats", "/dev/stderr", "--junit", "junit.xml"];
    let finished = project.oneex(words).run().expect_code(0);
    let stats: Value = serde_json::from_str(&finished.stderr).expect("statistics");
    assert_eq!((&stats["v"], &stats["status"]), (&json!(1), &json!("ok")));
    assert!(project.read("elsewhere/junit.xml").contains("<testcase"));
    assert!(project.path("junit.xml").is_symlink());
}
