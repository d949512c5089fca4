//! The same hosts in the words of those that are compared.

use std::path::Path;

use oneex_testkit::{FarmHost, SshFarm};

/// A host for oneex and ansible-core.
const INI: &str = "{name} ansible_host={address} ansible_port={port} ansible_user={user} \
    ansible_ssh_private_key_file={key} ansible_ssh_common_args='-o UserKnownHostsFile={known}' \
    ansible_python_interpreter=/usr/bin/python3 folder={folder}\n";

/// A host for pyinfra.
const PYTHON: &str = "    (\"{name}\", {\"ssh_hostname\": \"{address}\", \"ssh_port\": {port}, \"ssh_user\": \"{user}\", \
    \"ssh_key\": \"{key}\", \"ssh_known_hosts_file\": \"{known}\", \"ssh_strict_host_key_checking\": \"yes\", \
    \"folder\": \"{folder}\"}),\n";

/// For oneex and ansible-core, which read the same; `known` holds the hosts' keys.
pub(crate) fn ini(farm: &SshFarm, hosts: &[FarmHost], known: &Path) -> String {
    hosts.iter().map(|host| filled(INI, farm, host, known)).collect()
}

/// For pyinfra.
pub(crate) fn python(farm: &SshFarm, hosts: &[FarmHost], known: &Path) -> String {
    let hosts: String = hosts.iter().map(|host| filled(PYTHON, farm, host, known)).collect();
    format!("hosts = [\n{hosts}]\n")
}

/// The form with what is known of the host.
fn filled(form: &str, farm: &SshFarm, host: &FarmHost, known: &Path) -> String {
    let values = [
        ("{name}", host.name.clone()),
        ("{address}", host.address.to_string()),
        ("{port}", host.port.to_string()),
        ("{user}", farm.user().to_owned()),
        ("{key}", farm.client_key().display().to_string()),
        ("{known}", known.display().to_string()),
        ("{folder}", host.folder.display().to_string()),
    ];
    values.iter().fold(form.to_owned(), |text, (mark, value)| text.replace(mark, value))
}
