//! What bodies see: copies of what they captured, functions, constants.

use oneex_sdk::json;

use super::{Site, call, call_said, value};
use crate::run::{Arg, Interrupt};

#[test]
fn a_closure_made_in_a_loop_sees_its_own_turn() {
    let loaded = Site::new("for i in 0..3 { task(`t${i}`).run(|| i); }").loaded();
    assert_eq!(
        [value(&loaded, "t0"), value(&loaded, "t1"), value(&loaded, "t2")],
        [json!(0), json!(1), json!(2)]
    );
}

#[test]
fn a_body_sees_what_it_captured_as_it_was() {
    let site = Site::new("let o = [1]; task(\"t\").run(|| { o.push(2); o }); o.push(9);");
    let loaded = site.loaded();
    assert_eq!(value(&loaded, "t"), json!([1, 2]));
    assert_eq!(value(&loaded, "t"), json!([1, 2]), "a body cannot change its surroundings");
}

#[test]
fn closures_within_closures_are_copied_too() {
    let loaded = Site::new("let n = 1; let f = || n + 1; task(\"t\").run(|| f.call()); n = 100;").loaded();
    assert_eq!(value(&loaded, "t"), json!(2));
}

#[test]
fn functions_and_constants_work_in_bodies() {
    let script = "const BASE = 40; fn add(a, b) { a + b } fn answer() { add(global::BASE, 2) }\n\
                  task(\"t\").run(|| [answer(), later(), global::BASE]); fn later() { 7 }";
    assert_eq!(value(&Site::new(script).loaded(), "t"), json!([42, 7, 40]));
}

#[test]
fn a_closure_may_take_fewer_arguments_than_it_is_given() {
    let loaded = Site::new("task(\"none\").run(|| 1); task(\"one\").run(|item| item + 1);").loaded();
    let item = json!(41);
    assert_eq!(call(&loaded, "none", &[Arg::Item(&item)]).expect("returns").value, json!(1));
    assert_eq!(call(&loaded, "one", &[Arg::Item(&item)]).expect("returns").value, json!(42));
}

#[test]
fn skip_ends_a_body_and_cannot_be_caught() {
    let script = "fn deep() { skip(\"not today\") } task(\"t\").run(|| { try { deep(); } catch (e) { print(\"caught\"); } 5 });";
    let (result, said) = call_said(&Site::new(script).loaded(), "t", &[]);
    assert!(matches!(result, Err(Interrupt::Skipped(reason)) if reason == "not today"));
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn fail_throws_an_error_map_with_its_place() {
    let script = "fn check() {\n  fail(\"too old\");\n}\ntask(\"t\").run(|| check());";
    let Err(Interrupt::Failed(failure)) = call(&Site::new(script).loaded(), "t", &[]) else {
        panic!("it fails")
    };
    assert_eq!(failure.message, "too old");
    assert_eq!(failure.position.map(|place| place.to_string()), Some("main.rhai:2:3".into()));
}

#[test]
fn error_makes_a_map_of_whatever_was_thrown() {
    let script = "task(\"t\").run(|| { let seen = []; for f in [|| fail(\"a\"), || throw \"b\", || throw #{ message: \"c\", mine: 1 }, || [][3]] {\n\
                  try { f.call(); } catch (e) { let e = error(e); seen.push([e.kind, e.message]); } } seen });";
    let expected = json!([
        ["failed", "a"],
        ["failed", "b"],
        ["failed", "c"],
        ["invalid", "array index 3 out of bounds: array is empty"]
    ]);
    assert_eq!(value(&Site::new(script).loaded(), "t"), expected);
}

#[test]
fn parallel_returns_results_in_order_and_throws_the_first_failure() {
    let script = "task(\"ok\").run(|| parallel([|| 1, || 2, || 3]));\n\
                  task(\"bad\").run(|| parallel([|| 1, || fail(\"two\")]));";
    let loaded = Site::new(script).loaded();
    assert_eq!(value(&loaded, "ok"), json!([1, 2, 3]));
    assert!(matches!(call(&loaded, "bad", &[]), Err(Interrupt::Failed(failure)) if failure.message == "two"));
}

#[test]
fn wait_until_and_retry_try_again() {
    let script = "task(\"wait\").run(|| { let n = 0; wait_until(\"5s\", #{ every: \"1ms\" }, || { n += 1; n == 3 }); n });\n\
                  task(\"late\").run(|| wait_until(\"5ms\", #{ every: \"2ms\" }, || false));\n\
                  task(\"retry\").run(|| { let n = 0; retry(3, \"1ms\", || { n += 1; if n < 3 { fail(\"no\"); } n }) });";
    let loaded = Site::new(script).loaded();
    assert_eq!(value(&loaded, "wait"), json!(3));
    assert_eq!(value(&loaded, "retry"), json!(3));
    let Err(Interrupt::Failed(failure)) = call(&loaded, "late", &[]) else { panic!("it fails") };
    assert_eq!(failure.kind, oneex_sdk::ErrorKind::Timeout);
}

#[test]
fn what_is_no_plain_data_cannot_be_returned() {
    let Err(Interrupt::Failed(failure)) =
        call(&Site::new("task(\"t\").run(|| #{ f: || 1 });").loaded(), "t", &[])
    else {
        panic!("it fails")
    };
    assert!(failure.message.starts_with("a body returns plain data"), "{}", failure.message);
}

#[test]
fn declaring_in_a_body_is_refused() {
    let Err(Interrupt::Failed(failure)) =
        call(&Site::new("task(\"t\").run(|| task(\"u\"));").loaded(), "t", &[])
    else {
        panic!("it fails")
    };
    assert_eq!(failure.message, "`task` declares, and bodies run when all is declared");
}

#[test]
fn var_is_a_word_like_any_other() {
    let loaded = Site::new("let h = local(); task(\"t\").run(|| h.var(\"absent\", 5));").loaded();
    assert_eq!(value(&loaded, "t"), json!(5));
}
