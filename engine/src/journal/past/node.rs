//! What is known of one node.

use std::collections::HashMap;

use jiff::Timestamp;
use oneex_sdk::{Change, Map};
use serde_json::Value;

use super::{Ended, Turn};
use crate::journal::Intent;
use crate::run::{Failure, NodeStatus, OpStatus};

/// How much of a node's last attempt counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was cut off: all that was answered is.
    CutOff,
    /// A call failed: the same, but for the call.
    FailedByCall,
    /// The body itself gave up: what it looked at may be different now, what it did is done.
    GaveUp,
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) target: String,
    pub(super) args: Value,
    pub(super) status: OpStatus,
    pub(super) change: Option<Change>,
    pub(super) fields: Map<String, Value>,
    pub(super) failure: Option<Failure>,
}

#[derive(Debug, Default)]
pub(super) struct NodePast {
    pub(super) ended: Option<Ended>,
    /// Its number in the journal.
    pub(super) ended_at: u64,
    pub(super) attempt: u32,
    /// When the last attempt failed and for how many seconds the next one was to wait.
    pub(super) pause: Option<(Timestamp, f64)>,
    pub(super) turn: Option<Turn>,
    pub(super) calls: HashMap<String, Call>,
    pub(super) intents: HashMap<String, Intent>,
    pub(super) drawn: HashMap<String, (String, Value)>,
}

impl NodePast {
    pub(super) fn is_over(&self) -> bool {
        let over = |ended: &Ended| {
            matches!(
                ended.status,
                NodeStatus::Ok | NodeStatus::Changed | NodeStatus::Skipped | NodeStatus::Rescued
            )
        };
        self.ended.as_ref().is_some_and(over)
    }

    pub(super) fn standing(&self) -> Standing {
        match &self.ended {
            Some(Ended { status: NodeStatus::Failed | NodeStatus::Unreachable, failure, .. }) => {
                if failure.as_ref().is_some_and(|failure| failure.operation.is_some()) {
                    Standing::FailedByCall
                } else {
                    Standing::GaveUp
                }
            }
            _ => Standing::CutOff,
        }
    }

    /// It began again: what it was to do again does not count from then on.
    pub(super) fn goes_on(&mut self) {
        match self.standing() {
            Standing::CutOff => {}
            Standing::FailedByCall => {
                let again = |(place, call): &(&String, &Call)| call.failure.is_some() && self.is_last(place);
                let again: Vec<String> =
                    self.calls.iter().filter(again).map(|(place, _)| place.clone()).collect();
                again.iter().for_each(|place| drop(self.calls.remove(place)));
            }
            Standing::GaveUp => self.calls.retain(|_, call| call.kind == "action"),
        }
    }

    /// Whether no later call was made in the same branch.
    pub(super) fn is_last(&self, place: &str) -> bool {
        let Some((branch, number)) = branch_of(place) else { return true };
        !self
            .calls
            .keys()
            .chain(self.intents.keys())
            .any(|other| branch_of(other).is_some_and(|(own, later)| own == branch && later > number))
    }
}

/// The branch of a place, and the number of the call in it: `body/1/4.2` and 1 of `body/1/4.2.1`.
fn branch_of(place: &str) -> Option<(&str, u32)> {
    let (branch, number) = place.rsplit_once(['.', '/'])?;
    Some((branch, number.parse().ok()?))
}
