//! What an event is called, and which node it is of.

use super::{NodeKey, RunEvent};

impl RunEvent {
    /// Its name: the tag `event` of its JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RunStarted { .. } => "run_started",
            Self::TaskExpanded { .. } => "task_expanded",
            Self::BatchStarted { .. } => "batch_started",
            Self::NodeStarted { .. } => "node_started",
            Self::NodeRetry { .. } => "node_retry",
            Self::NodePhase { .. } => "node_phase",
            Self::NodeFinished { .. } => "node_finished",
            Self::OperationStarted { .. } => "operation_started",
            Self::Progress { .. } => "progress",
            Self::Output { .. } => "output",
            Self::Operation { .. } => "operation",
            Self::Notified { .. } => "notified",
            Self::HostAdded { .. } => "host_added",
            Self::Message { .. } => "message",
            Self::Gate { .. } => "gate",
            Self::Interrupted { .. } => "interrupted",
            Self::Halted { .. } => "halted",
            Self::LoadFailed { .. } => "load_failed",
            Self::RunFinished { .. } => "run_finished",
        }
    }

    /// The node that it is of.
    pub fn node(&self) -> Option<&NodeKey> {
        match self {
            Self::NodeStarted { node, .. }
            | Self::NodeRetry { node, .. }
            | Self::NodePhase { node, .. }
            | Self::NodeFinished { node, .. }
            | Self::OperationStarted { node, .. }
            | Self::Progress { node, .. }
            | Self::Output { node, .. }
            | Self::Operation { node, .. }
            | Self::Notified { node, .. }
            | Self::HostAdded { node, .. } => Some(node),
            Self::Message { node, .. } => node.as_ref(),
            Self::RunStarted { .. }
            | Self::TaskExpanded { .. }
            | Self::BatchStarted { .. }
            | Self::Gate { .. }
            | Self::Interrupted { .. }
            | Self::Halted { .. }
            | Self::LoadFailed { .. }
            | Self::RunFinished { .. } => None,
        }
    }
}
