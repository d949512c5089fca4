//! What a CI job reads: the stream of events and the JUnit report, of runs that end in every way.

use std::collections::BTreeMap;

use oneex_testkit::project::{Finished, TestProject};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use rustix::process::Signal;
use serde_json::Value;

const BOOK: &str = r#"
let p = params(#{ token: #{ type: "secret", required: true } });
let both = hosts("here") + hosts("lost");
let good = task("good").on(hosts("here")).run(|h| { h.exec("true"); });
let bad = task("bad <&> \"task\"").on(both).run(|h| {
    h.exec("printf 'a\\033[31m\\001]]>&<b\\302\\205'; cat; exit 3", #{ stdin: p.token });
});
task("never").needs(bad).run(|| {});
task("skipped").on(hosts("here")).when(false).run(|h| {});
task("rescued").run(|| { fail("on purpose"); }).rescue(|err| {});
task("items").each(["x", "y"]).run(|item| { if item == "y" { fail("y <is> bad"); } });
"#;

const INVENTORY: &str = "\
here: { hosts: { here1: { ansible_connection: local } } }
lost: { hosts: { lost1: { ansible_host: 127.0.0.1, ansible_port: 1 } } }
";

fn project() -> TestProject {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    project.write("book.rhai", BOOK).write("inventory.yaml", INVENTORY);
    project
}

fn run(project: &TestProject, more: &[&str]) -> Finished {
    let words = ["run", "book.rhai", "-i", "inventory.yaml", "--set", "token=hunter2-hunter2"];
    project.oneex(words.iter().chain(more)).run()
}

/// Every line is an event of the format, in order, between the first and the last.
#[track_caller]
fn events(finished: &Finished) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let events: Vec<Value> = finished.stdout.lines().map(parse).collect();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(
            (event["v"].as_u64(), event["seq"].as_u64()),
            (Some(1), Some(index as u64 + 1)),
            "{event}"
        );
        let time = event["time"].as_str().unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    }
    let ends = [events.first(), events.last()].map(|event| event.unwrap()["event"].as_str().unwrap());
    assert_eq!(ends, ["run_started", "run_finished"]);
    events
}

#[test]
fn the_stream_is_whole_however_a_run_ends() {
    let project = project();
    let failed = run(&project, &["--output", "json"]).expect_code(1);
    let stream = events(&failed);
    assert_eq!(failed.stderr, "");
    assert!(!failed.stdout.contains("hunter2"), "{}", failed.stdout);
    let ended: BTreeMap<String, &str> = stream
        .iter()
        .filter(|event| event["event"] == "node_finished")
        .map(|event| {
            let part = |name: &str| event["node"][name].as_str().unwrap_or_default().to_owned();
            ([part("task"), part("host"), part("item")].join("/"), event["status"].as_str().unwrap())
        })
        .collect();
    let wanted = [
        ("bad <&> \"task\"/here1/", "failed"),
        ("bad <&> \"task\"/lost1/", "unreachable"),
        ("good/here1/", "changed"),
        ("items//x", "ok"),
        ("items//y", "failed"),
        ("never//", "blocked"),
        ("rescued//", "rescued"),
        ("skipped/here1/", "skipped"),
    ];
    assert_eq!(ended, wanted.map(|(node, status)| (node.to_owned(), status)).into());

    // A script that cannot be loaded has one event, the last; the error itself is for people too.
    project.write("wrong.rhai", "task(");
    let wrong = project.oneex(["run", "wrong.rhai", "--output", "json"]).run().expect_code(2);
    let only: Value = serde_json::from_str(&wrong.stdout).unwrap();
    assert_eq!((&only["event"], &only["seq"]), (&"load_failed".into(), &1.into()));
    assert_eq!(only["errors"][0]["position"]["file"], "wrong.rhai");
    assert!(wrong.stderr.starts_with("error"), "{}", wrong.stderr);

    // What a script says while it is loaded comes right after the beginning, and nowhere else.
    project.write("load.rhai", "info(\"loading\"); warn(\"odd\"); task(\"a\").run(|| {});");
    let loaded = project.oneex(["run", "load.rhai", "--output", "json"]).run().expect_code(0);
    let stream = events(&loaded);
    let said: Vec<_> =
        stream[1..3].iter().map(|event| (event["level"].as_str(), event["text"].as_str())).collect();
    assert_eq!(said, [(Some("info"), Some("loading")), (Some("warning"), Some("odd"))]);
    assert_eq!(loaded.stderr, "");
}

#[test]
fn an_interrupted_run_ends_its_stream_and_its_reports() {
    let project = project();
    project.write(
        "wait.rhai",
        &format!(
            "task(\"w\").on(local()).run(|h| {{ h.exec(\"touch {}; sleep 600\"); }});",
            project.path("begun").display()
        ),
    );
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        let words = ["run", "wait.rhai", "--output", "json", "--junit", "r.xml", "--stats", "s.json"];
        let running = project.oneex(words).start();
        assert!(oneex_testkit::processes::until(|| project.path("begun").exists()), "it never began");
        running.signal(signal);
        let finished = running.finish().expect_code(130);
        std::fs::remove_file(project.path("begun")).unwrap();
        let stream = events(&finished);
        let told: Vec<&Value> = stream.iter().filter(|event| event["event"] == "interrupted").collect();
        assert_eq!((told.len(), &told[0]["signal"]), (1, &name.into()));
        assert_eq!(stream.last().unwrap()["summary"]["status"], "interrupted");
        let suites = junit(&project.read("r.xml"));
        assert_eq!(suites["w"].outcomes, [("localhost".to_owned(), "skipped cancelled".to_owned())]);
        let stats: Value = serde_json::from_str(&project.read("s.json")).unwrap();
        assert_eq!((&stats["status"], &stats["nodes"]["cancelled"]), (&"interrupted".into(), &1.into()));
    }
}

/// A suite of a JUnit report.
#[derive(Debug, Default)]
struct Suite {
    /// Each case with how it ended: nothing where it ended well, else the element and its type.
    outcomes: Vec<(String, String)>,
    text: String,
}

fn attribute(element: &BytesStart<'_>, name: &str) -> String {
    let found = element.try_get_attribute(name).unwrap();
    let found =
        found.unwrap_or_else(|| panic!("<{}> has no `{name}`", String::from_utf8_lossy(element.name().0)));
    found.normalized_value(quick_xml::XmlVersion::Explicit1_0).unwrap().into_owned()
}

/// Reads a report, and checks it against the shape that CI servers expect: the elements, where they may stand, the
/// attributes that they must have, and that the counts are those of what is inside.
#[track_caller]
fn junit(xml: &str) -> BTreeMap<String, Suite> {
    let illegal = xml.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'));
    assert_eq!(illegal, None, "a character that XML 1.0 does not have, or that controls a terminal");
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut open, mut suites) = (Vec::<String>::new(), BTreeMap::<String, Suite>::new());
    let (mut suite, mut counts, mut totals) = (String::new(), [0_usize; 4], [0_usize; 4]);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                let name = String::from_utf8(element.name().0.to_vec()).unwrap();
                let parent = open.last().map(String::as_str).unwrap_or_default();
                let count = |name: &str| attribute(&element, name).parse::<usize>().unwrap();
                match (parent, name.as_str()) {
                    ("", "testsuites") => {
                        totals = [count("tests"), count("failures"), count("errors"), count("skipped")]
                    }
                    ("testsuites", "testsuite") => {
                        suite = attribute(&element, "name");
                        counts = [count("tests"), count("failures"), count("errors"), count("skipped")];
                        assert!(
                            suites.insert(suite.clone(), Suite::default()).is_none(),
                            "two suites `{suite}`"
                        );
                    }
                    ("testsuite", "testcase") => {
                        assert_eq!(attribute(&element, "classname"), suite);
                        assert!(attribute(&element, "time").parse::<f64>().unwrap() >= 0.0);
                        let case = (attribute(&element, "name"), String::new());
                        suites.get_mut(&suite).unwrap().outcomes.push(case);
                    }
                    ("testcase", "failure" | "error" | "skipped") => {
                        let outcome = &mut suites.get_mut(&suite).unwrap().outcomes.last_mut().unwrap().1;
                        assert_eq!(*outcome, "", "a case ends once");
                        *outcome = format!("{name} {}", attribute(&element, "type"));
                    }
                    other => panic!("{other:?} is no place for an element"),
                }
                open.push(name);
            }
            Event::End(_) => {
                let name = open.pop().unwrap();
                if name == "testsuite" {
                    let of = |kind: &str| {
                        suites[&suite]
                            .outcomes
                            .iter()
                            .filter(|(_, outcome)| outcome.starts_with(kind))
                            .count()
                    };
                    let found = [of(""), of("failure"), of("error"), of("skipped")];
                    assert_eq!(found, counts, "{suite}");
                    for (total, count) in totals.iter_mut().zip(counts) {
                        *total -= count;
                    }
                }
            }
            Event::Text(text) => {
                if let Some(suite) = suites.get_mut(&suite) {
                    suite.text.push_str(&text.decode().unwrap());
                }
            }
            Event::GeneralRef(name) => {
                if let Some(suite) = suites.get_mut(&suite) {
                    suite.text.push_str(&format!("&{};", name.decode().unwrap()));
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(totals, [0; 4], "the totals are those of the suites");
    suites
}

#[test]
fn the_junit_report_has_every_node_and_no_secret() {
    let project = project();
    let _ = run(&project, &["--junit", "report.xml", "-q"]).expect_code(1);
    let xml = project.read("report.xml");
    assert!(!xml.contains("hunter2") && xml.contains("•••"), "{xml}");
    let suites = junit(&xml);
    let told: Vec<(&str, Vec<(&str, &str)>)> = suites
        .iter()
        .map(|(name, suite)| {
            let mut cases: Vec<_> =
                suite.outcomes.iter().map(|(case, how)| (case.as_str(), how.as_str())).collect();
            cases.sort_unstable();
            (name.as_str(), cases)
        })
        .collect();
    let wanted: [(&str, Vec<(&str, &str)>); 6] = [
        ("bad <&> \"task\"", vec![("here1", "failure failed"), ("lost1", "error unreachable")]),
        ("good", vec![("here1", "")]),
        ("items", vec![("x", ""), ("y", "failure failed")]),
        ("never", vec![("never", "skipped blocked")]),
        ("rescued", vec![("rescued", "")]),
        ("skipped", vec![("here1", "skipped skipped")]),
    ];
    assert_eq!(told, wanted);
    let text = &suites["bad <&> \"task\""].text;
    assert!(text.contains("book.rhai:6:") && text.contains("\\x1b[31m"), "{text}");
}
