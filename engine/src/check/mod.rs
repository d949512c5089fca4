//! Finds mistakes before a run: names, arity, options, literals. Reads the script, runs nothing.

mod body;
mod calls;
mod children;
mod imports;
mod known;
mod notify;
mod notify_source;
mod options;
mod request;
mod schema;
mod structure;
mod turns;
mod words;

#[cfg(test)]
mod tests;

pub use imports::{Import, imports};
pub use notify::{NotifyIndex, NotifySet, notifies};
pub use request::{CheckRequest, CheckScript, check};
pub use turns::{Turns, blind_loops, turns};
