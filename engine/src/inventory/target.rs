//! From connection variables to a [`Target`].

use std::path::PathBuf;

use oneex_sdk::{BecomeMethod, Secret, Target, truth_of};
use serde_json::{Map, Value};

use super::connection::{connector, port};
use crate::template::is_template;

/// Variables of the connection that have a field of their own; each is also known as `oneex_…`.
const TYPED: [&str; 15] = [
    "connection",
    "host",
    "port",
    "user",
    "password",
    "ssh_host",
    "ssh_port",
    "ssh_user",
    "ssh_pass",
    "ssh_password",
    "ssh_private_key_file",
    "private_key_file",
    "become_method",
    "become_exe",
    "become_flags",
];

/// How a host is reached. `oneex_…` wins over `ansible_…`, and the shorter name over the older
/// `ansible_ssh_…`; a template counts as not given until it is rendered.
pub(super) fn target(name: &str, vars: &Map<String, Value>, host_keys: &[String]) -> Target {
    let text = |names: &[&str]| names.iter().find_map(|name| variable(vars, name).and_then(as_text));
    let connection =
        text(&["connection"]).map_or_else(|| "ssh".to_owned(), |name| connector(&name).to_owned());
    let port = ["port", "ssh_port"].iter().find_map(|name| variable(vars, name).and_then(port));
    Target {
        connection,
        name: name.to_owned(),
        address: text(&["host", "ssh_host"]),
        port,
        user: text(&["user", "ssh_user"]),
        password: text(&["password", "ssh_pass", "ssh_password"]).map(Secret::new),
        private_key_file: text(&["private_key_file", "ssh_private_key_file"]).map(PathBuf::from),
        host_keys: host_keys.to_vec(),
        sudo_user: become_user(vars),
        sudo_method: text(&["become_method"]).and_then(|name| BecomeMethod::parse(&name)).unwrap_or_default(),
        sudo_exe: text(&["become_exe"]),
        sudo_flags: variable(vars, "become_flags").and_then(Value::as_str).map(str::to_owned),
        sudo_password: text(&["become_password", "become_pass", "sudo_pass"]).map(Secret::new),
        options: options(vars),
    }
}

/// The user that a host's operations run as where the inventory says `become`: `root` unless
/// `ansible_become_user` names another. None where it does not.
fn become_user(vars: &Map<String, Value>) -> Option<String> {
    let wanted = variable(vars, "become").and_then(truth_of)?;
    let user = || variable(vars, "become_user").and_then(as_text).unwrap_or_else(|| "root".into());
    wanted.then(user)
}

fn variable<'a>(vars: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    vars.get(&format!("oneex_{name}"))
        .or_else(|| vars.get(&format!("ansible_{name}")))
        .filter(|value| !value.is_null() && !is_template(value))
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// What else the sources say of the way to the host: `ansible_ssh_…`, `ansible_become…` and the
/// like without a field of their own, under the names that they were written with.
fn options(vars: &Map<String, Value>) -> Map<String, Value> {
    let wanted = |name: &str| {
        let Some(short) = name.strip_prefix("ansible_").or_else(|| name.strip_prefix("oneex_")) else {
            return false;
        };
        let secret = matches!(short, "become_password" | "become_pass" | "sudo_pass");
        let family = short.starts_with("ssh_")
            || short.starts_with("become")
            || matches!(short, "host_key_checking" | "shell_executable" | "timeout");
        family && !secret && !TYPED.contains(&short)
    };
    vars.iter().filter(|(name, _)| wanted(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use oneex_sdk::BecomeMethod;
    use serde_json::{Value, json};

    use super::{become_user, target};

    fn map(value: Value) -> serde_json::Map<String, Value> {
        value.as_object().cloned().expect("a map")
    }

    #[test]
    fn a_host_without_variables_is_reached_by_ssh_under_its_name() {
        let target = target("web1", &map(json!({})), &[]);
        assert_eq!((target.connection.as_str(), target.name.as_str()), ("ssh", "web1"));
        assert_eq!((target.address, target.port, target.user), (None, None, None));
    }

    #[test]
    fn reads_every_connection_variable() {
        let vars = map(json!({
            "ansible_host": "10.0.0.1", "ansible_port": "2222", "ansible_user": "ops",
            "ansible_ssh_private_key_file": "~/.ssh/ops", "ansible_ssh_pass": "pw", "ansible_become_password": "sudo",
            "ansible_ssh_common_args": "-C", "ansible_become_method": "community.general.doas",
            "ansible_become_exe": "/opt/doas", "ansible_become_flags": "-C /etc/x", "ansible_python_interpreter": "x",
        }));
        let target = target("web1", &vars, &["ssh-ed25519 AAAA".into()]);
        assert_eq!(target.address.as_deref(), Some("10.0.0.1"));
        assert_eq!(target.port, Some(2222));
        assert_eq!(target.user.as_deref(), Some("ops"));
        assert_eq!(target.private_key_file.as_deref(), Some(std::path::Path::new("~/.ssh/ops")));
        assert_eq!(target.password.as_ref().map(|secret| secret.expose().as_str()), Some("pw"));
        assert_eq!(target.sudo_password.as_ref().map(|secret| secret.expose().as_str()), Some("sudo"));
        assert_eq!(target.host_keys, ["ssh-ed25519 AAAA"]);
        let how = (target.sudo_method, target.sudo_exe.as_deref(), target.sudo_flags.as_deref());
        assert_eq!(how, (BecomeMethod::Doas, Some("/opt/doas"), Some("-C /etc/x")));
        assert_eq!(json!(target.options), json!({"ansible_ssh_common_args": "-C"}));
        assert!(!format!("{target:?}").contains("pw"), "a secret is shown: {target:?}");
    }

    #[test]
    fn oneex_names_win_over_ansible_names() {
        let vars = map(
            json!({"ansible_user": "a", "oneex_user": "o", "ansible_connection": "smart", "oneex_port": 22}),
        );
        let target = target("web1", &vars, &[]);
        assert_eq!(
            (target.user.as_deref(), target.port, target.connection.as_str()),
            (Some("o"), Some(22), "ssh")
        );
    }

    #[test]
    fn become_is_root_unless_another_user_is_named() {
        assert_eq!(become_user(&map(json!({}))), None);
        assert_eq!(become_user(&map(json!({"ansible_become": false, "ansible_become_user": "x"}))), None);
        assert_eq!(become_user(&map(json!({"ansible_become": "yes"}))).as_deref(), Some("root"));
        assert_eq!(
            become_user(&map(json!({"oneex_become": true, "ansible_become_user": "db"}))).as_deref(),
            Some("db")
        );
    }
}
