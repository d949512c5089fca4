//! `oneex.toml`, the file at a project's root.
//!
//! ```toml
//! [defaults]
//! inventory = "inventory.yaml"      # or a list of files, folders and `a,b,c`
//! forks = 64
//! user = "ops"
//!
//! [project]
//! roles = ["roles", "../shared/roles"]
//! allow = ["../shared"]             # what scripts and templates may read outside of the project
//!
//! [env.prod]
//! inventory = "inventory/prod"
//! protected = true
//! params = { version = "v1" }
//! vars = { domain = "example.com" }
//!
//! [vault]
//! address = "https://vault.example.com"
//! token = { env = "VAULT_TOKEN" }   # or { file = "…" }, or { command = ["pass", "show", "vault"] }
//!
//! [env.prod.vault]
//! address = "https://vault.prod.example.com"
//! ```
//!
//! Everything that is not known is an error with its place and the nearest right name.

mod connection;
mod file;
mod reader;
mod secret;

pub(crate) use file::{Config, EnvConfig};
