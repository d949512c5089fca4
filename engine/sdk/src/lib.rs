//! The contract between the oneex engine and its modules.
//!
//! A module implements [`Op`] for each thing it can look at or change, and [`Connector`] for each
//! way to reach a host. The engine calls them and never learns which module it talks to; a module
//! never learns that there is a script. The crate is silent: it prints nothing and reads neither
//! the environment nor the home directory.

mod change;
mod command;
mod duration;
mod erased;
mod error;
mod heard;
mod host;
mod module;
mod nearest;
mod op;
mod options;
mod outcome;
mod secret;
mod shared;
mod text;
mod variable;

pub use change::{Change, ChangeItem, Image};
pub use command::{Claim, Command, CommandOutput, Exit, Program, quote};
pub use duration::{Duration, parse_duration, parse_size};
pub use erased::erase;
pub use error::{ErrorKind, FailedCommand, OpError, OpResult};
pub use heard::{Collected, CutOutput, CutStream, Heard, OutputSink, Passing, Stream};
pub use host::{BecomeMethod, Connector, Content, HostInfo, Reader, Target, Traffic, Transport, Writer};
pub use module::{FactSource, Meter, Registry};
pub use nearest::nearest;
pub use op::{Call, DynOp, Example, Kind, Looked, Manual, Op, Proof, Resources};
pub use outcome::Output;
pub use secret::{Secret, SecretSink};
pub use shared::{SharedReading, SharedText};
pub use text::{io_reason, visible};
pub use variable::{seconds_of, truth_of};

/// Plain data as scripts, templates, facts and results hold it.
pub use serde_json::{Map, Value, json};
/// Cancels what it was handed to; a command that is cancelled is ended on its host.
pub use tokio_util::sync::CancellationToken;

/// A boxed future, as the object-safe traits of this crate return it.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
