//! The one place where operations meet hosts.

/// Connections, facts and traffic by host.
#[derive(Default)]
pub struct Connections {}
