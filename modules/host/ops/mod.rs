//! The index of operations on hosts: one file, one `mod` line and one registering line each.

mod absent;
mod acl;
mod alternatives;
mod assemble;
mod authorized_keys;
mod block;
mod copy;
mod cron;
mod directory;
mod dns_resolver;
mod env_file;
mod exec;
mod fetch;
mod file;
mod find;
mod git;
mod group;
mod hardlink;
mod hostname;
mod hosts_entry;
mod ini;
mod journal;
mod json_value;
mod kernel_module;
mod known_host;
mod limits;
mod line;
mod link;
mod locale;
mod mount;
mod packages;
mod query;
mod read;
mod reboot;
mod replace;
mod script;
mod service;
mod stat;
mod sudoers;
mod swap;
mod sysctl;
mod systemd_unit;
mod tempfile;
mod template;
mod timezone;
mod toml_value;
mod touch;
mod user;
mod wait_file;
mod wait_port;
mod write;
mod xattr;
mod xml_value;
mod yaml_value;

#[cfg(test)]
pub(crate) mod tests;

use oneex_sdk::Registry;
#[cfg(test)]
pub(crate) use {
    absent::Absent, assemble::Assemble, block::Block, copy::Copy, cron::Cron, directory::Directory,
    env_file::EnvFile, exec::Exec, fetch::Fetch, file::File, find::Find, group::Group, hardlink::Hardlink,
    hosts_entry::HostsEntry, ini::Ini, json_value::JsonValue, known_host::KnownHost, line::Line, link::Link,
    query::Query, read::Read, replace::Replace, script::Script, stat::Stat, template::Template,
    toml_value::TomlValue, touch::Touch, user::User, write::Write, xml_value::XmlValue,
    yaml_value::YamlValue,
};

/// Adds every operation on hosts.
pub fn register(registry: &mut Registry) {
    registry.op(packages::Packages);
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
