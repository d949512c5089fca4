//! Running a graph: one order of events, nodes on their own threads, one place that calls operations.
//!
//! The dispatcher decides, the executor runs, neither knows what a body does. Nothing here writes
//! to a terminal, and nothing but `access` talks to a host.

mod access;
mod call;
mod chronicle;
mod claims;
mod code;
mod connections;
mod context;
mod dispatcher;
mod event;
mod event_name;
mod executor;
mod expansion;
mod guard;
mod hearing;
mod kept;
mod life;
mod lines;
mod options;
mod outputs;
mod place;
mod policy;
mod recall;
mod request;
#[cfg(test)]
pub(crate) mod scenario;
mod setup;
mod steady;
mod stop;
mod subject;
mod view;
mod word;

pub use access::{Judge, OpCall, OpOutcome, ProjectFiles, admit, facts, forget_facts, perform};
pub use chronicle::{Arbiter, Chronicle, Fate, drawn};
pub use code::{Arg, Code, Failure, Interrupt, Returned};
pub use connections::{Connections, new_place};
pub use context::{CancelledAt, Mode, NodeContext, NodeKey, Notified, OpCounters, Phase, RunContext};
pub use dispatcher::run;
pub use event::{
    Counts, EVENT_VERSION, EventSink, Level, Listener, Mistake, NodeStatus, OpStatus, RunEvent, RunStatus,
    RunSummary, Stamped,
};
pub use guard::{Guard, Guards, Halt, Refusal};
pub use kept::KeptOutputs;
pub use options::{Decision, GateKeeper, RunOptions};
pub use outputs::{NodeResult, Outputs};
pub use place::Branch;
pub use request::{RunIntroduction, RunReport, RunRequest};
pub use setup::{RunSetup, new_id};
pub use stop::Stop;
