//! Runs, asserted on by the order of their events.

mod batches;
mod failed_batches;
mod failures;
mod gates;
mod halts;
mod handlers;
mod hosts;
mod interrupts;
mod limits;
mod order;
mod random;
mod resumed;
