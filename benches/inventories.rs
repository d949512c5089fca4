//! The same hosts in the words of those that are compared.

use std::fmt::Write as _;
use std::path::Path;

use oneex_testkit::{FarmHost, SshFarm};

/// For oneex and ansible-core, which read the same; `known` holds the hosts' keys.
pub(crate) fn ini(farm: &SshFarm, hosts: &[FarmHost], known: &Path) -> String {
    let mut text = String::new();
    for host in hosts {
        writeln!(
            text,
            "{} ansible_host={} ansible_port={} ansible_user={} ansible_ssh_private_key_file={} \
             ansible_ssh_common_args='-o UserKnownHostsFile={}' ansible_python_interpreter=/usr/bin/python3 folder={}",
            host.name,
            host.address,
            host.port,
            farm.user(),
            farm.client_key().display(),
            known.display(),
            host.folder.display()
        )
        .expect("a line of text");
    }
    text
}

/// For pyinfra.
pub(crate) fn python(farm: &SshFarm, hosts: &[FarmHost], known: &Path) -> String {
    let mut text = String::from("hosts = [\n");
    for host in hosts {
        writeln!(
            text,
            "    (\"{}\", {{\"ssh_hostname\": \"{}\", \"ssh_port\": {}, \"ssh_user\": \"{}\", \"ssh_key\": \"{}\", \
             \"ssh_known_hosts_file\": \"{}\", \"ssh_strict_host_key_checking\": \"yes\", \"folder\": \"{}\"}}),",
            host.name,
            host.address,
            host.port,
            farm.user(),
            farm.client_key().display(),
            known.display(),
            host.folder.display()
        )
        .expect("a line of text");
    }
    text + "]\n"
}
