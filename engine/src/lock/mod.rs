//! Locks: two runs that change the same things are refused, and a run that has lost its lock changes nothing more.
//!
//! What a run wants is a [`Scope`], who has it a [`Holder`]. All decisions are those of one `Register` of leases,
//! plain data that a [`LockStore`] keeps: [`LocalLocks`] in a folder of the project, [`SharedLocks`] in a text that
//! several machines share. A run's [`Keeper`] renews its lease and is a [`crate::run::Guard`]. No decision is made by
//! a clock that can be set.

mod clock;
mod holder;
mod keeper;
mod known;
mod local;
mod register;
#[cfg(test)]
mod samples;
mod scope;
mod shared;
mod store;

pub use clock::{BootClock, Clock};
pub use holder::{Break, Holder};
pub use keeper::Keeper;
pub use known::known_hosts;
pub use local::LocalLocks;
pub use register::Lost;
pub use scope::Scope;
pub use shared::SharedLocks;
pub use store::{Attempt, Breaking, Lease, LockError, LockStore, RenewError};
