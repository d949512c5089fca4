//! What a plain scalar means in YAML 1.1, as PyYAML and so Ansible resolve it, and to a script.
//!
//! Source: <https://yaml.org/type/> and PyYAML's `resolver.py`.

use serde_json::{Number, Value};

/// Whose YAML it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// YAML 1.1 as PyYAML resolves it.
    Ansible,
    /// The same, without the numbers that nobody means: `0644` is the mode and `007` the house number
    /// that it looks like, `12:30` a time, and octal and powers of ten are written as in YAML 1.2.
    Script,
}

impl Dialect {
    /// Resolves a plain scalar.
    ///
    /// # Errors
    ///
    /// A script is told of an infinity, and of what is no number: plain data has neither.
    pub(super) fn resolve(self, text: &str) -> Result<Value, String> {
        if self == Self::Ansible
            || !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        {
            return Ok(resolve(text));
        }
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
            return Err(format!("`{text}` is no number that plain data can hold"));
        }
        if let Some(digits) = text.strip_prefix("0o") {
            let octal = i64::from_str_radix(digits, 8).ok().filter(|_| !digits.starts_with(['-', '+']));
            return Ok(octal.map_or_else(|| Value::String(text.to_owned()), Value::from));
        }
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let (leads, more) = (unsigned.starts_with('0'), unsigned.len() > 1);
        if text.contains(':')
            || (leads && more && unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_'))
        {
            return Ok(Value::String(text.to_owned()));
        }
        // `1e3` and digits beyond 64 bits.
        let whole = unsigned.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| {
            let mut parts = mantissa.splitn(2, '.');
            let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            parts.all(|part| part.is_empty() || is_digits(part))
                && mantissa.bytes().any(|byte| byte.is_ascii_digit())
                && is_digits(exponent)
        });
        let wide = is_digits(unsigned) && text.parse::<i64>().is_err();
        if whole || wide {
            let number = text.parse::<f64>().ok().and_then(Number::from_f64);
            return number.map(Value::Number).ok_or_else(|| format!("`{text}` is too large for a number"));
        }
        Ok(resolve(text))
    }
}

/// Resolves a plain scalar as PyYAML does. Dates stay text, and so do infinities, which JSON does not know.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Value::String(text.to_owned());
    }
    integer(text)
        .map(Value::Number)
        .or_else(|| float(text).map(Value::Number))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

/// An integer: decimal, `0b101`, `0755`, `0x1f`, `12:30` (base 60), each with `_` and a sign.
pub(super) fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let clean: String = digits.chars().filter(|c| *c != '_').collect();
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || clean.is_empty() {
        return None;
    }
    let magnitude = if let Some(binary) = clean.strip_prefix("0b") {
        i128::from_str_radix(binary, 2).ok()?
    } else if let Some(hex) = clean.strip_prefix("0x") {
        i128::from_str_radix(hex, 16).ok()?
    } else if clean.contains(':') {
        sexagesimal(&clean)?
    } else if clean.len() > 1 && clean.starts_with('0') {
        i128::from_str_radix(&clean, 8).ok()?
    } else {
        clean.parse::<i128>().ok()?
    };
    let value = if negative { -magnitude } else { magnitude };
    i64::try_from(value).map(Number::from).or_else(|_| u64::try_from(value).map(Number::from)).ok()
}

fn sexagesimal(text: &str) -> Option<i128> {
    if text.starts_with('0') {
        return None;
    }
    let mut sum: i128 = 0;
    for (index, part) in text.split(':').enumerate() {
        let value: i128 = part.parse().ok()?;
        if index > 0 && (value > 59 || part.len() > 2) {
            return None;
        }
        sum = sum.checked_mul(60)?.checked_add(value)?;
    }
    Some(sum)
}

/// A float: PyYAML wants a point, and a sign in the exponent.
pub(super) fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit() || c == '_');
    let exponent_ok = exponent.is_none_or(|exponent| {
        exponent
            .strip_prefix(['-', '+'])
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()))
    });
    let has_digit = mantissa.chars().any(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || !exponent_ok || !has_digit {
        return None;
    }
    let clean: String = text.chars().filter(|c| *c != '_').collect();
    Number::from_f64(clean.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::resolve;

    #[test]
    fn scalars_mean_what_pyyaml_says() {
        let table: &[(&str, Value)] = &[
            ("", Value::Null),
            ("~", Value::Null),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!("y")),
            ("42", json!(42)),
            ("-7", json!(-7)),
            ("0644", json!(420)),
            ("0o644", json!("0o644")),
            ("0899", json!("0899")),
            ("0x1F", json!(31)),
            ("0b101", json!(5)),
            ("1_000", json!(1000)),
            ("12:30", json!(750)),
            ("12:60", json!("12:60")),
            ("1.5", json!(1.5)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("1e3", json!("1e3")),
            ("1.0e+3", json!(1000.0)),
            ("10.0.0.1", json!("10.0.0.1")),
            ("2024-01-31", json!("2024-01-31")),
            ("-", json!("-")),
            (".inf", json!(".inf")),
            ("18446744073709551616", json!("18446744073709551616")),
        ];
        for (text, wanted) in table {
            assert_eq!(&resolve(text), wanted, "{text}");
        }
    }
}
