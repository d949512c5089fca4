//! Variables of Ansible's ssh plugin that say how a connection is made, beside its arguments.
//!
//! Source: the options of `ansible.builtin.ssh` in Ansible's documentation. Each is also known as `oneex_…`, which
//! wins.

use oneex_sdk::{OpError, OpResult, Secret, Target, Value, seconds_of, truth_of};

use super::config::Given;
use super::settings::StrictHostKeys;

/// What somebody would miss; other options of the plugin are about its way of working, which is another here.
const UNSUPPORTED: [(&str, &str); 8] = [
    ("ssh_executable", "no `ssh` is started"),
    ("scp_extra_args", "no `scp` is started"),
    ("sftp_extra_args", "no `sftp` is started"),
    ("ssh_pkcs11_provider", "keys in hardware are used through the agent"),
    ("private_key", "name a file with `ansible_ssh_private_key_file`, or use the agent"),
    ("ssh_private_key", "name a file with `ansible_ssh_private_key_file`, or use the agent"),
    ("ssh_retries", "a server that turns away who comes is asked again by itself"),
    ("ssh_use_tty", "commands have no terminal"),
];

/// What the variables of one host say.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    /// What ssh would be given.
    pub(super) given: Vec<Given>,
    /// What opens the private key.
    pub(super) passphrase: Option<Secret<String>>,
    /// What is left out, for a warning.
    pub(super) ignored: Vec<String>,
}

impl Variables {
    /// Reads them. Fails with `invalid` for a value that the inventory did not check, as one of a template.
    pub(super) fn read(target: &Target) -> OpResult<Self> {
        let mut read = Self::default();
        let wrong = |name: &str, wanted: &str| {
            OpError::invalid(format!("`{name}` of `{}` must be {wanted}", target.name))
        };
        if let Some((name, value)) = find(target, &["timeout", "ssh_timeout"]) {
            let limit = seconds_of(value).ok_or_else(|| wrong(&name, "a whole number of seconds from 1"))?;
            read.given.push(Given::ConnectTimeout(limit));
        }
        if let Some((name, value)) = find(target, &["host_key_checking", "ssh_host_key_checking"]) {
            let checks = truth_of(value).ok_or_else(|| wrong(&name, "`true` or `false`"))?;
            // As with Ansible, `true` leaves it to ssh_config.
            read.given.extend((!checks).then_some(Given::Strict(StrictHostKeys::No)));
        }
        if let Some((name, value)) = find(target, &["ssh_private_key_passphrase", "private_key_passphrase"]) {
            let text =
                value.as_str().map(str::to_owned).or_else(|| value.as_number().map(ToString::to_string));
            read.passphrase = Some(Secret::new(text.ok_or_else(|| wrong(&name, "text"))?));
        }
        for (short, why) in UNSUPPORTED {
            // What switches off what is not there says nothing.
            if let Some((name, _)) =
                find(target, &[short]).filter(|(_, value)| truth_of(value) != Some(false))
            {
                read.ignored.push(format!("`{name}` of `{}` ({why})", target.name));
            }
        }
        Ok(read)
    }
}

/// The first of these variables that the host has, each in both forms.
fn find<'a>(target: &'a Target, names: &[&str]) -> Option<(String, &'a Value)> {
    ["oneex", "ansible"].into_iter().find_map(|prefix| {
        names.iter().find_map(|name| {
            let name = format!("{prefix}_{name}");
            let value = target.options.get(&name).filter(|value| !value.is_null())?;
            Some((name, value))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oneex_sdk::{Target, Value, json};

    use super::Variables;
    use crate::ssh::StrictHostKeys;
    use crate::ssh::config::Given;

    fn read(variables: Value) -> Result<Variables, String> {
        let options = variables.as_object().expect("a map").clone();
        Variables::read(&Target { name: "web1".into(), options, ..Target::default() })
            .map_err(|error| error.message)
    }

    #[test]
    fn time_and_host_keys_are_those_of_ansible() {
        let timeout = |seconds| vec![Given::ConnectTimeout(Duration::from_secs(seconds))];
        let no = || vec![Given::Strict(StrictHostKeys::No)];
        for (variables, wanted) in [
            (json!({"ansible_timeout": 7}), timeout(7)),
            (json!({"ansible_ssh_timeout": " 7 "}), timeout(7)),
            (json!({"ansible_timeout": 7, "oneex_ssh_timeout": 8}), timeout(8)),
            (json!({"ansible_timeout": null, "ansible_ssh_timeout": 9}), timeout(9)),
            (json!({"ansible_host_key_checking": false}), no()),
            (json!({"ansible_ssh_host_key_checking": "No"}), no()),
            (json!({"ansible_host_key_checking": "True"}), vec![]),
            (json!({"timeout": 1, "ansible_paramiko_timeout": 1}), vec![]),
        ] {
            assert_eq!(read(variables.clone()).expect("variables").given, wanted, "{variables}");
        }
        for (variables, wanted) in [
            (
                json!({"ansible_timeout": 0}),
                "`ansible_timeout` of `web1` must be a whole number of seconds from 1",
            ),
            (
                json!({"ansible_ssh_timeout": "5s"}),
                "`ansible_ssh_timeout` of `web1` must be a whole number of seconds from 1",
            ),
            (
                json!({"ansible_host_key_checking": "maybe"}),
                "`ansible_host_key_checking` of `web1` must be `true` or `false`",
            ),
            (
                json!({"ansible_private_key_passphrase": []}),
                "`ansible_private_key_passphrase` of `web1` must be text",
            ),
        ] {
            assert_eq!(read(variables.clone()).err().as_deref(), Some(wanted), "{variables}");
        }
    }

    #[test]
    fn a_passphrase_is_known_under_both_names() {
        for name in ["ansible_ssh_private_key_passphrase", "ansible_private_key_passphrase"] {
            let found = read(json!({name: "hunter2"})).expect("variables").passphrase;
            assert_eq!(found.map(|secret| secret.expose().clone()), Some("hunter2".to_owned()), "{name}");
        }
        let number = read(json!({"oneex_private_key_passphrase": 42})).expect("variables").passphrase;
        assert_eq!(number.map(|secret| secret.expose().clone()), Some("42".to_owned()));
    }

    #[test]
    fn what_has_no_effect_is_said_and_what_needs_none_is_not() {
        let ignored = |variables| read(variables).expect("variables").ignored;
        assert_eq!(
            ignored(json!({"ansible_ssh_executable": "/usr/bin/ssh", "ansible_ssh_retries": 3})),
            [
                "`ansible_ssh_executable` of `web1` (no `ssh` is started)",
                "`ansible_ssh_retries` of `web1` (a server that turns away who comes is asked again by itself)"
            ]
        );
        let quiet = json!({
            "ansible_pipelining": true, "ansible_control_path": "x", "ansible_ssh_transfer_method": "piped",
            "ansible_sftp_batch_mode": false, "ansible_ssh_use_tty": false, "ansible_python_interpreter": "x",
        });
        assert_eq!(ignored(quiet), Vec::<String>::new());
    }
}
