//! Hosts over SSH, on libssh2.

mod settings;

pub use settings::{SshSettings, StrictHostKeys};
