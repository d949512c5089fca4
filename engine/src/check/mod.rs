//! Finds mistakes before a run: names, arity, options, literals. Reads the script, runs nothing.

mod body;
mod children;
mod notify;
mod notify_source;

pub use notify::{NotifyIndex, NotifySet, notifies};
