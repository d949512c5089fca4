//! Test tools of oneex. They panic with a clear message where something that a test needs is missing.

pub mod api;
mod farm;
pub mod processes;
pub mod project;
pub mod terminal;

pub use farm::{FarmHost, FarmOptions, SshFarm};
