//! Entries of the journal as journalctl(1) writes them in JSON, systemd.journal-fields(7).

use oneex_sdk::{Map, Value, json};

/// The names of priorities, syslog(3), by their numbers.
pub(crate) const PRIORITIES: [&str; 8] =
    ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// A field as text: journalctl writes bytes that are no text as numbers, and several values as an array.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) if parts.iter().all(Value::is_u64) => {
            let bytes = parts.iter().filter_map(|part| u8::try_from(part.as_u64()?).ok());
            Some(String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned())
        }
        Value::Array(parts) => {
            let texts: Vec<String> = parts.iter().filter_map(text).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        _ => None,
    }
}

/// Reads one line; nothing for what is no entry.
pub(crate) fn entry(line: &str) -> Option<Value> {
    let fields: Map<String, Value> = serde_json::from_str(line).ok()?;
    let field = |name: &str| fields.get(name).and_then(text);
    let first = |names: &[&str]| names.iter().find_map(|name| field(name));
    let microseconds: i64 = field("__REALTIME_TIMESTAMP")?.parse().ok()?;
    let number = |name: &str| field(name).and_then(|text| text.parse::<u64>().ok());
    let priority = number("PRIORITY").and_then(|number| PRIORITIES.get(usize::try_from(number).ok()?));
    Some(json!({
        "time": microseconds / 1_000_000,
        "microseconds": microseconds.rem_euclid(1_000_000),
        "message": field("MESSAGE").unwrap_or_default(),
        "priority": priority,
        "unit": first(&["UNIT", "_SYSTEMD_UNIT", "USER_UNIT", "_SYSTEMD_USER_UNIT"]),
        "identifier": first(&["SYSLOG_IDENTIFIER", "_COMM"]),
        "pid": number("_PID").or_else(|| number("SYSLOG_PID")),
        "uid": number("_UID"),
        "boot": field("_BOOT_ID"),
        "cursor": field("__CURSOR"),
    }))
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};

    use super::entry;

    /// Written after the form that journalctl(1) documents, `-o json`: of a unit that wrote bytes that are no text, and of
    /// a message of the service manager. The tests on a whole machine read a real one.
    const FORM: &str = include_str!("forms/journal.json");

    #[test]
    fn recorded_entries_are_read() {
        let found: Vec<Value> = FORM.lines().map(|line| entry(line).expect("an entry")).collect();
        let short: Vec<_> = found
            .iter()
            .map(|entry| ["message", "priority", "unit", "identifier", "pid"].map(|name| entry[name].clone()))
            .collect();
        assert_eq!(
            short,
            [
                [json!("two \u{fffd} \"q\""), json!("err"), json!("talks.service"), json!("sh"), json!(112)],
                [
                    json!("talks.service: Deactivated successfully."),
                    json!("info"),
                    json!("talks.service"),
                    json!("systemd"),
                    json!(1)
                ],
            ]
        );
        assert_eq!((&found[0]["time"], &found[0]["microseconds"]), (&json!(1_763_890_000), &json!(17)));
    }

    #[test]
    fn what_is_no_entry_is_none_and_odd_fields_are_left_out() {
        for line in ["", "[]", "{", "{}", "null", r#"{"__REALTIME_TIMESTAMP":"soon"}"#] {
            assert_eq!(entry(line), None, "{line}");
        }
        let odd = r#"{"__REALTIME_TIMESTAMP":"-1","MESSAGE":null,"PRIORITY":"9","_PID":["1","2"],"UNIT":[[104,105],"x"]}"#;
        let odd = entry(odd).expect("an entry");
        assert_eq!(
            (&odd["message"], &odd["priority"], &odd["pid"], &odd["unit"]),
            (&json!(""), &Value::Null, &Value::Null, &json!("hi\nx"))
        );
    }
}
