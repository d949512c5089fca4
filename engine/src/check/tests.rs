//! Planted mistakes with their exact place and text, and right code that must pass.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use oneex_sdk::{Kind, Manual, Value, json};
use rhai::{Array, Dynamic, Engine, FnPtr, Map, Module, OptimizationLevel};

use super::{CheckRequest, CheckScript, check, imports};
use crate::diag::{Diagnostic, Source};

#[derive(Clone)]
struct Host;
#[derive(Clone)]
struct Handle;

fn manual(
    name: &'static str,
    namespace: Option<&'static str>,
    positional: &'static [&'static str],
) -> Manual {
    let schema: LazyLock<Value> = LazyLock::new(|| {
        json!({
            "properties": {
                "path": { "type": "string" },
                "mode": { "type": ["string", "null"] },
                "count": { "type": "integer" },
                "vars": { "type": "object" },
                "says": { "type": ["boolean", "null"], "closure": true },
                "state": { "anyOf": [{ "$ref": "#/$defs/State" }, { "type": "null" }] },
            },
            "required": ["path"],
            "$defs": { "State": { "enum": ["started", "stopped"] } },
        })
    });
    Manual {
        name,
        namespace,
        kind: Kind::Ensure,
        text: "A thing.",
        positional,
        lock: None,
        examples: &[],
        schema,
    }
}

fn engine(manuals: &[&Manual]) -> Engine {
    let mut engine = Engine::new();
    engine.set_optimization_level(OptimizationLevel::None);
    for manual in manuals {
        for given in 0..=manual.positional.len() + 1 {
            if let Some(namespace) = manual.namespace {
                let mut module = Module::new();
                module.set_native_fn(manual.name, |_: Dynamic| Ok(()));
                module.set_native_fn(manual.name, |_: Dynamic, _: Dynamic| Ok(()));
                engine.register_static_module(namespace, module.into());
            } else {
                let mut types = vec![TypeId::of::<Host>()];
                types.resize(given + 1, TypeId::of::<Dynamic>());
                engine.register_raw_fn(manual.name, types, |_, _| Ok(()));
            }
        }
    }
    engine.register_fn("task", |_: &str| Handle);
    engine.register_fn("handler", |_: &str| Handle);
    engine.register_fn("on", |_: &mut Handle, _: Dynamic| Handle);
    engine.register_fn("batch", |_: &mut Handle, _: Dynamic| Handle);
    engine.register_fn("retry", |_: &mut Handle, _: Dynamic| Handle);
    engine.register_fn("retry", |_: &mut Handle, _: Dynamic, _: Dynamic| Handle);
    engine.register_fn("run", |_: &mut Handle, _: FnPtr| Handle);
    engine.register_fn("block", |_: &str, _: Map, _: FnPtr| Handle);
    engine.register_fn("params", |_: Map| Map::new());
    engine.register_fn("add_host", |_: Map| Host);
    engine.register_fn("wait_until", |_: Dynamic, _: Map, _: FnPtr| ());
    engine.register_fn("find", |_: &mut Array, _: Map| ());
    engine
}

/// Checks `code`, which may import `role`.
fn found(code: &str, role: &str) -> Vec<Diagnostic> {
    let manuals = [
        manual("file", None, &["path"]),
        manual("find", None, &["path"]),
        manual("get", Some("http"), &["path"]),
        manual("template", None, &["path", "vars"]),
    ];
    let manuals: Vec<&Manual> = manuals.iter().collect();
    let engine = engine(&manuals);
    let sources = [("main.rhai", code), ("role.rhai", role)]
        .map(|(name, text)| Arc::new(Source { name: name.into(), text: text.into() }));
    let asts = [0, 1].map(|index| engine.compile(&sources[index].text).expect(&sources[index].text));
    let scripts: Vec<CheckScript<'_>> = (0..2)
        .map(|index| {
            let imports =
                imports(&asts[index]).into_iter().filter(|import| import.path.as_deref() == Some("role"));
            let imports = imports.map(|import| (import.alias, 1));
            CheckScript {
                source: &sources[index],
                ast: &asts[index],
                imports: imports.collect::<BTreeMap<_, _>>(),
            }
        })
        .collect();
    check(&CheckRequest { scripts: &scripts, engine: &engine, manuals: &manuals })
}

/// `code@column+length: message | hint`, columns being those of the first line.
fn shown(diagnostic: &Diagnostic) -> String {
    let label = &diagnostic.labels[0];
    let hint = diagnostic.hints.first().map(|hint| format!(" | {hint}")).unwrap_or_default();
    format!("{}@{}+{}: {}{hint}", diagnostic.code, label.position.column, label.length, diagnostic.message)
}

const ROLE: &str = "fn install(h) { inner(h) } private fn inner(h) { h.file(\"/x\") }";

#[test]
fn planted_mistakes_are_found_at_their_place() {
    let cases = [
        ("tsk(\"a\");", "unknown-function@1+3: there is no function `tsk` | did you mean `task`?"),
        (
            "fn deploy(h) { } deplyo(1);",
            "unknown-function@18+6: there is no function `deplyo` | did you mean `deploy`?",
        ),
        (
            "http::gte(\"/\");",
            "unknown-function@7+3: there is no function `http::gte` | did you mean `http::get`?",
        ),
        (
            "import \"role\" as r; r::instal(1);",
            "unknown-function@24+6: there is no function `r::instal` | did you mean `r::install`?",
        ),
        ("import \"role\" as r; r::inner(1);", "unknown-function@24+5: there is no function `r::inner`"),
        ("import \"role\" as r; r::install();", "argument-count@24+7: `r::install` takes 1 argument, not 0"),
        (
            "task(\"a\").run(|h| h.tempalte(\"/x\"));",
            "unknown-method@21+8: nothing has a method `tempalte` | did you mean `template`?",
        ),
        ("task(\"a\", 1);", "argument-count@1+4: `task` takes 1 argument, not 2"),
        ("task(\"a\").retry();", "argument-count@11+5: `retry` takes 1 or 2 arguments, not 0"),
        ("fn f(h) { h.file(1, 2, 3) }", "argument-count@13+4: `file` takes 0 to 2 arguments, not 3"),
        (
            "fn f(h) { h.file(\"/x\", #{ mdoe: 1 }) }",
            "unknown-option@27+4: `file` has no option `mdoe` | did you mean `mode`?",
        ),
        (
            "fn f(h) { h.file(\"/x\", #{ \"colour\": 1 }) }",
            "unknown-option@27+8: `file` has no option `colour` | options are: path, mode, count, vars, says, state",
        ),
        (
            "fn f(h) { h.file(\"/x\", #{ mode: 0644 }) }",
            "option-type@33+1: the option `mode` of `file` must be a string, not a whole number | \
             a file mode stands in quotes, such as `\"0644\"`",
        ),
        (
            "fn f(h) { h.file(\"/x\", #{ says: \"yes\" }) }",
            "option-type@33+5: the option `says` of `file` must be true or false or a closure, not a string",
        ),
        (
            "fn f(h) { h.file(\"/x\", #{ mode: |done| true }) }",
            "option-type@33+1: the option `mode` of `file` must be a string, not a function",
        ),
        (
            "fn f(h) { h.file(true) }",
            "option-type@18+1: the option `path` of `file` must be a string, not true or false",
        ),
        (
            "fn f(h) { h.file(\"/x\", #{ state: \"strated\" }) }",
            "option-value@34+9: the option `state` of `file` cannot be `strated` | did you mean `started`?",
        ),
        (
            "fn f(h) { h.file(\"/x\", #{ path: \"/y\" }) }",
            "option-twice@27+4: `file`: `path` is given by position and as an option",
        ),
        ("fn f(h) { h.file(#{ mode: \"0644\" }) }", "missing-option@13+4: `file` needs the option `path`"),
        ("fn f(h) { h.file() }", "missing-option@13+4: `file` needs the option `path`"),
        (
            "http::get(#{ path: 1 });",
            "option-type@20+1: the option `path` of `http::get` must be a string, not a whole number",
        ),
        (
            "task(\"a\").batch(#{ sise: 2 });",
            "unknown-option@20+4: `batch` has no option `sise` | did you mean `size`?",
        ),
        ("task(\"a\").retry(#{ wait: \"5s\" });", "missing-option@11+5: `retry` needs the option `times`"),
        (
            "block(\"b\", #{ tag: [\"x\"] }, || 1);",
            "unknown-option@15+3: `block` has no option `tag` | did you mean `tags`?",
        ),
        (
            "wait_until(\"5s\", #{ evry: 1 }, || true);",
            "unknown-option@21+4: `wait_until` has no option `evry` | did you mean `every`?",
        ),
        (
            "add_host(#{ adress: \"::1\", name: \"a\" });",
            "unknown-option@13+6: `add_host` has no option `adress` | did you mean `address`?",
        ),
        (
            "params(#{ v: #{ requird: true } });",
            "unknown-option@17+7: parameter `v`: a spec has no `requird` | did you mean `required`?",
        ),
        (
            "params(#{ v: #{ type: \"strng\" } });",
            "option-value@23+7: parameter `v`: there is no type `strng` | did you mean `string`?",
        ),
        ("task(\"a\"); task(\"b\"); handler(\"a\");", "task-twice@31+3: task `a` is declared twice"),
        (
            "fn f() { import \"role\" as r; }",
            "import-place@10+6: `import` stands at the top level only | move it to the head of the file; bodies and functions see it there",
        ),
        (
            "const PORT = 1; fn f() { global::PROT }",
            "unknown-constant@34+4: there is no constant `PROT` | did you mean `global::PORT`?",
        ),
        (
            "eval(\"1\");",
            "eval@1+4: `eval` is switched off | write the code itself, or make it a function or a closure",
        ),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(code, expected)| {
            let found: Vec<String> = found(code, ROLE).iter().map(shown).collect();
            (found != [*expected])
                .then(|| format!("{code}\n  expected {expected}\n  found    {}", found.join("\n           ")))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn right_code_passes() {
    let cases = [
        "let t = task(\"a\").on([1]).batch(2).retry(3, \"5s\").run(|h| h.file(\"/x\", #{ mode: \"0644\" }));",
        "let o = #{ path: \"/x\" }; task(\"a\").run(|h| h.file(o));",
        "fn f(h) { h.file(#{ path: `/x/${h}`, count: 1, state: \"started\", vars: #{ any: 1 } }) }",
        "fn f(h) { h.file(\"/x\", #{ says: |done| true }); h.file(\"/x\", #{ says: false }) }",
        "fn f(h) { h.template(\"/x\", #{ anything: 1 }) }",
        "fn f(h) { h.template(\"/x\", #{ anything: 1 }, #{ mode: \"0644\" }) }",
        "fn f(h) { h.file(h.name, #{ mode: () }) }",
        "[1].find(|x| x == 1); [1].find(#{ any: 1 });",
        "let file = \"/x\"; task(\"a\").run(|h| h.file(file));",
        "let m = #{ greet: |x| x }; m.greet(1); m.greet(1, 2);",
        "let m = #{}; m.later = |x| x; m.later(1);",
        "let f = |x| x; f.call(1); call(f, 1);",
        "fn double() { this * 2 } let x = 2; x.double();",
        "import \"role\" as r; task(\"a\").run(|h| r::install(h));",
        "import \"elsewhere\" as http; http::anything(1, 2);",
        "for n in [1, 2] { task(`t${n}`); if n == 1 { task(\"a\"); } else { task(\"a\"); } }",
        "block(\"b\", #{ on: [1], tags: [\"x\"] }, || { task(\"a\"); }); task(\"a\");",
        "params(#{ v: \"x\", w: #{ value: #{ any: 1 }, type: \"map\" } });",
        "const PORT = 1; fn f() { global::PORT } let s = \" x \"; s.trim(); s.len(); print(s); type_of(s);",
        "let a = [3, 1]; a.sort(); a.map(|x| x + 1).filter(|x| x > 1).len; for (x, i) in a { debug(x); }",
        "fn template(a, b) { a } template(#{ x: 1 }, 2);",
        "switch 1 { 1 => print(\"a\"), _ => throw \"b\" } let x = 1.0.sqrt() + \"a\".len(); x += 1;",
    ];
    for code in cases {
        let found: Vec<String> = found(code, ROLE).iter().map(shown).collect();
        assert!(found.is_empty(), "{code}\n{}", found.join("\n"));
    }
}

#[test]
fn modules_are_checked_and_mistakes_are_in_order() {
    let found = found("let x = nope(1);\nnope(2);", "fn install(h) {\n  h.fille(\"/x\")\n}");
    let places: Vec<String> =
        found.iter().map(|diagnostic| diagnostic.labels[0].position.to_string()).collect();
    assert_eq!(places, ["main.rhai:1:9", "main.rhai:2:1", "role.rhai:2:5"]);
}

#[test]
fn a_task_declared_twice_shows_both_places() {
    let found = found("task(\"a\");\ntask(\"a\");", "");
    let labels = &found[0].labels;
    assert_eq!((labels[0].position.line, labels[0].primary), (2, true));
    assert_eq!((labels[1].position.line, labels[1].text.as_str()), (1, "first declared here"));
}
