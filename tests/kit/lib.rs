//! Test tools of oneex. They panic with a clear message where something that a test needs is missing.

mod farm;
pub mod processes;

pub use farm::{FarmHost, FarmOptions, SshFarm};
