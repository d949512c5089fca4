//! The tasks of a runbook and their order. Holds no state of a run and talks to nothing.

mod build;
mod check;
mod edge;
mod render;
mod select;
mod sequence;
mod task;
mod wiring;

pub use build::Graph;
pub use edge::{Edge, EdgeKind};
pub use render::GraphFormat;
pub use select::Selection;
pub use task::{
    Amount, Batch, Block, Condition, HostsFrom, ItemsFrom, Needed, Notifies, Retry, Task, TaskId, TaskKind,
};
pub(crate) use wiring::Wiring;

#[cfg(test)]
pub(crate) mod samples;
