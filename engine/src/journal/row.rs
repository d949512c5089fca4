//! A record on its way into the file.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::Entry;
use super::texts::{self, Text};
use crate::run::{NodeKey, Stamped};

/// A record on its way into the file.
#[derive(Debug)]
pub(super) struct Row {
    /// Microseconds since 1970.
    pub(super) time: i64,
    pub(super) kind: &'static str,
    pub(super) task: Option<Arc<str>>,
    pub(super) host: Option<Arc<str>>,
    pub(super) body: Vec<u8>,
    /// Texts that are too long for the body.
    pub(super) texts: Vec<Text>,
}

impl Row {
    /// An event, which has passed the redactor.
    pub(super) fn of_event(stamped: &Stamped) -> Self {
        Self::new(stamped.time, stamped.event.name(), stamped.event.node(), stamped)
    }

    /// What is of the journal alone; it has passed the redactor as well.
    pub(super) fn of_entry(entry: &Entry) -> Self {
        Self::new(Timestamp::now(), entry.name(), entry.node(), entry)
    }

    fn new(time: Timestamp, kind: &'static str, node: Option<&NodeKey>, body: &impl Serialize) -> Self {
        let mut texts = Vec::new();
        // What oneex makes itself has no key that is no text, and no number that JSON lacks.
        let mut body = serde_json::to_vec(body).unwrap_or_default();
        if (body.len() > texts::SMALL || texts::may_point(&body))
            && let Ok(mut value) = serde_json::from_slice(&body)
        {
            texts::take(&mut value, &mut texts);
            body = serde_json::to_vec(&value).unwrap_or(body);
        }
        Self {
            time: time.as_microsecond(),
            kind,
            task: node.map(|node| Arc::clone(&node.task)),
            host: node.and_then(|node| node.host.clone()),
            body,
            texts,
        }
    }
}
