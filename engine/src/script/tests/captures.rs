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

#[test]
fn a_closure_of_a_loop_sees_its_own_turn_however_it_is_kept() {
    let cases = [
        ("pushed", "let m = []; for i in 0..3 { m.push(|| i); }", "m"),
        ("added", "let m = []; for i in 0..3 { m += || i; }", "m"),
        ("in an array literal", "let m = []; for i in 0..3 { m += [|| i]; }", "m"),
        ("in a map literal", "let m = []; for i in 0..3 { m += #{ f: || i }; } m = m.map(|e| e.f);", "m"),
        ("stored by index", "let m = [(), (), ()]; for i in 0..3 { m[i] = || i; }", "m"),
        ("stored by key", "let m = #{}; for i in 0..3 { m[`${i}`] = || i; }", "m.values()"),
        ("stored later", "let m = []; for i in 0..3 { let f = || i; let g = f; m += [g]; }", "m"),
        ("inserted", "let m = []; for i in 0..3 { m.insert(i, || i); }", "m"),
        (
            "given back by a function",
            "fn all() { let m = []; for i in 0..3 { m += [|| i]; } m } let m = all();",
            "m",
        ),
        ("curried", "let m = []; for i in 0..3 { m += [(|a, b| i + b - a).curry(1).curry(1)]; }", "m"),
        ("within a closure", "let f = |m| { for i in 0..3 { m += [|| i]; } m }; let m = f.call([]);", "m"),
        ("the counter", "let m = []; for (x, n) in [7, 8, 9] { m += [|| n + x - x]; }", "m"),
        ("counted up", "let m = []; let n = 0; while n < 3 { m += [|| n]; n += 1; }", "m"),
        (
            "counted in a loop",
            "let m = []; let n = -1; loop { n += 1; if n > 2 { break; } m += [|| n]; }",
            "m",
        ),
        ("counted in a do", "let m = []; let n = 0; do { m += [|| n]; n += 1; } while n < 3;", "m"),
        ("after `continue`", "let m = []; for i in 0..6 { if i > 2 { continue; } m += [|| i]; }", "m"),
        (
            "in an inner loop",
            "let m = []; for i in 0..3 { for j in 0..2 { if j == 0 { m += [|| i + j]; } } }",
            "m",
        ),
        (
            "two closures of a turn",
            "let m = []; for i in 0..3 { let a = || i; let b = || i; m += [b]; }",
            "m",
        ),
        (
            "what it reads is read on",
            "let m = []; for i in 0..3 { m += [|| i]; if i != m.len() - 1 { throw i; } }",
            "m",
        ),
    ];
    for (what, script, closures) in cases {
        let loaded =
            Site::new(&format!("{script}\ntask(\"t\").run(|| {closures}.map(|f| f.call()));")).loaded();
        assert_eq!(value(&loaded, "t"), json!([0, 1, 2]), "{what}");
        assert_eq!(loaded.warnings.len(), 0, "{what}");
        let body = format!("let all = {closures}; all.map(|f| f.call())");
        let functions = script.find("let m = all").map_or(0, |end| end);
        let (functions, script) = script.split_at(functions);
        let loaded = Site::new(&format!("{functions}\ntask(\"t\").run(|| {{ {script} {body} }});")).loaded();
        assert_eq!(value(&loaded, "t"), json!([0, 1, 2]), "{what}, in a body");
    }
}

#[test]
fn what_is_shared_on_purpose_stays_shared_and_is_warned_of_in_loops() {
    let cases = [
        ("a sum", "let n = 0; for x in [1, 2] { let add = |y| n += y; add.call(x); }", "n", json!(3), 0),
        ("an array's own function", "let n = 0; for x in [1, 2] { [x].map(|y| n += y); }", "n", json!(3), 0),
        ("outside of loops", "let n = 0; let f = || n; n = 5;", "f.call()", json!(5), 0),
        (
            "a variable captured outside of the loop too",
            "let n = 0; let show = || n; let m = #{}; while n < 3 { m.f = || n; n += 1; }",
            "[show.call(), m.f.call()]",
            json!([3, 3]),
            1,
        ),
    ];
    for (what, script, result, expected, warnings) in cases {
        let loaded = Site::new(&format!("{script} let r = {result}; task(\"t\").run(|| r);")).loaded();
        assert_eq!(value(&loaded, "t"), expected, "{what}");
        assert_eq!(loaded.warnings.len(), warnings, "{what}: {:?}", loaded.warnings);
    }
    let warned =
        Site::new("let n = 0; let f = || n;\nlet m = #{};\nwhile n < 3 {\n    m.f = || n;\n    n += 1;\n}");
    let warning = warned.loaded().warnings.remove(0);
    assert_eq!(warning.message, "this closure sees the last value of `n`, not that of its own turn");
    assert_eq!(warning.labels[0].position.to_string(), "main.rhai:4:11");
    assert_eq!(warning.hints, ["let it capture a variable of the loop: `let own = n;`"]);
}
