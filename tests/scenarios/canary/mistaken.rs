//! Canaries in what is wrong: values that a parameter refuses, files that cannot be read.

use oneex_testkit::project::TestProject;

use super::needles::{Canary, Finder};

/// What a person gives is wrong, and the message about it shows it to nobody.
#[test]
fn a_secret_that_is_refused_is_not_shown() {
    let canary = Canary::new(31, "refused");
    let finder = Finder::new(vec![canary.clone()]);
    let quoted = serde_json::to_string(&canary.value).unwrap();
    for (spec, given, code) in [
        ("pattern: \"^[0-9]+$\"", quoted.clone(), 2),
        ("choices: [\"a\", \"b\"]", quoted.clone(), 2),
        ("max: 5", quoted.clone(), 2),
        ("help: \"a list for a text\"", format!("[{quoted}]"), 2),
        ("help: \"a map for a text\"", format!("{{ a: {quoted} }}"), 2),
        ("help: \"not YAML\"", format!("{quoted}: : {quoted}"), 2),
        ("help: \"a quote that is open\"", quoted[..quoted.len() - 1].to_owned(), 2),
    ] {
        let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
        let book =
            format!("let p = params(#{{ token: #{{ type: \"secret\", {spec} }} }});\nprint(p.token);\n");
        project.write("book.rhai", &book).write("given.yaml", &format!("token: {given}\n"));
        for more in [&[][..], &["-vvv"], &["--output", "json"], &["--junit", "report.xml"]] {
            let finished =
                project.oneex(["run", "book.rhai", "--params", "given.yaml"].iter().chain(more)).run();
            let all = format!(
                "{}{}{}",
                finished.stdout,
                finished.stderr,
                std::fs::read_to_string(project.path("report.xml")).unwrap_or_default()
            );
            assert_eq!(finished.code, code, "{spec}: {all}");
            assert_eq!(finder.explain(&all), [""; 0], "{spec}, {more:?}: {all}");
            assert!(all.contains("token"), "it says which: {all}");
        }
    }
}

#[test]
fn files_that_are_wrong_do_not_show_their_secrets() {
    let canary = Canary::plain(32, "in a broken file");
    let (finder, word) = (Finder::new(vec![canary.clone()]), &canary.value);
    for (name, text) in [
        ("hosts.yaml", format!("all:\n  hosts:\n    h1:\n      ansible_password: {word}\n     bad: [\n")),
        ("hosts.ini", format!("[web]\nh1 ansible_password={word} 'open\n")),
        ("hosts.yaml", format!("all:\n  hosts: [\n  vars: {{ ansible_become_password: '{word}'\n")),
        ("hosts.json", format!("{{\"all\": {{\"vars\": {{\"db_password\": \"{word}\" \"x\": 1}}}}}}")),
    ] {
        let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
        project.write(name, &text).write("oneex.toml", "");
        for words in [&["hosts", "-i", name][..], &["exec", "all", "-i", name, "-vvv", "--", "true"]] {
            let finished = project.oneex(words).run();
            let all = format!("{}{}", finished.stdout, finished.stderr);
            assert_ne!(finished.code, 0, "{name}: {all}");
            assert!(all.contains(name), "it says which: {all}");
            assert_eq!(finder.explain(&all), [""; 0], "{words:?}: {all}");
        }
    }
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project
        .write("book.rhai", "print(1);")
        .write("oneex.toml", &format!("[env.prod.params]\ntoken = \"{word}\nx = 1\n"));
    let finished = project.oneex(["run", "book.rhai", "-vvv"]).run();
    let all = format!("{}{}", finished.stdout, finished.stderr);
    assert!(finished.code == 2 && all.contains("oneex.toml"), "{all}");
    assert_eq!(finder.explain(&all), [""; 0], "{all}");
}
