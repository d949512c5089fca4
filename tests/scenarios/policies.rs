//! Conditions, items, limits, retries and outputs, as the tables of the language say them.

use oneex_testkit::processes;
use serde_json::{Value, json};

use super::fleet::{Fleet, Stream, project};

/// Runs a book on the hosts `a`, `b` and `c`, which no operation needs to reach.
fn run(book: &str, code: i32, more: &[&str]) -> Stream {
    let project = project();
    project.write("hosts.ini", "a\nb\nc\n");
    project.write("book.rhai", book);
    let words = [&["run", "book.rhai", "-i", "hosts.ini", "--output", "json"], more].concat();
    Stream::of(&project.oneex(words).run().expect_code(code))
}

/// How the nodes of a task ended, by host or item: `a ok, b failed`.
fn ends(stream: &Stream, task: &str) -> String {
    let ends =
        stream.0.iter().filter(|event| event["event"] == "node_finished" && event["node"]["task"] == task);
    let mut ends: Vec<String> = ends
        .map(|event| {
            let key = ["host", "item"].iter().filter_map(|key| event["node"][*key].as_str());
            let key = key.collect::<Vec<_>>().join("/");
            format!("{key} {}", event["status"].as_str().unwrap_or_default()).trim().to_owned()
        })
        .collect();
    ends.sort();
    ends.join(", ")
}

#[test]
fn conditions_hosts_items_and_limits_decide_how_nodes_end() {
    // What stands behind `task("t")`, how its nodes end, and what the failure of the first says.
    let table: [(&str, &str, &str); 25] = [
        (".when(true).run(|| 1)", "ok", ""),
        (".when(false).run(|| 1)", "skipped", ""),
        (".when(|| true).when(|| false).run(|| 1)", "skipped", ""),
        (".when(|| 5).run(|| 1)", "failed", "the condition returned `5`, which is no bool"),
        (".when(|| fail(\"cond\")).run(|| 1).rescue(|err| 1)", "failed", "cond"),
        (".when(|| skip(\"not today\")).run(|| 1)", "skipped", ""),
        (".on(hosts(\"all\")).when(|h| h.name == \"b\").run(|h| 1)", "a skipped, b ok, c skipped", ""),
        (".each([1, 2]).when(|i| i == 2).run(|i| 1)", "1 skipped, 2 ok", ""),
        (".each([\"x\", #{ name: \"y\" }, 7, [1]]).run(|i| 1)", "3 ok, 7 ok, x ok, y ok", ""),
        (".each([]).run(|i| 1)", "", ""),
        (".each(|| [\"x\"]).run(|i| 1)", "x ok", ""),
        (".each(|| 5).run(|i| 1)", "failed", "the closure of `.each` did not return an array"),
        (".each([\"x\", #{ name: \"x\" }]).run(|i| 1)", "failed", "two items of `.each` are named `x`"),
        (".each(|| [\"x\", \"x\"]).run(|i| 1)", "failed", "two items of `.each` are named `x`"),
        (".each([1, 2, 3]).run(|i| { if i == 2 { fail(\"no\"); } })", "1 ok, 2 failed, 3 ok", "no"),
        (".on([host(\"c\"), hosts(\"a\")]).run(|h| 1)", "a ok, c ok", ""),
        (".on(|| host(\"c\")).run(|h| 1)", "c ok", ""),
        (".on(|| [hosts(\"a:b\"), host(\"c\"), \"a\"]).run(|h| 1)", "a ok, b ok, c ok", ""),
        (".on(|| []).run(|h| 1)", "failed", "`t` has no hosts: its set is empty"),
        (".on(|| []).allow_empty().run(|h| 1)", "", ""),
        (".on(|| 5).run(|h| 1)", "failed", "the closure of `.on` did not return hosts"),
        (".on(|| [5]).run(|h| 1)", "failed", "the closure of `.on` returned `5`, which is no host"),
        (".on(|| [\"d\"]).run(|h| 1)", "failed", "there is no host `d`"),
        (".run(|| fail(\"no\")).rescue(|err| 1)", "rescued", "no"),
        (".run(|| fail(\"first\")).rescue(|err| fail(\"second\"))", "failed", "second"),
    ];
    for (words, expected, message) in table {
        let stream = run(&format!("task(\"t\"){words};"), i32::from(expected.contains("failed")), &[]);
        assert_eq!(ends(&stream, "t"), expected, "{words}");
        let failure = stream.0.iter().find_map(|event| event["failure"]["message"].as_str());
        assert_eq!(failure.unwrap_or_default(), message, "{words}");
    }
}

#[test]
fn max_fail_decides_for_what_waits_for_the_whole() {
    for (max_fail, code, behind) in [
        ("0", 1, "blocked"),
        ("1", 0, "ok"),
        ("\"33%\"", 1, "blocked"),
        ("\"34%\"", 0, "ok"),
        ("\"100%\"", 0, "ok"),
    ] {
        let book = format!(
            "let t = task(\"t\").on(hosts(\"all\")).max_fail({max_fail}).run(|h| {{ if h.name == \"a\" {{ fail(\"no\"); }} }});\n\
             task(\"behind\").after(t).run(|| 1);\ntask(\"own\").on(hosts(\"all\")).needs(t).run(|h| 1);\n\
             task(\"however\").after_any(t).run(|| 1);\n"
        );
        let stream = run(&book, if behind == "ok" { 1 } else { code }, &[]);
        assert_eq!(ends(&stream, "behind"), behind, "{max_fail}");
        assert_eq!(ends(&stream, "own"), "a blocked, b ok, c ok", "{max_fail}");
        assert_eq!(ends(&stream, "however"), "ok", "{max_fail}");
    }
}

#[test]
fn retries_wait_grow_and_choose() {
    // The retry, what the body does, and the waits that follow.
    let table: [(&str, &str, &[f64]); 7] = [
        ("2", "fail(\"no\")", &[0.0, 0.0]),
        ("2, \"10ms\"", "fail(\"no\")", &[0.01, 0.01]),
        (
            "#{ times: 3, wait: \"10ms\", backoff: 3, max_wait: \"50ms\" }",
            "fail(\"no\")",
            &[0.01, 0.03, 0.05],
        ),
        ("#{ times: 3, on: [\"timeout\"] }", "fail(\"no\")", &[]),
        ("#{ times: 1, on: [\"timeout\", \"failed\"] }", "fail(\"no\")", &[0.0]),
        ("#{ times: 1, on: \"timeout\" }", "wait_until(0, || false)", &[0.0]),
        ("2", "skip(\"enough\")", &[]),
    ];
    for (retry, body, waits) in table {
        let skips = body.starts_with("skip");
        let stream =
            run(&format!("task(\"t\").retry({retry}).run(|| {{ {body} }});"), i32::from(!skips), &[]);
        let retries = stream.0.iter().filter(|event| event["event"] == "node_retry");
        let found: Vec<f64> = retries.filter_map(|event| event["wait"].as_f64()).collect();
        assert_eq!(found, waits, "{retry} {body}");
        assert_eq!(stream.count("node_started", "t"), waits.len() + 1, "{retry} {body}");
    }
}

#[test]
fn outputs_have_the_shape_of_their_task() {
    let book = r#"
let one = task("one").run(|| 5);
let by_host = task("by_host").on(hosts("all")).run(|h| h.name + "!");
let by_item = task("by_item").each(["x", #{ name: "y", v: 1 }]).run(|i| i);
let both = task("both").on(hosts("a:b")).each(["x", "y"]).run(|h, i| h.name + i);
let skipped = task("skipped").when(false).run(|| 5);
let failing = task("failing").on(hosts("a:b")).run(|h| { if h.name == "b" { fail("no"); } 1 });
let all = group_of([one, by_host]);
fn message(code) { try { code.call() } catch (e) { return error(e).message; } "" }
task("see").needs([all, by_item, both, skipped]).after_any(failing).run(|| #{
    one: one.output, one_results: one.results, by_host: by_host.outputs, by_item: by_item.outputs, both: both.outputs,
    both_result: both.results[3], item_result: by_item.results[1], skipped: skipped.output, skipped_result: skipped.results[0],
    failing: failing.outputs, error: failing.results[1].error.message, failed: failing.results[1].status, all: all.outputs,
    many: message(|| by_host.output), group: message(|| all.output), none: message(|| one.outptu),
});
task("own").on(hosts("a")).needs(by_host).after(both).run(|h| [by_host.output, message(|| both.output)]);
"#;
    let stream = run(book, 1, &[]);
    let output = |task, host| &stream.0[stream.at("node_finished", task, host)]["output"];
    let result = |name: &str, host: Value, item: Value, status: &str, output: Value| json!({ "name": name, "host": host, "item": item, "status": status, "output": output, "error": null });
    assert_eq!(
        *output("see", ""),
        json!({
            "one": 5,
            "one_results": [result("one", Value::Null, Value::Null, "ok", json!(5))],
            "by_host": { "a": "a!", "b": "b!", "c": "c!" },
            "by_item": { "x": "x", "y": { "name": "y", "v": 1 } },
            "both": { "a": { "x": "ax", "y": "ay" }, "b": { "x": "bx", "y": "by" } },
            "both_result": result("both [b, y]", json!("b"), json!("y"), "ok", json!("by")),
            "item_result": result("by_item [y]", Value::Null, json!({ "name": "y", "v": 1 }), "ok", json!({ "name": "y", "v": 1 })),
            "skipped": null,
            "skipped_result": result("skipped", Value::Null, Value::Null, "skipped", Value::Null),
            "failing": { "a": 1, "b": null },
            "error": "no",
            "failed": "failed",
            "all": { "one": 5, "a": "a!", "b": "b!", "c": "c!" },
            "many": "task `by_host` has 3 nodes, so it has no single output",
            "group": "`group` stands for 2 tasks, not for one",
            "none": "a task has no property `outptu`",
        })
    );
    assert_eq!(*output("own", "a"), json!(["a!", "task `both` has 4 nodes, so it has no single output"]));
}

#[test]
fn on_end_knows_how_the_run_went() {
    for (body, code, status, failed) in [
        ("local().exec(\"true\");", 0, "ok", "[]"),
        ("local().exec(\"true\"); if h.name == \"b\" { fail(\"no\"); }", 1, "failed", "[\"t [b]\"]"),
    ] {
        let book = format!(
            "task(\"t\").on(hosts(\"a:b\")).run(|h| {{ {body} }});\n\
             on_end(|run| {{ info(`${{run.name}} ${{run.status}} ${{run.failed}} ${{run.changed}} ${{run.duration > 0.0}} ${{run.url == ()}}`);\n\
             info(run.id); info(run.summary); }});\non_end(|| info(\"the second\"));\n"
        );
        let stream = run(&book, code, &[]);
        let messages = stream.messages();
        assert_eq!(messages[0], format!("book.rhai {status} {failed} 2 true true"));
        assert_eq!(messages[1], stream.0[0]["id"].as_str().unwrap());
        assert_eq!(messages[2], stream.summary()["summary"].as_str().unwrap());
        assert_eq!(messages[3], "the second");
    }
}

#[test]
fn a_timeout_ends_the_command_and_shows_the_line() {
    let fleet = Fleet::new(1);
    for (number, host) in [(8, "h"), (9, "local()")] {
        let mark = format!("36{number}.{}", std::process::id());
        fleet.book(&format!(
            "fn work(h) {{\n    {host}.exec(\"sleep {mark} & sleep {mark}; wait\");\n}}\n\
             let warm = task(\"warm\").on(hosts(\"web\")).run(|h| h.query(\"true\"));\n\
             task(\"t\").on(hosts(\"web\")).needs(warm).timeout(\"1s\").run(|h| {{\n    work(h);\n}})\n\
             .rescue(|h, err| {{ info(`${{err.kind}}: ${{err.message}}`); }});\n"
        ));
        let stream = fleet.run(0, &[]);
        assert!(processes::gone(&mark), "the command outlived its limit on {host}");
        assert_eq!(stream.messages(), ["timeout: took longer than 1s"]);
        let failure = &stream.0[stream.at("node_finished", "t", "h1")]["failure"];
        assert_eq!(failure["position"]["line"], 2, "{failure}");
        let frames = failure["frames"].as_array().unwrap().iter().map(|frame| &frame[0]["line"]);
        assert_eq!(frames.collect::<Vec<_>>(), [6, 5], "{failure}");
    }
}

#[test]
fn what_the_load_says_is_in_the_stream() {
    let book = "print(\"first\");\ninfo(\"second\");\nwarn(\"third\");\ntask(\"t\").run(|| info(\"from the body\"));\n";
    for mode in ["run", "plan"] {
        let project = project();
        project.write("book.rhai", book);
        let finished = project.oneex([mode, "book.rhai", "--output", "json"]).run().expect_code(0);
        assert_eq!(finished.stderr, "", "{mode}");
        let stream = Stream::of(&finished);
        assert_eq!(stream.messages(), ["first", "second", "third", "from the body"], "{mode}");
        let third = &stream.0[3];
        assert_eq!(
            (&third["level"], &third["node"], &third["position"]["line"]),
            (&json!("warning"), &Value::Null, &json!(3))
        );

        let people = project.oneex([mode, "book.rhai"]).run().expect_code(0);
        for text in ["first", "second", "third"] {
            assert!(
                people.stderr.contains(text) && !people.stdout.contains(text),
                "{mode}: {}",
                people.stderr
            );
        }
        let quiet = project.oneex([mode, "book.rhai", "--quiet"]).run().expect_code(0);
        assert!(
            !quiet.stderr.contains("first") && quiet.stderr.contains("third"),
            "{mode}: {}",
            quiet.stderr
        );
    }
}

#[test]
fn gates_are_approved_by_name_or_by_yes() {
    let book = "let one = gate(\"one\", \"on?\");\nlet two = gate(\"two\", \"and on?\").needs(one);\n\
                task(\"before\").run(|| 1);\ntask(\"behind\").needs(two).run(|| two.output);\n";
    let table: [(&[&str], i32, &str, &str); 4] = [
        (&[], 4, "waiting", ""),
        (&["--approve", "one"], 4, "waiting", ""),
        (&["--approve", "one", "--approve", "two"], 0, "ok", "--approve"),
        (&["--yes"], 0, "ok", "--yes"),
    ];
    for (words, code, behind, by) in table {
        let stream = run(book, code, words);
        assert_eq!(
            (ends(&stream, "before"), ends(&stream, "behind")),
            ("ok".into(), behind.into()),
            "{words:?}"
        );
        let output = &stream.0[stream.at("node_finished", "behind", "")]["output"];
        assert_eq!(output.as_str().unwrap_or_default(), by, "{words:?}");
    }
}
