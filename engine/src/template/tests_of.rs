//! Tests that Ansible's templates use: `x is subset(y)`, `v is version('1.2', '>=')`.

use std::cmp::Ordering;
use std::collections::HashSet;

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, Value};

use super::data::wrong;

/// Adds the tests.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_test("subset", |one: &Value, other: &Value| within(one, other));
    environment.add_test("superset", |one: &Value, other: &Value| within(other, one));
    environment.add_test("contains", contains);
    environment.add_test("truthy", |value: &Value| value.is_true());
    environment.add_test("falsy", |value: &Value| !value.is_true());
    environment.add_test("version", version);
    environment.add_test("all", |list: &Value| Ok::<_, Error>(list.try_iter()?.all(|item| item.is_true())));
    environment.add_test("any", |list: &Value| Ok::<_, Error>(list.try_iter()?.any(|item| item.is_true())));
}

fn within(one: &Value, other: &Value) -> Result<bool, Error> {
    let other: HashSet<Value> = other.try_iter()?.collect();
    Ok(one.try_iter()?.all(|item| other.contains(&item)))
}

fn contains(list: &Value, item: &Value) -> Result<bool, Error> {
    match (list.as_str(), item.as_str()) {
        (Some(text), Some(part)) => Ok(text.contains(part)),
        _ => Ok(list.try_iter()?.any(|known| known == *item)),
    }
}

/// Compares versions part by part, numbers as numbers; with `version_type='semver'` as semver.org says.
fn version(value: String, other: String, operator: Option<String>, options: Kwargs) -> Result<bool, Error> {
    let kind: Option<String> = options.get("version_type")?;
    // `strict=false` is what this always does.
    let strict = options.get::<Option<bool>>("strict")?.unwrap_or(false);
    options.assert_all_used()?;
    let order = match kind.as_deref().unwrap_or("loose") {
        "loose" if !strict => parts(&value).cmp(&parts(&other)),
        "semver" | "semantic" => semantic(&value)?.cmp_precedence(&semantic(&other)?),
        other => {
            let other = if strict { "strict" } else { other };
            return Err(wrong(format!("`version` knows the types `loose` and `semver`, not `{other}`")));
        }
    };
    match operator.as_deref().unwrap_or("==") {
        "==" | "=" | "eq" => Ok(order == Ordering::Equal),
        "!=" | "<>" | "ne" => Ok(order != Ordering::Equal),
        "<" | "lt" => Ok(order == Ordering::Less),
        "<=" | "le" => Ok(order != Ordering::Greater),
        ">" | "gt" => Ok(order == Ordering::Greater),
        ">=" | "ge" => Ok(order != Ordering::Less),
        other => {
            Err(wrong(format!("`version` compares by `==`, `!=`, `<`, `<=`, `>` or `>=`, not `{other}`")))
        }
    }
}

fn semantic(text: &str) -> Result<semver::Version, Error> {
    semver::Version::parse(text).map_err(|error| wrong(format!("`{text}` is no semantic version: {error}")))
}

/// A part of a version: words come before numbers, so that `1.0.rc` is before `1.0.1`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Word(String),
    Number(u64),
}

fn parts(version: &str) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let same = |c: &char| c.is_ascii_digit() == first.is_ascii_digit() && c.is_alphanumeric();
        let length: usize = rest.chars().take_while(same).map(char::len_utf8).sum();
        if length == 0 {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let word = &rest[..length];
        out.push(word.parse().map_or_else(|_| Part::Word(word.to_owned()), Part::Number));
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::Templates;

    #[test]
    fn tests_answer_as_ansible_does() {
        let table = [
            ("[1] is subset([1, 2])", "True"),
            ("[1, 3] is subset([1, 2])", "False"),
            ("[1, 2] is superset([1])", "True"),
            ("[1, 2] is contains(2)", "True"),
            ("'' is truthy", "False"),
            ("0 is falsy", "True"),
            ("'1.10' is version('1.9', '>')", "True"),
            ("'1.0' is version('1.0')", "True"),
            ("'22.04' is version('20.04', 'ge')", "True"),
            ("x is defined", "False"),
            ("x is undefined", "True"),
        ];
        for (text, wanted) in table {
            let template = format!("{{{{ {text} }}}}");
            assert_eq!(
                Templates::default().render_text("t", &template, json!({})).expect(text),
                wanted,
                "{text}"
            );
        }
    }
}
