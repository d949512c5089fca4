//! Odd YAML: what a script reads, which is YAML 1.2, and what an inventory reads, which is 1.1 as in Ansible.

use serde_json::{Value, json};

use super::evaluated;

/// The text, what a script reads, what an inventory reads (`None`: it is refused), and why they differ.
type Row = (&'static str, fn() -> [Option<Value>; 2], &'static str);

fn same(value: Value) -> [Option<Value>; 2] {
    [Some(value.clone()), Some(value)]
}

fn refused() -> [Option<Value>; 2] {
    [None, None]
}

const TABLE: &[Row] = &[
    ("a: yes", || same(json!({"a": true})), ""),
    ("a: No", || same(json!({"a": false})), ""),
    ("a: on", || same(json!({"a": true})), ""),
    ("a: y", || same(json!({"a": "y"})), ""),
    ("a: N", || same(json!({"a": "N"})), ""),
    ("y: n", || same(json!({"y": "n"})), ""),
    ("a: -.inf", || [None, Some(json!({"a": "-.inf"}))], "no JSON number, so a script is told"),
    ("a: 0o9", || same(json!({"a": "0o9"})), ""),
    ("a: 1e400", || [None, Some(json!({"a": "1e400"}))], "too large for a script's number"),
    ("a: true", || same(json!({"a": true})), ""),
    ("a: TRUE", || same(json!({"a": true})), ""),
    ("NO: 1", || same(json!({"NO": 1})), ""),
    ("a: ~", || same(json!({"a": null})), ""),
    ("a: null", || same(json!({"a": null})), ""),
    ("a: NULL", || same(json!({"a": null})), ""),
    ("a:", || same(json!({"a": null})), ""),
    ("a: 1", || same(json!({"a": 1})), ""),
    (
        "a: 0644",
        || [Some(json!({"a": "0644"})), Some(json!({"a": 420}))],
        "a script keeps the digits of a mode; Ansible's 0644 is the number 420",
    ),
    ("a: 0o644", || [Some(json!({"a": 420})), Some(json!({"a": "0o644"}))], "octal as YAML 1.2 writes it"),
    ("a: 007", || [Some(json!({"a": "007"})), Some(json!({"a": 7}))], "the same"),
    ("a: 08", || same(json!({"a": "08"})), ""),
    ("a: 0x1F", || same(json!({"a": 31})), ""),
    ("a: 0b11", || same(json!({"a": 3})), ""),
    ("a: 1_000", || same(json!({"a": 1000})), ""),
    (
        "a: 12:30",
        || [Some(json!({"a": "12:30"})), Some(json!({"a": 750}))],
        "numbers of base 60 are Ansible's trap alone",
    ),
    ("a: 12:30:45", || [Some(json!({"a": "12:30:45"})), Some(json!({"a": 45045}))], "the same"),
    ("a: 1e3", || [Some(json!({"a": 1000.0})), Some(json!({"a": "1e3"}))], "PyYAML wants a point and a sign"),
    ("a: 1.0e+3", || same(json!({"a": 1000.0})), ""),
    ("a: 1.0", || same(json!({"a": 1.0})), ""),
    ("a: .5", || same(json!({"a": 0.5})), ""),
    ("a: 5.", || same(json!({"a": 5.0})), ""),
    ("a: .inf", || [None, Some(json!({"a": ".inf"}))], "no JSON number, so a script is told"),
    ("a: .nan", || [None, Some(json!({"a": ".nan"}))], "the same"),
    ("a: +1", || same(json!({"a": 1})), ""),
    ("a: -0", || same(json!({"a": 0})), ""),
    ("a: 9223372036854775807", || same(json!({"a": i64::MAX})), ""),
    (
        "a: 18446744073709551615",
        || [Some(json!({"a": 1.8446744073709552e+19})), Some(json!({"a": u64::MAX}))],
        "the integers of a script have 64 bits with a sign",
    ),
    (
        "a: 18446744073709551616",
        || [Some(json!({"a": 1.8446744073709552e+19})), Some(json!({"a": "18446744073709551616"}))],
        "digits beyond 64 bits stay text in an inventory",
    ),
    ("a: 2024-01-31", || same(json!({"a": "2024-01-31"})), ""),
    ("a: 2024-01-31T12:00:00Z", || same(json!({"a": "2024-01-31T12:00:00Z"})), ""),
    ("a: 10.0.0.1", || same(json!({"a": "10.0.0.1"})), ""),
    ("a: =", || same(json!({"a": "="})), ""),
    ("a: <<", || same(json!({"a": "<<"})), ""),
    ("1: a", || same(json!({"1": "a"})), ""),
    ("true: a", || same(json!({"true": "a"})), ""),
    ("null: a", || same(json!({"null": "a"})), ""),
    ("1.5: a", || same(json!({"1.5": "a"})), ""),
    ("? [a, b]\n: c", || refused(), ""),
    ("a: 1\na: 2", || refused(), ""),
    ("'a': 1\na: 2", || refused(), ""),
    ("b: &x {c: 1}\na: *x", || same(json!({"b": {"c": 1}, "a": {"c": 1}})), ""),
    ("b: &x [1]\na: [*x, *x]", || same(json!({"b": [1], "a": [[1], [1]]})), ""),
    (
        "b: &x {c: 1, d: 2}\na:\n  <<: *x\n  d: 3",
        || same(json!({"b": {"c": 1, "d": 2}, "a": {"c": 1, "d": 3}})),
        "",
    ),
    (
        "b: &x {c: 1}\ne: &y {c: 2, f: 3}\na: {<<: [*x, *y]}",
        || same(json!({"b": {"c": 1}, "e": {"c": 2, "f": 3}, "a": {"c": 1, "f": 3}})),
        "",
    ),
    ("a: {<<: 1}", || refused(), ""),
    ("a: *nothing", || refused(), ""),
    ("a: &x [*x]", || refused(), ""),
    ("a: !!str 1", || same(json!({"a": "1"})), ""),
    ("a: !!int '1'", || same(json!({"a": 1})), ""),
    (
        "a: !unknown 1",
        || [Some(json!({"a": 1})), None],
        "an inventory's tags are Ansible's: an unknown one is a mistake",
    ),
    (
        "a: !!binary aGk=",
        || [Some(json!({"a": "aGk="})), None],
        "plain data has no bytes: `base64::decode` reads them",
    ),
    ("a: 'it''s'", || same(json!({"a": "it's"})), ""),
    ("a: |\n  x\n  y\n", || same(json!({"a": "x\ny\n"})), ""),
    ("a: |-\n  x\n", || same(json!({"a": "x"})), ""),
    ("a: |+\n  x\n\n", || same(json!({"a": "x\n\n"})), ""),
    ("a: >\n  x\n  y\n\n  z\n", || same(json!({"a": "x y\nz\n"})), ""),
    ("a: |2\n    x\n", || same(json!({"a": "  x\n"})), ""),
    ("a: x # c", || same(json!({"a": "x"})), ""),
    ("a: x#c", || same(json!({"a": "x#c"})), ""),
    ("# only", || same(json!(null)), ""),
    ("", || same(json!(null)), ""),
    ("---\na: 1\n...", || same(json!({"a": 1})), ""),
    ("--- a\n--- b", || refused(), ""),
    ("\ta: 1", || same(json!({"a": 1})), ""),
    ("a:\n\tb: 1", || refused(), ""),
    ("a: b: c", || refused(), ""),
    ("a: [1, 2", || refused(), ""),
    ("a: @x", || refused(), ""),
    ("a: %x", || refused(), ""),
    ("- 1\n-2", || refused(), ""),
    ("{a: 1, b}", || same(json!({"a": 1, "b": null})), ""),
    ("[a,]", || same(json!(["a"])), ""),
    ("[,a]", || refused(), ""),
    ("- - 1\n  - 2", || same(json!([[1, 2]])), ""),
    ("a: - 1", || refused(), ""),
    ("-", || same(json!([null])), ""),
    ("plain\n  text", || same(json!("plain text")), ""),
    ("a: {}", || same(json!({"a": {}})), ""),
    ("\u{feff}a: 1", || same(json!({"a": 1})), ""),
];

#[test]
fn odd_yaml_means_what_the_table_says() {
    let mut wrong = Vec::new();
    for (text, wanted, why) in TABLE {
        let script = evaluated("yaml::parse(text)", &[("text", (*text).into())]).ok();
        let inventory = crate::inventory::yaml::parse(text).ok().map(|node| node.into_value());
        let said = [script, inventory];
        if said != wanted() {
            wrong.push(format!("{text:?} ({why})\n  script, inventory: {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
