//! What is said once a run, whichever host brings it up first.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Takes a warning.
type Tell = dyn Fn(&str) + Send + Sync;

/// Where warnings go, and which were said. Clones share both.
#[derive(Clone, Default)]
pub struct Warnings {
    tell: Option<Arc<Tell>>,
    said: Arc<Mutex<HashSet<String>>>,
}

impl Warnings {
    /// Warnings that go to `tell`, each a lower-case fragment.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { tell: Some(Arc::new(tell)), said: Arc::default() }
    }

    /// Of these things, those that nothing was said of yet.
    pub(super) fn fresh(&self, things: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        things.into_iter().filter(|thing| said.insert(thing.clone())).collect()
    }

    /// Says it.
    pub(super) fn say(&self, text: &str) {
        tracing::warn!("{text}");
        if let Some(tell) = &self.tell {
            tell(text);
        }
    }

    /// Says it, unless it was said before.
    pub(super) fn once(&self, text: &str) {
        if !self.fresh([text.to_owned()]).is_empty() {
            self.say(text);
        }
    }
}

impl fmt::Debug for Warnings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Warnings").finish_non_exhaustive()
    }
}
