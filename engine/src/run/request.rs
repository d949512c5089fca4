//! What a run is given and what it gives back.

use std::sync::Arc;

use serde_json::Value;

use super::{GateKeeper, NodeKey, RunContext, RunEvent, RunOptions, RunSummary, Stop};
use crate::graph::Selection;

/// What the first events say of a run, besides its id and name.
#[derive(Debug, Clone, Default)]
pub struct RunIntroduction {
    /// `run`, `plan` or `exec`.
    pub mode: &'static str,
    /// The chosen environment.
    pub environment: Option<String>,
    /// The parameters.
    pub params: Value,
    /// What the load said, where nobody has shown it yet: the events after the first.
    pub said: Vec<RunEvent>,
}

/// Everything that a run needs.
pub struct RunRequest {
    /// What the nodes share.
    pub context: Arc<RunContext>,
    /// The tasks that run, by [`crate::graph::Graph::select`].
    pub selection: Selection,
    /// How many nodes at a time, and on which hosts; what chooses tasks has been looked at before.
    pub options: RunOptions,
    /// Decides gates.
    pub gates: Arc<dyn GateKeeper>,
    /// Stops the run.
    pub stop: Stop,
    /// What the first event says.
    pub introduction: RunIntroduction,
}

/// How a run went. What the nodes returned is in [`RunContext::outputs`].
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// As the last event has it.
    pub summary: RunSummary,
    /// Handlers that were notified and did not run, because the run was interrupted or because
    /// something they need did not end well.
    pub pending_handlers: Vec<NodeKey>,
}
