//! What a call is about, in one line.

use oneex_sdk::Value;

/// One line that says what a call is about: the path that it brings, else its first positional option.
pub(super) fn subject(options: &Value, positional: &[&str]) -> String {
    const LONGEST: usize = 120;
    // Where one of them is a path on the host, others say what comes there: a source, a target.
    let name = positional.iter().find(|name| **name == "path").or(positional.first());
    let text = name.and_then(|name| options.get(*name)).map(|value| match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let words =
                items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), oneex_sdk::quote));
            words.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    });
    let text = text.unwrap_or_default();
    let line = text.trim().lines().next().unwrap_or_default();
    let short: String = line.chars().take(LONGEST).collect();
    if short.len() < text.trim().len() { format!("{short} …") } else { short }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;

    use super::subject;

    #[test]
    fn a_call_is_about_what_it_brings() {
        let long = "x".repeat(200);
        for (positional, options, expected) in [
            (
                &["path", "content"][..],
                json!({ "path": "/etc/motd", "content": "hello" }),
                "/etc/motd".to_owned(),
            ),
            (&["src", "path"], json!({ "src": "shop.j2", "path": "/etc/shop" }), "/etc/shop".to_owned()),
            (
                &["target", "path"],
                json!({ "target": "releases/2", "path": "/srv/now" }),
                "/srv/now".to_owned(),
            ),
            (&["path", "to"], json!({ "path": "/etc/motd", "to": "motd" }), "/etc/motd".to_owned()),
            (&["src", "args"], json!({ "src": "x.sh", "args": ["1"] }), "x.sh".to_owned()),
            (&["command"], json!({ "command": ["echo", "a b", 3] }), "echo 'a b' 3".to_owned()),
            (&["command"], json!({ "command": "set -e\ntrue" }), "set -e …".to_owned()),
            (&["names"], json!({ "names": long }), format!("{} …", "x".repeat(120))),
            (&["port"], json!({ "port": 22 }), "22".to_owned()),
            (&["port"], json!({}), String::new()),
            (&[], json!({ "timeout": 3 }), String::new()),
        ] {
            assert_eq!(subject(&options, positional), expected, "{options}");
        }
    }
}
