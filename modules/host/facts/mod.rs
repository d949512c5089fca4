//! What a host says of itself, gathered by one POSIX `sh` script in one round trip.
//!
//! The script only copies what is there; every decision is made here, from its text.

mod documented;
mod network;
mod parse;
mod sections;
mod source;
mod storage;
mod system;

pub use documented::DOCUMENTED;
pub use source::HostFacts;
