//! Which place gives a host which variable.

use std::sync::Arc;

use super::data::{ALL, GroupIndex, Inventory};
use super::vars::Vars;
use crate::diag::Position;
use crate::template::is_template;

/// Where a variable of a host comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The group that it is given to; nothing where it is given to the host itself.
    pub group: Option<Arc<str>>,
    /// Where it stands; nothing where no file gives it, as with hosts of a list.
    pub position: Option<Position>,
}

/// What one place says of a group or of a host.
pub(super) struct Layer<'a> {
    /// The group; nothing where it is the host.
    group: Option<GroupIndex>,
    pub(super) vars: &'a Vars,
}

impl Inventory {
    /// Where a variable of a host comes from: the place that wins. None for what no place gives, such
    /// as the connection of the implicit `localhost`.
    pub fn origin(&self, host: &str, variable: &str) -> Option<Origin> {
        let winner = self.winner(host, variable)?;
        let group = winner.group.map(|group| self.group_name(group));
        Some(Origin { group, position: winner.vars.place(variable).cloned() })
    }

    /// Where the template stands that a variable of a host is; none for what is no template.
    pub(crate) fn place(&self, host: &str, variable: &str) -> Option<Position> {
        let vars = self.winner(host, variable)?.vars;
        vars.values().get(variable).filter(|value| is_template(value))?;
        vars.place(variable).cloned()
    }

    fn winner(&self, host: &str, variable: &str) -> Option<Layer<'_>> {
        self.layers(host).into_iter().rev().find(|layer| layer.vars.values().contains_key(variable))
    }

    /// Everything that gives variables to a host, what wins last.
    ///
    /// The order is Ansible's ("Understanding variable precedence"): variables in the inventory's own files, then
    /// `group_vars/all`, then other `group_vars`, then the host's; of each, what stands beside the runbook
    /// wins over what stands beside the inventory.
    pub(super) fn layers(&self, name: &str) -> Vec<Layer<'_>> {
        let host = self.hosts.get_full(name);
        let mut groups: Vec<GroupIndex> =
            host.map(|(index, ..)| self.groups_of(index)).unwrap_or_default().into_iter().collect();
        groups.sort_by_cached_key(|index| {
            let group = &self.groups[*index];
            (group.depth, group.priority, self.group_name(*index))
        });
        let of_group = |group: GroupIndex, vars| Layer { group: Some(group), vars };
        let of_host = |vars| Layer { group: None, vars };
        let mut layers = vec![of_group(ALL, &self.groups[ALL].vars)];
        layers.extend(groups.iter().map(|group| of_group(*group, &self.groups[*group].vars)));
        let all = self.vars_folders().filter_map(|folder| folder.groups.get("all"));
        layers.extend(all.map(|vars| of_group(ALL, vars)));
        for folder in self.vars_folders() {
            let named = |group: &GroupIndex| {
                folder.groups.get(&*self.group_name(*group)).map(|vars| of_group(*group, vars))
            };
            layers.extend(groups.iter().filter_map(named));
        }
        layers.extend(host.map(|(.., host)| of_host(&host.vars)));
        layers.extend(self.vars_folders().filter_map(|folder| folder.hosts.get(name)).map(of_host));
        layers
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Inventory, InventorySource, NewHost};
    use crate::diag::SourceMap;

    #[test]
    fn the_place_that_wins_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("hosts.ini", "[web]\nw[1:2] own=1\nw3\n[web:vars]\nshared=1\nover=1\n[up:children]\nweb\n");
        write("more.yaml", "up:\n  vars: { above: 1 }\nall:\n  vars:\n    everywhere: \"{{ own }}\"\n");
        write("group_vars/all/main.yml", "filed: 1\n");
        write("group_vars/web.yml", "# a comment\nover: 2\n");
        write("host_vars/w2.yml", "own: 2\n");
        let file = |name: &str| InventorySource::File(folder.path().join(name));
        let sources = [file("hosts.ini"), file("more.yaml"), InventorySource::parse("w1:22,x,")];
        let mut inventory = Inventory::load(&sources, &SourceMap::default()).unwrap();
        inventory.add_host(NewHost { name: "new".into(), ..NewHost::default() }).unwrap();
        let table = [
            ("w1", "own", "w1 hosts.ini:2:8"),
            ("w2", "own", "w2 host_vars/w2.yml:1:1"),
            ("w1", "shared", "web hosts.ini:5:1"),
            ("w3", "over", "web group_vars/web.yml:2:1"),
            ("w1", "above", "up more.yaml:2:11"),
            ("x", "everywhere", "all more.yaml:5:5"),
            ("new", "filed", "all group_vars/all/main.yml:1:1"),
            ("localhost", "filed", "all group_vars/all/main.yml:1:1"),
            ("w1", "ansible_port", "w1"),
            ("localhost", "ansible_connection", "nobody"),
            ("w3", "own", "nobody"),
        ];
        for (host, variable, wanted) in table {
            let told = inventory.origin(host, variable).map_or("nobody".to_owned(), |origin| {
                let owner = origin.group.as_deref().unwrap_or(host).to_owned();
                let place = origin.position.map(|position| position.to_string()).unwrap_or_default();
                let place = place.replace(&format!("{}/", folder.path().display()), "");
                format!("{owner} {place}").trim_end().to_owned()
            });
            assert_eq!(told, wanted, "{host} {variable}");
        }
        assert!(inventory.place("x", "everywhere").is_some(), "a template");
        assert_eq!(inventory.place("w1", "own"), None, "no template");
    }
}
