//! Hosts as machines: operations on them, and what those share.
//!
//! Nothing here knows how a host is reached. Values travel as positional parameters of POSIX `sh`
//! scripts, never inside their text; the scripts need coreutils or BusyBox and nothing else.

pub mod facts;
pub mod ops;

mod access_list;
mod accounts;
mod archive;
mod documents;
mod download;
mod git;
mod packages;
mod services;
mod system;

mod attributes;
mod conditions;
mod content;
mod edit;
mod fragments;
mod invocation;
mod many;
mod mode;
mod place;
mod probe;
mod steps;
mod tree;

#[cfg(test)]
mod tests;

pub use mode::Mode;

/// Adds everything that hosts bring.
pub fn register(registry: &mut oneex_sdk::Registry, clients: &std::sync::Arc<crate::http::Clients>) {
    ops::register(registry, clients);
    registry.facts(std::sync::Arc::new(facts::HostFacts));
}
