//! Files of plain data that people write: YAML, JSON or TOML by their ending, and what is wrong in them.

use std::sync::Arc;

use oneex_engine::conceal::conceal;
use oneex_engine::diag::{Diagnostic, Position, Source};
use oneex_sdk::Value;

/// Reads the text of the file `name`. Fails with the place of the mistake.
pub(crate) fn parse(ending: Option<&str>, name: &str, text: &str) -> Result<Value, Diagnostic> {
    let (kind, mistake) = match ending {
        Some("json") => match serde_json::from_str(text) {
            Ok(value) => return Ok(value),
            Err(error) => ("JSON", json(&error)),
        },
        Some("toml") => match toml::from_str(text) {
            Ok(value) => return Ok(value),
            Err(error) => ("TOML", toml_mistake(&error, text)),
        },
        // `0644` is a mode, not a number.
        _ => match serde_saphyr::from_str_with_options(
            text,
            serde_saphyr::options! { leading_zero_numbers_as_strings: true },
        ) {
            Ok(value) => return Ok(value),
            Err(error) => ("YAML", yaml(&error)),
        },
    };
    let source = Arc::new(Source { name: name.to_owned(), text: conceal(text) });
    let position = Position { file: name.into(), line: mistake.line, column: mistake.column };
    let error = Diagnostic::error("data-file", format!("not {kind}: {}", mistake.why));
    Err(error.label(source.label(&position, "", true)))
}

/// Why a text is not what it should be, and where, both from 1.
struct Mistake {
    why: String,
    line: u32,
    column: u32,
}

impl Mistake {
    fn new(why: &str, line: usize, column: usize) -> Self {
        let number = |number: usize| u32::try_from(number.max(1)).unwrap_or(u32::MAX);
        Self { why: why.trim().to_owned(), line: number(line), column: number(column) }
    }
}

fn json(error: &serde_json::Error) -> Mistake {
    let text = error.to_string();
    let why = text.rsplit_once(" at line ").map_or(&*text, |(why, _)| why);
    Mistake::new(why, error.line(), error.column())
}

fn toml_mistake(error: &toml::de::Error, text: &str) -> Mistake {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or_default();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Mistake::new(error.message(), before.matches('\n').count() + 1, column)
}

fn yaml(error: &serde_saphyr::Error) -> Mistake {
    let place = error.location();
    let text = error.without_snippet().to_string();
    let why = text.lines().next().unwrap_or_default();
    let why = why.strip_prefix("error: ").unwrap_or(why);
    // The place stands in front of the cause, or behind it.
    let why = match why.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((_, why)) => why,
        None => why.rsplit_once(" at line ").map_or(why, |(why, _)| why),
    };
    let number = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok()).unwrap_or(1);
    Mistake::new(why, number(place.map(|place| place.line())), number(place.map(|place| place.column())))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn every_format_says_where_it_is_wrong() {
        let cases = [
            ("json", "{\n  \"a\" 1\n}", "a.json:2:7: not JSON: expected `:`"),
            ("toml", "a = 1\nb = = 2\n", "a.toml:2:5: not TOML: extra `=`, expected nothing"),
            ("yaml", "a: 1\n b: 2\n", "a.yaml:2:3: not YAML: mapping values are not allowed in this context"),
        ];
        for (ending, text, expected) in cases {
            let error = parse(Some(ending), &format!("a.{ending}"), text).expect_err(text);
            assert_eq!(error.to_string(), expected);
        }
    }
}
