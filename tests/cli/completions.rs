//! `oneex completions`: loaded by the real shell, and asked what it would offer.

use oneex_testkit::project::TestProject;

/// What bash offers for a line that ends with the cursor.
fn offered(words: &[&str]) -> Vec<String> {
    let project = TestProject::new("/bin/bash");
    let script = format!("'{}' completions bash >oneex.bash", env!("CARGO_BIN_EXE_oneex"));
    let _ = project.oneex(["-c", &script]).run().expect_code(0);
    let line: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let last = words.len() - 1;
    let ask = format!(
        "set -eu\nsource ./oneex.bash\ncomplete -p oneex >&2\nCOMP_WORDS=({}) COMP_CWORD={last}\n\
         _oneex oneex '{}' '{}' || true\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        line.join(" "),
        words[last],
        words[last - 1]
    );
    let finished = project.oneex(["-c", &ask]).run().expect_code(0);
    assert!(finished.stderr.contains("_oneex"), "{}", finished.stderr);
    finished.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_commands_options_and_values() {
    for (words, wanted) in [
        (&["oneex", "gr"][..], &["graph"][..]),
        (&["oneex", "p"], &["plan", "params"]),
        (&["oneex", "run", "--st"], &["--stats"]),
        (&["oneex", "graph", "--format", ""], &["text", "dot", "mermaid", "svg"]),
        (&["oneex", "--color", "a"], &["auto", "always"]),
    ] {
        assert_eq!(offered(words), wanted, "{words:?}");
    }
}

#[test]
fn every_shell_gets_a_script_that_names_every_command() {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = project.oneex(["completions", shell]).run().expect_code(0).stdout;
        for command in
            ["run", "plan", "graph", "params", "hosts", "facts", "exec", "doc", "new", "completions"]
        {
            assert!(script.contains(command), "{shell}: `{command}` is missing");
        }
    }
}
