//! Hosts, groups, their variables, and the patterns that choose among them.
//!
//! Reads inventories as Ansible writes them: INI and YAML, folders of them, lists of names, with
//! `group_vars` and `host_vars` beside them. Owns which host has which variables and how it is
//! reached; contacts nothing, runs nothing, and prints nothing.

mod add_host;
mod address;
mod connection;
mod data;
mod host_set;
mod ini;
mod literal;
mod load;
mod mistake;
mod origin;
mod pattern;
#[cfg(test)]
mod properties;
mod range;
mod reach;
#[cfg(test)]
mod recorded;
mod secrets;
mod target;
mod vars;
mod vars_folder;
mod view;
mod words;
pub(crate) mod yaml;
mod yaml_source;

pub use add_host::{AddHostError, NewHost};
pub use connection::ConnectionError;
pub use data::Inventory;
pub use host_set::HostSet;
pub use load::InventorySource;
pub use origin::Origin;
pub use pattern::{Pattern, PatternError};
pub use reach::ReachError;
pub use secrets::{is_secret_variable, secrets_of};
pub use view::GroupTree;
