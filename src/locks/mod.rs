//! The lock of a run on the command line: which one, whose it is, waiting for it, and giving it back.

mod kind;
mod locking;
mod place;
mod taking;
mod who;

pub(crate) use kind::LockKind;
pub(crate) use locking::Locking;
pub(crate) use place::store;
pub(crate) use taking::{HeldLock, Wanted};
pub(crate) use who::Who;
