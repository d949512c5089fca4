//! A text that programs on several machines change together.

use std::time::Duration;

use crate::{BoxFuture, OpResult};

/// One small text that programs on several machines change together: a row of a database, a key of Consul, an
/// annotation of a Kubernetes object. The engine keeps its locks in one.
pub trait SharedText: Send + Sync {
    /// Where it is, as people know it: "PostgreSQL at db.example.com".
    fn place(&self) -> String;

    /// Reads it, and the clock of whoever keeps it.
    ///
    /// # Errors
    ///
    /// `unreachable` and `timeout` where another try may help; others where it does not.
    fn read(&self) -> BoxFuture<'_, OpResult<SharedReading>>;

    /// Writes it, where nobody has since it was read. False where somebody was faster: nothing is written then.
    ///
    /// # Errors
    ///
    /// As reading it; it may have been written all the same.
    fn write<'a>(&'a self, text: &'a str, after: &'a SharedReading) -> BoxFuture<'a, OpResult<bool>>;
}

/// What a shared text was, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedReading {
    /// The text; empty where nobody has written one.
    pub text: String,
    /// Which writing it is from: another for each.
    pub revision: i64,
    /// The clock of whoever keeps the text, since 1970. It may have been set back or forth.
    pub now: Duration,
}
