//! Whole folders of the controller, and their copies on a host.

mod place;
mod present;
mod source;

#[cfg(test)]
mod tests;

pub(crate) use place::{TreeState, Wish};
pub(crate) use present::look;
pub(crate) use source::{Entry, EntryKind, Globs, entries};
