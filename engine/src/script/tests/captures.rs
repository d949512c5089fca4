//! What closures capture: copies, however they are nested, and never without an end.

use oneex_sdk::json;

use super::{Site, value};

#[test]
fn bodies_see_copies_of_everything_that_they_captured() {
    let cases = [
        ("a map within a map", "let m = #{ a: #{ b: 1 } }; let t = || m.a.b; $ m.a.b = 2;", json!(1)),
        (
            "an array of closures, each of its own turn",
            "let f = []; for i in 0..3 { f.push(|| i); } let t = || f.map(|g| g.call()); $",
            json!([0, 1, 2]),
        ),
        (
            "closures made in a body's loop and called side by side",
            "let t = || { let f = []; for i in 0..3 { f.push(|| i); } parallel(f) }; $",
            json!([0, 1, 2]),
        ),
        (
            "a closure in a map",
            "let n = 3; let m = #{ f: |x| x * n }; let t = || m.f.call(2); $ n = 9;",
            json!(6),
        ),
        (
            "a curried closure",
            "let n = 1; let f = |a, b| a + b + n; let g = f.curry(10); let t = || g.call(5); $ n = 7;",
            json!(16),
        ),
        ("a function by its name", "fn twice(x) { x * 2 } let f = twice; let t = || f.call(4); $", json!(8)),
        (
            "a closure that gets a closure",
            "let n = 1; let ask = |f| f.call() + 1; let t = || ask.call(|| n); $ n = 5;",
            json!(2),
        ),
        ("its own change", "let n = 1; let t = || { n += 1; let f = || n; n = 10; f.call() }; $", json!(10)),
        ("a constant", "const N = 4; let t = || N + global::N; $", json!(8)),
        ("`this` of a map", "let t = || { let m = #{ v: 2, get: || this.v }; m.get() }; $", json!(2)),
    ];
    for (what, script, expected) in cases {
        let loaded = Site::new(&script.replace('$', "task(\"t\").run(t);")).loaded();
        assert_eq!(value(&loaded, "t"), expected, "{what}");
        assert_eq!(value(&loaded, "t"), expected, "{what}: the second time");
    }
}

#[test]
fn a_value_that_holds_itself_is_refused_where_it_is_captured() {
    let circle = "let m = #{}; let f = || m.len(); m.f = f;";
    let two = "let m = #{}; let f = || m.len(); m.f = f; m.g = f;";
    for script in [
        format!("{circle}\ntask(\"t\").run(|| m.len());"),
        format!("{two}\ntask(\"t\").run(|| m.len());"),
        format!("{circle}\ntask(\"t\").each([m]).run(|| 1);"),
        format!("{circle}\ntask(\"t\").when(|| m.len() > 0).run(|| 1);"),
        format!("{circle}\non_end(|| m.len());"),
    ] {
        let (message, place, hints) = Site::new(&script).mistake();
        assert_eq!(message, "a captured value is nested without an end", "{script}");
        assert!(place.starts_with("main.rhai:2:"), "{place}");
        assert_eq!(hints.len(), 1);
    }
}

#[test]
fn branches_of_parallel_take_copies_too() {
    let script = "task(\"t\").run(|| { let n = 1; let r = parallel([|| { n += 1; n }, || { n += 5; n }]); [r, n] });
        task(\"circle\").run(|| { let m = #{}; let f = || m.len(); m.f = f; let said = (); try { parallel([|| m.len()]); } catch (e) { said = e.message; } said });";
    let loaded = Site::new(script).loaded();
    assert_eq!(value(&loaded, "t"), json!([[2, 6], 1]));
    assert_eq!(value(&loaded, "circle"), json!("a captured value is nested without an end"));
}
