//! Where in the life of its node a call is made: the same call has the same place when a body runs again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Phase;

/// A sequence of calls, one after the other: a body, or what a closure in it does. Calls side by side are in branches of
/// their own, so that it does not matter which comes first.
///
/// A place reads `body/2/4.1.3`: the third call of the second branch that the fourth call of the second attempt of a
/// body opened.
#[derive(Debug)]
pub struct Branch {
    prefix: String,
    next: AtomicU32,
}

impl Branch {
    /// That of an attempt at a phase.
    pub(crate) fn root(phase: Phase, attempt: u32) -> Arc<Self> {
        Self::after(format!("{}/{attempt}/", phase.as_str()))
    }

    /// The branch of this index below the call at `place`.
    pub(crate) fn below(place: &str, index: usize) -> Arc<Self> {
        Self::after(format!("{place}.{index}."))
    }

    fn after(prefix: String) -> Arc<Self> {
        Arc::new(Self { prefix, next: AtomicU32::new(0) })
    }

    /// The place of the next call.
    pub(crate) fn next(&self) -> String {
        format!("{}{}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl Phase {
    /// The word that places begin with.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Condition => "condition",
            Self::Body => "body",
            Self::Rescue => "rescue",
            Self::Always => "always",
            Self::BatchCheck => "check",
            Self::OnEnd => "end",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Branch, Phase};

    #[test]
    fn places_count_within_their_branch() {
        let body = Branch::root(Phase::Body, 2);
        assert_eq!((body.next(), body.next()), ("body/2/1".to_owned(), "body/2/2".to_owned()));
        let branch = Branch::below("body/2/2", 0);
        assert_eq!((branch.next(), branch.next()), ("body/2/2.0.1".to_owned(), "body/2/2.0.2".to_owned()));
        assert_eq!(Branch::below(&branch.next(), 1).next(), "body/2/2.0.3.1.1");
        assert_eq!(body.next(), "body/2/3");
    }
}
