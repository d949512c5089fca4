//! Read-ahead: what the ensures of a task read on a host last time travels as one batch.
//!
//! Over SSH a converged task costs its round trips and nothing else. [`Memory`] knows from the run before which
//! reads to expect; at the first of them the others go along, and are answered from memory when their turn comes.
//! An answer is used once, by the same call of the same task, for the same user, within five seconds, and only as
//! long as nothing was written on the host. Reads of `query`, of actions and of waits are never foreseen.

mod memory;
mod reads;
mod writes;

pub use memory::Memory;
pub(crate) use reads::{Ahead, Next, Place, Read};
pub(crate) use writes::Writes;
