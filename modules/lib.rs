//! What oneex can touch: ways to reach hosts, operations on them, and APIs.
//!
//! The modules print nothing and read neither the environment nor the home directory: what they
//! need of those is in [`Settings`], which the command line fills.

pub mod host;
pub mod http;
pub mod local;
pub mod postgres;
pub mod ssh;

mod elevation;
mod entered;
mod shell;

use std::sync::Arc;

pub use entered::{AskSecret, Entered};

/// What the modules need to know of the world around the program.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What holds for all requests of the `http::` functions.
    pub http: http::LazySettings,
    /// The controller as a host.
    pub local: local::LocalSettings,
    /// Connections over SSH.
    pub ssh: ssh::SshSettings,
}

/// Adds everything that the modules bring.
pub fn register(registry: &mut oneex_sdk::Registry, settings: Settings) {
    registry.connector(Arc::new(ssh::SshConnector::new(settings.ssh)));
    let clients = Arc::new(http::Clients::new(settings.http));
    host::register(registry, &clients);
    http::register(registry, &clients);
    registry.connector(Arc::new(local::LocalConnector::new(settings.local)));
}
