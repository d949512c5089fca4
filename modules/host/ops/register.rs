//! The list of operations on hosts, a line each.

use std::sync::Arc;

use oneex_sdk::Registry;

use super::{
    absent, acl, alternatives, apt_key, apt_repository, assemble, authorized_keys, block, copy, cron,
    directory, dns_resolver, download, env_file, exec, fetch, file, find, git, group, hardlink, hostname,
    hosts_entry, ini, journal, json_value, kernel_module, known_host, limits, line, link, locale, mount,
    packages, pip, query, read, reboot, replace, script, service, stat, sudoers, swap, sysctl, systemd_unit,
    tempfile, template, timezone, toml_value, touch, unarchive, user, wait_file, wait_port, write, xattr,
    xml_value, yaml_value, yum_repository,
};

use crate::http::Clients;

/// Adds every operation on hosts.
pub fn register(registry: &mut Registry, clients: &Arc<Clients>) {
    registry.op(packages::Packages);
    registry.op(apt_repository::AptRepository);
    registry.op(apt_key::AptKey);
    registry.op(yum_repository::YumRepository);
    registry.op(pip::Pip);
    registry.op(git::Git);
    registry.op(service::Service);
    registry.op(group::Group);
    registry.op(user::User);
    registry.op(authorized_keys::AuthorizedKeys);
    registry.op(sudoers::Sudoers);
    registry.op(known_host::KnownHost);
    registry.op(limits::Limits);
    registry.op(cron::Cron);
    registry.op(sysctl::Sysctl);
    registry.op(hostname::Hostname);
    registry.op(timezone::Timezone);
    registry.op(mount::Mount);
    registry.op(systemd_unit::SystemdUnit);
    registry.op(journal::Journal);
    registry.op(alternatives::Alternatives);
    registry.op(dns_resolver::DnsResolver);
    registry.op(kernel_module::KernelModule);
    registry.op(locale::Locale);
    registry.op(swap::Swap);
    registry.op(exec::Exec);
    registry.op(query::Query);
    registry.op(script::Script);
    registry.op(reboot::Reboot);
    registry.op(wait_port::WaitPort);
    registry.op(wait_file::WaitFile);
    registry.op(file::File);
    registry.op(directory::Directory);
    registry.op(link::Link);
    registry.op(hardlink::Hardlink);
    registry.op(touch::Touch);
    registry.op(acl::Acl);
    registry.op(xattr::Xattr);
    registry.op(tempfile::Tempfile);
    registry.op(absent::Absent);
    registry.op(write::Write);
    registry.op(copy::Copy);
    registry.op(download::Download::new(Arc::clone(clients)));
    registry.op(unarchive::Unarchive);
    registry.op(template::Template);
    registry.op(assemble::Assemble);
    registry.op(line::Line);
    registry.op(block::Block);
    registry.op(replace::Replace);
    registry.op(ini::Ini);
    registry.op(json_value::JsonValue);
    registry.op(yaml_value::YamlValue);
    registry.op(xml_value::XmlValue);
    registry.op(toml_value::TomlValue);
    registry.op(env_file::EnvFile);
    registry.op(hosts_entry::HostsEntry);
    registry.op(read::Read);
    registry.op(stat::Stat);
    registry.op(find::Find);
    registry.op(fetch::Fetch);
}
