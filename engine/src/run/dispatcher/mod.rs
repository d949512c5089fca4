//! Decides what runs when. One thread; everything that happens reaches it as a message.
//!
//! Nodes wait by number, not by edge: a node knows how many things it waits for, and what ends
//! looks up who that concerns, host by host. So a run costs nodes and edges between *tasks*, never
//! hosts times edges. What follows from an end is put on a list of actions and worked off in turn,
//! so that a chain of any length is no recursion.

mod ending;
mod expand;
mod finish;
mod gates;
mod main_loop;
mod queue;
mod rolling;
mod state;
mod stopping;
mod waits;

pub use main_loop::run;

#[cfg(test)]
mod tests;
