//! Words that events have as they are written in the source, and the same words when events are read again.

use serde::{Deserialize as _, Deserializer};

/// A word that is written in the source. A name of its own, since serde takes `&str` for something to borrow.
pub(super) type Word = &'static str;

/// All of them, besides the codes of mistakes.
const WORDS: &[&str] = &[
    "action", "always", "approved", "asked", "ensure", "exec", "plan", "read", "refused", "rescue", "run",
    "stderr", "stdout", "waiting",
];

/// The word; an error for one that no event has.
pub(super) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = WORDS.iter().find(|word| **word == text);
    known.copied().ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no word of an event")))
}

/// The code of a mistake. What no run begins with is in no journal, so none is needed.
pub(super) fn maybe<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Word>, D::Error> {
    Option::<serde::de::IgnoredAny>::deserialize(deserializer).map(|_| None)
}
