//! What a run shows: lines, events, reports and the live picture.

use oneex_testkit::project::TestProject;
use regex::Regex;
use serde_json::Value;

use super::fleet::{Fleet, Stream, project};

/// A host's answer that would clear the screen, set the title, move the cursor and turn text around.
const HOSTILE: &str = r#"
task("noise").on(hosts("web")).run(|h| {
    info(h.query("printf '\\033[2J\\033]0;owned\\007\\rback\\b\\302\\233 31m\\342\\200\\256 end'").stdout);
    h.exec("printf '\\033[2J' >&2; exit 3");
});
"#;

/// Ten thousand nodes, some of which say something.
const MANY: &str = r#"
let items = [];
for n in 0..10000 { items.push(n); }
task("many").each(items).run(|n| { if n % 2500 == 7 { info(`at ${n}`); } });
"#;

/// Fails where a piped text could move a cursor.
#[track_caller]
fn assert_plain(text: &str) {
    let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
    assert_eq!(bad, None, "{text:?}");
}

#[test]
fn piped_output_and_events_have_no_control_character_whatever_hosts_send() {
    let fleet = Fleet::new(1);
    fleet.book(HOSTILE);
    for more in [&["-v"][..], &["-vv"], &["--quiet"], &["--output", "json"], &[]] {
        let finished = fleet.call(&[&["run", "book.rhai"], more].concat()).run().expect_code(1);
        assert_plain(&finished.stdout);
        assert_plain(&finished.stderr);
        assert!(finished.stdout.contains("[2J"), "what was sent is shown, made visible: {}", finished.stdout);
    }
    let adhoc = fleet.call(&["exec", "web", "--", "printf '\\033[2Jx'"]).run().expect_code(0);
    assert_plain(&adhoc.stdout);
    assert!(adhoc.stdout.contains("\\x1b[2Jx"), "{}", adhoc.stdout);
}

#[test]
fn reports_for_machines_are_written_beside_the_lines() {
    let fleet = Fleet::new(2);
    fleet.book(HOSTILE);
    let words = ["run", "book.rhai", "--junit", "junit.xml", "--stats", "stats.json"];
    let finished = fleet.call(&words).run().expect_code(1);
    assert!(finished.stdout.lines().last().unwrap().starts_with("failed"), "{}", finished.stdout);
    let junit = fleet.project.read("junit.xml");
    assert_plain(&junit);
    assert!(junit.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{junit}");
    assert_eq!((junit.matches("<testcase ").count(), junit.matches("<failure").count()), (2, 2), "{junit}");
    assert_balanced(&junit);
    let stats: Value = serde_json::from_str(&fleet.project.read("stats.json")).unwrap();
    for field in [
        "v",
        "id",
        "name",
        "status",
        "duration_seconds",
        "nodes",
        "operations",
        "changed",
        "bytes",
        "hosts",
        "api",
        "controller_cpu_seconds",
        "peak_memory_bytes",
    ] {
        assert!(!stats[field].is_null(), "`{field}` is missing in {stats}");
    }
    assert_eq!((&stats["status"], &stats["nodes"]["failed"]), (&"failed".into(), &2.into()));
}

/// Every element that begins also ends, in the right order.
#[track_caller]
fn assert_balanced(xml: &str) {
    let mut open = Vec::new();
    for tag in Regex::new(r"<(/?)([a-z-]+)[^>]*?(/?)>").unwrap().captures_iter(xml) {
        match (&tag[1], &tag[3]) {
            ("/", _) => assert_eq!(open.pop().as_deref(), Some(&tag[2]), "{xml}"),
            (_, "/") => {}
            _ => open.push(tag[2].to_owned()),
        }
    }
    assert!(open.is_empty(), "{open:?} stay open in {xml}");
}

#[test]
fn a_quiet_run_says_its_last_line_and_a_talkative_one_each_node() {
    let project = project();
    project.write("book.rhai", "task(\"a\").on(local()).run(|h| { h.query(\"true\"); });");
    let run = |more: &[&str]| {
        let words: Vec<&str> = ["run", "book.rhai"].iter().chain(more).copied().collect();
        project.redact(&project.oneex(words).run().expect_code(0).stdout)
    };
    assert_eq!(run(&["--quiet"]), "ok          1 ok in [DURATION]\n");
    let usual = run(&[]);
    assert!(usual.contains("recap\n") && !usual.contains("ok          a"), "{usual}");
    let talkative = run(&["-v"]);
    assert!(talkative.contains("ok          a [localhost]"), "{talkative}");
    assert!(talkative.lines().count() > usual.lines().count());
}

#[test]
fn ten_thousand_nodes_are_plain_lines_and_whole_events_when_piped() {
    let project = project();
    project.write("many.rhai", MANY);
    let finished = project.oneex(["run", "many.rhai"]).run().expect_code(0);
    assert_plain(&finished.stdout);
    assert!(
        finished.stdout.lines().count() < 20,
        "nothing that is unchanged has a line: {}",
        finished.stdout
    );
    let events = Stream::of(&project.oneex(["run", "many.rhai", "--output", "json"]).run().expect_code(0));
    assert_eq!(events.count("node_finished", "many"), 10_000);
}

#[test]
fn ten_thousand_nodes_never_overflow_the_picture_on_a_terminal() {
    let project = project();
    project.write("many.rhai", MANY);
    let transcript = project.terminal(24, 80, ["run", "many.rhai"]).finish();
    assert_eq!(transcript.code, 0, "{}", transcript.screen);
    let raw = String::from_utf8(transcript.raw).unwrap();
    assert!(raw.contains("/10000"), "there was a picture");
    let codes = Regex::new("\x1b\\[[0-9;?]*[A-Za-z]").unwrap();
    for line in codes.replace_all(&raw, "").split(['\r', '\n']) {
        // A frame is drawn as one stretch of full rows.
        let cells = line.chars().count();
        assert!(cells <= 80 * 23, "a frame of {cells} cells: {line:?}");
    }
    let history = transcript.history.join("\n");
    for rest in [" running ", "… and "] {
        assert!(!history.contains(rest), "a picture scrolled away or was left:\n{history}");
    }
    for wanted in ["at 7\n", "at 2507", "at 5007", "at 7507\n", "recap", "ok=10000"] {
        assert_eq!(history.matches(wanted).count(), 1, "{wanted} in\n{history}");
    }
    let last = transcript.history.iter().rev().find(|line| !line.is_empty()).unwrap();
    assert!(last.starts_with("ok          10000 ok in "), "{last}");
}

#[test]
fn colours_are_for_terminals_unless_somebody_says_otherwise() {
    let project = project();
    project.write("book.rhai", "task(\"a\").on(local()).run(|h| { h.exec(\"true\"); });");
    let colour = Regex::new("\x1b\\[[0-9;]*[1-9][0-9;]*m").unwrap();
    let on_a_terminal = |project: &TestProject, words: &[&str]| {
        String::from_utf8(project.terminal(24, 80, words).finish().raw).unwrap()
    };
    assert!(colour.is_match(&on_a_terminal(&project, &["run", "book.rhai"])));
    assert!(!colour.is_match(&on_a_terminal(&project, &["run", "book.rhai", "--color", "never"])));
    let piped = |more: &[&str], variable: &str| {
        let words: Vec<&str> = ["run", "book.rhai"].iter().chain(more).copied().collect();
        project.oneex(words).env(variable, "1").run().expect_code(0).stdout
    };
    assert!(!colour.is_match(&piped(&[], "ANYTHING")));
    assert!(colour.is_match(&piped(&["--color", "always"], "ANYTHING")));
    assert!(colour.is_match(&piped(&[], "CLICOLOR_FORCE")));
    assert!(!colour.is_match(&piped(&[], "NO_COLOR")));
}

#[test]
fn the_log_at_three_vs_tells_of_connections_and_operations_and_no_secret() {
    let fleet = Fleet::new(1);
    fleet.book(
        r#"
let p = params(#{ token: #{ type: "secret", required: true } });
task("a").on(hosts("web")).run(|h| { h.query("cat", #{ stdin: p.token }); });
"#,
    );
    let run = |more: &[&str], filter: &str| {
        let words = [&["run", "book.rhai", "--set", "token=hunter2-hunter2"], more].concat();
        fleet.call(&words).env("ONEEX_LOG", filter).run().expect_code(0).stderr
    };
    let log =
        fleet.call(&["run", "book.rhai", "--set", "token=hunter2-hunter2", "-vvv"]).run().expect_code(0);
    for part in [
        "opened the project",
        "loading the runbook",
        "connecting",
        "connected",
        "operation op=1 name=\"query\"",
    ] {
        assert_eq!(log.stderr.matches(part).count(), 1, "{part} in\n{}", log.stderr);
        assert!(!log.stdout.contains(part), "{}", log.stdout);
    }
    assert_plain(&log.stderr);
    assert!(!log.stderr.contains("hunter2"), "{}", log.stderr);
    let two = fleet.call(&["run", "book.rhai", "--set", "token=hunter2-hunter2", "-vv"]).run().expect_code(0);
    assert_eq!(two.stderr, "");
    let filtered = run(&["-q"], "oneex_modules=debug");
    assert!(filtered.contains("connecting") && !filtered.contains("loading the runbook"), "{filtered}");
}
