//! What people and machines see of a run. Each file is a listener of run events, or a piece that
//! listeners share; none decides anything about the run.

pub(crate) mod choose;
pub(crate) mod cut;
pub(crate) mod diagnostic;
pub(crate) mod diff;
pub(crate) mod exec;
pub(crate) mod failure;
pub(crate) mod file;
pub(crate) mod heartbeat;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod look;
pub(crate) mod operation;
pub(crate) mod picture;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod recap;
pub(crate) mod screen;
pub(crate) mod stats;

#[cfg(test)]
pub(crate) mod samples;
