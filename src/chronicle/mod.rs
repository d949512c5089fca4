//! The journal as the command line has it: where it is, who writes there, how a run begins in it and goes on.

mod arbiter;
mod begin;
mod failed;
mod files;
mod origin;
mod resume;

pub(crate) use arbiter::{Deciding, UnknownFate};
pub(crate) use begin::{Options, begin, begin_adhoc};
pub(crate) use failed::resolved;
pub(crate) use files::{file, key_file};
pub(crate) use origin::origin;
pub(crate) use resume::{Resumption, differences};
