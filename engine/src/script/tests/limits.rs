//! Runaway scripts are stopped, at load and in bodies.

use super::{Site, call};
use crate::run::Interrupt;

const ENDLESS: [(&str, &str); 5] = [
    ("fn f(n) { f(n + 1) } f(0)", "functions call each other too deep: an endless recursion?"),
    ("let s = \"x\"; loop { s += s; }", "a string grew beyond what a runbook may hold"),
    ("loop { }", "the code ran too many steps without an end: an endless loop?"),
    ("let a = []; loop { a.push(1); }", "the code ran too many steps without an end: an endless loop?"),
    ("let a = [1]; loop { a += a; }", "an array grew beyond what a runbook may hold"),
];

/// Checks cases, each with what it is told. Those that the clock ends are checked at the same time,
/// since they would end no sooner alone; what grows needs the processor for itself.
fn check_all<T: Send>(
    cases: impl IntoIterator<Item = (T, &'static str)>,
    check: impl Fn(T, &'static str) + Sync,
) {
    let (timed, growing): (Vec<_>, Vec<_>) =
        cases.into_iter().partition(|(_, message)| message.contains("too many steps"));
    std::thread::scope(|scope| {
        for (case, message) in timed {
            let check = &check;
            scope.spawn(move || check(case, message));
        }
    });
    for (case, message) in growing {
        check(case, message);
    }
}

#[test]
fn at_load() {
    check_all(ENDLESS, |script, expected| {
        let (message, place, _) = Site::new(&format!("{script};")).mistake();
        assert!(message.starts_with(expected), "{script}: {message}");
        assert!(place.starts_with("main.rhai:1:"), "{script}: {place}");
    });
}

/// What a body failed with: the message, the place, the places of the calls that led there.
fn failure_of(site: &Site, task: &str) -> (String, String, Vec<String>) {
    let Err(Interrupt::Failed(failure)) = call(&site.loaded(), task, &[]) else {
        panic!("{task} is stopped")
    };
    let place = failure.position.map(|place| place.to_string()).unwrap_or_default();
    (failure.message, place, failure.frames.iter().map(|(place, _)| place.to_string()).collect())
}

#[test]
fn in_bodies() {
    check_all(ENDLESS, |script, expected| {
        let (functions, script) =
            script.split_once("f(0)").map_or(("", script), |(functions, _)| (functions, "f(0)"));
        let site = Site::new(&format!("{functions}\ntask(\"t\").run(|| {{\n{script} }});"));
        let (message, place, _) = failure_of(&site, "t");
        assert!(message.starts_with(expected), "{script}: {message}");
        let line = if functions.is_empty() { 3 } else { 1 };
        assert!(place.starts_with(&format!("main.rhai:{line}:")), "{script}: {place}");
    });
}

/// A task, the place that its failure has, and the calls that lead there.
type Wanted<'a> = (&'a str, &'a str, &'a [&'a str]);

#[test]
fn the_place_is_in_the_function_of_the_role_and_the_calls_lead_there() {
    let role = "fn spin() {\n    let x = 0;\n    loop { x += 1; }\n}\nfn down(n) {\n    down(n + 1)\n}\n\
                fn declare() {\n    task(\"own\").run(|| {\n        spin();\n    });\n}\n";
    let book = "import \"roles/deep\" as deep;\ndeep::declare();\n\
                task(\"steps\").run(|| {\n    deep::spin();\n});\n\
                task(\"calls\").run(|| {\n    deep::down(0);\n});\n\
                task(\"parallel\").run(|| {\n    parallel([|| 1, || deep::spin()]);\n});\n";
    let site = Site::new(book).file("roles/deep.rhai", role);
    let cases: [(Wanted<'_>, &str); 4] = [
        (("steps", "roles/deep.rhai:3:", &["main.rhai:4:", "main.rhai:3:"]), ENDLESS[2].1),
        (
            ("calls", "roles/deep.rhai:6:", &["roles/deep.rhai:6:", "main.rhai:7:", "main.rhai:6:"]),
            ENDLESS[0].1,
        ),
        (
            ("parallel", "roles/deep.rhai:3:", &["main.rhai:10:", "main.rhai:10:", "main.rhai:9:"]),
            ENDLESS[2].1,
        ),
        (("deep:own", "roles/deep.rhai:3:", &["roles/deep.rhai:10:", "roles/deep.rhai:9:"]), ENDLESS[2].1),
    ];
    check_all(cases, |(task, place, frames), message| {
        let (said, at, calls) = failure_of(&site, task);
        assert!(said.starts_with(message), "{task}: {said}");
        assert!(at.starts_with(place), "{task}: {at}");
        let fits = calls.len() == frames.len()
            && calls.iter().zip(frames).all(|(call, frame)| call.starts_with(frame));
        assert!(fits, "{task}: {calls:?}");
    });
}

#[test]
fn nothing_of_it_can_be_caught() {
    let cases = [
        ("try { f(0) } catch { }", ENDLESS[0].1),
        ("try { f(0) } catch { 7 }", ENDLESS[0].1),
        ("try { loop { let x = 1; x += 1; } } catch { } loop { try { f(0) } catch { } }", ENDLESS[2].1),
    ];
    let twice = cases
        .into_iter()
        .flat_map(|(script, expected)| [true, false].map(|in_body| ((script, in_body), expected)));
    check_all(twice, |(script, in_body), expected| {
        let (message, ..) = if in_body {
            let task = format!("fn f(n) {{ f(n + 1) }}\ntask(\"t\").run(|| {{ {script} }});");
            failure_of(&Site::new(&task), "t")
        } else {
            Site::new(&format!("fn f(n) {{ f(n + 1) }}\n{script};")).mistake()
        };
        assert!(message.starts_with(expected), "{script}: {message}");
    });
}

#[test]
fn eval_is_switched_off() {
    let (message, place, _) = Site::new("eval(\"1\");").mistake();
    assert!(message.contains("eval"), "{message}");
    assert_eq!(place, "main.rhai:1:1");
}

/// Code that does not end: the message, and the column of the place in its line.
const RUNAWAYS: [(&str, &str, usize); 7] = [
    ("let x = 0; loop { x += 1; }", "the code ran too many steps", 19),
    ("loop { }", "the code ran too many steps", 1),
    ("while true { }", "the code ran too many steps", 1),
    ("do { } while true;", "the code ran too many steps", 1),
    ("fn down(n) { down(n + 1) } down(0);", "functions call each other too deep", 19),
    ("let s = \"xy\"; loop { s += s; }", "a string grew beyond", 27),
    ("let a = [1]; loop { a += a; }", "an array grew beyond", 26),
];

/// Where the code stands, how a runbook and a role have it, and the file and the line of the place.
type Place = (&'static str, &'static str, &'static str, &'static str, u32);

const PLACES: [Place; 5] = [
    ("the load", "$f\n\n$c", "", "main.rhai", 3),
    ("a body", "$f\ntask(\"t\").run(|| {\n$c\n});", "", "main.rhai", 3),
    (
        "a function of a role, called by the load",
        "import \"roles/r\" as r;\nr::start();",
        "$f\nfn start() {\n$c\n}",
        "roles/r.rhai",
        3,
    ),
    (
        "a function of a role, called by a body",
        "import \"roles/r\" as r;\ntask(\"t\").run(|| r::start());",
        "$f\nfn start() {\n$c\n}",
        "roles/r.rhai",
        3,
    ),
    (
        "a body that a role declared",
        "import \"roles/r\" as r;\nr::start();",
        "$f\nfn start() {\ntask(\"t\").run(|| {\n$c\n});\n}",
        "roles/r.rhai",
        4,
    ),
];

#[test]
fn the_place_is_exact_wherever_the_code_stands() {
    let everywhere = RUNAWAYS
        .into_iter()
        .flat_map(|(code, message, column)| PLACES.map(|place| ((code, column, place), message)));
    check_all(everywhere, |(code, column, place), message| is_placed(code, message, column, place));
}

fn is_placed(code: &str, message: &str, column: usize, (what, book, role, file, line): Place) {
    let (functions, code) = match code.split_once("} ") {
        Some((function, code)) if code.starts_with("down") => (format!("{function}}}"), code),
        _ => (String::new(), code),
    };
    let fill = |text: &str| text.replace("$f", &functions).replace("$c", code);
    let site = Site::new(&fill(book)).file("roles/r.rhai", &fill(role));
    let (said, at) = if what.contains("body") {
        let name = site.loaded().graph.tasks[0].name.clone();
        let (said, at, _) = failure_of(&site, &name);
        (said, at)
    } else {
        let (said, at, _) = site.mistake();
        (said, at)
    };
    let line = if functions.is_empty() { line } else { 1 };
    assert!(said.starts_with(message), "{what}, {code}: {said}");
    assert_eq!(at, format!("{file}:{line}:{column}"), "{what}: {code}");
}
