//! What a runbook can do without a host: data formats, texts, times, addresses, random values.
//!
//! A file a subject, registered here. All of it is offered in every script, at load and in bodies.
//! Nothing in here touches the world but through [`World`], which hands in what the run recorded.

mod arrays;
mod data;
mod encoding;
mod environment;
mod error;
mod file;
mod ip;
mod path;
mod random;
mod regex;
mod semver;
mod strings;
mod text;
mod time;
mod url;
mod world;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use world::World;

/// Registers everything with `engine`; what looks at the world does so through `world`.
pub(crate) fn register(engine: &mut rhai::Engine, world: &Arc<dyn World>) {
    arrays::register(engine);
    data::register(engine, world);
    encoding::register(engine);
    environment::register(engine, world);
    file::register(engine, world);
    ip::register(engine);
    path::register(engine);
    random::register(engine, world);
    regex::register(engine);
    semver::register(engine);
    strings::register(engine);
    text::register(engine);
    time::register(engine, world);
    url::register(engine);
}
