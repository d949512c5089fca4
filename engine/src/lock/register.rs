//! The leases of a project as plain data, and every decision about them.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Break, Breaking, Holder, LockError};

/// The version of the format; another is not read.
pub(super) const FORMAT: u32 = 1;

/// How many broken locks are remembered.
const REMEMBERED: usize = 100;

/// The leases of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Register {
    pub(super) format: u32,
    /// The number of the newest lease.
    fence: u64,
    pub(super) leases: Vec<Entry>,
    pub(super) breaks: Vec<Break>,
}

/// One lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) fence: u64,
    pub(super) holder: Holder,
    /// How long it holds where that depends on time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) term: Option<Term>,
}

/// How long a lease holds, by the clock of whoever keeps the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Term {
    /// When it ends, in milliseconds since 1970.
    ends: u64,
    /// How long it held when it was renewed, in milliseconds.
    length: u64,
}

impl Term {
    /// From `now` on, so long.
    pub(super) fn new(now: Duration, length: Duration) -> Self {
        Self { ends: milliseconds(now + length), length: milliseconds(length) }
    }

    /// The moment it was made for.
    pub(super) fn begins(self) -> Duration {
        Duration::from_millis(self.ends.saturating_sub(self.length))
    }

    fn has_ended(self, now: Duration) -> bool {
        self.ends <= milliseconds(now)
    }

    /// What is left of it. More than all of it is left only where the clock was set back: then it begins now, so that
    /// a dead owner's lease does not last until the clock is there again.
    fn seen(self, now: Duration) -> Self {
        Self { ends: self.ends.min(milliseconds(now) + self.length), ..self }
    }

    fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_millisecond(i64::try_from(self.ends).ok()?).ok()
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Why a lease is a run's no longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// A person broke it.
    #[error("{} broke it at {:.0}: {}", .0.by, .0.at, .0.reason)]
    Broken(Box<Break>),
    /// Another run has it.
    #[error("another run has it: {0}")]
    Taken(Box<Holder>),
    /// Nobody has it, and the store does not know it any more.
    #[error("the store does not know it any more")]
    Gone,
}

impl Default for Register {
    fn default() -> Self {
        Self { format: FORMAT, fence: 0, leases: Vec::new(), breaks: Vec::new() }
    }
}

impl Register {
    /// Reads one; an empty text is that of a project that nobody has locked yet.
    ///
    /// # Errors
    ///
    /// It is damaged, or of another version of the format.
    pub(super) fn parse(text: &str) -> Result<Self, LockError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let damaged = |error: serde_json::Error| LockError::Damaged(error.to_string());
        let Version { format } = serde_json::from_str(text).map_err(damaged)?;
        if format != FORMAT {
            return Err(LockError::Format(format));
        }
        serde_json::from_str(text).map_err(damaged)
    }

    /// It as text.
    ///
    /// # Errors
    ///
    /// Never, as all of it can be written.
    pub(super) fn text(&self) -> Result<String, LockError> {
        serde_json::to_string(self).map_err(|error| LockError::Damaged(error.to_string()))
    }

    /// Takes out the leases of owners that are dead, and those that have ended.
    pub(super) fn sweep(&mut self, now: Duration, is_dead: impl Fn(&Entry) -> bool) {
        for entry in &mut self.leases {
            entry.term = entry.term.map(|term| term.seen(now));
        }
        self.leases.retain(|entry| !is_dead(entry) && !entry.term.is_some_and(|term| term.has_ended(now)));
    }

    /// Gives a run what it wants, all of it or nothing. Asked again, as where the answer did not arrive, it gives the
    /// same lease.
    ///
    /// # Errors
    ///
    /// Others hold some of it.
    pub(super) fn acquire(&mut self, wanted: &Holder, term: Option<Term>) -> Result<u64, Vec<Holder>> {
        self.others(wanted)?;
        if let Some(own) = self.leases.iter_mut().find(|entry| entry.holder.owner == wanted.owner) {
            own.holder.scope.join(&wanted.scope);
            own.term = term;
            return Ok(own.fence);
        }
        self.fence += 1;
        self.leases.push(Entry { fence: self.fence, holder: wanted.clone(), term });
        Ok(self.fence)
    }

    /// Others than this run that hold some of what it wants.
    fn others(&self, wanted: &Holder) -> Result<(), Vec<Holder>> {
        let others = self.leases.iter().filter(|entry| entry.holder.owner != wanted.owner);
        let held: Vec<Holder> =
            others.filter(|entry| entry.holder.scope.meets(&wanted.scope)).map(Entry::shown).collect();
        if held.is_empty() { Ok(()) } else { Err(held) }
    }

    /// Adds to a lease, all of it or nothing.
    ///
    /// # Errors
    ///
    /// The lease is the run's no longer; within, others hold some of it.
    pub(super) fn extend(
        &mut self,
        wanted: &Holder,
        fence: u64,
        term: Option<Term>,
    ) -> Result<Result<(), Vec<Holder>>, Lost> {
        self.renew(wanted, fence, term)?;
        if let Err(held) = self.others(wanted) {
            return Ok(Err(held));
        }
        if let Some(own) = self.leases.iter_mut().find(|entry| entry.fence == fence) {
            own.holder.scope.join(&wanted.scope);
        }
        Ok(Ok(()))
    }

    /// A lease goes on.
    ///
    /// # Errors
    ///
    /// It is the run's no longer.
    pub(super) fn renew(&mut self, holder: &Holder, fence: u64, term: Option<Term>) -> Result<(), Lost> {
        if let Some(own) = self.leases.iter_mut().find(|entry| entry.fence == fence) {
            own.term = term;
            return Ok(());
        }
        if let Some(broken) = self.breaks.iter().find(|broken| broken.fence == fence) {
            return Err(Lost::Broken(Box::new(broken.clone())));
        }
        let other = self.leases.iter().find(|entry| entry.holder.scope.meets(&holder.scope));
        Err(other.map_or(Lost::Gone, |entry| Lost::Taken(Box::new(entry.shown()))))
    }

    /// A run needs its lease no longer.
    pub(super) fn release(&mut self, fence: u64) {
        self.leases.retain(|entry| entry.fence != fence);
    }

    /// Who holds what.
    pub(super) fn holders(&self) -> Vec<Holder> {
        self.leases.iter().map(Entry::shown).collect()
    }

    /// Takes locks from their holders.
    ///
    /// # Errors
    ///
    /// There is none of that name, or several and none was named.
    pub(super) fn break_locks(&mut self, breaking: &Breaking) -> Result<Vec<Break>, LockError> {
        let meant = Breaking::meant(breaking.which.as_deref(), &self.holders())?;
        let is_meant = |entry: &&Entry| meant.iter().any(|holder| holder.owner == entry.holder.owner);
        let broken = |entry: &Entry| Break {
            holder: entry.shown(),
            fence: entry.fence,
            by: breaking.by.clone(),
            reason: breaking.reason.clone(),
            at: breaking.at,
        };
        let broken: Vec<Break> = self.leases.iter().filter(is_meant).map(broken).collect();
        self.leases.retain(|entry| broken.iter().all(|broken| broken.fence != entry.fence));
        self.breaks.extend(broken.iter().cloned());
        let forgotten = self.breaks.len().saturating_sub(REMEMBERED);
        self.breaks.drain(..forgotten);
        Ok(broken)
    }
}

impl Entry {
    fn shown(&self) -> Holder {
        Holder { expires: self.term.and_then(Term::timestamp), ..self.holder.clone() }
    }
}

#[cfg(test)]
mod tests;
