//! Test tools of oneex. They panic with a clear message where something that a test needs is missing.

mod accounts;
mod ansible;
pub mod api;
mod cut;
mod disk;
mod fake;
mod farm;
mod host;
pub mod laws;
pub mod looks;
mod machine;
pub mod mutate;
mod network;
mod postgres;
pub mod processes;
pub mod project;
mod relay;
mod signals;
pub mod terminal;
mod wired;

pub use accounts::FarmUser;
pub use ansible::{Ansible, Answer};
pub use disk::SmallDisk;
pub use fake::FakeHost;
pub use farm::{FarmHost, FarmOptions, SshFarm};
pub use host::{TestHost, TestSecrets};
pub use machine::{Machine, RemoteMachine};
pub use network::Network;
pub use postgres::PostgresServer;
pub use wired::WiredHost;
