//! Parameters: every type, every key of a spec, and what contradicts itself.

use oneex_sdk::{Value, json};

use super::{Site, value};

/// A runbook with one parameter, whose task returns it.
fn site(spec: &str) -> Site {
    Site::new(&format!("let p = params(#{{ v: {spec} }});\ntask(\"t\").run(|| p.v);"))
}

#[test]
fn every_type_reads_its_texts() {
    let cases: [(&str, &str, Value); 26] = [
        ("\"x\"", "a b", json!("a b")),
        ("#{ type: \"string\" }", "1.20", json!("1.20")),
        ("3", " 4 ", json!(4)),
        ("#{ type: \"int\" }", "-9223372036854775808", json!(i64::MIN)),
        ("1.5", "3", json!(3.0)),
        ("#{ type: \"float\" }", "1e3", json!(1000.0)),
        ("true", "no", json!(false)),
        ("#{ type: \"bool\" }", "ON", json!(true)),
        ("[]", "a, b,,c", json!(["a", "b", "c"])),
        ("#{ type: \"list\" }", "[1, {\"a\": null}]", json!([1, { "a": null }])),
        ("#{ type: \"map\" }", "{\"a\": [true]}", json!({ "a": [true] })),
        ("#{ type: \"duration\" }", "1h30m", json!("1h30m")),
        ("#{ type: \"size\" }", "2K", json!(2048)),
        ("#{ type: \"secret\" }", "sesame", json!("sesame")),
        ("#{ type: \"host\" }", "localhost", json!("localhost")),
        ("#{ type: \"hosts\" }", "localhost", json!(["localhost"])),
        ("#{ type: \"hosts\" }", "nobody", json!([])),
        ("#{ choices: [\"a\", \"b\"] }", "b", json!("b")),
        ("#{ type: \"size\", choices: [\"1K\", 5] }", "1024", json!(1024)),
        ("#{ type: \"float\", choices: [1, 2.5] }", "1", json!(1.0)),
        ("#{ type: \"int\", min: 2, max: 4 }", "4", json!(4)),
        ("#{ type: \"list\", max: 2 }", "a,b", json!(["a", "b"])),
        ("#{ type: \"duration\", min: 60 }", "1m", json!("1m")),
        ("#{ pattern: \"^v[0-9]+$\" }", "v10", json!("v10")),
        ("#{ value: 2, type: \"float\" }", "2", json!(2.0)),
        ("#{ required: true, value: \"x\" }", "y", json!("y")),
    ];
    for (spec, given, expected) in cases {
        let loaded = site(spec).set("v", given).loaded();
        assert_eq!(value(&loaded, "t"), expected, "{spec} given {given}");
    }
}

#[test]
fn a_value_of_the_spec_has_its_type_too() {
    for (spec, expected) in [
        ("#{ type: \"float\", value: 3 }", json!(3.0)),
        ("#{ type: \"duration\", value: 90 }", json!("90s")),
        ("#{ type: \"size\", value: \"1M\" }", json!(1 << 20)),
        ("#{ type: \"int\" }", json!(0)),
        ("#{ type: \"list\" }", json!([])),
        ("#{}", json!("")),
    ] {
        assert_eq!(value(&site(spec).loaded(), "t"), expected, "{spec}");
    }
}

#[test]
fn a_spec_that_contradicts_itself_is_refused() {
    for (spec, message) in [
        ("#{ type: \"int\", pattern: \"^1\" }", "`pattern` is for texts, and this is of type `int`"),
        ("#{ type: \"bool\", min: 1 }", "a value of type `bool` has no size for `min` and `max`"),
        ("#{ type: \"int\", min: 5, max: 2 }", "`min`, 5, is above `max`, 2"),
        (
            "#{ type: \"int\", choices: [1, \"x\"] }",
            "option `choices`: expected a value of type `int`, found `\"x\"`",
        ),
        ("#{ choices: [\"a\"], value: \"b\" }", "its own value: `b` is none of \"a\""),
        ("#{ type: \"int\", value: 1, min: 2 }", "its own value: `1` is below the least, 2"),
        ("#{ pattern: \"(\" }", "`(` is no regular expression: unclosed group"),
        ("[|| 1]", "`[0]`: a function is not plain data"),
    ] {
        assert_eq!(site(spec).mistake().0, format!("parameter `v`: {message}"), "{spec}");
    }
}

#[test]
fn a_value_that_is_wrong_says_where_it_comes_from() {
    let mut given = site("#{ type: \"int\", env: \"OTHER\" }");
    given.variables.insert("OTHER".into(), "x".into());
    let wrong = |site: &Site| site.mistake().2;
    assert_eq!(wrong(&given), ["the value comes from the variable `OTHER`"]);
    given.variables.insert("ONEEX_PARAM_V".into(), "y".into());
    assert_eq!(wrong(&given), ["the value comes from the variable `ONEEX_PARAM_V`"]);
    let file = json!({ "v": [] }).as_object().cloned().expect("a map");
    given.params.files.push(("p.yaml".into(), file));
    assert_eq!(wrong(&given), ["the value comes from `p.yaml`"]);
    assert_eq!(wrong(&given.set("v", "z")), ["the value comes from `--set`"]);
}

#[test]
fn an_unknown_variable_for_a_parameter_is_a_mistake_as_an_unknown_name_is() {
    let mut wrong = site("1");
    wrong.variables.insert("ONEEX_PARAM_VV".into(), "1".into());
    let (message, _, hints) = wrong.mistake();
    assert_eq!(message, "the variable `ONEEX_PARAM_VV` gives a parameter that there is not");
    assert_eq!(hints, ["did you mean `ONEEX_PARAM_V`?"]);
    let mut none = Site::new("task(\"t\").run(|| 1);");
    none.variables.insert("ONEEX_PARAM_V".into(), "1".into());
    assert_eq!(none.mistake().0, "`main.rhai` has no parameter `ONEEX_PARAM_V`: it declares none");
}

#[test]
fn a_name_that_no_variable_can_have_is_given_by_one_all_the_same() {
    let mut site = Site::new("let p = params(#{ \"my-name\": 1 });\ntask(\"t\").run(|| p[\"my-name\"]);");
    site.variables.insert("ONEEX_PARAM_MY_NAME".into(), "2".into());
    assert_eq!(value(&site.loaded(), "t"), json!(2));
}

#[test]
fn a_load_that_needs_no_values_gets_such_as_the_spec_allows() {
    let mut site = Site::new(
        "let p = params(#{
            host: #{ type: \"host\", required: true }, hosts: #{ type: \"hosts\", required: true },
            side: #{ choices: [\"a\", \"b\"], required: true }, batch: #{ type: \"int\", min: 1, required: true },
            wait: #{ type: \"duration\", min: 5, required: true }, items: #{ type: \"list\", required: true },
        });
        if p.side != \"a\" && p.side != \"b\" { throw \"never\"; }
        task(\"t\").on(p.host).batch(p.batch).timeout(p.wait).run(|| p.side);
        task(\"u\").on(p.hosts).each(p.items).run(|h| 1);",
    );
    assert!(site.load().is_err(), "a run needs them");
    site.params.partial = true;
    assert_eq!(value(&site.loaded(), "t"), json!("a"));
}
