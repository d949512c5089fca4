//! Regular expressions in templates, in Python's spelling of replacements.

use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, Value};
use regex::{Regex, RegexBuilder};

use super::data::wrong;

/// Adds filters and tests.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("regex_replace", regex_replace);
    environment.add_filter("regex_search", regex_search);
    environment.add_filter("regex_findall", regex_findall);
    environment.add_filter("regex_escape", |text: String| regex::escape(&text));
    environment.add_test("match", |text: String, pattern: String, options: Kwargs| {
        flags(&format!("^(?:{pattern})"), &options).map(|regex| regex.is_match(&text))
    });
    environment.add_test("search", |text: String, pattern: String, options: Kwargs| {
        flags(&pattern, &options).map(|regex| regex.is_match(&text))
    });
    environment.add_test("regex", |text: String, pattern: String, options: Kwargs| {
        flags(&pattern, &options).map(|regex| regex.is_match(&text))
    });
}

fn flags(pattern: &str, options: &Kwargs) -> Result<Regex, Error> {
    let ignore_case: Option<bool> = options.get("ignorecase")?;
    let lines: Option<bool> = options.get("multiline")?;
    options.assert_all_used()?;
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case.unwrap_or(false))
        .multi_line(lines.unwrap_or(false))
        .build()
        .map_err(|error| {
            let why = error.to_string();
            wrong(format!("`{pattern}` is no regular expression: {}", why.lines().last().unwrap_or_default()))
        })
}

fn regex_replace(
    text: String,
    pattern: String,
    replacement: String,
    options: Kwargs,
) -> Result<String, Error> {
    let count: Option<usize> = options.get("count")?;
    let regex = flags(&pattern, &options)?;
    Ok(regex.replacen(&text, count.unwrap_or(0), from_python(&replacement).as_str()).into_owned())
}

/// `\1` and `\g<name>` become `${1}` and `${name}`; a `$` is only a `$`.
fn from_python(replacement: &str) -> String {
    let mut out = String::new();
    let mut rest = replacement;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '$' {
            out.push_str("$$");
            continue;
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let digits = rest.chars().take(2).take_while(char::is_ascii_digit).count();
        if digits > 0 {
            out.push_str(&format!("${{{}}}", &rest[..digits]));
            rest = &rest[digits..];
        } else if let Some((name, after)) = rest.strip_prefix("g<").and_then(|rest| rest.split_once('>')) {
            out.push_str(&format!("${{{name}}}"));
            rest = after;
        } else if let Some(next) = rest.chars().next() {
            match next {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                '$' => out.push_str("$$"),
                other => out.push(other),
            }
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

/// The first match, or `none`; with `\\1`, a list of those groups.
fn regex_search(text: String, pattern: String, wanted: Rest<Value>, options: Kwargs) -> Result<Value, Error> {
    let regex = flags(&pattern, &options)?;
    let Some(found) = regex.captures(&text) else { return Ok(Value::from(())) };
    let part = |index: usize| found.get(index).map_or(Value::from(()), |part| Value::from(part.as_str()));
    if wanted.is_empty() {
        return Ok(part(0));
    }
    wanted
        .iter()
        .map(|group| {
            let index = group
                .as_str()
                .and_then(|group| group.strip_prefix('\\'))
                .and_then(|group| group.parse().ok());
            index.map(part).ok_or_else(|| {
                wrong(format!("`regex_search` gives groups by number, `\\\\1`, not `{group}`"))
            })
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Value::from)
}

/// All matches; with one group in the pattern that group, with several, lists of them.
fn regex_findall(text: String, pattern: String, options: Kwargs) -> Result<Value, Error> {
    let regex = flags(&pattern, &options)?;
    let groups = regex.captures_len() - 1;
    let found = regex.captures_iter(&text).map(|found| {
        let part = |index: usize| Value::from(found.get(index).map_or("", |part| part.as_str()));
        match groups {
            0 => part(0),
            1 => part(1),
            many => (1..=many).map(part).collect(),
        }
    });
    Ok(found.collect::<Vec<_>>().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::template::Templates;

    #[test]
    fn regular_expressions_work_as_in_ansible() {
        let table = [
            (r"{{ 'web12' | regex_replace('([a-z]+)(\\d+)', '\\2-\\1') }}", "12-web"),
            (r"{{ 'a.b' | regex_replace('(?P<x>a)', '\\g<x>$') }}", "a$.b"),
            (r"{{ 'aaa' | regex_replace('a', 'b', count=1) }}", "baa"),
            (r"{{ 'v1.2.3' | regex_search('\\d+\\.\\d+') }}", "1.2"),
            (r"{{ 'v1.2.3' | regex_search('x') is none }}", "True"),
            (r"{{ 'v1.2' | regex_search('(\\d)\\.(\\d)', '\\2') | to_json }}", "[\"2\"]"),
            (r"{{ 'a1b2' | regex_findall('\\d') | to_json }}", "[\"1\", \"2\"]"),
            (r"{{ 'a1b2' | regex_findall('([a-z])(\\d)') | to_json }}", "[[\"a\", \"1\"], [\"b\", \"2\"]]"),
            (
                r"{{ 'abc' is match('b') }} {{ 'abc' is search('b') }} {{ 'ABC' is match('a', ignorecase=true) }}",
                "False True True",
            ),
        ];
        for (text, wanted) in table {
            assert_eq!(Templates::default().render_text("t", text, json!({})).expect(text), wanted, "{text}");
        }
        let error = Templates::default()
            .render_text("t", "{{ 'a' is search('(') }}", json!({}))
            .expect_err("a mistake");
        assert!(error.message.starts_with("`(` is no regular expression"), "{error}");
    }
}
