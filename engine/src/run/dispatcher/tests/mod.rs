//! Runs, asserted on by the order of their events.

mod failures;
mod handlers;
mod hosts;
mod order;
