//! Environments of `oneex.toml`, protected ones above all.

use oneex_testkit::project::TestProject;

const PROJECT: &str = "[env.prod]\nprotected = true\n[env.test]\n";
const RUNBOOK: &str = "task(\"touch\").on(local()).run(|h| { h.exec(\"touch DONE\"); });\n";

fn project() -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    let done = project.path("done").display().to_string();
    project.write("oneex.toml", PROJECT);
    project.write("runbooks/touch.rhai", &RUNBOOK.replace("DONE", &done));
    project
}

const WAITING: &str =
    "error: the environment `prod` is protected\n |\n = help: approve it with `--approve prod`\n";

#[test]
fn nothing_runs_in_a_protected_environment_without_its_own_approval() {
    let table: [(&[&str], i32, &str, bool); 6] = [
        (&["run", "touch", "--env", "prod"], 4, WAITING, false),
        (&["run", "touch", "--env", "prod", "--yes"], 4, WAITING, false),
        (&["exec", "localhost", "--env", "prod", "--", "true"], 4, WAITING, false),
        (
            &["run", "touch", "--env", "prod", "--approve", "prd"],
            2,
            "error: there is no gate `prd`\n |\n = help: did you mean `prod`?\n",
            false,
        ),
        (&["run", "touch", "--env", "prod", "--approve", "prod"], 0, "", true),
        (&["run", "touch", "--env", "test"], 0, "", true),
    ];
    for (words, code, stderr, ran) in table {
        let project = project();
        let finished = project.oneex(words).run();
        assert_eq!(
            (finished.code, finished.stderr.as_str()),
            (code, stderr),
            "{words:?}\n{}",
            finished.stdout
        );
        assert_eq!(project.path("done").exists(), ran, "{words:?}");
        if !ran {
            assert_eq!(finished.stdout, "", "{words:?}");
        }
    }
}

#[test]
fn a_plan_never_asks() {
    let project = project();
    let finished = project.oneex(["plan", "touch", "--env", "prod"]).run().expect_code(0);
    assert_eq!(finished.stderr, "");
    assert!(!project.path("done").exists());
}

#[test]
fn a_person_is_asked_and_may_refuse() {
    for (answer, code, ran) in [("y\r", 0, true), ("n\r", 1, false), ("\r", 1, false), ("\x03", 130, false)] {
        let project = project();
        let terminal = project.terminal(24, 120, ["run", "touch", "--env", "prod", "--yes"]);
        let question = "prod: run `runbooks/touch.rhai` in the protected environment `prod`? [y/N]";
        terminal.wait_for("the question", |screen| screen.contains(question));
        assert!(!project.path("done").exists());
        terminal.send(answer);
        let transcript = terminal.finish();
        assert_eq!(
            (transcript.code, project.path("done").exists()),
            (code, ran),
            "{answer:?}: {}",
            transcript.screen
        );
    }
}
