//! What the helpers write, they read as it was; and what odd YAML means.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::evaluated;

fn eval(expression: &str, value: &Value) -> Result<Value, String> {
    evaluated(expression, &[("v", value.clone())])
}

/// Texts that one of the formats could take for something else.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "",
        " ",
        "yes",
        "No",
        "on",
        "null",
        "~",
        "NULL",
        "true",
        "True",
        "1",
        "0644",
        "0x1f",
        "0o17",
        "0b1",
        "1_000",
        "12:30:45",
        "1e3",
        "1.0",
        ".5",
        ".inf",
        "-.inf",
        ".nan",
        "NaN",
        "2024-01-31",
        "2024-01-31T00:00:00Z",
        "=",
        "<<",
        "a: b",
        "a:",
        ": a",
        "- a",
        "-",
        "?",
        "? a",
        "[a]",
        "{a: b}",
        "#",
        "a # b",
        "a#b",
        "&a",
        "*a",
        "!t",
        "|",
        ">",
        "@a",
        "`a`",
        "%a",
        "'",
        "\"",
        "'a'",
        "\"a\"",
        "\\",
        "\\n",
        "---",
        "...",
        "a\n",
        "\na",
        "a\n\nb\n\n",
        " a",
        "a ",
        "\t",
        "a\tb",
        "\r",
        "a\r\nb",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "\u{0}",
        "\u{7f}",
        "\u{1f600}",
        "  two\n  lines",
        "'''",
        "\"\"\"",
        "a, b",
        "y",
        "n",
    ]);
    prop_oneof![2 => odd.prop_map(str::to_owned), 1 => any::<String>(), 1 => "[ -~]{0,12}", 1 => "[a \\n:#-]{0,10}"]
}

fn value(with_null: bool) -> impl Strategy<Value = Value> {
    let null = if with_null { Value::Null } else { json!(0) };
    let leaf = prop_oneof![
        Just(null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("the formats have no names for these", |n| n.is_finite())
            .prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(text(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn json_comes_back(value in value(true)) {
        for print in ["to_string", "to_string_pretty"] {
            prop_assert_eq!(eval(&format!("json::parse(json::{print}(v))"), &value), Ok(value.clone()));
        }
    }

    #[test]
    fn yaml_comes_back(value in value(true)) {
        prop_assert_eq!(eval("yaml::parse(yaml::to_string(v))", &value), Ok(value));
    }

    /// Ansible's readers are of YAML 1.1: what a runbook writes for them must mean the same there.
    #[test]
    fn yaml_means_the_same_in_an_inventory(value in value(true)) {
        let text = eval("yaml::to_string(v)", &value).expect("a text");
        let text = text.as_str().expect("a text");
        let read = crate::inventory::yaml::parse(text).map(|node| node.into_value());
        prop_assert_eq!(read.map_err(|error| format!("{error}: {text}")), Ok(value));
    }

    #[test]
    fn toml_comes_back(map in btree_map(text(), value(false), 0..5)) {
        let value = Value::Object(map.into_iter().collect());
        prop_assert_eq!(eval("toml::parse(toml::to_string(v))", &value), Ok(value));
    }

    #[test]
    fn encodings_come_back(text in text()) {
        let value = Value::from(text);
        for expression in ["base64::decode(base64::encode(v))", "url::decode(url::encode(v))"] {
            prop_assert_eq!(eval(expression, &value), Ok(value.clone()), "{}", expression);
        }
    }

    #[test]
    fn anything_is_read_or_refused(text in any::<String>(), odd in "[\\[\\]{}:,&*!|>'\"%@`#?a \\n-]{0,30}") {
        for text in [text, odd] {
            for format in ["json", "yaml", "toml"] {
                let _ = eval(&format!("{format}::parse(v)"), &Value::from(text.as_str()));
            }
        }
    }

    #[test]
    fn times_come_back(seconds in -60_000_000_000_i64..250_000_000_000, more in 0_i64..1_000_000) {
        let value = json!(seconds);
        prop_assert_eq!(eval("time::to_unix(time::from_unix(v))", &value), Ok(value.clone()));
        let moved = format!("time::between(time::from_unix(v), time::add(time::from_unix(v), {more}))");
        prop_assert_eq!(eval(&moved, &value), Ok(json!(more)));
        let format = "time::parse(time::format(time::from_unix(v), \"%Y-%m-%d %H:%M:%S\"), \"%Y-%m-%d %H:%M:%S\") == time::from_unix(v)";
        if seconds > 0 {
            prop_assert_eq!(eval(format, &value), Ok(json!(true)));
        }
    }

    #[test]
    fn versions_are_ordered_as_their_numbers(one: (u16, u16, u16), other: (u16, u16, u16)) {
        let text = |(major, minor, patch): (u16, u16, u16)| format!("{major}.{minor}.{patch}");
        let value = json!([text(one), text(other)]);
        let order = eval("semver::compare(v[0], v[1])", &value);
        prop_assert_eq!(order, Ok(json!(one.cmp(&other) as i64)));
        for part in ["major", "minor", "patch"] {
            let greater = eval(&format!("semver::compare(semver::bump(v[0], \"{part}\"), v[0])"), &value);
            prop_assert_eq!(greater, Ok(json!(1)));
        }
        let matches = eval("semver::matches(v[0], \">=\" + v[1])", &value);
        prop_assert_eq!(matches, Ok(json!(one >= other)));
    }
}
