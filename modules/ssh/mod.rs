//! Hosts over SSH, on libssh2.
//!
//! One session a host for the whole run, owned by one thread (`actor`): libssh2 does not bear
//! several. On it, long-lived POSIX shells (`shell`), one for each user and command at a time; a
//! command is one request and one reply (`request`, `frames`). No file of the host is written for
//! that, and nothing is installed there.

mod actor;
mod aftermath;
mod algorithms;
mod arguments;
mod auth;
mod backoff;
mod bastions;
mod claim;
mod config;
mod connector;
mod dial;
mod entry;
mod error;
mod frames;
mod functions;
mod greeting;
mod handshakes;
mod host_key;
mod host_settings;
mod job;
mod known_hosts;
mod passage;
mod proxy_command;
mod request;
mod resolve;
mod road;
mod running;
mod settings;
mod shell;
mod together;
mod transfer;
mod transport;
mod turn;
mod variables;
mod waker;
mod warnings;

pub use config::{ConfigSource, Machine, Standing, keywords};
pub use connector::SshConnector;
pub use host_settings::{
    AddressFamily, Algorithms, HostKeySettings, HostSettings, IdentityFile, Jump, Login, Way,
};
pub use settings::{ProjectSettings, SshSettings, StrictHostKeys};
pub use transport::SshTransport;
pub use warnings::Warnings;
