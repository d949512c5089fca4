//! The index of operations on hosts: one file, one `mod` line and one registering line each.

mod exec;
mod packages;
mod query;
mod service;

use oneex_sdk::Registry;

/// Adds every operation on hosts.
pub fn register(registry: &mut Registry) {
    registry.op(packages::Packages);
    registry.op(service::Service);
    registry.op(exec::Exec);
    registry.op(query::Query);
}
