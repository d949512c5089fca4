//! The index of operations on hosts: one file, one `mod` line and one registering line each.

mod absent;
mod acl;
mod alternatives;
mod apt_key;
mod apt_repository;
mod assemble;
mod authorized_keys;
mod block;
mod copy;
mod cron;
mod directory;
mod dns_resolver;
mod download;
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
mod pip;
mod query;
mod read;
mod reboot;
mod register;
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
mod unarchive;
mod user;
mod wait_file;
mod wait_port;
mod write;
mod xattr;
mod xml_value;
mod yaml_value;
mod yum_repository;

#[cfg(test)]
pub(crate) mod tests;

pub use register::register;

#[cfg(test)]
pub(crate) use {
    absent::Absent, acl::Acl, assemble::Assemble, authorized_keys::AuthorizedKeys, block::Block, copy::Copy,
    cron::Cron, directory::Directory, env_file::EnvFile, exec::Exec, fetch::Fetch, file::File, find::Find,
    git::Git, group::Group, hardlink::Hardlink, hosts_entry::HostsEntry, ini::Ini, json_value::JsonValue,
    known_host::KnownHost, limits::Limits, line::Line, link::Link, mount::Mount, query::Query, read::Read,
    replace::Replace, script::Script, stat::Stat, sudoers::Sudoers, sysctl::Sysctl, template::Template,
    toml_value::TomlValue, touch::Touch, unarchive::Unarchive, user::User, write::Write, xattr::Xattr,
    xml_value::XmlValue, yaml_value::YamlValue,
};
