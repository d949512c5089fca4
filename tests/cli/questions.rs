//! Questions at the terminal, and every way to leave one without an answer.

use oneex_testkit::processes::until;
use oneex_testkit::project::TestProject;
use oneex_testkit::terminal::Terminal;
use rustix::process::Signal;

const BOOK: &str = "let open = gate(\"go\", \"on?\");
task(\"act\").needs(open).run(|| { local().exec([\"touch\", p.done]); });
on_end(|run| { local().exec([\"touch\", `${p.done}-${run.status}`]); });
";

/// A question, and how to come to it.
struct Asked {
    /// A parameter that is asked for.
    param: &'static str,
    args: &'static [&'static str],
    question: &'static str,
    /// What was typed into it before it is left.
    typed: &'static str,
    /// A run has begun, and ends like any other that is interrupted.
    running: bool,
}

const ASKED: [Asked; 4] = [
    Asked {
        param: "",
        args: &["--env", "prod"],
        question: "in the protected environment `prod`? [y/N]",
        typed: "",
        running: false,
    },
    Asked { param: "", args: &["--env", "test"], question: "go: on? [y/N]", typed: "y", running: true },
    Asked {
        param: "name: #{ type: \"string\", prompt: \"who is it?\", required: true },",
        args: &["--env", "test"],
        question: "who is it?:",
        typed: "ad",
        running: false,
    },
    Asked {
        param: "token: #{ type: \"secret\", prompt: \"the token\", required: true },",
        args: &["--env", "test"],
        question: "the token:",
        typed: "hunter2",
        running: false,
    },
];

/// How a person, a shell or a machine that shuts down ends a program: by the key, or by a signal.
const WAYS: [(Option<Signal>, &str); 4] = [
    (None, "SIGINT"),
    (Some(Signal::INT), "SIGINT"),
    (Some(Signal::TERM), "SIGTERM"),
    (Some(Signal::HUP), "SIGHUP"),
];

/// A runbook behind a question, on a terminal that shows it.
fn at_question(asked: &Asked) -> (TestProject, Terminal) {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project.write("oneex.toml", "[env.prod]\nprotected = true\n[env.test]\n");
    let done = project.path("done").display().to_string();
    let params = format!("let p = params(#{{ {} done: \"{done}\" }});", asked.param);
    project.write("book.rhai", &format!("{params}\n{BOOK}"));
    let words = ["run", "book.rhai"].iter().chain(asked.args);
    let terminal = project.terminal(24, 120, words);
    terminal.wait_for(asked.question, |screen| screen.contains(asked.question));
    terminal.send(asked.typed);
    (project, terminal)
}

#[test]
fn every_question_is_left_by_the_key_and_by_signals_with_the_terminal_as_it_was() {
    for asked in &ASKED {
        for (signal, name) in WAYS {
            let (project, terminal) = at_question(asked);
            match signal {
                Some(signal) => terminal.signal(signal),
                None => terminal.send("\x03"),
            }
            let ended = terminal.finish();
            let about = format!("{} {name}\n{}", asked.question, ended.screen);
            assert_eq!(ended.code, 130, "{about}");
            assert!(ended.restored, "the terminal is not as it was: {about}");
            assert!(!project.path("done").exists(), "{about}");
            assert!(!ended.screen.contains("hunter2"), "{about}");
            let told = format!("{name}: nothing new begins");
            assert_eq!(ended.screen.contains(&told), asked.running, "{about}");
            assert_eq!(ended.screen.contains("recap"), asked.running, "{about}");
            assert_eq!(project.path("done-interrupted").exists(), asked.running, "{about}");
        }
    }
}

#[test]
fn what_was_ignored_at_the_start_stays_ignored() {
    // As under nohup(1), or behind `&` in a script.
    let shell = TestProject::new("/bin/sh");
    shell.write("gate.rhai", "let open = gate(\"go\", \"on?\");\ntask(\"a\").needs(open).run(|| {});\n");
    let script = format!("trap '' INT HUP; exec {} run gate.rhai", env!("CARGO_BIN_EXE_oneex"));
    let terminal = shell.terminal(24, 120, ["-c", &script]);
    terminal.wait_for("the question", |screen| screen.contains("go: on? [y/N]"));
    terminal.send("\x03");
    terminal.signal(Signal::HUP);
    terminal.send("y\r");
    let ended = terminal.finish();
    assert_eq!(ended.code, 0, "{}", ended.screen);
    assert!(!ended.screen.contains("nothing new begins"), "{}", ended.screen);

    shell.write(
        "wait.rhai",
        "task(\"a\").run(|| { local().exec([\"touch\", \"here\"]);
    wait_until(\"60s\", #{ every: \"20ms\" }, || local().query([\"test\", \"-e\", \"on\"], #{ ok_codes: [0, 1] }).ok); });\n",
    );
    let script = format!("trap '' HUP; exec {} run wait.rhai", env!("CARGO_BIN_EXE_oneex"));
    let running = shell.oneex(["-c", &script]).start();
    assert!(until(|| shell.home().join("here").exists()), "the run never began");
    running.signal(Signal::HUP);
    std::fs::write(shell.home().join("on"), "").expect("a file in the home folder");
    let finished = running.finish().expect_code(0);
    assert!(!finished.stdout.contains("SIGHUP"), "{}", finished.stdout);
}
