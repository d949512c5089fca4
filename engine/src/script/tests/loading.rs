//! Declarations, parameters, and their mistakes.

use oneex_sdk::json;

use super::{Site, value};

#[test]
fn parameters_take_their_values_by_strength() {
    let script = r#"let p = params(#{ version: #{ required: true, pattern: "^v[0-9]+$" }, count: 2, on: false, tags: ["a"],
        wait: #{ type: "duration", value: "5m" }, disk: #{ type: "size", value: "10M" } });
        task("t").run(|| p);"#;
    let mut site = Site::new(script).set("version", "v7").set("on", "yes").set("tags", "x, y");
    site.variables.insert("ONEEX_PARAM_COUNT".into(), "5".into());
    site.variables.insert("ONEEX_PARAM_VERSION".into(), "v1".into());
    let expected = json!({ "version": "v7", "count": 5, "on": true, "tags": ["x", "y"], "wait": "5m", "disk": 10_485_760 });
    assert_eq!(value(&site.loaded(), "t"), expected);
}

#[test]
fn a_wrong_parameter_is_named() {
    let cases = [
        ("count: 2", "cont", "1", "there is no parameter `cont`"),
        ("count: 2", "count", "many", "parameter `count`: expected a whole number, found `many`"),
        ("v: #{ pattern: \"^v\" }", "v", "x", "parameter `v`: `x` does not match `^v`"),
        ("v: #{ choices: [\"a\", \"b\"] }", "v", "x", "parameter `v`: `x` is none of \"a\", \"b\""),
        ("n: #{ value: 5, min: 1, max: 9 }", "n", "10", "parameter `n`: `10` is above the most, 9"),
        (
            "d: #{ type: \"duration\" }",
            "d",
            "soon",
            "parameter `d`: `soon` is no duration: write for example `500ms`, `90s`, `5m`, `1h30m`",
        ),
        (
            "s: #{ type: \"secret\", pattern: \"^x\" }",
            "s",
            "hunter2",
            "parameter `s`: `•••` does not match `^x`",
        ),
    ];
    for (spec, name, given, expected) in cases {
        let (message, place, _) = Site::new(&format!("params(#{{ {spec} }});")).set(name, given).mistake();
        assert_eq!(message, expected);
        assert_eq!(place, "main.rhai:1:1");
    }
    let (message, _, hints) = Site::new("params(#{ v: #{ required: true, help: \"the tag\" } });").mistake();
    assert_eq!(message, "parameter `v` (the tag) is required and was not given");
    assert_eq!(hints, ["give it with `--set v=…`, `--params FILE` or `ONEEX_PARAM_V`"]);
}

#[test]
fn mistakes_of_declarations_show_their_places() {
    let cases = [
        ("for n in 0..2 {\n  task(\"a\").run(|| n);\n}", "there are two tasks named `a`", "main.rhai:2:3"),
        ("task(\"a\");", "task `a` has no body", "main.rhai:1:1"),
        ("task(\"a\").needs(\"b\").run(|| 1);", "task `a` needs `b`, which does not exist", "main.rhai:1:11"),
        (
            "task(\"a\").run(|| 1).timeout(\"5m\");",
            "`.timeout` stands behind `.run` of task `a`",
            "main.rhai:1:21",
        ),
        ("task(\"\").run(|| 1);", "a task needs a name", "main.rhai:1:1"),
        ("task(\"a\").batch(#{ sise: 2 }).run(|| 1);", "`batch` has no option `sise`", "main.rhai:1:20"),
        (
            "task(\"a\").timeout(\"soon\").run(|| 1);",
            "`soon` is no duration: write for example `500ms`, `90s`, `5m`, `1h30m`",
            "main.rhai:1:11",
        ),
        ("sleep(\"1s\");", "`sleep` touches the world, and the script is only being loaded", "main.rhai:1:1"),
        ("sleep(1);", "`sleep` touches the world, and the script is only being loaded", "main.rhai:1:1"),
        ("let x = 1\nlet y = 2;", "expected `;` to terminate this statement", "main.rhai:1:10"),
        ("let x = y;", "variable `y` is not defined", "main.rhai:1:9"),
    ];
    for (script, message, place) in cases {
        let found = Site::new(script).mistake();
        assert_eq!((found.0.as_str(), found.1.as_str()), (message, place), "{script}");
    }
}

#[test]
fn names_are_headed_by_blocks() {
    let loaded = Site::new("block(\"web\", #{ tags: [\"w\"] }, || { task(\"a\").run(|| 1); block(\"in\", || { task(\"b\").needs(\"a\").run(|| 1); }); });").loaded();
    let names: Vec<&str> = loaded.graph.tasks.iter().map(|task| &*task.name).collect();
    assert_eq!(names, ["web/a", "web/in/b"]);
    assert_eq!(loaded.graph.tasks[1].needs[0].tasks, [loaded.graph.tasks[0].id]);
    assert_eq!(loaded.graph.tasks[1].tags, ["w"]);
}

#[test]
fn a_hash_bang_line_is_taken_off() {
    let loaded = Site::new("#!/usr/bin/env -S oneex run\n//! Does nothing.\ntask(\"t\").run(|| 1);").loaded();
    assert_eq!(loaded.doc, "Does nothing.");
    assert_eq!(loaded.graph.tasks[0].position.line, 3);
}

#[test]
fn a_handler_that_may_be_notified_is_known() {
    let script = "let r = handler(\"reload\").run(|| 1);\nfn tell(x) { x.notify(\"reload\"); }\n\
                  task(\"literal\").run(|h| { h.notify(\"reload\"); });\ntask(\"handle\").run(|h| { h.notify(r); });\n\
                  task(\"function\").run(|h| tell(h));\ntask(\"none\").run(|| 1);";
    let site = Site::new(script);
    let loaded = match site.load() {
        Ok(loaded) => loaded,
        Err(errors) => panic!("{:?}", errors.0.iter().map(|error| &error.message).collect::<Vec<_>>()),
    };
    for (index, expected) in [(1, 1), (2, 1), (3, 1), (4, 0)] {
        let notifies = &loaded.graph.tasks[index].notifies;
        assert_eq!(notifies.handlers.len(), expected, "{}", loaded.graph.tasks[index].name);
        assert!(!notifies.any, "{}", loaded.graph.tasks[index].name);
    }
}
