//! What the variables must be that say how a host is reached.
//!
//! Source: "Connecting to hosts: behavioral inventory parameters" of Ansible's documentation. What Ansible
//! would take for something else, or find out while it connects, is refused where it is written.

use oneex_sdk::{BecomeMethod, seconds_of, truth_of};
use serde_json::{Map, Value};

use crate::conceal::looks_secret;
use crate::template::is_template;

/// What a variable must be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Port,
    Connection,
    Text,
    /// Text that may be empty.
    Arguments,
    Secret,
    Bool,
    Seconds,
    Method,
}

/// The variables, without `ansible_` or `oneex_` before them.
const KNOWN: [(&str, Kind); 29] = [
    ("connection", Kind::Connection),
    ("host", Kind::Text),
    ("ssh_host", Kind::Text),
    ("port", Kind::Port),
    ("ssh_port", Kind::Port),
    ("user", Kind::Text),
    ("ssh_user", Kind::Text),
    ("private_key_file", Kind::Text),
    ("ssh_private_key_file", Kind::Text),
    ("ssh_args", Kind::Arguments),
    ("ssh_common_args", Kind::Arguments),
    ("ssh_extra_args", Kind::Arguments),
    ("password", Kind::Secret),
    ("ssh_pass", Kind::Secret),
    ("ssh_password", Kind::Secret),
    ("private_key_passphrase", Kind::Secret),
    ("ssh_private_key_passphrase", Kind::Secret),
    ("timeout", Kind::Seconds),
    ("ssh_timeout", Kind::Seconds),
    ("host_key_checking", Kind::Bool),
    ("ssh_host_key_checking", Kind::Bool),
    ("become", Kind::Bool),
    ("become_user", Kind::Text),
    ("become_method", Kind::Method),
    ("become_exe", Kind::Text),
    ("become_flags", Kind::Arguments),
    ("become_password", Kind::Secret),
    ("become_pass", Kind::Secret),
    ("sudo_pass", Kind::Secret),
];

/// The names of connections, with those that Ansible has for them.
const CONNECTIONS: [(&str, &str); 8] = [
    ("ssh", "ssh"),
    ("smart", "ssh"),
    ("paramiko", "ssh"),
    ("paramiko_ssh", "ssh"),
    ("ansible.builtin.ssh", "ssh"),
    ("ansible.builtin.paramiko_ssh", "ssh"),
    ("local", "local"),
    ("ansible.builtin.local", "local"),
];

/// Why the value of a connection variable is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` of {owner} must be {wanted}, and this is {found}")]
pub struct ConnectionError {
    name: String,
    owner: String,
    wanted: &'static str,
    found: String,
    /// What to do next.
    pub hint: Option<&'static str>,
}

/// The connector that a value of `ansible_connection` means; one that is not known is itself.
pub(super) fn connector(name: &str) -> &str {
    CONNECTIONS.iter().find(|(known, _)| *known == name).map_or(name, |(_, connector)| connector)
}

/// A port from 1 to 65535.
pub(super) fn port(value: &Value) -> Option<u16> {
    let port = match value {
        Value::Number(number) => number.as_u64().and_then(|port| u16::try_from(port).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    port.filter(|port| *port > 0)
}

/// The names of variables that are templates and say how a host is reached.
pub(super) fn templates(vars: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let wanted = |(name, value): &(&String, &Value)| kind(name).is_some() && is_template(value);
    vars.iter().filter(wanted).map(|(name, _)| name.as_str())
}

fn kind(name: &str) -> Option<Kind> {
    let short = name.strip_prefix("ansible_").or_else(|| name.strip_prefix("oneex_"))?;
    KNOWN.iter().find(|(known, _)| *known == short).map(|(_, kind)| *kind)
}

/// Refuses a value that a connection variable of `owner` cannot have. Other variables, values that are left out
/// and templates are not looked at.
pub(super) fn check(owner: &str, name: &str, value: &Value) -> Result<(), ConnectionError> {
    let Some(kind) = kind(name).filter(|_| !value.is_null() && !is_template(value)) else { return Ok(()) };
    let scalar = matches!(value, Value::String(_) | Value::Number(_));
    let empty = value.as_str().is_some_and(|text| text.trim().is_empty());
    let (good, wanted, hint) = match kind {
        Kind::Port => (port(value).is_some(), "a port from 1 to 65535", None),
        Kind::Connection => {
            let known = value.as_str().is_some_and(|text| CONNECTIONS.iter().any(|(name, _)| *name == text));
            (known, "`ssh` or `local`", Some("these are the ways to a host that there are"))
        }
        Kind::Text => {
            let hint = match value {
                Value::Bool(_) => {
                    Some("put it into quotes: without them, words such as `no` and `True` are no text")
                }
                _ if empty => Some("leave it out where there is nothing to say"),
                _ => None,
            };
            (scalar && !empty, "text", hint)
        }
        Kind::Secret => (scalar, "text", None),
        Kind::Arguments => (value.is_string(), "text", None),
        Kind::Seconds => (seconds_of(value).is_some(), "a whole number of seconds from 1", None),
        Kind::Bool => (truth_of(value).is_some(), "`true` or `false`", None),
        Kind::Method => {
            let known = value.as_str().and_then(BecomeMethod::parse).is_some();
            (known, "`sudo`, `su` or `doas`", Some("these are the ways to another user that there are"))
        }
    };
    if good {
        return Ok(());
    }
    let found = if looks_secret(name) && !empty { sort(value).to_owned() } else { shown(value) };
    Err(ConnectionError { name: name.to_owned(), owner: owner.to_owned(), wanted, found, hint })
}

fn sort(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "a bool",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
        _ => "none",
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.trim().is_empty() => "empty".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(_) | Value::Object(_) | Value::Null => sort(value).to_owned(),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;

    fn refused(name: &str, value: &Value) -> Option<String> {
        check("host `web1`", name, value).err().map(|error| {
            let text = error.to_string();
            text.strip_prefix(&format!("`{name}` of host `web1` must be ")).unwrap_or(&text).to_owned()
        })
    }

    #[test]
    fn what_is_right_is_taken() {
        let table = [
            ("ansible_port", json!([22, 1, 65535, "22", " 2222 ", null, "{{ port }}"])),
            ("ansible_connection", json!(["ssh", "local", "smart", "paramiko", "ansible.builtin.ssh", null])),
            ("ansible_user", json!(["ops", 1000, null, "{{ me }}"])),
            ("ansible_host", json!(["10.0.0.1", "web1.example.com", "fe80::1", 10.1])),
            ("ansible_become", json!([true, false, "yes", "No", "ON", 1, 0, "t", null, "{{ x }}"])),
            (
                "ansible_become_method",
                json!(["sudo", "su", "doas", "ansible.builtin.sudo", "community.general.doas"]),
            ),
            ("ansible_password", json!(["pw", 4711, "", null])),
            ("ansible_timeout", json!([1, "30", " 5 ", null, "{{ t }}"])),
            ("ansible_ssh_host_key_checking", json!([false, "no"])),
            ("ansible_ssh_common_args", json!(["-o Port=1", "", null, "{{ x }}"])),
            ("ansible_python_interpreter", json!([false, [], "x"])),
            ("port", json!(["ssh"])),
        ];
        for (name, values) in table {
            for value in values.as_array().expect("a list") {
                assert_eq!(refused(name, value), None, "{name}: {value}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_refused_with_what_is_right() {
        let port = "a port from 1 to 65535, and this is ";
        let table = [
            ("ansible_port", json!("ssh"), format!("{port}`ssh`")),
            ("ansible_port", json!(0), format!("{port}`0`")),
            ("ansible_port", json!(-1), format!("{port}`-1`")),
            ("ansible_port", json!(70000), format!("{port}`70000`")),
            ("ansible_port", json!(22.5), format!("{port}`22.5`")),
            ("ansible_port", json!(true), format!("{port}`true`")),
            ("ansible_port", json!(""), format!("{port}empty")),
            ("ansible_ssh_port", json!([22]), format!("{port}a list")),
            ("oneex_port", json!("22/tcp"), format!("{port}`22/tcp`")),
            ("ansible_connection", json!("winrm"), "`ssh` or `local`, and this is `winrm`".into()),
            ("ansible_connection", json!(1), "`ssh` or `local`, and this is `1`".into()),
            ("ansible_user", json!(false), "text, and this is `false`".into()),
            ("ansible_host", json!({"a": 1}), "text, and this is a mapping".into()),
            ("ansible_host", json!(" "), "text, and this is empty".into()),
            ("ansible_ssh_args", json!(["-C"]), "text, and this is a list".into()),
            ("ansible_become", json!("maybe"), "`true` or `false`, and this is `maybe`".into()),
            ("ansible_become", json!(2), "`true` or `false`, and this is `2`".into()),
            ("ansible_timeout", json!("5s"), "a whole number of seconds from 1, and this is `5s`".into()),
            ("ansible_ssh_timeout", json!(0), "a whole number of seconds from 1, and this is `0`".into()),
            ("ansible_host_key_checking", json!("ask"), "`true` or `false`, and this is `ask`".into()),
            ("ansible_become_method", json!("pbrun"), "`sudo`, `su` or `doas`, and this is `pbrun`".into()),
            ("ansible_become_exe", json!(""), "text, and this is empty".into()),
            ("ansible_become_flags", json!(["-H"]), "text, and this is a list".into()),
            ("ansible_password", json!(["hunter2"]), "text, and this is a list".into()),
            ("ansible_become_pass", json!(true), "text, and this is a bool".into()),
        ];
        for (name, value, wanted) in table {
            assert_eq!(refused(name, &value), Some(wanted), "{name}: {value}");
        }
    }
}
