//! Hides values whose keys say that they are secrets, in texts that cannot be read as data.
//!
//! A mistake in a file is shown with its line, and nothing is known of the file yet: neither which values are
//! secrets nor where a value ends. So the keys decide, and rather too much is hidden than too little.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::redact::MASK;

/// A word that looks like the name of a secret, what parts it from its value, and where the value begins.
static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)["']?([\w.-]*(?:pass|secret|token|key)[\w.-]*)["']?([ \t]*[:=][ \t]*|[ \t]+)"#).ok()
});

/// Says whether a key's name looks like that of a secret: it has `pass`, `secret`, `token` or `key` in it,
/// and does not only speak of a key, as `ansible_ssh_private_key_file` and `host_key_checking` do.
pub fn looks_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let speaks_of = ["_key_file", "_key_checking"].iter().any(|end| key.ends_with(end));
    !speaks_of && ["pass", "secret", "token", "key"].iter().any(|word| key.contains(word))
}

/// The text with the values of secrets hidden. Lines stay lines, and what stands behind a hidden value on its
/// line keeps its column.
pub fn conceal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<Open> = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        match open.take() {
            Some(still) if still.holds(content) => {
                let indent = content.len() - content.trim_start().len();
                out.push_str(&content[..indent]);
                out.push_str(if content.trim().is_empty() { "" } else { MASK });
                open = still.after(content);
            }
            _ => {
                let (shown, opened) = conceal_line(content);
                out.push_str(&shown);
                open = opened;
            }
        }
        out.push_str(&line[content.len()..]);
    }
    out
}

/// A value that goes on in the lines below.
enum Open {
    /// As long as they are indented deeper than this.
    Deeper(usize),
    /// Up to the line with these quotes.
    Quotes(&'static str),
}

impl Open {
    fn holds(&self, line: &str) -> bool {
        match self {
            Self::Deeper(indent) => line.trim().is_empty() || line.len() - line.trim_start().len() > *indent,
            Self::Quotes(_) => true,
        }
    }

    fn after(self, line: &str) -> Option<Self> {
        match self {
            Self::Quotes(quotes) if line.contains(quotes) => None,
            open => Some(open),
        }
    }
}

fn conceal_line(line: &str) -> (String, Option<Open>) {
    let mut shown = String::with_capacity(line.len());
    let mut at = 0;
    while let Some(found) = SECRET.as_ref().and_then(|secret| secret.captures_at(line, at)) {
        let (Some(whole), Some(key), Some(between)) = (found.get(0), found.get(1), found.get(2)) else {
            break;
        };
        shown.push_str(&line[at..whole.end()]);
        at = whole.end();
        if !looks_secret(key.as_str()) {
            continue;
        }
        let value = &line[at..];
        let first = line[..whole.start()].trim_start_matches([' ', '\t', '-']).is_empty();
        let to_the_end = between.as_str().contains(':') || (first && between.as_str().contains('='));
        let length = match () {
            () if is_reference(value) => continue,
            () if to_the_end => value.len(),
            () => word(value),
        };
        at += length;
        if at < line.len() {
            shown.extend(value[..length].chars().map(|_| '•'));
        } else if length > 0 {
            shown.push_str(MASK);
        }
        if to_the_end {
            return (shown, opened(&found, line, value));
        }
    }
    shown.push_str(&line[at..]);
    (shown, None)
}

/// What a value is taken from is no secret: `{ env = "TOKEN" }`.
fn is_reference(value: &str) -> bool {
    let inner = value.strip_prefix('{').map_or("", str::trim_start);
    ["env", "file", "command"].iter().any(|source| {
        inner.strip_prefix(source).is_some_and(|rest| rest.trim_start().starts_with(['=', ':']))
    })
}

/// The bytes of a word as a shell reads it.
fn word(text: &str) -> usize {
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => {
                chars.next();
            }
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => return index,
            _ => {}
        }
    }
    text.len()
}

/// Whether the value goes on below its line.
fn opened(found: &Captures<'_>, line: &str, value: &str) -> Option<Open> {
    let value = value.trim();
    for quotes in ["\"\"\"", "'''"] {
        if value.strip_prefix(quotes).is_some_and(|rest| !rest.contains(quotes)) {
            return Some(Open::Quotes(quotes));
        }
    }
    let nested = found.get(2).is_some_and(|between| between.as_str().contains(':'));
    (nested || value.starts_with(['[', '{'])).then(|| Open::Deeper(line.len() - line.trim_start().len()))
}

#[cfg(test)]
mod tests {
    use super::{conceal, looks_secret};

    #[test]
    fn keys_tell_what_is_a_secret() {
        let table = [
            ("ansible_password", true),
            ("ansible_become_pass", true),
            ("DB_PASSWORD", true),
            ("vault_token", true),
            ("api_key", true),
            ("client-secret", true),
            ("private_key", true),
            ("ansible_ssh_private_key_file", false),
            ("tls_key_file", false),
            ("ansible_host_key_checking", false),
            ("ansible_host", false),
            ("port", false),
        ];
        for (key, wanted) in table {
            assert_eq!(looks_secret(key), wanted, "{key}");
        }
    }

    #[test]
    fn values_of_secrets_are_hidden_and_the_rest_stays() {
        let table = [
            // INI: a word on a host's line, the rest of a line of variables
            ("web1 ansible_password=hunter2 port=x", "web1 ansible_password=••••••• port=x"),
            ("web1 ansible_password='a b' port", "web1 ansible_password=••••• port"),
            ("web1 a=1 token=hunter2", "web1 a=1 token=•••"),
            ("web1 ansible_password='hunter2 port=x", "web1 ansible_password=•••"),
            ("web1 ansible_password=\"a \\\" b\" x", "web1 ansible_password=•••••••• x"),
            ("web1 ansible_password hunter2 x=1", "web1 ansible_password ••••••• x=1"),
            ("db_password = hun ter2 # no", "db_password = •••"),
            ("ansible_ssh_private_key_file=~/.ssh/id", "ansible_ssh_private_key_file=~/.ssh/id"),
            // YAML and JSON
            ("  password: hunter2", "  password: •••"),
            ("  - password: hunter2", "  - password: •••"),
            ("h: {port: 1, token: \"a\", x: 2}", "h: {port: 1, token: •••"),
            ("{\"ansible_password\": \"hunter2\"", "{\"ansible_password\": •••"),
            ("pass: |\n  one\n\n  two\nport: 1\n", "pass: •••\n  •••\n\n  •••\nport: 1\n"),
            ("tokens:\n  - one\n  - two\nport: 1\n", "tokens:\n  •••\n  •••\nport: 1\n"),
            ("  key: one\n    two\n  port: 1\n", "  key: •••\n    •••\n  port: 1\n"),
            // TOML
            ("token = \"hunter2\n", "token = •••\n"),
            ("token = { env = 1 }\n", "token = { env = 1 }\n"),
            ("token = \"\"\"\nhunter2\n\"\"\"\nb = 1\n", "token = •••\n•••\n•••\nb = 1\n"),
            ("tokens = [\n  \"a\",\n]\nb = 1\n", "tokens = •••\n  •••\n]\nb = 1\n"),
            // nothing to hide
            ("web1 ansible_host=10.0.0.1\r\n", "web1 ansible_host=10.0.0.1\r\n"),
            ("", ""),
        ];
        for (text, wanted) in table {
            assert_eq!(conceal(text), wanted, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_secret_is_hidden_wherever_it_stands(
            before in "[a-z]{0,6} {0,2}",
            key in "(db_|ansible_)?(password|token|pass|secret)",
            between in "=|: | = |: '|=\"",
            secret in "[A-Z0-9]{8,16}",
            after in "( [a-z=]{1,6})?",
        ) {
            let text = format!("{before} {key}{between}{secret}{after}\nnext: line\n");
            let shown = conceal(&text);
            proptest::prop_assert!(!shown.contains(&secret), "{}", shown);
            proptest::prop_assert_eq!(shown.lines().count(), text.lines().count());
        }
    }
}
