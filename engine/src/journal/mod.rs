//! The journal: what every run did, written as it happens, so that nothing of it is lost.
//!
//! A [`Recorder`] writes, a [`Reader`] reads. Records are events of the run and a few [`Entry`]s of the journal's own;
//! each carries the hash of the one before, so that [`verify`] finds what was changed. [`Past`] is what a run that is
//! resumed knows of its earlier part.

mod alive;
mod chain;
mod entry;
mod error;
mod format;
mod ledger;
mod past;
mod prune;
mod reader;
mod recorder;
mod row;
mod seal;
mod signature;
#[cfg(test)]
mod tests;
mod texts;
mod verify;
mod writer;

pub use entry::{Began, Entry, Intent, Origin, Request};
pub use error::{JournalError, JournalResult};
pub use format::FORMAT;
pub use ledger::{Deed, enter};
pub(crate) use past::sealed;
pub use past::{Answer, Asked, Ended, Past, Turn};
pub use prune::prune;
pub use reader::{Matching, Reader, Record, RunRow, Wanted};
pub use recorder::Recorder;
pub use seal::SealKey;
pub use signature::{Signature, SigningKey};
pub use verify::{Fault, verify};
