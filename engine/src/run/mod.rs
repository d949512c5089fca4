//! Running a graph: one order of events, nodes on their own threads, one place that calls operations.
//!
//! The dispatcher decides, the executor runs, neither knows what a body does. Nothing here writes
//! to a terminal, and nothing but `access` talks to a host.

mod access;
mod code;
mod context;
mod event;
mod options;
mod outputs;

pub use access::Connections;
pub use code::{Arg, Code, Failure, Interrupt, Returned};
pub use context::{Mode, NodeContext, NodeKey, Notified, OpCounters, Phase, RunContext};
pub use event::{
    Counts, EVENT_VERSION, EventSink, Level, Listener, NodeStatus, OpStatus, RunEvent, RunStatus, RunSummary,
    Stamped,
};
pub use options::{Decision, GateKeeper, RunOptions};
pub use outputs::{NodeResult, Outputs};
