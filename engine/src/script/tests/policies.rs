//! What batches, retries and limits take, and what they refuse.

use std::time::Duration;

use super::Site;
use crate::graph::{Amount, Retry, Task};

/// The task `t` that these words build.
fn task(words: &str) -> Task {
    let loaded = Site::new(&format!("task(\"t\"){words}.run(|| 1);")).loaded();
    loaded.graph.tasks[0].clone()
}

#[test]
fn batches_are_sizes_shares_ladders_and_maps() {
    let (one, quarter, all) = (Amount::Count(1), Amount::Percent(25.0), Amount::Percent(100.0));
    for (given, ladder, pause, check) in [
        ("1", vec![one], 0, false),
        ("\"1\"", vec![one], 0, false),
        ("\"25%\"", vec![quarter], 0, false),
        ("[1, \"25%\", \"100%\"]", vec![one, quarter, all], 0, false),
        ("#{ size: [1, \"25 %\"] }", vec![one, quarter], 0, false),
        ("#{ size: 1, pause: \"90s\" }", vec![one], 90, false),
        ("#{ size: \"25%\", pause: 2, check: || true }", vec![quarter], 2, true),
        ("#{ size: 1, pause: (), check: () }", vec![one], 0, false),
    ] {
        let batch = task(&format!(".batch({given})")).batch.expect("a batch");
        assert_eq!(batch.ladder, ladder, "{given}");
        assert_eq!((batch.pause, batch.check.is_some()), (Duration::from_secs(pause), check), "{given}");
    }
}

#[test]
fn retries_are_numbers_waits_and_maps() {
    let retry = |times, wait| Retry { times, wait: Duration::from_millis(wait), ..Retry::default() };
    for (given, expected) in [
        ("0", retry(0, 0)),
        ("3", retry(3, 0)),
        ("3, \"5s\"", retry(3, 5_000)),
        ("3, 0.5", retry(3, 500)),
        ("#{ times: 2 }", retry(2, 0)),
        (
            "#{ times: 2, wait: \"1s\", backoff: 1.5, max_wait: \"1m\", on: [\"timeout\", \"unreachable\"] }",
            Retry {
                backoff: 1.5,
                max_wait: Duration::from_secs(60),
                on: vec!["timeout".into(), "unreachable".into()],
                ..retry(2, 1_000)
            },
        ),
        (
            "#{ times: 2, backoff: 3, on: \"failed\" }",
            Retry { backoff: 3.0, on: vec!["failed".into()], ..retry(2, 0) },
        ),
    ] {
        assert_eq!(task(&format!(".retry({given})")).retry.as_deref(), Some(&expected), "{given}");
    }
}

#[test]
fn limits_are_counts_shares_and_times() {
    let all = task(
        ".max_fail(\"10%\").throttle(4).exclusive([\"a\", \"b\"]).exclusive(\"c\").timeout(\"1m30s\").allow_empty()",
    );
    assert_eq!((all.max_fail, all.throttle), (Amount::Percent(10.0), Some(4)));
    assert_eq!(all.exclusive, ["a", "b", "c"]);
    assert_eq!((all.timeout, all.allow_empty), (Some(Duration::from_secs(90)), true));
    let none = task("");
    assert_eq!((none.max_fail, none.throttle, none.timeout), (Amount::Count(0), None, None));
    assert!(!none.allow_empty && none.batch.is_none() && none.retry.is_none());
}

#[test]
fn what_makes_no_sense_is_refused_at_its_place() {
    const SHARE: &str = "expected a count or a share such as `\"25%\"`, found ";
    for (words, expected, hint) in [
        (".batch(0)", "a batch has at least one host", ""),
        (".batch(\"0%\")", "a batch has at least one host", ""),
        (".batch([])", "a batch has at least one host", ""),
        (".batch([1, 0])", "a batch has at least one host", ""),
        (".batch(-1)", &*format!("{SHARE}`-1` of type `int`"), ""),
        (".batch(\"101%\")", &*format!("{SHARE}`101%` of type `string`"), ""),
        (".batch(\"few\")", &*format!("{SHARE}`few` of type `string`"), ""),
        (".batch(1.5)", &*format!("{SHARE}`1.5` of type `float`"), ""),
        (".batch(#{ pause: \"1s\" })", "`batch` needs the option `size`", ""),
        (".batch(#{ size: 1, puase: 1 })", "`batch` has no option `puase`", "did you mean `pause`?"),
        (".batch(#{ size: 1, check: true })", "`batch`: option `check`: expected a closure", ""),
        (
            ".batch(#{ size: 1, pause: \"soon\" })",
            "`batch`: option `pause`: `soon` is no duration: write for example `500ms`, `90s`, `5m`, `1h30m`",
            "",
        ),
        (".retry(-1)", "expected a whole number of at least 0, found `-1` of type `int`", ""),
        (".retry(\"3\")", "expected a whole number of at least 0, found `3` of type `string`", ""),
        (".retry(#{ wait: 1 })", "`retry` needs the option `times`", ""),
        (".retry(#{ times: 1, backof: 2 })", "`retry` has no option `backof`", "did you mean `backoff`?"),
        (
            ".retry(#{ times: 1, backoff: 0.5 })",
            "`retry`: option `backoff`: expected a number of at least 1, found `0.5` of type `float`",
            "",
        ),
        (
            ".retry(#{ times: 1, on: [\"unreachble\"] })",
            "`retry`: option `on`: there is no failure of the kind `unreachble`",
            "did you mean `unreachable`?",
        ),
        (".timeout(\"0s\")", "expected a time above 0, found `0s` of type `string`", ""),
        (".timeout(-5)", "expected a duration that is not negative, found `-5` of type `int`", ""),
        (".throttle(0)", "expected a whole number of at least 1, found `0` of type `int`", ""),
        (".max_fail(\"110%\")", &*format!("{SHARE}`110%` of type `string`"), ""),
        (".exclusive(5)", "expected a string or an array of strings, found `5` of type `int`", ""),
        (".when(5)", "expected `true` or `false`, found `5` of type `int`", ""),
        (".each(5)", "`.each` takes an array, found a value of type `int`", ""),
        (
            ".needs(5)",
            "expected a task, found a value of type `int`",
            "give what `task(…).run(…)` returned, its name, or an array of them",
        ),
    ] {
        let (message, place, hints) = Site::new(&format!("task(\"t\")\n  {words}.run(|| 1);")).mistake();
        assert_eq!(message, expected, "{words}");
        assert!(place.starts_with("main.rhai:2:"), "{words}: {place}");
        assert_eq!(hints.first().map_or("", String::as_str), hint, "{words}");
    }
}

#[test]
fn a_block_refuses_the_same() {
    for (options, expected) in [
        ("batch: 0", "`block`: option `batch`: a batch has at least one host"),
        (
            "throttle: 0",
            "`block`: option `throttle`: expected a whole number of at least 1, found `0` of type `int`",
        ),
        (
            "max_fail: -1",
            "`block`: option `max_fail`: expected a count or a share such as `\"25%\"`, found `-1` of type `int`",
        ),
        ("bacth: 1", "`block` has no option `bacth`"),
    ] {
        let (message, ..) = Site::new(&format!("block(\"b\", #{{ {options} }}, || {{}});")).mistake();
        assert_eq!(message, expected, "{options}");
    }
}
