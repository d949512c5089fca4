//! Values of YAML as text: so that each reader takes them for what they are.
//!
//! Source: YAML 1.2.2, chapter 10, and what YAML 1.1 took for numbers, dates and truth values.

use std::sync::LazyLock;

use oneex_sdk::{Value, json};
use regex::Regex;

use super::tree::opaque;

/// What some readers take for a number or a date, and others for a text.
static DOUBTFUL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?x)^(?:
        [-+]?0[0-7_]+ | [-+]?0b[01_]+ | [-+]?[0-9][0-9_]*_[0-9_.]* | [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?
        | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt\ \t].*)? | [-+]?0[0-9]+(\.[0-9]*)? | [-+]?\.?(inf|Inf|INF|nan|NaN|NAN) | =
    )$").ok()
});

/// Numbers that all readers agree on, and those of YAML 1.2 alone.
static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+)$").ok()
});

fn fits(pattern: &Option<Regex>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
}

/// What a text without quotes is.
pub(super) fn resolved(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let is_word = ["yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if is_word || fits(&DOUBTFUL, text) {
        return opaque("a text that some readers take for something else", text);
    }
    if !fits(&NUMBER, text) {
        return Value::String(text.to_owned());
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    let whole = match (text.strip_prefix("0x"), text.strip_prefix("0o")) {
        (Some(digits), _) => i64::from_str_radix(digits, 16).ok(),
        (_, Some(digits)) => i64::from_str_radix(digits, 8).ok(),
        _ => digits.parse::<i64>().ok(),
    };
    match (whole, digits.parse::<u64>(), digits.parse::<f64>()) {
        (Some(number), _, _) => json!(number),
        (_, Ok(number), _) => json!(number),
        (_, _, Ok(number)) if number.is_finite() => json!(number),
        _ => opaque("a number that is too large", text),
    }
}

/// Says whether a text needs no quotes, wherever it stands.
fn is_plain(text: &str) -> bool {
    let begins = |c: char| c.is_alphanumeric() || "_/.".contains(c);
    let goes_on = |c: char| c.is_alphanumeric() || " _-./@+=$%()~;".contains(c);
    text.starts_with(begins)
        && text.chars().all(goes_on)
        && !text.ends_with(' ')
        && !text.starts_with("...")
        && matches!(resolved(text), Value::String(_))
}

/// A text in double quotes.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in Value::from(text).to_string().chars() {
        match c {
            // Line breaks and the like to YAML, and nothing to JSON.
            '\u{7f}'..='\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// A name of a map.
pub(super) fn name_text(name: &str) -> String {
    if is_plain(name) && name.len() < 200 { name.to_owned() } else { quoted(name) }
}

/// A value on one line, with the quotes that it had where it began with `old`.
pub(super) fn scalar_text(value: &Value, old: Option<char>) -> String {
    match value {
        Value::String(text) => {
            let is_printable = text.chars().all(|c| (' '..='~').contains(&c) || c.is_alphanumeric());
            match old {
                Some('\'') if is_printable => format!("'{}'", text.replace('\'', "''")),
                Some('"') => quoted(text),
                _ if is_plain(text) => text.clone(),
                _ => quoted(text),
            }
        }
        Value::Number(number) => {
            let text = number.to_string();
            // Without a dot and a sign, YAML 1.1 takes it for a text.
            match text.split_once('e') {
                None => text,
                Some((digits, power)) => {
                    let dot = if digits.contains('.') { "" } else { ".0" };
                    let sign = if power.starts_with('-') || power.starts_with('+') { "" } else { "+" };
                    format!("{digits}{dot}e{sign}{power}")
                }
            }
        }
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        other => other.to_string(),
    }
}

/// A value in lines, none of them indented as a whole.
pub(super) fn lines(value: &Value, unit: &str, is_list_deeper: bool) -> Vec<String> {
    let below = |value: &Value| lines(value, unit, is_list_deeper);
    match value {
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .flat_map(|item| {
                let lines = below(item).into_iter().enumerate();
                lines
                    .map(|(at, line)| format!("{}{line}", if at == 0 { "- " } else { "  " }))
                    .collect::<Vec<_>>()
            })
            .collect(),
        Value::Object(map) if !map.is_empty() => map
            .iter()
            .flat_map(|(name, value)| {
                let name = name_text(name);
                let (is_list, is_empty) = match value {
                    Value::Array(items) => (true, items.is_empty()),
                    Value::Object(map) => (false, map.is_empty()),
                    _ => (false, true),
                };
                if is_empty {
                    return vec![format!("{name}: {}", scalar_text(value, None))];
                }
                let deeper = if is_list && !is_list_deeper { "" } else { unit };
                let inner = below(value).into_iter().map(|line| format!("{deeper}{line}"));
                std::iter::once(format!("{name}:")).chain(inner).collect()
            })
            .collect(),
        scalar => vec![scalar_text(scalar, None)],
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};

    use super::{resolved, scalar_text};

    #[test]
    fn plain_texts_are_what_all_readers_take_them_for() {
        for (text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("true", json!(true)),
            ("False", json!(false)),
            ("12", json!(12)),
            ("-3", json!(-3)),
            ("+3", json!(3)),
            ("0", json!(0)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            (".5", json!(0.5)),
            ("18446744073709551615", json!(u64::MAX)),
            ("a b", json!("a b")),
            ("1.2.3", json!("1.2.3")),
            ("é", json!("é")),
        ] {
            assert_eq!(resolved(text), value, "{text:?}");
        }
        for text in ["yes", "No", "ON", "y", "0777", "1_000", "1:30", "2024-01-01", ".inf", "NaN", "09", "="]
        {
            assert!(resolved(text).is_array(), "{text:?} is doubtful");
        }
    }

    #[test]
    fn texts_get_the_quotes_that_they_need() {
        for (value, old, text) in [
            (json!("a b"), None, "a b"),
            (json!("a b"), Some('\''), "'a b'"),
            (json!("it's"), Some('\''), "'it''s'"),
            (json!("a\nb"), Some('\''), "\"a\\nb\""),
            (json!("a"), Some('"'), "\"a\""),
            (json!("yes"), None, "\"yes\""),
            (json!("12"), None, "\"12\""),
            (json!("a: b"), None, "\"a: b\""),
            (json!(""), None, "\"\""),
            (json!("\u{85}\u{2028}"), None, "\"\\u0085\\u2028\""),
            (json!(1e21), None, "1.0e+21"),
            (json!(1.5e-9), None, "1.5e-9"),
            (json!(null), None, "null"),
            (json!({}), None, "{}"),
        ] {
            assert_eq!(scalar_text(&value, old), text);
        }
    }
}
