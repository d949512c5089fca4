//! Values of connection variables as Ansible reads them: an inventory in INI has texts only.

use std::time::Duration;

use crate::Value;

/// The truth that a value means: `yes`, `on`, `true`, `1` and their opposites, in any case; nothing where it is none.
pub fn truth_of(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Bool(truth) => return Some(*truth),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_lowercase(),
        _ => return None,
    };
    match text.as_str() {
        "yes" | "true" | "on" | "1" | "1.0" | "y" | "t" => Some(true),
        "no" | "false" | "off" | "0" | "0.0" | "n" | "f" => Some(false),
        _ => None,
    }
}

/// The time that a value means: a whole number of seconds from 1 to `u32::MAX`; nothing where it is none.
pub fn seconds_of(value: &Value) -> Option<Duration> {
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (1..=u64::from(u32::MAX)).contains(&number).then(|| Duration::from_secs(number))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{seconds_of, truth_of};
    use crate::json;

    #[test]
    fn truth_is_that_of_ansible() {
        for (value, wanted) in [
            (json!(true), Some(true)),
            (json!(false), Some(false)),
            (json!(" Yes "), Some(true)),
            (json!("OFF"), Some(false)),
            (json!(1), Some(true)),
            (json!(0.0), Some(false)),
            (json!("t"), Some(true)),
            (json!("maybe"), None),
            (json!(2), None),
            (json!(""), None),
            (json!(null), None),
            (json!([true]), None),
        ] {
            assert_eq!(truth_of(&value), wanted, "{value}");
        }
    }

    #[test]
    fn seconds_are_whole_and_above_zero() {
        for (value, wanted) in [
            (json!(7), Some(7)),
            (json!(" 7 "), Some(7)),
            (json!(u32::MAX), Some(u64::from(u32::MAX))),
            (json!(u64::from(u32::MAX) + 1), None),
            (json!(0), None),
            (json!(-1), None),
            (json!(1.5), None),
            (json!("5s"), None),
            (json!(true), None),
        ] {
            assert_eq!(seconds_of(&value), wanted.map(Duration::from_secs), "{value}");
        }
    }
}
