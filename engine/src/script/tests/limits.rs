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

#[test]
fn at_load() {
    for (script, expected) in ENDLESS {
        let (message, place, _) = Site::new(&format!("{script};")).mistake();
        assert!(message.starts_with(expected), "{script}: {message}");
        assert!(place.starts_with("main.rhai:1:"), "{script}: {place}");
    }
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
    for (script, expected) in ENDLESS {
        let (functions, script) =
            script.split_once("f(0)").map_or(("", script), |(functions, _)| (functions, "f(0)"));
        let site = Site::new(&format!("{functions}\ntask(\"t\").run(|| {{\n{script} }});"));
        let (message, place, _) = failure_of(&site, "t");
        assert!(message.starts_with(expected), "{script}: {message}");
        // Code that reads no variable has no place of its own.
        let line = if script == "loop { }" {
            2
        } else if functions.is_empty() {
            3
        } else {
            1
        };
        assert!(place.starts_with(&format!("main.rhai:{line}:")), "{script}: {place}");
    }
}

#[test]
fn the_place_is_in_the_function_of_the_role_and_the_calls_lead_there() {
    let role = "fn spin() {\n    let x = 0;\n    loop { x += 1; }\n}\nfn down(n) {\n    down(n + 1)\n}\n\
                fn declare() {\n    task(\"own\").run(|| {\n        spin();\n    });\n}\n";
    let book = "import \"roles/deep\" as deep;\ndeep::declare();\n\
                task(\"steps\").run(|| {\n    deep::spin();\n});\n\
                task(\"calls\").run(|| {\n    deep::down(0);\n});\n\
                task(\"parallel\").run(|| {\n    parallel([|| 1, || deep::spin()]);\n});\n";
    let site = Site::new(book).file("roles/deep.rhai", role);
    for (task, message, place, frames) in [
        ("steps", "the code ran", "roles/deep.rhai:3:", &["main.rhai:4:", "main.rhai:3:"][..]),
        (
            "calls",
            "functions call",
            "roles/deep.rhai:6:",
            &["roles/deep.rhai:6:", "main.rhai:7:", "main.rhai:6:"],
        ),
        (
            "parallel",
            "the code ran",
            "roles/deep.rhai:3:",
            &["main.rhai:10:", "main.rhai:10:", "main.rhai:9:"],
        ),
        ("deep:own", "the code ran", "roles/deep.rhai:3:", &["roles/deep.rhai:10:", "roles/deep.rhai:9:"]),
    ] {
        let (said, at, calls) = failure_of(&site, task);
        assert!(said.starts_with(message), "{task}: {said}");
        assert!(at.starts_with(place), "{task}: {at}");
        let fits = calls.len() == frames.len()
            && calls.iter().zip(frames).all(|(call, frame)| call.starts_with(frame));
        assert!(fits, "{task}: {calls:?}");
    }
}

#[test]
fn nothing_of_it_can_be_caught() {
    for (script, expected) in [
        ("try { f(0) } catch { }", ENDLESS[0].1),
        ("try { f(0) } catch { 7 }", ENDLESS[0].1),
        ("try { loop { let x = 1; x += 1; } } catch { } loop { try { f(0) } catch { } }", ENDLESS[2].1),
    ] {
        let site = Site::new(&format!("fn f(n) {{ f(n + 1) }}\ntask(\"t\").run(|| {{ {script} }});"));
        let (message, ..) = failure_of(&site, "t");
        assert!(message.starts_with(expected), "{script}: {message}");
        let (message, ..) = Site::new(&format!("fn f(n) {{ f(n + 1) }}\n{script};")).mistake();
        assert!(message.starts_with(expected), "{script}: {message}");
    }
}

#[test]
fn eval_is_switched_off() {
    let (message, place, _) = Site::new("eval(\"1\");").mistake();
    assert!(message.contains("eval"), "{message}");
    assert_eq!(place, "main.rhai:1:1");
}
