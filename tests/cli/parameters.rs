//! Where the values of parameters come from, which source is the strongest, and what help needs.

use oneex_testkit::project::TestProject;

const RUNBOOK: &str = "//! Deploys.
let p = params(#{ v: #{ value: \"spec\", env: \"OWN\" }, n: #{ type: \"int\", value: 1, help: \"how many\" } });
print(`${p.v} ${p.n} in ${environment().name}`);
";

/// Arguments, variables of the environment, and what is said.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

fn project() -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project
        .write(
            "oneex.toml",
            "[env.first.params]\nv = \"first\"\n[env.second.params]\nv = \"second\"\nother = 1\n",
        )
        .write("deploy.rhai", RUNBOOK)
        .write("a.yaml", "v: yaml\n")
        .write("b.json", "{\"v\": \"json\"}")
        .write("c.toml", "v = \"toml\"\nn = 3\n")
        .write("bad.yaml", "vv: 1\n");
    project
}

#[test]
fn the_strongest_source_wins() {
    let project = project();
    let (own, param) = (("OWN", "own"), ("ONEEX_PARAM_V", "variable"));
    let cases: [Case<'_>; 8] = [
        (&["--env", "first"], &[], "first 1 in first"),
        (&["--env", "second"], &[], "second 1 in second"),
        (&["--env", "first"], &[own], "own 1 in first"),
        (&["--env", "first"], &[own, param], "variable 1 in first"),
        (&["--env", "first", "--params", "a.yaml"], &[own, param], "yaml 1 in first"),
        (&["--env", "first", "--params", "a.yaml", "--params", "b.json"], &[], "json 1 in first"),
        (&["--env", "first", "--params", "c.toml", "--set", "v=a", "--set", "v=b=c"], &[], "b=c 3 in first"),
        (&["--env", "first"], &[("ONEEX_PARAM_N", "7")], "first 7 in first"),
    ];
    for (words, variables, expected) in cases {
        let mut call = project.oneex(["run", "deploy.rhai"].iter().chain(words));
        for (name, value) in variables {
            call = call.env(name, value);
        }
        let finished = call.run().expect_code(0);
        let said = finished.stderr.contains(expected) || finished.stdout.contains(expected);
        assert!(said, "{words:?} {variables:?}: {}{}", finished.stdout, finished.stderr);
    }
}

#[test]
fn what_is_wrong_is_named_before_anything_runs() {
    let project = project();
    let cases: [Case<'_>; 5] = [
        (&["--set", "vv=1"], &[], "there is no parameter `vv`"),
        (&["--params", "bad.yaml"], &[], "there is no parameter `vv`"),
        (
            &[],
            &[("ONEEX_PARAM_VV", "1")],
            "the variable `ONEEX_PARAM_VV` gives a parameter that there is not",
        ),
        (&["--set", "n=x"], &[], "parameter `n`: expected a whole number, found `x`"),
        (&["--params", "none.yaml"], &[], "`none.yaml` cannot be read"),
    ];
    for (words, variables, expected) in cases {
        let mut call = project.oneex(["run", "deploy.rhai", "--env", "first"].iter().chain(words));
        for (name, value) in variables {
            call = call.env(name, value);
        }
        let finished = call.run().expect_code(2);
        assert!(finished.stderr.contains(expected), "{words:?}: {}", finished.stderr);
        assert!(!finished.stdout.contains("in first"), "nothing ran: {}", finished.stdout);
    }
}

#[test]
fn help_needs_neither_values_nor_the_choice_of_an_environment() {
    let project = project();
    for words in [&["run", "deploy.rhai", "--help"][..], &["params", "deploy.rhai"]] {
        let finished = project.oneex(words).env("ONEEX_PARAM_VV", "1").run().expect_code(0);
        assert!(finished.stdout.contains("Deploys.") && finished.stdout.contains("how many"), "{words:?}");
    }
    let finished = project.oneex(["run", "deploy.rhai"]).run().expect_code(2);
    assert!(finished.stderr.contains("there are several environments"), "{}", finished.stderr);
}

#[test]
fn a_graph_needs_no_values() {
    let project = project();
    project.write(
        "need.rhai",
        "let p = params(#{ host: #{ type: \"host\", required: true }, side: #{ required: true, choices: [\"a\"] } });
         if p.side != \"a\" { throw \"never\"; }
         task(\"t\").on(p.host).run(|h| 1);",
    );
    let finished = project.oneex(["graph", "need.rhai", "--env", "first"]).run().expect_code(0);
    assert!(finished.stdout.starts_with("t on "), "{}", finished.stdout);
    let finished = project.oneex(["run", "need.rhai", "--env", "first"]).run().expect_code(2);
    assert!(finished.stderr.contains("parameter `host` is required"), "{}", finished.stderr);
}
