//! The words of the language: one file for each group, the names here and nowhere else.

pub(crate) mod blocks;
pub(crate) mod dynamic;
pub(crate) mod ending;
pub(crate) mod environment;
pub(crate) mod flow;
pub(crate) mod hosts;
pub(crate) mod options;
pub(crate) mod outputs;
pub(crate) mod param_spec;
pub(crate) mod params;
pub(crate) mod secrets;
pub(crate) mod tasks;
pub(crate) mod waiting;

/// Registers every word.
pub(super) fn register(engine: &mut rhai::Engine) {
    super::result::register(engine);
    blocks::register(engine);
    dynamic::register(engine);
    ending::register(engine);
    environment::register(engine);
    flow::register(engine);
    hosts::register(engine);
    outputs::register(engine);
    params::register(engine);
    secrets::register(engine);
    tasks::register(engine);
    waiting::register(engine);
}
