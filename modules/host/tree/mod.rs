//! Whole folders: of the controller with their copies on a host, and what is below one of a host.

mod below;
mod place;
mod present;
mod source;

#[cfg(test)]
mod tests;

pub(crate) use below::{Below, differ_below, look_below, work_below};
pub(crate) use place::{TreeState, Wish};
pub(crate) use present::look;
pub(crate) use source::{Entry, EntryKind, Globs, entries};
