//! The documented examples, and what every mistake says.

mod addresses;
mod answers;
mod hostile;
mod round_trips;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use rhai::{Engine, EvalAltResult};
use serde_json::Value;

use super::{World, register};
use crate::script::convert::{to_dynamic, to_value};

/// A world of four files, one variable and a clock that stands.
#[derive(Default)]
struct Small {
    secrets: Mutex<Vec<String>>,
}

impl World for Small {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let text: &[u8] = match path {
            "motd" => b"welcome\n",
            "image" => b"\xff\xfe",
            "example.json" => br#"{"name": "shop"}"#,
            "example.yaml" => b"name: shop\n",
            "example.toml" => b"name = \"shop\"\n",
            "bad.json" => b"{\n  \"a\": nope\n}",
            "bad.yaml" => b"a: 1\nb: [1, 2\nc: 3\n",
            "bad.toml" => b"a = 1\nb = = 2\n",
            _ => return Err(format!("there is no file `{path}` in the project")),
        };
        Ok(text.to_vec())
    }

    fn variable(&self, name: &str) -> Option<String> {
        (name == "EXAMPLE").then(|| "shop".to_owned())
    }

    fn now(&self) -> jiff::Timestamp {
        "2026-03-01T12:00:00Z".parse().expect("a time")
    }

    fn register_secret(&self, secret: &str) {
        self.secrets.lock().expect("lock").push(secret.to_owned());
    }
}

fn engine() -> (Engine, Arc<Small>) {
    let small = Arc::new(Small::default());
    let mut engine = Engine::new();
    engine.set_fail_on_invalid_map_property(true);
    engine.set_max_expr_depths(64, 64);
    let world: Arc<dyn World> = Arc::clone(&small) as Arc<dyn World>;
    register(&mut engine, &world);
    (engine, small)
}

thread_local! {
    /// For properties, which ask hundreds of times.
    static ENGINE: Engine = engine().0;
}

/// What an expression gives over variables of plain data.
fn evaluated(expression: &str, variables: &[(&str, Value)]) -> Result<Value, String> {
    let mut scope = rhai::Scope::new();
    for (name, value) in variables {
        scope.push_dynamic(*name, to_dynamic(value));
    }
    let found = ENGINE.with(|engine| engine.eval_with_scope::<rhai::Dynamic>(&mut scope, expression));
    to_value(&found.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
}

/// Every function of the library: full name, and the doc comments of its overloads.
fn documented() -> BTreeMap<String, Vec<String>> {
    let functions = |engine: &Engine| {
        let text = engine.gen_fn_metadata_to_json(false).expect("metadata");
        let metadata: Value = serde_json::from_str(&text).expect("JSON");
        let mut found: Vec<(String, String)> = Vec::new();
        let mut add = |prefix: &str, functions: &Value| {
            for function in functions.as_array().into_iter().flatten() {
                let comments = function["docComments"].as_array().into_iter().flatten();
                let comments: Vec<&str> = comments.filter_map(Value::as_str).collect();
                found.push((
                    format!("{prefix}{}", function["name"].as_str().expect("name")),
                    comments.join("\n"),
                ));
            }
        };
        add("", &metadata["functions"]);
        for (name, module) in metadata["modules"].as_object().into_iter().flatten() {
            add(&format!("{name}::"), &module["functions"]);
        }
        found
    };
    let plain: BTreeSet<(String, String)> = functions(&Engine::new()).into_iter().collect();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, comments) in functions(&engine().0).into_iter().filter(|function| !plain.contains(function)) {
        all.entry(name).or_default().push(comments);
    }
    all
}

fn examples(comments: &str) -> Vec<String> {
    let lines = comments.lines().map(|line| line.trim().trim_start_matches("///").trim());
    let mut inside = false;
    let mut found = Vec::new();
    for line in lines {
        match line {
            "```rhai" => inside = true,
            "```" => inside = false,
            line if inside => found.push(line.to_owned()),
            _ => {}
        }
    }
    found
}

#[test]
fn every_function_is_documented_and_every_line_of_its_examples_is_true() {
    let (engine, _) = engine();
    let documented = documented();
    assert!(documented.len() > 80, "the library is registered: {}", documented.len());
    let mut wrong = Vec::new();
    for (name, overloads) in &documented {
        if overloads.iter().any(|comments| comments.trim().is_empty()) {
            wrong.push(format!("{name}: no documentation"));
        }
        let lines: Vec<String> = overloads.iter().flat_map(|comments| examples(comments)).collect();
        if lines.is_empty() {
            wrong.push(format!("{name}: no example"));
        }
        for line in lines {
            match engine.eval::<bool>(&line) {
                Ok(true) => {}
                Ok(false) => wrong.push(format!("{name}: not true: {line}")),
                Err(error) => wrong.push(format!("{name}: {error}: {line}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the code, which stands at line 1, column 5, fails with: `column: text`.
fn failure(code: &str) -> String {
    let error = engine().0.eval::<rhai::Dynamic>(&format!("    {code}")).expect_err(code);
    match *error {
        EvalAltResult::ErrorRuntime(value, position) => {
            format!("{}: {value}", position.position().unwrap_or(0))
        }
        other => format!("another error: {other}"),
    }
}

#[test]
fn mistakes_say_what_is_wrong_at_the_place_of_the_call() {
    let cases = [
        ("json::parse(\"{\\n\\\"a\\\": nope}\")", "11: line 2, column 7: expected ident"),
        ("json::read(\"bad.json\")", "11: bad.json:2:9: expected ident"),
        ("yaml::read(\"bad.yaml\")", "11: bad.yaml:3:2: not YAML: illegal placement of ':' indicator"),
        ("toml::read(\"bad.toml\")", "11: bad.toml:2:5: extra `=`, expected nothing"),
        ("json::read(\"none.json\")", "11: there is no file `none.json` in the project"),
        ("json::to_string(#{ a: [|x| x] })", "11: `a[0]`: a function is not plain data"),
        ("toml::to_string(1)", "11: a TOML document is a map"),
        ("toml::to_string(#{ a: () })", "11: TOML has no `()`: leave the key out"),
        ("file::read(\"image\")", "11: `image` is not UTF-8: use `file::read_bytes`"),
        ("base64::decode(\"a*\")", "13: not base64: invalid symbol 42, offset 1."),
        ("base64::decode(\"/w==\")", "13: the bytes are not UTF-8: use `base64::decode_bytes`"),
        ("regex::is_match(\"(\", \"\")", "12: the pattern `(` is wrong: unclosed group"),
        (
            "env_var(\"NONE\")",
            "5: the environment variable `NONE` is not set; `env_var(\"NONE\", fallback)` allows for that",
        ),
        ("text::pad(\"\", 100000000)", "11: the text would be longer than 16 MiB"),
        ("text::repeat(\"a\", -1)", "11: `times` must not be negative, it is -1"),
        ("\"a\".pad(100000000, 'x')", "9: the text would be longer than 16 MiB"),
        ("text::to_int(\"4 2\")", "11: `4 2` is not a whole number"),
        (
            "time::parse(\"yesterday\")",
            "11: `yesterday` is not a time; a time is written as `2026-03-01T12:00:00Z`",
        ),
        (
            "time::duration(\"5 parsecs\")",
            "11: `5 parsecs` is no duration: write for example `500ms`, `90s`, `5m`, `1h30m`",
        ),
        (
            "time::duration(\"1mo\")",
            "11: `1mo` is no duration: write for example `500ms`, `90s`, `5m`, `1h30m`",
        ),
        ("time::from_unix(9223372036854775807)", "11: the time is out of range"),
        ("time::format(time::now(), \"%H\", \"Mars/Base\")", "11: there is no time zone `Mars/Base`"),
        (
            "semver::parse(\"1.2\")",
            "13: `1.2` is not a semantic version: unexpected end of input while parsing minor version number",
        ),
        ("semver::bump(\"1.2.3\", \"tiny\")", "13: `tiny` is not one of `major`, `minor`, `patch`"),
        ("ip::parse(\"10.0.0\")", "9: `10.0.0` is neither an IP address nor a network like `10.0.0.0/24`"),
        ("ip::host(\"10.0.0.0/30\", 4)", "9: `10.0.0.0/30` has no address 4"),
        ("ip::host(\"10.0.0.0/30\", -5)", "9: `10.0.0.0/30` has no address -5"),
        ("ip::hosts(\"10.0.0.0/8\")", "9: `10.0.0.0/8` has more than 65536 addresses; `ip::host` gives one"),
        ("ip::subnets(\"10.0.0.0/8\", 7)", "9: a subnet of `10.0.0.0/8` has a prefix from 8 to 32"),
        ("ip::subnets(\"10.0.0.0/8\", 30)", "9: `10.0.0.0/8` has more than 65536 subnets of that prefix"),
        ("ip::next(\"255.255.255.255\")", "9: there is no address 1 after `255.255.255.255`"),
        ("random_password(2)", "5: `length` must be from 3 to 4096, it is 2"),
        (
            "random_password(#{ lenght: 8 })",
            "5: `random_password` has no option `lenght`; did you mean `length`?",
        ),
        (
            "random_password(#{ digits: 1 })",
            "5: the option `digits` of `random_password` must be true or false",
        ),
        (
            "random_password(#{ upper: false, lower: false, digits: false })",
            "5: a password needs characters to be made of",
        ),
        ("url::parse(\"shop\")", "10: `shop` is not a URL: relative URL without a base"),
        ("url::query(#{ a: #{} })", "10: the value of `a` cannot stand in a query"),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(code, expected)| {
            let found = failure(code);
            (found != *expected).then(|| format!("{code}\n  expected {expected}\n  found    {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_string_is_changed_in_place_and_returned() {
    let (engine, _) = engine();
    let cases = [
        ("let s = \" a \"; let t = s.trim(); s + t", "aa"),
        ("let s = \"aXbX\"; let t = s.replace('X', \"--\"); s + t", "a--b--a--b--"),
        ("let s = \"aXb\"; let t = s.replace('X', '-'); s + t", "a-ba-b"),
        ("let s = \"aXb\"; let t = s.replace(\"X\", '-'); s + t", "a-ba-b"),
        ("let s = \"a-b\"; let t = s.remove('-'); s + t", "abab"),
        ("let s = \"héllo\"; let t = s.crop(1, 3); s + t", "élléll"),
        ("let s = \"héllo\"; let t = s.crop(1..3); s + t", "élél"),
        ("let s = \"héllo\"; let t = s.crop(1..=3); s + t", "élléll"),
        ("let s = \"abc\"; let t = s.truncate(-1); s + t", ""),
        ("let s = \"a\"; let t = s.pad(4, \"xy\"); s + t", "axyxyaxyxy"),
        ("let s = \"ab\"; let t = s.set(-1, 'c'); s + t", "acac"),
        ("let s = \"ab\"; let t = s.set(9, 'c'); s + t", "abab"),
        ("#{ a: 1 }.get(\"b\") ?? \"none\"", "none"),
    ];
    for (code, expected) in cases {
        assert_eq!(
            engine.eval::<String>(code).as_deref().map_err(ToString::to_string),
            Ok(expected),
            "{code}"
        );
    }
}

#[test]
fn a_password_is_a_secret_with_a_character_of_every_class() {
    let (engine, small) = engine();
    for _ in 0..50 {
        let password =
            engine.eval::<String>("random_password(#{ length: 4, symbols: \"-_\" })").expect("password");
        let has = |class: fn(char) -> bool| password.chars().any(class);
        assert!(
            has(|c| c.is_ascii_uppercase()) && has(|c| c.is_ascii_lowercase()) && has(|c| c.is_ascii_digit())
        );
        assert!(password.contains(['-', '_']), "{password}");
        assert_eq!(small.secrets.lock().expect("lock").last(), Some(&password));
    }
}
