//! Which variables are secrets.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::data::Inventory;
use crate::template::is_template;

/// How names of connection variables end whose values are secrets.
const ENDINGS: [&str; 3] = ["pass", "password", "passphrase"];

/// Says whether a variable holds a secret by its name: `ansible_…` or `oneex_…` with a last word of
/// `pass`, `password` or `passphrase`, as `ansible_become_password` has.
pub fn is_secret_variable(name: &str) -> bool {
    let short = name.strip_prefix("ansible_").or_else(|| name.strip_prefix("oneex_"));
    short.and_then(|short| short.rsplit('_').next()).is_some_and(|word| ENDINGS.contains(&word))
}

/// The secrets among a host's or a group's variables, as they are sent: numbers as text.
pub fn secrets_of(vars: &Map<String, Value>) -> impl Iterator<Item = String> {
    vars.iter().filter(|(name, _)| is_secret_variable(name)).filter_map(|(_, value)| match value {
        // What a template makes is known when it is rendered.
        template if is_template(template) => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

impl Inventory {
    /// Every secret that the sources give to a host or a group, whether it is used or not.
    pub fn secrets(&self) -> BTreeSet<String> {
        let own = self.hosts.values().map(|host| &host.vars);
        let groups = self.groups.values().map(|group| &group.vars);
        let folders = self.beside_inventory.iter().chain(&self.beside_runbook);
        let beside = folders.flat_map(|folder| folder.groups.values().chain(folder.hosts.values()));
        own.chain(groups).chain(beside).flat_map(|vars| secrets_of(vars.values())).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_secret_variable, secrets_of};
    use crate::diag::SourceMap;
    use crate::inventory::{Inventory, InventorySource};

    #[test]
    fn secrets_are_known_by_their_names() {
        let table = [
            ("ansible_password", true),
            ("ansible_ssh_pass", true),
            ("ansible_ssh_password", true),
            ("ansible_become_password", true),
            ("ansible_become_pass", true),
            ("ansible_sudo_pass", true),
            ("ansible_ssh_private_key_passphrase", true),
            ("oneex_password", true),
            ("oneex_become_pass", true),
            ("ansible_become_password_file", false),
            ("ansible_user", false),
            ("ansible_ssh_private_key_file", false),
            ("ansible_bypass", false),
            ("password", false),
            ("compass", false),
        ];
        for (name, wanted) in table {
            assert_eq!(is_secret_variable(name), wanted, "{name}");
        }
    }

    #[test]
    fn numbers_are_secrets_as_text_and_other_kinds_are_none() {
        let vars =
            json!({"ansible_password": 4711, "oneex_become_pass": "x y", "ansible_ssh_pass": null, "a": "b"});
        let found: Vec<String> = secrets_of(vars.as_object().expect("a map")).collect();
        assert_eq!(found, ["4711", "x y"]);
    }

    #[test]
    fn every_source_of_variables_is_searched() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        write(
            "hosts.ini",
            "[web]\nweb1 ansible_password=of-host\n[web:vars]\nansible_become_pass=of-group\n",
        );
        write("group_vars/all.yml", "ansible_ssh_pass: of-all\n");
        write("host_vars/web1.yml", "oneex_ssh_private_key_passphrase: of-key\n");
        write("runbooks/host_vars/nobody.yml", "ansible_password: of-nobody\n");
        let source = InventorySource::File(folder.path().join("hosts.ini"));
        let mut inventory = Inventory::load(&[source], &SourceMap::default()).expect("an inventory");
        inventory
            .read_runbook_vars(&folder.path().join("runbooks"), &SourceMap::default())
            .expect("variables");
        let found: Vec<String> = inventory.secrets().into_iter().collect();
        assert_eq!(found, ["of-all", "of-group", "of-host", "of-key", "of-nobody"]);
    }
}
