//! Ctrl-C wherever a run may stand still: it ends at once, tidies up and says how it went.

use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;

use oneex_testkit::processes::until;
use oneex_testkit::project::{Running, TestProject};
use rustix::process::Signal;

use super::fleet::{Stream, project};

/// Says that the code has come to where it stands still.
const HERE: &str = "fn here() { local().exec([\"touch\", \"here\"]); }\n";

/// Tidies up, as far as the test looks.
const TIDY: &str = ".always(|| { local().exec([\"touch\", \"always\"]); })";

/// A runbook that stands still for an hour.
struct Still {
    name: &'static str,
    book: &'static str,
    /// Where the body had begun, so that `always` must run.
    begun: bool,
}

const STILL: [Still; 13] = [
    Still { name: "sleep", book: r#"task("a").run(|| { here(); sleep("1h"); })"#, begun: true },
    Still {
        name: "wait_until",
        book: r#"task("a").run(|| { here(); wait_until("2h", #{ every: "1h" }, || false); })"#,
        begun: true,
    },
    Still {
        name: "retry in a body",
        book: r#"task("a").run(|| { retry(1, "1h", || { here(); fail("no"); }); })"#,
        begun: true,
    },
    Still {
        name: "retry of a task",
        book: r#"task("a").retry(1, "1h").run(|| { here(); fail("no"); })"#,
        begun: true,
    },
    Still {
        name: "a catch around it",
        book: r#"task("a").run(|| { here(); try { sleep("1h"); } catch { sleep("1h"); } sleep("1h"); }).rescue(|err| { sleep("1h"); })"#,
        begun: true,
    },
    Still {
        name: "parallel",
        book: r#"task("a").run(|| { parallel([|| here(), || sleep("1h")]); })"#,
        begun: true,
    },
    Still {
        name: "a command",
        book: r#"task("a").run(|| { local().exec("touch here; sleep 3600"); })"#,
        begun: true,
    },
    Still { name: "the script itself", book: r#"task("a").run(|| { here(); loop {} })"#, begun: true },
    Still {
        name: "a throttle",
        book: r#"task("a").each([1, 2]).throttle(1).run(|item| { here(); sleep("1h"); })"#,
        begun: true,
    },
    Still {
        name: "a pause between batches",
        book: r#"task("a").each([1, 2]).batch(#{ size: 1, pause: "1h" }).run(|item| { here(); })"#,
        begun: true,
    },
    Still {
        name: "a check between batches",
        book: r#"task("a").each([1, 2]).batch(#{ size: 1, check: || { here(); sleep("1h"); } }).run(|item| {})"#,
        begun: true,
    },
    Still {
        name: "a condition",
        book: r#"task("a").when(|| { here(); sleep("1h"); true }).run(|| {})"#,
        begun: false,
    },
    Still {
        name: "a closure that gives items",
        book: r#"task("a").each(|| { here(); sleep("1h"); [] }).run(|item| {})"#,
        begun: false,
    },
];

/// Starts a runbook in a project of its own.
fn start(project: &TestProject, book: &str, more: &[&str]) -> Running {
    let tail =
        "\ntask(\"next\").needs(\"a\").run(|| {});\non_end(|run| { info(`the end: ${run.status}`); });\n";
    project.write("book.rhai", &format!("{HERE}{book}{TIDY};{tail}"));
    project.oneex(["run", "book.rhai", "--output", "json"].iter().chain(more)).start()
}

/// Whether a file is in the home folder, where commands on the controller run.
fn at_home(project: &TestProject, name: &str) -> bool {
    project.home().join(name).exists()
}

/// What every run that was interrupted once has in common.
#[track_caller]
fn ended(name: &str, running: Running) -> Stream {
    let finished = running.finish().expect_code(130);
    let stream = Stream::of(&finished);
    assert_eq!(stream.summary()["status"], "interrupted", "{name}");
    assert_eq!(stream.status("next", ""), "cancelled", "{name}");
    assert_eq!(stream.messages(), ["the end: interrupted"], "{name}");
    let interrupts = stream.0.iter().filter(|event| event["event"] == "interrupted");
    assert_eq!(interrupts.map(|event| &event["at_once"]).collect::<Vec<_>>(), [false], "{name}");
    assert_eq!(finished.stderr, "", "{name}");
    stream
}

#[test]
fn a_run_that_stands_still_ends_at_once() {
    for still in STILL {
        let project = project();
        let running = start(&project, still.book, &[]);
        assert!(until(|| at_home(&project, "here")), "{} never began", still.name);
        running.signal(Signal::INT);
        let stream = ended(still.name, running);
        assert_eq!(stream.count("node_phase", "a") > 0, still.begun, "{}", still.name);
        assert_eq!(at_home(&project, "always"), still.begun, "{}", still.name);
        assert!(!stream.0.iter().any(|event| event["phase"] == "rescue"), "{}", still.name);
    }
}

#[test]
fn a_request_and_a_connection_that_nobody_answers_end_at_once() {
    for (name, body) in [
        ("a request", "http::get(`http://${p.at}/`);"),
        ("a connection", "host(\"silent\").query(\"true\");"),
    ] {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = silent.local_addr().unwrap();
        let project = project();
        project.write(
            "inventory.ini",
            &format!("silent ansible_host=127.0.0.1 ansible_port={} ansible_user=nobody\n", at.port()),
        );
        let book = format!("let p = params(#{{ at: \"\" }});\ntask(\"a\").run(|| {{ {body} }})");
        let set = format!("at={at}");
        let running = start(&project, &book, &["-i", "inventory.ini", "--set", &set]);
        let (stream, _) = silent.accept().unwrap();
        running.signal(Signal::INT);
        let events = ended(name, running);
        assert_eq!(events.status("a", ""), "cancelled", "{name}");
        assert!(at_home(&project, "always"), "{name}");
        drop(stream);
    }
}

#[test]
fn a_gate_is_left_by_the_key_and_by_a_signal() {
    let project = project();
    project.write(
        "book.rhai",
        "let open = gate(\"go\", \"on?\");\ntask(\"a\").needs(open).run(|| { local().exec([\"touch\", \"a\"]); });\n\
         on_end(|run| { local().exec([\"touch\", run.status]); });\n",
    );
    let terminal = project.terminal(24, 120, ["run", "book.rhai"]);
    terminal.wait_for("the question", |screen| screen.contains("go: on? [y/N]"));
    terminal.send("\x03");
    let transcript = terminal.finish();
    assert_eq!(transcript.code, 130, "{}", transcript.screen);
    assert!(at_home(&project, "interrupted") && !at_home(&project, "a"));
    assert!(transcript.screen.contains("recap"), "{}", transcript.screen);
    assert_eq!(transcript.screen.matches("again to stop at once").count(), 1, "{}", transcript.screen);
}

#[test]
fn the_second_interrupt_says_so_once_and_a_third_is_harmless() {
    let project = project();
    project.write(
        "book.rhai",
        "task(\"a\").run(|| { local().exec(\"touch here; sleep 3600\"); })\n\
         .always(|| { local().exec(\"touch tidying; sleep 3600\"); });\n\
         on_end(|run| { local().exec([\"touch\", \"end\"]); });\n",
    );
    let running = project.oneex(["run", "book.rhai"]).start();
    assert!(until(|| at_home(&project, "here")));
    running.signal(Signal::INT);
    assert!(until(|| at_home(&project, "tidying")));
    for _ in 0..3 {
        running.signal(Signal::INT);
    }
    let finished = running.finish().expect_code(130);
    let said = |what: &str| finished.stdout.matches(what).count();
    assert_eq!(said("SIGINT: nothing new begins; again to stop at once"), 1, "{}", finished.stdout);
    assert_eq!(said("SIGINT: stops at once"), 1, "{}", finished.stdout);
    assert_eq!(said("recap"), 1, "{}", finished.stdout);
    assert!(!at_home(&project, "end"), "`on_end` is cancelled as well");
}

#[test]
fn a_load_that_stands_still_ends_at_once() {
    let project = project();
    let fifo = project.path("slow.txt");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    project.write("book.rhai", "let slow = file::read(\"slow.txt\");\ntask(\"a\").run(|| {});\n");
    let running = project.oneex(["run", "book.rhai"]).start();
    // Opening for writing succeeds as soon as somebody reads, who stands still as long as it is open.
    let open = || std::fs::OpenOptions::new().write(true).custom_flags(libc_nonblock()).open(&fifo);
    let writer = std::cell::RefCell::new(None);
    let is_open = || {
        *writer.borrow_mut() = open().ok();
        writer.borrow().is_some()
    };
    assert!(until(is_open), "nobody reads the file");
    running.signal(Signal::INT);
    assert_eq!(running.finish().code, 130);
}

fn libc_nonblock() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits().cast_signed()
}
