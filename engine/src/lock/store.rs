//! The seam to where locks are kept.

use std::time::Duration;

use jiff::Timestamp;
use oneex_sdk::{BoxFuture, OpError};

use super::{Break, Holder, Lost, Scope};

/// Keeps the locks of one project.
pub trait LockStore: Send + Sync {
    /// Where it keeps them, as people know it.
    fn place(&self) -> String;

    /// How long a run may go by a lease after it was acquired or renewed.
    fn ttl(&self) -> Duration;

    /// Takes what `wanted.scope` says, all of it or nothing. A run that holds it already gets the same lease.
    ///
    /// # Errors
    ///
    /// The store cannot be asked, or does not understand what it holds.
    fn acquire<'a>(&'a self, wanted: &'a Holder) -> BoxFuture<'a, Result<Attempt, LockError>>;

    /// Adds what `scope` says to a lease, all of it or nothing.
    ///
    /// # Errors
    ///
    /// The lease is lost, or the store cannot be asked.
    fn extend<'a>(&'a self, lease: &'a Lease, scope: &'a Scope)
    -> BoxFuture<'a, Result<Attempt, RenewError>>;

    /// Goes on holding a lease.
    ///
    /// # Errors
    ///
    /// It is lost, or the store cannot be asked.
    fn renew<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), RenewError>>;

    /// Gives a lease back; one that is lost is given back already.
    ///
    /// # Errors
    ///
    /// As for [`LockStore::acquire`].
    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LockError>>;

    /// Who holds what now.
    ///
    /// # Errors
    ///
    /// As for [`LockStore::acquire`].
    fn show(&self) -> BoxFuture<'_, Result<Vec<Holder>, LockError>>;

    /// The locks that were broken, the newest last.
    ///
    /// # Errors
    ///
    /// As for [`LockStore::acquire`].
    fn breaks(&self) -> BoxFuture<'_, Result<Vec<Break>, LockError>>;

    /// Takes locks from their holders, who are fenced, and remembers who did and why.
    ///
    /// # Errors
    ///
    /// As for [`LockStore::acquire`]; also where no lock or too many are meant.
    fn break_locks<'a>(&'a self, breaking: &'a Breaking) -> BoxFuture<'a, Result<Vec<Break>, LockError>>;
}

/// What came of asking for a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Attempt {
    /// It is the run's.
    Held(Lease),
    /// Others hold it, or some of it.
    HeldBy(Vec<Holder>),
}

impl Attempt {
    /// What came of asking for a lease.
    pub(super) fn of(taken: Result<(), Vec<Holder>>, lease: Lease) -> Self {
        taken.map_or_else(Self::HeldBy, |()| Self::Held(lease))
    }

    /// The same, of a lease that has its number from there.
    pub(super) fn acquired(taken: Result<u64, Vec<Holder>>, wanted: &Holder) -> Self {
        taken.map_or_else(Self::HeldBy, |fence| Self::Held(Lease { fence, holder: wanted.clone() }))
    }
}

impl Lease {
    /// The lease with more in its scope.
    #[must_use]
    pub(super) fn with(mut self, scope: &Scope) -> Self {
        self.holder.scope.join(scope);
        self
    }
}

/// A lock that a run holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Grows with every lease of a project: of two, the one with the greater number is the newer.
    pub fence: u64,
    /// Who holds it.
    pub holder: Holder,
}

/// Which locks are broken, and why.
#[derive(Debug, Clone)]
pub struct Breaking {
    /// An environment, a host, or a run's id or its beginning; without it the only lock there is.
    pub which: Option<String>,
    /// Who does it: `ada on ops1`.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl Breaking {
    /// The locks that are meant, of those that are held.
    ///
    /// # Errors
    ///
    /// There is none of that name, or several and none was named.
    pub fn meant(which: Option<&str>, held: &[Holder]) -> Result<Vec<Holder>, LockError> {
        let is_meant = |holder: &&Holder| which.is_none_or(|name| holder.is_called(name));
        let meant: Vec<Holder> = held.iter().filter(is_meant).cloned().collect();
        match meant.len() {
            0 => Err(LockError::NotHeld(held.to_vec())),
            1 => Ok(meant),
            _ if which.is_none() => Err(LockError::Several(held.to_vec())),
            _ => Ok(meant),
        }
    }
}

/// Why a store of locks does not do what it is asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LockError {
    /// It cannot be asked.
    #[error("{0}")]
    Unavailable(OpError),
    /// What it holds is not what a version of oneex writes.
    #[error("what it holds is damaged: {0}")]
    Damaged(String),
    /// What it holds is of another version.
    #[error("it is of format {0}, which this version of oneex does not know")]
    Format(u32),
    /// There is no lock of that name; these there are.
    #[error("no lock of that name is held")]
    NotHeld(Vec<Holder>),
    /// There are several, and none was named.
    #[error("{} locks are held, and none of them is named", .0.len())]
    Several(Vec<Holder>),
}

/// Why a lease was not renewed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RenewError {
    /// It is the run's no longer.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// Nobody knows; another try may help.
    #[error(transparent)]
    Store(#[from] LockError),
}
