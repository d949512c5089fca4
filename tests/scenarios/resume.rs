//! `oneex resume`: goes on where a run stopped, with what it had.

use oneex_testkit::project::TestProject;
use oneex_testkit::{SmallDisk, processes};
use rustix::process::Signal;

use super::fleet::{Fleet, project};

/// A project with a runbook for the controller alone.
fn book(text: &str) -> TestProject {
    let project = project();
    project.write("oneex.toml", "");
    rewrite(&project, text);
    project
}

/// Local commands run in the home: `@/` is the project's folder.
fn rewrite(project: &TestProject, text: &str) {
    project.write("book.rhai", &text.replace("@/", &format!("{}/", project.folder().display())));
}

fn says(project: &TestProject, code: i32, words: &[&str]) -> String {
    let finished = project.oneex(words).run().expect_code(code);
    finished.stdout + &finished.stderr
}

#[test]
fn after_a_failure_only_what_is_left_is_done_with_what_was_given() {
    let project = book(
        r#"let given = params(#{ password: #{ type: "secret", required: true } });
        let id = uuid();
        let first = task("first").run(|| { local().exec("echo first >>@/marks"); #{ at: time::now(), id: uuid(), token: given.password } });
        task("second").needs(first).run(|| {
            local().exec("echo second >>@/marks");
            local().write("@/out", `${first.output.at} ${first.output.id} ${first.output.token} ${id} ${env_var("NAME")}`);
            if !local().query("test -e @/ready", #{ ok_codes: [0, 1] }).ok { fail("it is not ready") }
            local().exec("test -e @/allowed");
            local().exec("echo third >>@/marks");
        });"#,
    );
    let run =
        project.oneex(["run", "book.rhai"]).env("ONEEX_PARAM_PASSWORD", "canary-canary").env("NAME", "ada");
    assert!(run.run().expect_code(1).stdout.contains("it is not ready"));
    let out = project.read("out");
    assert!(out.contains("canary-canary") && out.ends_with(" ada"), "{out}");
    project.write("ready", "");
    // The body looks again, and does nothing again; then a command fails.
    assert!(says(&project, 1, &["resume"]).contains("/allowed` ended with status 1"));
    project.write("allowed", "");
    let told = says(&project, 0, &["resume", "--output", "json"]);
    assert!(!told.contains("canary"), "{told}");
    assert_eq!(project.read("marks"), "first\nsecond\nthird\n");
    assert_eq!(project.read("out"), out, "what was drawn and given is the same");
    let told = says(&project, 2, &["resume"]);
    assert!(told.contains("ended well: there is nothing left of it"), "{told}");
    assert!(says(&project, 0, &["journal", "verify"]).contains("as it was written"));
}

#[test]
fn what_was_changed_since_is_named_and_must_be_accepted() {
    let text =
        r#"task("one").run(|| { local().exec("echo one >>@/marks"); local().exec("test -e @/ready"); });"#;
    let project = book(text);
    project.write("hosts.ini", "[web]\nw1\n").write("oneex.toml", "[defaults]\ninventory = \"hosts.ini\"\n");
    says(&project, 1, &["run", "book.rhai"]);
    rewrite(&project, &format!("// mended\n{text}"));
    project.write("hosts.ini", "[web]\nw1\nw2\n");
    let told = says(&project, 2, &["resume"]);
    assert!(told.contains("`book.rhai` was changed; `hosts.ini` was changed"), "{told}");
    assert!(told.contains("--accept-changes"), "{told}");
    project.write("ready", "");
    says(&project, 0, &["resume", "--accept-changes"]);
    assert_eq!(project.read("marks"), "one\n");
}

#[test]
fn a_script_that_no_longer_does_what_it_did_is_stopped() {
    let project = book(
        r#"task("one").run(|| { local().exec("echo one >>@/marks"); local().exec("test -e @/ready"); });"#,
    );
    says(&project, 1, &["run", "book.rhai"]);
    project.write("ready", "");
    rewrite(
        &project,
        r#"task("one").run(|| { local().exec("echo other >>@/marks"); local().exec("test -e @/ready"); });"#,
    );
    let told = says(&project, 1, &["resume", "--accept-changes"]);
    assert!(told.contains("`one` no longer does what it did: at body/1/1"), "{told}");
    assert!(told.contains("echo one >>") && told.contains("echo other >>"), "{told}");
    assert_eq!(project.read("marks"), "one\n", "nothing was done");
}

#[test]
fn a_gate_that_was_approved_is_not_asked_again() {
    let project = book(
        r#"let asked = gate("go", "go on?");
        task("one").needs(asked).run(|| { local().exec("test -e @/ready"); });"#,
    );
    says(&project, 4, &["run", "book.rhai"]);
    says(&project, 4, &["resume"]);
    says(&project, 1, &["resume", "--approve", "go"]);
    project.write("ready", "");
    says(&project, 0, &["resume"]);
}

/// The controller is killed while a command runs on a host: it goes on there, and is asked for.
#[test]
fn a_command_that_runs_when_the_controller_dies_is_run_once() {
    let fleet = Fleet::new(2);
    fleet.project.write("oneex.toml", "[defaults]\ninventory = \"inventory.yaml\"\n");
    fleet.book(
        r#"task("long").on(hosts("web")).run(|h| {
            let folder = h.var("folder");
            let result = h.exec(`echo run >>${folder}/marks; until test -e ${folder}/go; do sleep 0.05; done; echo told; exit 3`,
                #{ ok_codes: [3] });
            h.write(`${folder}/result`, `${result.stdout} ${result.code}`);
        });"#,
    );
    let child = fleet.project.oneex(["run", "book.rhai"]).start();
    let marks = [fleet.path(0, "marks"), fleet.path(1, "marks")];
    assert!(processes::until(|| marks.iter().all(|path| path.exists())));
    child.signal(Signal::KILL);
    child.finish();
    // One has ended before it is asked for, the other ends while it is.
    std::fs::write(fleet.path(0, "go"), "").unwrap();
    let child = fleet.project.oneex(["resume"]).start();
    assert!(processes::until(|| fleet.path(0, "result").exists()));
    std::fs::write(fleet.path(1, "go"), "").unwrap();
    let told = child.finish().expect_code(0).stdout;
    for host in 0..2 {
        assert_eq!(fleet.read(host, "marks"), "run\n", "{told}");
        assert_eq!(fleet.read(host, "result"), "told 3");
    }
}

#[test]
fn a_command_of_unknown_fate_is_named_and_decided() {
    for (fate, marks) in [("retry", "run\nrun\nend\n"), ("skip", "run\nend\n")] {
        let project = book(
            r#"task("one").run(|| {
                local().exec("echo run >>@/marks; until test -e @/go; do sleep 0.05; done");
                local().exec("echo end >>@/marks");
            });"#,
        );
        let child = project.oneex(["run", "book.rhai"]).start();
        assert!(processes::until(|| project.path("marks").exists()));
        let below = processes::descendants(child.id());
        child.signal(Signal::KILL);
        child.finish();
        below.into_iter().for_each(processes::kill);
        let told = says(&project, 1, &["resume"]);
        assert!(told.contains("nobody knows how it ended"), "{told}");
        assert!(told.contains("--unknown=retry"), "{told}");
        project.write("go", "");
        says(&project, 0, &["resume", "--unknown", fate]);
        assert_eq!(project.read("marks"), marks, "{fate}");
    }
}

#[test]
fn a_run_that_goes_on_is_not_resumed_beside_itself() {
    let project = book(
        r#"task("one").run(|| { local().exec("echo run >>@/marks; until test -e @/go; do sleep 0.05; done"); });"#,
    );
    let child = project.oneex(["run", "book.rhai"]).start();
    assert!(processes::until(|| project.path("marks").exists()));
    let told = says(&project, 6, &["resume"]);
    assert!(told.contains("goes on in another process"), "{told}");
    let told = says(&project, 1, &["resume", "--lock", "none"]);
    assert!(told.contains("goes on in another process"), "{told}");
    project.write("go", "");
    let _ = child.finish().expect_code(0);
}

#[test]
fn an_interrupted_run_goes_on() {
    let project = book(
        r#"task("one").run(|| {
            local().exec("echo one >>@/marks");
            local().exec("echo two >>@/marks; test -e @/go || sleep 60");
            local().exec("echo three >>@/marks");
        }).always(|| local().exec("echo always >>@/marks"));"#,
    );
    let child = project.oneex(["run", "book.rhai"]).start();
    assert!(processes::until(|| project.path("marks").exists() && project.read("marks").contains("two")));
    child.signal(Signal::INT);
    let _ = child.finish().expect_code(130);
    project.write("go", "");
    says(&project, 0, &["resume"]);
    // What was cancelled was ended, so it is begun again; each end has its `always`.
    assert_eq!(project.read("marks"), "one\ntwo\nalways\ntwo\nthree\nalways\n");
}

#[test]
fn a_journal_that_cannot_be_used_stops_the_run_before_it_begins() {
    let project = book(r#"task("one").run(|| { local().exec("echo one >>@/marks"); });"#);
    project.write(
        "journal",
        "notes of mine, which are longer than the header of a database is, so they are none",
    );
    let told = says(&project, 1, &["run", "book.rhai", "--journal", "journal"]);
    assert!(told.contains("`") && told.contains("is not a journal of oneex"), "{told}");
    assert!(!project.path("marks").exists());
    let told = says(&project, 2, &["resume", "--journal", "none"]);
    assert!(told.contains("there is no journal"), "{told}");
}

#[test]
fn a_template_that_was_changed_since_is_named() {
    let project = book(
        r#"task("one").run(|| { local().template("x.j2", "@/x"); file::read("note"); local().exec("test -e @/ready"); });"#,
    );
    project.write("templates/x.j2", "one\n").write("note", "one\n");
    says(&project, 1, &["run", "book.rhai"]);
    project.write("templates/x.j2", "two\n").write("note", "two\n");
    let told = says(&project, 2, &["resume"]);
    assert!(told.contains("note` was changed; ") && told.contains("templates/x.j2` was changed"), "{told}");
}

/// The journal's disk is full: nothing is changed that is not written there, and what was done is known.
#[test]
fn a_full_disk_stops_the_run_before_its_next_change() {
    let project = book(
        r#"task("one").run(|| {
            for i in 0..2000 { local().exec(`echo ${i} >>@/marks`); }
        });"#,
    );
    std::fs::create_dir(project.path("small")).unwrap();
    let disk = SmallDisk::mount(&project.path("small"), 512 * 1024);
    let told = says(&project, 1, &["run", "book.rhai", "--journal", "small/journal.db"]);
    assert!(told.contains("nothing is changed that is not written there"), "{told}");
    let done = project.read("marks").lines().count();
    assert!(done > 10 && done < 2000, "{done}");
    let exported = says(&project, 0, &["journal", "--journal", "small/journal.db", "export"]);
    let intents = exported.lines().filter(|line| line.contains("\"kind\":\"intent\"")).count();
    assert!(intents >= done, "{done} were done, {intents} are written down");
    assert!(
        says(&project, 0, &["journal", "--journal", "small/journal.db", "verify"])
            .contains("as it was written")
    );
    drop(disk);
}

#[test]
fn what_became_a_secret_in_a_task_that_is_not_run_again_is_masked() {
    let project = book(
        r#"let first = task("first").run(|| { let token = local().exec("cat @/token").stdout; secret(token); #{ token: token } });
        task("second").needs(first).run(|| { local().exec("test -e @/ready"); info("it is " + first.output.token); });"#,
    );
    project.write("token", "canary-canary");
    says(&project, 1, &["run", "book.rhai"]);
    project.write("ready", "").write("token", "");
    let told = says(&project, 0, &["resume", "-vv"]);
    assert!(told.contains("it is •••") && !told.contains("canary"), "{told}");
}
