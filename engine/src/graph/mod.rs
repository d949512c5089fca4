//! The tasks of a runbook and their order. Holds no state of a run and talks to nothing.

mod task;

pub use task::{
    Amount, Batch, Block, Condition, HostsFrom, ItemsFrom, Needed, Notifies, Retry, Task, TaskId, TaskKind,
};

/// The tasks of a runbook and their order.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// All tasks, handlers and gates, in order of declaration.
    pub tasks: Vec<Task>,
    /// All blocks; an inner block comes after the one around it.
    pub blocks: Vec<Block>,
    /// What runs last in any case, in order of declaration.
    pub on_end: Vec<std::sync::Arc<dyn crate::run::Code>>,
}
