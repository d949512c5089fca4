//! What a run would change.

mod pending;

pub use pending::{Author, Pending};
