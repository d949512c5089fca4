//! What OpenSSH's client would do for a host: ssh_config(5), read as ssh(1) reads it.
//!
//! From a line (`line`, `keyword`, `value`) over the blocks of a file (`reader`, `condition`, `include`) to
//! the values that win (`options`), in two passes where the file asks for that (`pass`, `canonical`), with
//! tokens expanded (`token`). Nothing here opens a connection. Of the world only files and commands that a
//! configuration names are looked at; everything else comes from [`Machine`].

mod address;
pub(super) mod algorithms;
mod canonical;
mod condition;
mod error;
mod include;
mod jump;
mod keyword;
mod line;
mod machine;
mod options;
mod pass;
pub(super) mod pattern;
mod reader;
mod setting;
mod token;
mod value;

pub(super) use canonical::SystemNames;
pub(super) use error::ConfigError;
pub use keyword::{Standing, keywords};
pub use machine::{ConfigSource, Machine};
pub(super) use options::{Given, Options, Origin, Proxy};
pub(super) use pass::{Request, Resolved, resolve};
pub(super) use token::{PROXY, Tokens};

#[cfg(test)]
mod tests;
