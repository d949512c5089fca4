//! The live picture on terminals of all kinds: what stands there while a run goes on, and what is left of it.

use oneex_testkit::project::TestProject;
use oneex_testkit::terminal::{Terminal, Transcript};

use super::fleet::project;

/// Nodes that say they have begun and then wait for a file, with names as people have them.
const WAITING: &str = r#"
let p = params(#{ mark: #{ required: true }, names: #{ type: "list", required: true } });
task("wait").on(local()).each(p.names).run(|h, name| {
    info("begun");
    wait_until("60s", #{ every: "20ms" }, || h.query(["test", "-e", p.mark], #{ ok_codes: [0, 1] }).ok);
    info("done");
});
"#;

/// Starts the nodes of [`WAITING`] on a terminal.
fn start(project: &TestProject, (rows, columns): (u16, u16), names: &[&str]) -> Terminal {
    project.write("wait.rhai", WAITING);
    let go = format!("mark={}", project.path("go").display());
    let names = format!("names={}", serde_json::to_string(names).unwrap());
    project.terminal(rows, columns, ["run", "wait.rhai", "--set", &go, "--set", &names])
}

/// Nothing of the picture is left, the cursor can be seen, and the last line is that of the report.
#[track_caller]
fn assert_clean(transcript: &Transcript, code: i32, last: &str) {
    let history = transcript.history.join("\n");
    assert_eq!(transcript.code, code, "{history}");
    for rest in [" running ", "… and "] {
        assert!(!history.contains(rest), "a picture was left:\n{history}");
    }
    let raw = String::from_utf8_lossy(&transcript.raw);
    let seen = [raw.rfind("\x1b[?25l"), raw.rfind("\x1b[?25h")];
    assert!(seen[0] <= seen[1], "the cursor stays hidden");
    // A narrow terminal breaks the last line.
    let shown: Vec<&str> = transcript.history.iter().map(|line| line.trim_end()).collect();
    let text = shown.concat();
    let at = text.rfind(last).unwrap_or_else(|| panic!("no `{last}` in\n{history}"));
    assert!(text.len() - at < 60, "something stands behind the last line:\n{history}");
}

/// How often words stand in what was shown, line breaks of the terminal taken out.
fn count(transcript: &Transcript, words: &str) -> usize {
    transcript.history.concat().matches(words).count()
}

#[test]
fn the_picture_fits_terminals_of_every_size_and_leaves_nothing() {
    let long = "a-very-long-name-".repeat(12);
    let names = ["plain", "東京の倉庫", "e\u{301}te\u{301}", &long];
    for size in [(24, 80), (5, 20), (3, 12), (50, 200), (2, 40)] {
        let project = project();
        let terminal = start(&project, size, &names);
        terminal.wait_for("picture", |screen| screen.lines().any(|line| line.starts_with("0/4")));
        let screen = terminal.screen();
        assert_eq!(screen.matches("0/4").count(), 1, "{size:?}: the picture stands once\n{screen}");
        project.write("go", "");
        let transcript = terminal.finish();
        assert_clean(&transcript, 0, "4 ok in");
        assert_eq!((count(&transcript, "begun"), count(&transcript, "done")), (4, 4), "{size:?}");
    }
}

#[test]
fn a_window_that_changes_its_size_while_a_run_goes_on_gets_a_picture_that_fits() {
    let project = project();
    let names: Vec<String> =
        (0..12).map(|n| format!("item-{n}-with-a-rather-long-name-that-goes-on")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let terminal = start(&project, (24, 80), &names);
    let whole = |width: usize| {
        move |screen: &str| {
            let lines: Vec<&str> = screen.lines().filter(|line| !line.is_empty()).collect();
            let last = lines.last().copied().unwrap_or_default();
            last.starts_with("0/12") && last.chars().count() < width
        }
    };
    terminal.wait_for("picture", |screen| whole(80)(screen) && screen.contains("… and "));
    for (rows, columns) in [(24_u16, 120_u16), (40, 120), (10, 100)] {
        terminal.resize(rows, columns);
        terminal.wait_for("picture that fits", whole(usize::from(columns)));
    }
    project.write("go", "");
    let transcript = terminal.finish();
    assert_eq!(transcript.code, 0, "{}", transcript.screen);
    let last = transcript.history.iter().rev().find(|line| !line.trim().is_empty()).unwrap();
    assert!(last.starts_with("ok          12 ok in "), "{last}");
}

#[test]
fn ctrl_c_takes_the_picture_away_and_shows_how_it_ended() {
    let project = project();
    let terminal = start(&project, (24, 80), &["one", "two"]);
    terminal.wait_for("picture", |screen| screen.contains("0/2") && screen.matches("begun").count() == 2);
    terminal.send("\x03");
    let transcript = terminal.finish();
    assert_clean(&transcript, 130, "interrupted");
    let history = transcript.history.join("\n");
    assert_eq!(count(&transcript, "nothing new begins; again to stop at once"), 1, "{history}");
    assert_eq!(count(&transcript, "recap"), 1);
}

#[test]
fn a_question_stands_alone_while_others_work_and_the_picture_comes_back() {
    let project = project();
    project.write(
        "gate.rhai",
        r#"
let p = params(#{ mark: #{ required: true } });
task("work").on(local()).run(|h| {
    wait_until("60s", #{ every: "20ms" }, || h.query(["test", "-e", p.mark], #{ ok_codes: [0, 1] }).ok);
});
let rollout = gate("go", "roll out?");
task("release").on(local()).needs(rollout).run(|h| {
    wait_until("60s", #{ every: "20ms" }, || h.query(["test", "-e", p.mark], #{ ok_codes: [0, 1] }).ok);
    info("released");
});
"#,
    );
    let go = format!("mark={}", project.path("go").display());
    let terminal = project.terminal(24, 80, ["run", "gate.rhai", "--set", &go]);
    terminal.wait_for("question", |screen| screen.trim_end().ends_with("go: roll out? [y/N]"));
    assert!(!terminal.screen().contains(" running "), "{}", terminal.screen());
    terminal.send("maybe\r");
    terminal.wait_for("second question", |screen| screen.contains("please answer `y` or `n`"));
    terminal.send("y\r");
    terminal.wait_for("picture", |screen| screen.contains("2 running"));
    project.write("go", "");
    let transcript = terminal.finish();
    assert_clean(&transcript, 0, "ok in ");
    assert_eq!(count(&transcript, "released"), 1);
    assert_eq!(count(&transcript, "roll out? [y/N]"), 2);
}

#[test]
fn a_parameter_is_asked_for_and_a_secret_is_not_echoed() {
    let project = project();
    project.write(
        "ask.rhai",
        r#"
let p = params(#{
    name: #{ type: "string", prompt: "who is it?", required: true },
    token: #{ type: "secret", prompt: "the token", required: true },
});
task("show").run(|| { info(`${p.name} has ${p.token.len()} letters`); });
"#,
    );
    let ask = || project.terminal(24, 80, ["run", "ask.rhai"]);
    let terminal = ask();
    terminal.wait_for("first question", |screen| screen.contains("who is it?"));
    terminal.send("ada\r");
    terminal.wait_for("second question", |screen| screen.contains("the token:"));
    terminal.send("hunter2\r");
    let transcript = terminal.finish();
    assert_eq!(transcript.code, 0, "{}", transcript.screen);
    assert!(transcript.screen.contains("ada has 7 letters"), "{}", transcript.screen);
    assert!(!String::from_utf8_lossy(&transcript.raw).contains("hunter2"), "{}", transcript.screen);

    let terminal = ask();
    terminal.wait_for("first question", |screen| screen.contains("who is it?"));
    terminal.send("ada\r");
    terminal.wait_for("second question", |screen| screen.contains("the token:"));
    terminal.send("\x03");
    assert_eq!(terminal.finish().code, 130);
}

#[test]
fn what_hosts_send_cannot_break_the_picture() {
    let project = project();
    project.write(
        "noise.rhai",
        r#"
let p = params(#{ mark: #{ required: true } });
task("noise").on(local()).run(|h| {
    info(h.query("printf '\\033[2J\\033[99A\\033]0;owned\\007\\rback\\b\\302\\233 31m end'").stdout);
    info(h.query("head -c 5000 /dev/zero | tr '\\0' x; echo; echo second").stdout);
    wait_until("60s", #{ every: "20ms" }, || h.query(["test", "-e", p.mark], #{ ok_codes: [0, 1] }).ok);
});
"#,
    );
    let go = format!("mark={}", project.path("go").display());
    let terminal = project.terminal(24, 80, ["run", "noise.rhai", "--set", &go]);
    terminal.wait_for("picture below the noise", |screen| {
        screen.contains("second") && screen.contains("1 running")
    });
    project.write("go", "");
    let transcript = terminal.finish();
    assert_clean(&transcript, 0, "1 ok in ");
    assert!(count(&transcript, "\\x1b[2J") == 1 && count(&transcript, " end") == 1, "{}", transcript.screen);
    assert_eq!(
        transcript.history.concat().matches('x').count(),
        5000 + transcript.history.concat().matches("\\x").count()
    );
    let title = transcript.raw.windows(4).any(|bytes| bytes == b"\x1b]0;");
    assert!(!title, "the title was set");
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let project = project();
    project.write("a.rhai", "task(\"a\").run(|| { info(\"said\"); });");
    let script = format!("TERM=dumb exec {} run a.rhai", env!("CARGO_BIN_EXE_oneex"));
    let shell = TestProject::new("/bin/sh");
    shell.write("a.rhai", &project.read("a.rhai"));
    let transcript = shell.terminal(24, 80, ["-c", &script]).finish();
    assert_eq!(transcript.code, 0, "{}", transcript.screen);
    assert!(!transcript.raw.contains(&0x1b), "{}", transcript.screen);
    assert!(transcript.screen.contains("info        a  said"), "{}", transcript.screen);
}
