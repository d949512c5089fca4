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
//! [http]
//! timeout = "20s"
//! proxy = { env = "PROXY" }         # or { file = "…" }, or { command = ["pass", "show", "proxy"] }
//!
//! [ssh]
//! connect_timeout = "5s"
//! known_hosts = "known_hosts"       # or a list of files
//!
//! [lock]
//! scope = "hosts"                   # or "environment", which holds without it, or "none"
//! wait = "10m"
//! url = "postgres://locks@db.example.com/locks"   # for locks that several machines share
//! password = { env = "LOCK_PASSWORD" }
//! project = "shop"
//!
//! [env.prod.http]
//! ca_file = "authority.pem"
//! ```
//!
//! Everything that is not known is an error with its place and the nearest right name.

mod connection;
mod file;
mod http;
mod lock;
mod options;
mod places;
mod reader;
mod schema;
mod secret;
mod ssh;

pub(crate) use file::{Config, EnvConfig, EnvironmentError};
pub(crate) use http::HttpTable;
pub(crate) use lock::LockTable;
pub(crate) use schema::MODULES;
pub(crate) use ssh::SshTable;
