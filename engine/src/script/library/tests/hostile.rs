//! Arguments that nobody means: every function answers or refuses, and none ends the program or fills
//! the memory.

use rhai::{Array, Dynamic, Engine, EvalAltResult};

use super::super::error::{LONGEST, MOST};
use super::{documented, engine};
use crate::script::limits;

/// Texts, numbers and containers at their limits.
const ARGUMENTS: [&str; 22] = [
    "\"\"",
    "\"\\x00\\u200f𝄞\"",
    "\"%s%n$1${\"",
    "\"0.0.0.0/0\"",
    "\"::/0\"",
    "\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\"",
    "\"-009999-01-02T01:59:59Z\"",
    "\"9999-12-30T22:00:00Z\"",
    "\"99999999999999999999w\"",
    "\"18446744073709551615.18446744073709551615.18446744073709551615\"",
    "\"http://[::1]:65536/\"",
    "\"((((((a{1,999}){1,999}){1,999}\"",
    "(-9223372036854775807 - 1)",
    "9223372036854775807",
    "-1",
    "1.7976931348623157e308",
    "(0.0 / 0.0)",
    "()",
    "[[()], #{ a: 0.0 / 0.0 }]",
    "#{ length: -1, a: || 1 }",
    "blob(3, 0xff)",
    "'𝄞'",
];
/// Those that stand in calls with three arguments, of which there would be too many.
const FEW: [usize; 7] = [0, 1, 2, 4, 12, 13, 18];

/// Calls; says whether the function took the arguments.
fn call(engine: &Engine, name: &str, arguments: &[&str]) -> bool {
    let code = format!("{name}({})", arguments.join(", "));
    match engine.eval::<Dynamic>(&code) {
        Ok(value) => {
            let length = value.as_immutable_string_ref().map_or(0, |text| text.len());
            assert!(length <= LONGEST, "{code} makes a text of {length} bytes");
            let items = value.read_lock::<Array>().map_or(0, |array| array.len());
            assert!(items <= MOST, "{code} makes {items} items");
            true
        }
        Err(error) => !matches!(*error, EvalAltResult::ErrorFunctionNotFound(..)),
    }
}

#[test]
fn every_function_answers_or_refuses() {
    let (mut engine, _) = engine();
    limits::register(&mut engine);
    let mut silent = Vec::new();
    for name in documented().keys() {
        let mut taken = usize::from(call(&engine, name, &[]));
        for one in ARGUMENTS {
            taken += usize::from(call(&engine, name, &[one]));
            for two in ARGUMENTS {
                taken += usize::from(call(&engine, name, &[one, two]));
            }
        }
        for one in FEW.map(|index| ARGUMENTS[index]) {
            for two in FEW.map(|index| ARGUMENTS[index]) {
                for three in FEW.map(|index| ARGUMENTS[index]) {
                    taken += usize::from(call(&engine, name, &[one, two, three]));
                }
            }
        }
        if taken == 0 {
            silent.push(name.clone());
        }
    }
    assert!(silent.is_empty(), "no argument fits these: {silent:?}");
}

#[test]
fn documents_that_would_fill_the_memory_are_refused() {
    let (engine, _) = engine();
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let laughs = (1..12).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        let inner = format!("*a{}, ", n - 1).repeat(9);
        format!("{text}a{n}: &a{n} [{}]\n", inner.trim_end_matches(", "))
    });
    for (format, text) in [
        ("json", deep("[", "]")),
        ("yaml", deep("[", "]")),
        ("toml", format!("a = {}", deep("[", "]"))),
        ("yaml", laughs),
        ("yaml", "a: 1\na: 2\n".to_owned()),
        ("toml", "a = 1\na = 2\n".to_owned()),
        ("json", "{\"a\": 1e999}".to_owned()),
    ] {
        let mut scope = rhai::Scope::new();
        scope.push("text", text);
        let code = format!("{format}::parse(text)");
        assert!(engine.eval_with_scope::<Dynamic>(&mut scope, &code).is_err(), "{format}");
    }
}
