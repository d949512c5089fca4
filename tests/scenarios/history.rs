//! `oneex history`, `show`, `log`, `diff` and `journal`: what there was, again.

use oneex_testkit::processes;
use oneex_testkit::project::TestProject;
use serde_json::Value;

use super::fleet::project;

/// A project with three runs: of one on two hosts one host failed, the next went well, and a command was run.
fn runs() -> TestProject {
    let project = project();
    project.write("oneex.toml", "[defaults]\ninventory = \"hosts.ini\"\n");
    project.write("hosts.ini", "[web]\nw1 ansible_connection=local\nw2 ansible_connection=local\n");
    let text = r#"let given = params(#{ version: "v1" });
        let first = task("first").on(hosts("web")).run(|h| { h.write(`@/${h.name}`, given.version + "\n"); });
        let second = task("second").on(hosts("web")).needs(first).run(|h| {
            h.exec(`echo ${h.name} >>@/marks; test ${h.name} = w1 -o -e @/ready`);
        });
        task("third").needs(second).run(|| info("the third"));"#;
    project.write("site.rhai", &text.replace("@/", &format!("{}/", project.folder().display())));
    says(&project, 1, &["run", "site.rhai"]);
    project.write("ready", "");
    says(&project, 0, &["run", "site.rhai", "--set", "version=v2"]);
    says(&project, 0, &["exec", "w1", "--", "true"]);
    project
}

fn says(project: &TestProject, code: i32, words: &[&str]) -> String {
    let finished = project.oneex(words).run().expect_code(code);
    finished.stdout + &finished.stderr
}

fn lines(project: &TestProject, words: &[&str]) -> Vec<Value> {
    let told = project.oneex(words).run().expect_code(0).stdout;
    told.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn ids(project: &TestProject) -> Vec<String> {
    let runs = lines(project, &["history", "--output", "json"]);
    runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn runs_are_listed_by_what_is_asked_for() {
    let project = runs();
    for (words, expected) in [
        (&[][..], &["site.rhai failed", "site.rhai ok", "exec ok"][..]),
        (&["site"], &["site.rhai failed", "site.rhai ok"]),
        (&["--status", "failed,cut"], &["site.rhai failed"]),
        (&["--host", "w2"], &["site.rhai failed", "site.rhai ok"]),
        (&["--task", "third", "--status", "ok"], &["site.rhai ok"]),
        (&["--changed", "-n", "1"], &["exec ok"]),
        (&["--since", "1h"], &["site.rhai failed", "site.rhai ok", "exec ok"]),
        (&["--until", "1h"], &[]),
        (&["--user", "nobody-at-all"], &[]),
    ] {
        let found = lines(&project, &[&["history", "--output", "json"], words].concat());
        let shown: Vec<String> = found
            .iter()
            .map(|run| format!("{} {}", run["name"].as_str().unwrap(), run["status"].as_str().unwrap()))
            .collect();
        assert_eq!(shown, expected, "{words:?}");
    }
    let table = says(&project, 0, &["history"]);
    let rows: Vec<&str> = table.lines().collect();
    assert!(rows.len() == 3 && rows[0].contains("site.rhai") && rows[0].contains("failed"), "{table}");
    assert!(says(&project, 2, &["history", "--status", "good"]).contains("possible values"));
    assert!(says(&project, 2, &["history", "--since", "yesterday"]).contains("expected a day"));
}

#[test]
fn a_run_is_shown_and_said_again() {
    let project = runs();
    let ids = ids(&project);
    let told = says(&project, 0, &["show", &ids[0]]);
    for part in [
        "runbook      site.rhai",
        "status       failed",
        "parameters   {\"version\":\"v1\"}",
        "site.rhai (",
        "hosts.ini (",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let told = says(&project, 0, &["show", &ids[0], "--failed"]);
    assert!(
        told.contains("second [w2]") && !told.contains("second [w1]") && !told.contains("first [w1]"),
        "{told}"
    );
    let told = says(&project, 0, &["show", &ids[0], "--host", "w1", "--task", "second"]);
    assert!(told.contains("second [w1]") && !told.contains("[w2]") && !told.contains("first [w1]"), "{told}");

    // The same text as when it ran, and the same events.
    project.write("marks", "");
    let ran = project.oneex(["run", "site.rhai", "--set", "version=v3"]).run().expect_code(0).stdout;
    let again = project.oneex(["log"]).run().expect_code(0).stdout;
    assert_eq!(again, ran);
    let ran = project
        .oneex(["run", "site.rhai", "--set", "version=v4", "--output", "json"])
        .run()
        .expect_code(0)
        .stdout;
    let again = lines(&project, &["log", "--output", "json"]);
    let without = |events: Vec<Value>| -> Vec<Value> {
        let mut events = events;
        events.retain(|event| event["event"] != "operation_started");
        for event in &mut events {
            event.as_object_mut().unwrap().remove("seq");
        }
        events
    };
    let ran = ran.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(without(again.clone()), without(ran));
    assert!(again.iter().enumerate().all(|(index, event)| event["seq"] == index + 1));
    says(&project, 0, &["log", &ids[0], "--junit", "old.xml"]);
    assert!(project.read("old.xml").contains("second"));
    assert!(says(&project, 2, &["show", "0000"]).contains("there is no run `0000`"));
}

#[test]
fn two_runs_are_compared() {
    let project = runs();
    let ids = ids(&project);
    let told = says(&project, 5, &["diff", &ids[0], &ids[1]]);
    for line in [
        "parameter version: \"v1\" → \"v2\"",
        "run: status: failed → ok",
        "task second [w2]: failed → changed",
        "task third: blocked → ok",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}: {told}");
    }
    assert!(!told.contains("task second [w1]"), "{told}");
    assert_eq!(says(&project, 0, &["diff", &ids[0], &ids[0]]), "");
}

#[test]
fn only_what_failed_or_comes_later_is_run() {
    let project = runs();
    let ids = ids(&project);
    project.write("marks", "");
    says(&project, 0, &["run", "site.rhai", "--limit", &format!("@failed:{}", ids[0])]);
    assert_eq!(project.read("marks"), "w2\n");
    assert!(
        says(&project, 2, &["run", "site.rhai", "--limit", &format!("@failed:{}", ids[1])])
            .contains("nothing failed")
    );
    project.write("marks", "");
    let told = says(&project, 0, &["run", "site.rhai", "--from", "second", "--limit", "w1"]);
    assert!(told.contains("second [w1]") && told.contains("the third") && !told.contains("first"), "{told}");
    assert!(says(&project, 2, &["run", "site.rhai", "--from", "secnd"]).contains("did you mean `second`?"));
}

#[test]
fn a_run_that_goes_on_is_followed() {
    let project = project();
    let folder = project.folder().display().to_string();
    let text = r#"task("one").run(|| { local().exec("touch @/begun; until test -e @/end; do sleep 0.05; done"); info("the end"); });"#;
    project.write("oneex.toml", "").write("book.rhai", &text.replace('@', &folder));
    let run = project.oneex(["run", "book.rhai"]).start();
    assert!(processes::until(|| project.path("begun").exists()));
    assert!(says(&project, 0, &["history"]).contains("running"));
    let log = project.oneex(["log", "-f"]).start();
    project.write("end", "");
    assert_eq!(log.finish().expect_code(0).stdout, run.finish().expect_code(0).stdout);
}

#[test]
fn the_journal_is_looked_after() {
    let project = runs();
    let ids = ids(&project);
    says(&project, 0, &["journal", "verify"]);
    let signed = says(&project, 0, &["journal", "sign", &ids[0], "--key", "audit.key"]);
    project.write("signatures", &signed);
    says(&project, 0, &["journal", "verify", "--signatures", "signatures"]);
    let exported = lines(&project, &["journal", "export", &ids[0]]);
    assert!(exported.len() > 10 && exported[0]["kind"] == "began", "{exported:?}");
    let pruned = says(&project, 0, &["journal", "prune", "--keep", "1", "--dry-run"]);
    assert!(pruned.contains(&ids[0]) && pruned.contains(&ids[1]) && !pruned.contains(&ids[2]), "{pruned}");
    assert_eq!(self::ids(&project).len(), 3);
    says(&project, 0, &["journal", "prune", "--keep", "1"]);
    assert_eq!(self::ids(&project), ids[2..]);
    assert!(says(&project, 0, &["journal", "verify"]).contains("1 run, as it was written"));
    let told = says(&project, 1, &["journal", "verify", "--signatures", "signatures"]);
    assert!(told.contains("it is not as it was signed"), "{told}");
}

/// Who breaks a lock, and why, is in the ledger.
#[test]
fn a_lock_that_is_broken_is_written_down() {
    let project = project();
    let folder = project.folder().display().to_string();
    let text = r#"task("one").run(|| { local().exec("touch @/begun; until test -e @/end; do sleep 0.05; done"); });"#;
    project.write("oneex.toml", "").write("book.rhai", &text.replace('@', &folder));
    let run = project.oneex(["run", "book.rhai"]).start();
    assert!(processes::until(|| project.path("begun").exists()));
    says(&project, 0, &["lock", "break", "--yes", "--reason", "it hangs"]);
    project.write("end", "");
    run.finish();
    let ledger = lines(&project, &["journal", "export"]);
    let broken = ledger.iter().find(|entry| entry["kind"] == "lock_broken").expect("it is in the ledger");
    assert_eq!(broken["body"]["reason"], "it hangs");
    assert!(broken["body"]["holder"].as_str().is_some_and(|holder| !holder.is_empty()), "{broken}");
    says(&project, 0, &["journal", "verify"]);
}

/// What is replaced is kept, and for nobody's eyes.
#[test]
fn what_is_replaced_is_kept_sealed() {
    let project = project();
    let text = r#"task("one").run(|| { local().write("@/x", "after\n"); });"#;
    project.write("oneex.toml", "").write("x", "canary before\n");
    project.write("book.rhai", &text.replace('@', &project.folder().display().to_string()));
    says(&project, 0, &["run", "book.rhai", "--no-diff"]);
    let exported = lines(&project, &["journal", "export"]);
    let image = exported.iter().find(|record| record["kind"] == "image").expect("an image");
    assert_eq!(image["body"]["size"], "canary before\n".len());
    let number = |kind: &str| exported.iter().position(|record| record["kind"] == kind);
    assert!(number("image") < number("intent"), "it is there before it is needed");
}
