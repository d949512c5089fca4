//! How the program ends: the codes, and streams that are closed, full or empty.

use oneex_testkit::project::TestProject;

const OK: &str = "task(\"a\").on(local()).run(|h| { h.query(\"true\"); });\n";
const FAILS: &str = "task(\"a\").on(local()).run(|h| { h.query(\"exit 3\"); });\n";
const CHANGES: &str = "task(\"a\").on(local()).run(|h| { h.write(HERE + \"/made\", \"x\"); });\n";
const WAITS: &str = "task(\"a\").needs(gate(\"rollout\", \"now?\")).run(|| {});\n";
const LOST: &str = "task(\"a\").on(hosts(\"lost\")).run(|h| { h.query(\"true\"); });\n";
const BOTH: &str = "task(\"a\").on(hosts(\"lost\") + local()).run(|h| { if h.name == \"localhost\" { fail(\"no\"); } h.query(\"true\"); });\n";

fn project() -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    let here = project.folder().display().to_string();
    for (name, text) in
        [("ok", OK), ("fails", FAILS), ("changes", CHANGES), ("waits", WAITS), ("lost", LOST), ("both", BOTH)]
    {
        let text = text.replace("HERE", &format!("\"{here}\""));
        project.write(format!("{name}.rhai"), &format!("#!/usr/bin/env -S oneex run\n{text}"));
    }
    // Port 1 of the loopback address is nobody's.
    project
        .write("inventory.yaml", "all: { hosts: { lost: { ansible_host: 127.0.0.1, ansible_port: 1 } } }\n");
    project.write("oneex.toml", "[defaults]\ninventory = \"inventory.yaml\"\n");
    project
}

#[test]
fn every_code_has_its_reason() {
    let table: &[(&[&str], i32)] = &[
        (&["run", "ok"], 0),
        (&["plan", "ok", "--exit-code"], 0),
        (&["plan", "changes"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["run", "ok", "--help"], 0),
        (&["exec", "localhost", "--", "true"], 0),
        (&["run", "fails"], 1),
        (&["plan", "fails"], 1),
        (&["plan", "fails", "--exit-code"], 1),
        (&["run", "both"], 1),
        (&["exec", "localhost", "--", "exit 3"], 1),
        (&["run", "ok", "--stats", "no/such/folder/x"], 2),
        (&["graph", "ok", "-o", "no/such/folder/x"], 1),
        (&[], 2),
        (&["rnu", "ok"], 2),
        (&["run"], 2),
        (&["run", "nothing"], 2),
        (&["run", "ok", "--sett", "a=1"], 2),
        (&["run", "ok", "--set", "a"], 2),
        (&["run", "ok", "--forks", "0"], 2),
        (&["run", "ok", "-q", "-v"], 2),
        (&["run", "ok", "--env", "prod"], 2),
        (&["exec", "localhost", "true"], 2),
        (&["exec", "localhost", "--timeout", "soon", "--", "true"], 2),
        (&["exec", "localhost", "--stdin", "nothing", "--", "true"], 2),
        (&["doc", "nothing-like-it"], 2),
        (&["completions", "tcsh"], 2),
        (&["run", "lost"], 3),
        (&["plan", "lost"], 3),
        (&["exec", "lost", "--", "true"], 3),
        (&["facts", "lost"], 3),
        (&["run", "waits"], 4),
        (&["run", "waits", "--output", "json"], 4),
        (&["plan", "changes", "--exit-code"], 5),
    ];
    let project = project();
    for (words, code) in table {
        let finished = project.oneex(*words).run();
        assert_eq!(finished.code, *code, "{words:?}\n{}\n{}", finished.stdout, finished.stderr);
        // What is wrong with the call is told on standard error alone, and what is well not at all.
        let streams = (finished.stdout.is_empty(), finished.stderr.is_empty());
        match code {
            0 => assert!(streams.1, "{words:?}: {}", finished.stderr),
            2 => assert_eq!(streams, (true, false), "{words:?}: {}", finished.stdout),
            _ => assert_ne!(streams, (true, true), "{words:?}"),
        }
    }
    assert!(!project.path("made").exists(), "plans change nothing");
}

#[test]
fn streams_may_be_closed_empty_or_full() {
    let project = project();
    let shell = |script: &str| {
        let program = format!("exec_oneex() {{ '{}' \"$@\"; }}\n", env!("CARGO_BIN_EXE_oneex"));
        let shell = TestProject::new("/bin/bash");
        let folder = project.folder().display().to_string();
        shell.oneex(["-c", &format!("cd '{folder}'; {program}{script}")]).run()
    };
    project.write("many.rhai", "for n in 0..3000 { task(`t${n}`).run(|| { info(\"hello\"); }); }\n");
    let first = |script: &str| {
        let finished = shell(&format!("set -o pipefail; exec_oneex {script} | head -1"));
        assert_eq!((finished.code, finished.stderr.as_str()), (0, ""), "{script}");
        assert_eq!(finished.stdout.lines().count(), 1, "{script}");
    };
    for script in ["run many", "run many --output json", "run many -v", "doc", "--help", "graph many"] {
        first(script);
    }
    let full = shell("exec_oneex run ok >/dev/full").expect_code(1);
    assert_eq!(full.stderr, "error: standard output cannot be written: no space left on device\n");
    let failed = shell("exec_oneex run fails >/dev/full").expect_code(1);
    assert!(failed.stderr.contains("cannot be written"), "{}", failed.stderr);
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let _ = shell(&format!("exec_oneex run ok {closed}")).expect_code(0);
    }
    let piped = shell("printf 'a\\nb\\n' | exec_oneex exec localhost --stdin - -- 'wc -l'").expect_code(0);
    assert!(piped.stdout.contains("\n  2\n"), "{}", piped.stdout);
}

#[test]
fn a_runbook_is_found_beside_the_caller_then_in_the_project() {
    let project = project();
    let says = |text: &str| format!("task(\"a\").run(|| {{ info(\"{text}\"); }});\n");
    project.write("runbooks/site.rhai", &says("from runbooks"));
    project.write("runbooks/deep/inner.rhai", &says("inner"));
    project.write("elsewhere/other.rhai", &says("elsewhere"));
    project.write("elsewhere/below/keep", "");
    let run = |folder: &str, name: &str| {
        let shell = TestProject::new("/bin/sh");
        let folder = project.path(folder).display().to_string();
        let script = format!("cd '{folder}' && exec '{}' run {name}", env!("CARGO_BIN_EXE_oneex"));
        shell.oneex(["-c", &script]).run()
    };
    for (folder, name, said) in [
        (".", "site", "from runbooks"),
        (".", "site.rhai", "from runbooks"),
        (".", "deep/inner", "inner"),
        ("elsewhere/below", "site", "from runbooks"),
        ("elsewhere", "other", "elsewhere"),
        ("elsewhere/below", "../other.rhai", "elsewhere"),
    ] {
        let finished = run(folder, name).expect_code(0);
        assert!(finished.stdout.contains(said), "{folder} {name}: {}", finished.stdout);
    }
    project.write("site.rhai", &says("beside the caller"));
    assert!(run(".", "site").stdout.contains("beside the caller"));
    assert!(run("elsewhere", "site").stdout.contains("from runbooks"));
    let unknown = run("elsewhere/below", "stie").expect_code(2);
    assert!(unknown.stderr.contains("did you mean `site`?"), "{}", unknown.stderr);
}

#[test]
fn a_folder_that_cannot_be_written_or_is_gone_is_no_hindrance_where_nothing_is_written() {
    let shell = TestProject::new("/bin/sh");
    let program = env!("CARGO_BIN_EXE_oneex");
    let gone =
        format!("mkdir gone && cd gone && rmdir ../gone && '{program}' --version && '{program}' run x");
    let finished = shell.oneex(["-c", &gone]).run().expect_code(2);
    assert!(finished.stdout.starts_with("oneex "), "{}", finished.stdout);
    assert!(finished.stderr.starts_with("error: the current folder cannot be read"), "{}", finished.stderr);
    // `/proc` cannot be written to by anybody, root included.
    let finished = shell
        .oneex(["-c", &format!("cd /proc && '{program}' exec localhost -- 'echo here' && '{program}' new x")])
        .run()
        .expect_code(1);
    assert!(finished.stdout.contains("  here\n"), "{}", finished.stdout);
    assert!(finished.stderr.starts_with("error: the project `x` cannot be made: "), "{}", finished.stderr);
}

#[test]
fn who_logs_in_is_known_without_variables() {
    let project = project();
    // The environment of a test has neither `USER` nor `LOGNAME`; the connection is refused, not misused.
    let finished = project.oneex(["exec", "lost", "--", "true"]).run().expect_code(3);
    assert!(finished.stdout.contains("connection refused"), "{}", finished.stdout);
    assert!(!finished.stdout.contains("no user is set"), "{}", finished.stdout);
}
