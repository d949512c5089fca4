//! Reads the options of a call, and tells everything that is wrong with them at once.

use serde::de::DeserializeOwned;

use crate::{Manual, OpError, OpResult, Value, nearest};

/// Reads the options of the operation of `manual`.
pub(crate) fn bind_options<P: DeserializeOwned>(manual: &Manual, mut options: Value) -> OpResult<P> {
    let name = manual.full_name();
    let known = manual.options();
    let mut wrong: Vec<Wrong> = Vec::new();
    if let Some(map) = options.as_object_mut() {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let hint = match nearest(key, known.iter().copied()) {
                Some(right) => format!("did you mean `{right}`?"),
                None => format!("options are: {}", known.join(", ")),
            };
            wrong.push((format!("`{name}` has no option `{key}`"), Some(hint)));
        }
        let is_known = wrong.is_empty();
        map.retain(|key, _| known.contains(&key.as_str()));
        // One that does not exist may be meant for what seems to be missing.
        if is_known {
            let missing = manual.required().into_iter().filter(|key| !map.contains_key(*key));
            wrong.extend(missing.map(|key| (format!("`{name}` needs the option `{key}`"), None)));
        }
    }
    read_options(&name, options, wrong).map_err(refused)
}

/// What a script calls what serde found: `string "x"` is a string.
fn found_words(found: &str) -> String {
    match found.split(' ').next().unwrap_or_default() {
        "sequence" => "an array".to_owned(),
        "map" => "a map".to_owned(),
        "string" | "character" => "a string".to_owned(),
        "boolean" => "true or false".to_owned(),
        "integer" => found.replacen("integer ", "", 1),
        "floating" => found.replacen("floating point ", "", 1),
        "null" | "unit" => "`()`".to_owned(),
        _ => found.to_owned(),
    }
}

/// What a script calls what serde expected: an `u16` is a whole number.
fn wanted_words(wanted: &str) -> &str {
    match wanted {
        "a sequence" => "an array",
        "a boolean" => "true or false",
        "i8" | "i16" | "i32" | "i64" | "isize" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        wanted if wanted.starts_with("struct ") => "a map",
        wanted => wanted,
    }
}

/// What is wrong with a call, and what is meant instead where that is known.
type Wrong = (String, Option<String>);

/// One error of everything that is wrong. Each hint stays with what it is for.
fn refused(mut wrong: Vec<Wrong>) -> OpError {
    if wrong.len() == 1
        && let Some((message, hint)) = wrong.pop()
    {
        let error = OpError::invalid(message);
        return hint.map_or(error.clone(), |hint| error.hint(hint));
    }
    let all = wrong.into_iter().map(|(message, hint)| match hint {
        Some(hint) => format!("{message} ({hint})"),
        None => message,
    });
    OpError::invalid(all.collect::<Vec<_>>().join("; "))
}

/// Reads the options, of which some may be known to be `wrong`. Where one more is, the others are read without
/// it, so that all that are wrong are told.
fn read_options<P: DeserializeOwned>(
    name: &str,
    mut options: Value,
    mut wrong: Vec<Wrong>,
) -> Result<P, Vec<Wrong>> {
    loop {
        let error = match serde_path_to_error::deserialize(options.clone()) {
            Ok(params) if wrong.is_empty() => return Ok(params),
            Ok(_) => return Err(wrong),
            Err(error) => error,
        };
        let path = error.path().to_string();
        let (why, hint) = wrong_value(&error.inner().to_string());
        let key = path.split(['.', '[']).next().unwrap_or_default();
        let is_removed = options.as_object_mut().is_some_and(|map| map.remove(key).is_some());
        if is_removed {
            wrong.push((format!("`{name}`: option `{path}`: {why}"), hint));
        } else if wrong.is_empty() {
            return Err(vec![(format!("`{name}`: {why}"), hint)]);
        } else {
            // What is missing now was taken away here, or told before.
            return Err(wrong);
        }
    }
}

/// What serde says of a value, as our messages are written; with the nearest right one where it is
/// one of several.
fn wrong_value(text: &str) -> (String, Option<String>) {
    if let Some((found, wanted)) =
        text.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        return (format!("must be {}, not {}", wanted_words(wanted), found_words(found)), None);
    }
    if let Some(wanted) = text.strip_prefix("expected ") {
        return (format!("must be {wanted}"), None);
    }
    let Some((given, known)) = text.strip_prefix("unknown variant `").and_then(|rest| rest.split_once('`'))
    else {
        return (text.to_owned(), None);
    };
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let hint = match nearest(given, known.iter().copied()) {
        Some(right) => format!("did you mean `{right}`?"),
        None => format!("values are: {}", known.join(", ")),
    };
    (format!("it cannot be `{given}`"), Some(hint))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    use super::bind_options;
    use crate::{Kind, Manual, OpError, json};

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Params {
        path: String,
        #[serde(default)]
        lines: Vec<String>,
        port: Option<u16>,
        state: Option<State>,
    }

    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum State {
        Present,
        Absent,
    }

    fn manual() -> Manual {
        Manual {
            name: "thing",
            namespace: None,
            kind: Kind::Ensure,
            text: "Does a thing.",
            positional: &["path"],
            lock: None,
            examples: &[],
            schema: LazyLock::new(|| schemars::schema_for!(Params).to_value()),
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        for (options, message, hint) in [
            (json!({}), "`thing` needs the option `path`", None),
            (json!({ "path": 3 }), "`thing`: option `path`: must be a string, not `3`", None),
            (
                json!({ "path": "/x", "lines": ["a", true] }),
                "`thing`: option `lines[1]`: must be a string, not true or false",
                None,
            ),
            (
                json!({ "path": "/x", "state": "absnt" }),
                "`thing`: option `state`: it cannot be `absnt`",
                Some("did you mean `absent`?"),
            ),
            (json!({ "pth": "/x" }), "`thing` has no option `pth`", Some("did you mean `path`?")),
            (
                json!({ "path": "/x", "colour": 1 }),
                "`thing` has no option `colour`",
                Some("options are: path, lines, port, state"),
            ),
            (
                json!({ "port": "80", "lines": {}, "path": "/x" }),
                "`thing`: option `port`: must be a whole number, not a string; `thing`: option `lines`: must be an array, not a map",
                None,
            ),
            (
                json!({ "pth": "/x", "state": "gone" }),
                "`thing` has no option `pth` (did you mean `path`?); `thing`: option `state`: it cannot be `gone` \
                 (values are: present, absent)",
                None,
            ),
            (
                json!({ "port": null, "state": 1.5 }),
                "`thing` needs the option `path`; `thing`: option `state`: ",
                None,
            ),
        ] {
            let error: OpError = bind_options::<Params>(&manual(), options.clone()).expect_err("it is wrong");
            if message.ends_with(": ") {
                assert!(error.message.starts_with(message), "{options}: {}", error.message);
            } else {
                assert_eq!((error.message.as_str(), error.hint.as_deref()), (message, hint), "{options}");
            }
        }
        let params: Params =
            bind_options(&manual(), json!({ "path": "/x", "port": null })).expect("it is right");
        assert_eq!((params.path.as_str(), params.port), ("/x", None));
        assert!(params.lines.is_empty() && params.state.is_none());
    }
}
