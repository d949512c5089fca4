//! Operations called from scripts: arguments, results, failures, and what a plan says of them.

use oneex_sdk::{ErrorKind, SecretSink, json};

use super::store::{Store, registry};
use super::{Site, call, called, value};
use crate::run::{Interrupt, Mode, OpStatus, RunEvent};

fn site(body: &str) -> Site {
    Site::new(&format!("let h = local(); task(\"t\").run(|| {{ {body} }});"))
}

fn with_store(body: &str) -> (Site, Store) {
    let store = Store::default();
    let mut site = site(body);
    site.registry = registry(&store);
    (site, store)
}

/// An operation of a plan: its name, its status, and whether it assumes a pending change.
type Planned = (String, OpStatus, bool);

/// What a plan says: each operation with its status, and how the body ended.
fn planned(body: &str, before: &[(&str, &str)]) -> (Vec<Planned>, Result<(), Interrupt>) {
    let (site, store) = with_store(body);
    for (key, value) in before {
        store.0.lock().expect("not poisoned").insert(format!("localhost/{key}"), (*value).to_owned());
    }
    let held = store.0.lock().expect("not poisoned").clone();
    let (result, events) = called(&site.loaded(), "t", &[], Mode::Plan);
    assert_eq!(*store.0.lock().expect("not poisoned"), held, "a plan changes nothing");
    let said = events.into_iter().filter_map(|event| match event {
        RunEvent::Operation { name, status, assumes, .. } => Some((name, status, assumes.is_some())),
        _ => None,
    });
    (said.collect(), result.map(|_| ()))
}

#[test]
fn positions_and_options_are_the_same() {
    for body in
        ["h.put(\"k\", \"v\")", "h.put(\"k\", #{ value: \"v\" })", "h.put(#{ key: \"k\", value: \"v\" })"]
    {
        let (site, store) = with_store(&format!("let r = {body}; [r.changed, r.length, r.diff]"));
        assert_eq!(value(&site.loaded(), "t"), json!([true, 1, "value: + v\n"]), "{body}");
        assert_eq!(store.0.lock().expect("not poisoned").get("localhost/k").map(String::as_str), Some("v"));
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let (site, _) = with_store("[h.put(\"k\", \"v\").changed, h.put(\"k\", \"v\").changed]");
    assert_eq!(value(&site.loaded(), "t"), json!([true, false]));
}

#[test]
fn a_result_is_plain_data_when_it_is_returned() {
    let (site, _) = with_store(
        "h.put(\"k\", \"{\\\"a\\\": [1]}\"); [h.get_value(\"k\"), h.get_value(\"k\").json().a[0]]",
    );
    let expected = json!([{ "changed": false, "diff": "", "stdout": "{\"a\": [1]}" }, 1]);
    assert_eq!(value(&site.loaded(), "t"), expected);
}

#[test]
fn a_failure_is_an_error_map() {
    let (site, _) = with_store(
        "let seen = (); try { h.shell(\"false\"); } catch (e) { seen = [e.kind, e.message, e.operation, e.target, e.command, e.code, e.stdout]; } seen",
    );
    let expected = json!(["failed", "`false` ended with status 1", "shell", "localhost", "false", 1, "ok"]);
    assert_eq!(value(&site.loaded(), "t"), expected);
}

#[test]
fn a_rethrown_failure_keeps_its_place_and_what_it_says() {
    let (site, _) = with_store("try { h.shell(\"false\"); } catch (e) { throw e; }");
    let Err(Interrupt::Failed(failure)) = call(&site.loaded(), "t", &[]) else { panic!("it fails") };
    assert_eq!((failure.code, failure.operation.as_deref()), (Some(1), Some("shell")));
    assert_eq!(failure.position.map(|place| place.to_string()), Some("main.rhai:1:45".into()));
}

#[test]
fn wrong_calls_are_refused_with_the_nearest_right_name() {
    let cases = [
        ("let o = #{ vlaue: 1 }; h.put(\"k\", o)", "`put` has no option `vlaue`", "did you mean `value`?"),
        ("let o = #{}; h.put(o)", "`put` needs the option `key`", ""),
        ("let v = 5; h.put(\"k\", v)", "`put`: option `value`: must be a string, not `5`", ""),
        (
            "let r = h.put(\"k\", \"v\"); r.chagned",
            "the result of `put` has no field `chagned`",
            "did you mean `changed`?",
        ),
        ("h.nmae", "a host has no property `nmae`", "did you mean `name`?"),
        ("h.put(\"k\", \"v\").json()", "the result of `put` holds no text to read as JSON", ""),
    ];
    for (body, message, hint) in cases {
        let (site, _) = with_store(body);
        let Err(Interrupt::Failed(failure)) = call(&site.loaded(), "t", &[]) else { panic!("{body} fails") };
        assert_eq!(failure.message, message);
        assert_eq!(failure.hints.first().map(String::as_str).unwrap_or_default(), hint, "{body}");
        assert_eq!(failure.kind, ErrorKind::Invalid, "{body}");
    }
}

#[test]
fn an_operation_at_load_is_refused() {
    let mut site = Site::new("let h = local();\nh.put(\"k\", \"v\");");
    site.registry = registry(&Store::default());
    let (message, place, hints) = site.mistake();
    assert_eq!(message, "`put` touches the world, and the script is only being loaded");
    assert_eq!(place, "main.rhai:2:3");
    assert_eq!(hints, ["call it in the body of a task: `task(\"name\").run(|| …)`"]);
}

#[test]
fn a_secret_in_an_argument_list_is_refused() {
    let (site, _) = with_store("h.shell(`echo ${secret(\"hunter22\")}`)");
    let loaded = site.loaded();
    let Err(Interrupt::Failed(failure)) = call(&loaded, "t", &[]) else { panic!("it fails") };
    assert_eq!(failure.message, "a secret stands in the arguments of a command");
    assert!(loaded.redactor.is_tainted("hunter22"));
}

#[test]
fn a_plan_lists_what_would_change() {
    let (said, result) = planned("h.put(\"a\", \"1\"); h.put(\"b\", \"2\");", &[("a", "1")]);
    let expected =
        [("put".to_owned(), OpStatus::NoChange, false), ("put".to_owned(), OpStatus::WillChange, false)];
    assert_eq!(said, expected);
    assert!(result.is_ok());
}

#[test]
fn what_depends_on_a_pending_change_is_assumed() {
    let (said, result) = planned(
        "h.put(\"a\", \"2\"); h.get_value(\"b\"); h.get_value(\"a\"); h.get_value(\"b\");",
        &[("a", "1"), ("b", "1")],
    );
    let assumed: Vec<bool> = said.iter().map(|(_, _, assumed)| *assumed).collect();
    assert_eq!(assumed, [false, false, true, true], "from the first such on, all of the body is assumed");
    assert!(result.is_ok());
}

#[test]
fn a_read_that_fails_on_an_assumed_state_ends_the_plan_there() {
    let (_, result) = planned("h.put(\"a\", \"2\"); h.get_value(\"a\");", &[]);
    assert!(matches!(result, Err(Interrupt::KnownAfterRun(_))), "{result:?}");
    let (_, result) = planned("h.get_value(\"a\");", &[]);
    assert!(matches!(result, Err(Interrupt::Failed(_))), "without a pending change it fails: {result:?}");
}

#[test]
fn what_only_an_action_can_give_ends_the_plan_there() {
    let (said, result) = planned("let r = h.act(\"a\"); r.calls", &[]);
    assert_eq!(said, [("act".to_owned(), OpStatus::Action, false)]);
    assert!(
        matches!(result, Err(Interrupt::KnownAfterRun(what)) if what == "`.calls` of the action `act a`")
    );
    let (_, result) = planned("try { h.act(\"a\").calls } catch (e) { 1 }", &[]);
    assert!(matches!(result, Err(Interrupt::KnownAfterRun(_))), "it cannot be caught: {result:?}");
}

#[test]
fn sleeps_take_no_time_and_waits_ask_once_in_a_plan() {
    let (_, result) = planned("sleep(\"1h\"); wait_until(\"1h\", #{ every: \"1h\" }, || true);", &[]);
    assert!(result.is_ok());
    let (_, result) = planned("wait_until(\"1h\", #{ every: \"1h\" }, || false);", &[]);
    assert!(matches!(result, Err(Interrupt::KnownAfterRun(_))));
}

#[test]
fn notify_reaches_a_handler_only_where_something_changed() {
    let store = Store::default();
    let mut site = Site::new(
        "let h = local(); handler(\"tell\").run(|| 1);\n\
         task(\"t\").run(|| { h.put(\"k\", \"v\").notify(\"tell\"); h.put(\"k\", \"v\").notify(\"tell\"); });",
    );
    site.registry = registry(&store);
    let loaded = site.loaded();
    let notified = |loaded: &_| {
        let (result, events) = called(loaded, "t", &[], Mode::Run);
        result.expect("the body ends well");
        events
            .iter()
            .filter(|event| matches!(event, RunEvent::Notified { handler, .. } if **handler == *"tell"))
            .count()
    };
    assert_eq!([notified(&loaded), notified(&loaded)], [1, 0]);
}
