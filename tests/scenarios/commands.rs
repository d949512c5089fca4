//! The commands around `run`, over real hosts and in fresh projects.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::fleet::{Fleet, project};

const GATED: &str = r#"
let a = task("a").on(hosts("web")).tags(["first"]).run(|h| { h.exec(["touch", h.vars.folder + "/a"]); });
let rollout = gate("go", "roll out?");
task("b").needs(rollout).tags(["second"]).run(|| { info("b ran"); });
task("c").needs(a).run(|| {});
"#;

#[test]
fn exec_runs_a_command_on_the_hosts_of_a_pattern() {
    let fleet = Fleet::new(3);
    let finished = fleet.call(&["exec", "web:!h3", "--", "uptime"]).run().expect_code(0);
    assert!(finished.stdout.contains("h1  ok") && finished.stdout.contains("h2  ok"), "{}", finished.stdout);
    assert!(
        finished.stdout.contains("load average") && !finished.stdout.contains("h3"),
        "{}",
        finished.stdout
    );

    let words = fleet.call(&["exec", "h1", "--", "printf", "<%s>", "a b", "$HOME;"]).run().expect_code(0);
    assert!(words.stdout.contains("<a b><$HOME;>"), "words are passed as they are: {}", words.stdout);
    let text = fleet.call(&["exec", "h1", "--", "echo one | tr o 0; exit 4"]).run().expect_code(1);
    assert!(text.stdout.contains("0ne") && text.stdout.contains("status 4"), "{}", text.stdout);
    let nobody = fleet.call(&["exec", "wbe", "--", "true"]).run().expect_code(2);
    assert!(
        nobody.stderr.contains("`wbe` matches no host") && nobody.stderr.contains("web"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn facts_are_objects_a_line_and_host() {
    let fleet = Fleet::new(2);
    let finished = fleet.call(&["facts", "web", "--output", "json"]).run().expect_code(0);
    let mut hosts = Vec::new();
    for line in finished.stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["facts"]["system"], "Linux");
        hosts.push(line["host"].as_str().unwrap().to_owned());
    }
    hosts.sort();
    assert_eq!(hosts, ["h1", "h2"]);
}

#[test]
fn a_graph_is_drawn_in_every_form_and_nothing_is_run() {
    let fleet = Fleet::new(2);
    fleet.book(GATED);
    for (form, wanted) in [
        ("text", &["a on web", "gate go", "needs a"][..]),
        ("dot", &["digraph", "[label=\"a\"]", "->"]),
        ("mermaid", &["flowchart LR", "-->"]),
        ("svg", &["<svg", "</svg>", ">go</text>"]),
    ] {
        let finished = fleet.call(&["graph", "book.rhai", "--format", form]).run().expect_code(0);
        for part in wanted {
            assert!(finished.stdout.contains(part), "{form} without {part}:\n{}", finished.stdout);
        }
    }
    assert!(!fleet.path(0, "a").exists());
}

#[test]
fn a_gate_waits_headless_and_passes_by_flags() {
    let fleet = Fleet::new(1);
    fleet.book(GATED);
    let waiting = fleet.run(4, &[]);
    assert_eq!((waiting.status("go", ""), waiting.status("b", "")), ("waiting", "waiting"));
    assert_eq!((waiting.status("a", "h1"), waiting.status("c", "")), ("changed", "ok"), "the rest is done");
    assert_eq!(waiting.summary()["status"], "waiting");
    for flags in [&["--approve", "go"][..], &["--yes"]] {
        assert_eq!(fleet.run(0, flags).messages(), ["b ran"]);
    }
    let unknown = fleet.call(&["run", "book.rhai", "--approve", "og"]).run().expect_code(2);
    assert!(unknown.stderr.contains("did you mean `go`?"), "{}", unknown.stderr);
}

#[test]
fn a_gate_asks_the_person_at_the_terminal() {
    for (answer, code) in [("y\r", 0), ("n\r", 1)] {
        let project = project();
        project.write(
            "book.rhai",
            "task(\"b\").needs(gate(\"go\", \"roll out?\")).run(|| { info(\"b ran\"); });",
        );
        let terminal = project.terminal(24, 80, ["run", "book.rhai"]);
        terminal.wait_for("question", |screen| screen.contains("go: roll out?"));
        terminal.send(answer);
        let transcript = terminal.finish();
        assert_eq!(transcript.code, code, "{}", transcript.screen);
        // A refusal shows the line of the task, so the words alone would be found there.
        assert_eq!(transcript.history.join("\n").contains("b  b ran"), code == 0);
    }
}

#[test]
fn a_protected_environment_wants_its_name() {
    let fleet = Fleet::new(1);
    fleet.book(GATED);
    fleet.project.write("oneex.toml", "[env.prod]\nprotected = true\n[env.test]\n");
    let run = |more: &[&str]| fleet.call(&[&["run", "book.rhai"], more].concat()).run();
    let asked = run(&["--env", "prod", "--yes"]).expect_code(4);
    assert!(asked.stderr.contains("--approve prod"), "{}", asked.stderr);
    assert!(!fleet.path(0, "a").exists(), "nothing was run");
    let approved = ["--env", "prod", "--approve", "prod"];
    drop(run(&[&approved[..], &["--yes"]].concat()).expect_code(4));
    assert!(fleet.path(0, "a").exists(), "the environment was entered, and its gate waits");
    drop(run(&[&approved[..], &["--approve", "go"]].concat()).expect_code(0));
    drop(run(&["--env", "test", "--yes"]).expect_code(0));
    assert!(run(&[]).expect_code(2).stderr.contains("--env"));
}

#[test]
fn a_run_can_be_narrowed() {
    let fleet = Fleet::new(2);
    fleet.book(GATED);
    let nodes = |more: &[&str]| {
        let stream = fleet.run(0, &[more, &["--yes"]].concat());
        ["a", "b", "c"].map(|task| stream.count("node_finished", task))
    };
    assert_eq!(nodes(&["--only", "c"]), [2, 0, 1], "with what it needs");
    assert_eq!(nodes(&["--only", "b"]), [0, 1, 0]);
    assert_eq!(nodes(&["--limit", "h2"]), [1, 1, 1]);
    assert_eq!(nodes(&["--tags", "first"]), [2, 0, 0]);
    assert_eq!(nodes(&["--skip-tags", "first,second"]), [0, 0, 1]);
    let nearest = fleet.call(&["run", "book.rhai", "--only", "x"]).run().expect_code(2);
    assert!(nearest.stderr.contains("`x`"), "{}", nearest.stderr);
}

#[test]
fn a_new_project_runs_at_once() {
    let project = project();
    drop(project.oneex(["new", "fresh"]).run().expect_code(0));
    let folder = format!("folder={}", project.path("made").display());
    let run =
        || project.oneex(["run", "fresh/runbooks/hello.rhai", "--set", &folder]).run().expect_code(0).stdout;
    assert!(run().contains("Hello, world!"));
    assert!(project.read("made/greeting.txt").contains("Hello, world!"));
    assert!(run().contains("changed=0"), "a second run changes nothing");
    assert_ne!(project.oneex(["new", "fresh"]).run().code, 0, "what is there is not written over");
}

#[test]
fn a_runbook_is_a_program() {
    let project = project();
    project.write("book", "#!/usr/bin/env -S oneex run\nlet p = params(#{ name: \"me\" });\ntask(\"say\").run(|| { info(p.name) });\n");
    std::fs::set_permissions(project.path("book"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_oneex")).parent().unwrap().to_owned();
    let path = std::env::join_paths([folder, "/usr/bin".into(), "/bin".into()]).unwrap();
    let finished = std::process::Command::new(project.path("book"))
        .args(["--set", "name=somebody"])
        .env("PATH", path)
        .current_dir(project.folder())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&finished.stdout).into_owned();
    assert!(finished.status.success(), "{text}{}", String::from_utf8_lossy(&finished.stderr));
    assert!(text.contains("somebody"), "{text}");
}

#[test]
fn mistakes_end_with_the_code_for_usage_before_anything_runs() {
    let fleet = Fleet::new(1);
    for book in [
        "task(\"a\").on(hosts(\"web\")).run(|h| { h.exec([\"touch\", h.vars.folder + \"/x\"]); }); task(\"a\").run(|| {});",
        "task(\"a\").on(hosts(\"web\")).run(|h| { h.exec([\"touch\", h.vars.folder + \"/x\"]); }); let = 1;",
        "task(\"a\").on(hosts(\"web\")).run(|h| { h.exec([\"touch\", h.vars.folder + \"/x\"], #{ cdw: \"/\" }); });",
    ] {
        fleet.book(book);
        let finished = fleet.call(&["run", "book.rhai"]).run().expect_code(2);
        assert!(finished.stderr.contains("book.rhai:1:"), "{}", finished.stderr);
        assert!(!fleet.path(0, "x").exists());
    }
}
