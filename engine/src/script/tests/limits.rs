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

#[test]
fn in_bodies() {
    for (script, expected) in ENDLESS {
        let (functions, script) =
            script.split_once("f(0)").map_or(("", script), |(functions, _)| (functions, "f(0)"));
        let loaded = Site::new(&format!("{functions} task(\"t\").run(|| {{ {script} }});")).loaded();
        let Err(Interrupt::Failed(failure)) = call(&loaded, "t", &[]) else { panic!("{script} is stopped") };
        assert!(failure.message.starts_with(expected), "{script}: {}", failure.message);
    }
}

#[test]
fn eval_is_switched_off() {
    let (message, place, _) = Site::new("eval(\"1\");").mistake();
    assert!(message.contains("eval"), "{message}");
    assert_eq!(place, "main.rhai:1:1");
}
