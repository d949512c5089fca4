//! Actions of which the script says whether they changed something.

use serde_json::Value;

use super::fleet::project;

/// What the operations of the only task said: status, and whether the handler ran.
fn ran(body: &str, code: i32) -> (Vec<String>, bool, String) {
    let project = project();
    project.write(
        "book.rhai",
        &format!(
            "handler(\"told\").on(local()).run(|h| {{ info(\"told\"); }});\n\
             task(\"t\").on(local()).run(|h| {{ {body} }});\n"
        ),
    );
    let finished = project.oneex(["run", "book.rhai", "--output", "json"]).run().expect_code(code);
    let events: Vec<Value> =
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("an event")).collect();
    let operations = events.iter().filter(|event| event["event"] == "operation");
    let statuses = operations.map(|event| event["status"].as_str().expect("a status").to_owned());
    let told =
        events.iter().any(|event| event.to_string().contains("\"told\"") && event["event"] == "message");
    (statuses.collect(), told, finished.stdout.clone() + &finished.stderr)
}

#[test]
fn a_closure_a_word_or_nobody_says_whether_it_changed_something() {
    for (call, status, told) in [
        (r#"h.exec("echo unchanged")"#, "done", true),
        (r#"h.exec("echo unchanged", #{ changed_when: |done| done.stdout != "unchanged" })"#, "ok", false),
        (r#"h.exec("echo new", #{ changed_when: |done| done.stdout != "unchanged" })"#, "done", true),
        (r#"h.exec("exit 3", #{ ok_codes: [0, 3], changed_when: |done| done.code == 3 })"#, "done", true),
        (r#"h.exec("echo new", #{ changed_when: false })"#, "ok", false),
        (
            r#"h.exec("false", #{ only_if: "false", changed_when: |done| fail("it was not run") })"#,
            "ok",
            false,
        ),
        (
            r#"{ let word = "n"; h.exec("echo new", #{ changed_when: |done| done.stdout.starts_with(word) }) }"#,
            "done",
            true,
        ),
    ] {
        let (statuses, is_told, _) = ran(&format!("let done = {call}; done.notify(\"told\");"), 0);
        assert_eq!((statuses.as_slice(), is_told), ([status.to_owned()].as_slice(), told), "{call}");
    }
}

#[test]
fn a_closure_that_fails_or_says_neither_fails_the_operation() {
    for (call, message) in [
        (r#"h.exec("true", #{ changed_when: |done| fail("look at it") });"#, "look at it"),
        (
            r#"h.exec("true", #{ changed_when: |done| "yes" });"#,
            "the closure of `changed_when` must return a bool, and it returned a value of type `string`",
        ),
        (r#"h.exec("true", #{ changed_when: |done| done.sdtout == "" });"#, "has no field `sdtout`"),
        (r#"h.exec("true", #{ changed_when: "yes" });"#, "option `changed_when`"),
        (r#"h.query("true", #{ changed_when: |done| true });"#, "has no option `changed_when`"),
    ] {
        let project = project();
        project.write("book.rhai", &format!("task(\"t\").on(local()).run(|h| {{\n    {call}\n}});\n"));
        let finished = project.oneex(["run", "book.rhai"]).run();
        assert!(matches!(finished.code, 1 | 2), "{call}: {}", finished.stdout);
        let said = finished.stdout + &finished.stderr;
        assert!(said.contains(message) && said.contains("book.rhai:2"), "{call}: {said}");
    }
    let caught =
        r#"try { h.exec("true", #{ changed_when: |done| fail("caught") }); } catch (e) { info(e.message); }"#;
    let (statuses, _, said) = ran(caught, 0);
    assert_eq!(statuses, ["failed"]);
    assert!(said.contains("caught"), "{said}");
}
