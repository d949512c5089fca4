//! The controller itself as a host: commands are its own processes, files its own files.
//!
//! Every command leads a process group of its own, so that a time limit ends all of it.

mod becoming;
mod connector;
mod group;
mod pipes;
mod process;
mod terminal;
mod transfer;
mod transport;

pub use connector::{LocalConnector, LocalSettings};
pub use transport::LocalTransport;
