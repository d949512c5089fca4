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
fn fish_offers_commands_options_and_values() {
    let project = TestProject::new("/usr/bin/fish");
    let script = format!(
        "'{}' completions fish >oneex.fish; source oneex.fish; for line in $argv; echo \"= $line\"; complete -C $line; end",
        env!("CARGO_BIN_EXE_oneex")
    );
    let lines = ["oneex gr", "oneex p", "oneex run --st", "oneex graph --format m", "oneex --color=a"];
    let words = ["--no-config", "-c", &script].into_iter().chain(lines);
    let finished = project.oneex(words).run().expect_code(0);
    assert_eq!(finished.stderr, "");
    // Each offer is followed by what it means.
    let offers: Vec<&str> =
        finished.stdout.lines().map(|line| line.split('\t').next().unwrap_or(line)).collect();
    let wanted = [
        "= oneex gr",
        "graph",
        "= oneex p",
        "params",
        "plan",
        "= oneex run --st",
        "--stats",
        "= oneex graph --format m",
        "mermaid",
        "= oneex --color=a",
        "--color=always",
        "--color=auto",
    ];
    assert_eq!(offers, wanted, "{}", finished.stdout);
}

#[test]
fn zsh_completes_what_a_person_types() {
    let project = TestProject::new("/usr/bin/zsh");
    let load = format!(
        "PS1='ready> '\nautoload -Uz compinit\ncompinit -D -u\n'{}' completions zsh >_oneex\nsource ./_oneex\n",
        env!("CARGO_BIN_EXE_oneex")
    );
    project.write("load.zsh", &load);
    let terminal = project.terminal(24, 120, ["-f", "-i"]);
    terminal.send("source ./load.zsh\r");
    let at_prompt = |line: &str| {
        let wanted = format!("ready> {line}");
        move |screen: &str| screen.lines().any(|line| line.trim_end() == wanted)
    };
    terminal.wait_for("prompt", |screen| screen.trim_end().ends_with("ready>"));
    for (typed, completed) in [
        ("oneex gr", "oneex graph"),
        ("oneex run --st", "oneex run --stats="),
        ("oneex graph --format me", "oneex graph --format mermaid"),
        ("oneex --color au", "oneex --color auto"),
    ] {
        terminal.send(&format!("{typed}\t"));
        terminal.wait_for(completed, at_prompt(completed));
        // Ctrl-U: a line for the next one.
        terminal.send("\x15");
    }
    terminal.send("exit\r");
    assert_eq!(terminal.finish().code, 0);
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
