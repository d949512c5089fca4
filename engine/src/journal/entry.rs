//! What the journal knows of a run besides its events.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::run::{Failure, NodeKey, NodeStatus};

/// Who began a run, or went on with it, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The person's name on the controller.
    pub user: Option<String>,
    /// The controller's name.
    pub machine: Option<String>,
    /// The version of oneex.
    pub version: String,
    /// The process.
    pub process: u32,
    /// What a CI says of its job: `system`, `job`, `url`, `commit`, `branch`, `actor`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ci: BTreeMap<String, String>,
}

/// What a run was asked to do, so that the same can be asked again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The runbook, as it was named.
    pub runbook: String,
    /// The folder that it was named from.
    pub folder: String,
    /// The options that decide what is run and where, by their names, secrets masked.
    pub options: Value,
}

/// The beginning of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Began {
    /// The format of what follows, see [`super::FORMAT`].
    pub format: i64,
    /// The run's id.
    pub id: String,
    /// The runbook's name.
    pub name: String,
    /// `run`, `plan` or `exec`.
    pub mode: String,
    /// The chosen environment.
    pub environment: Option<String>,
    /// When.
    pub time: Timestamp,
    /// Who and where.
    pub origin: Origin,
    /// What was asked for; nothing where it cannot be asked for again, as with `exec`.
    pub request: Option<Request>,
    /// SHA-256 of what was loaded, by its name: the runbook, what it imports, inventory files.
    pub inputs: BTreeMap<String, String>,
    /// Where hosts keep what outlives a connection.
    pub place: String,
    /// What was drawn while the script was loaded, secrets masked, see [`Entry::Drawn`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Value>,
}

/// What a resumed run is told of a call that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The node.
    pub node: NodeKey,
    /// The call's place in the node, see [`super::Place`].
    pub place: String,
    /// Its number in the run.
    pub op: u64,
    /// Its name.
    pub name: String,
    /// Its target.
    pub target: String,
    /// When.
    pub time: Timestamp,
    /// What its commands are known by on the host; nothing where only the controller knows what becomes of it.
    pub claim: Option<String>,
}

/// What the journal knows of a run besides its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Entry {
    /// The run begins: always the first.
    Began(Box<Began>),
    /// The run goes on.
    Resumed {
        /// Who and where.
        origin: Origin,
        /// What had changed since and was accepted.
        accepted: Vec<String>,
    },
    /// A file was read in mid-run: a template, a file that was copied.
    Input {
        /// Its name.
        name: String,
        /// SHA-256 of its content.
        digest: String,
    },
    /// A call is about to have an effect.
    Intent(Intent),
    /// What a call is about to replace is kept, sealed.
    Image {
        /// The node.
        node: NodeKey,
        /// The call's place in the node.
        place: String,
        /// The path on the host.
        name: String,
        /// How many bytes it has.
        size: u64,
    },
    /// A call was cancelled, and what it had begun was ended.
    Dropped {
        /// The node.
        node: NodeKey,
        /// The call's place in the node.
        place: String,
    },
    /// Something that would be different another time was given to the script: a time, a random number.
    Drawn {
        /// The node.
        node: NodeKey,
        /// The call's place in the node.
        place: String,
        /// What gave it: `time::now`.
        name: String,
        /// What was given, secrets masked.
        value: Value,
    },
    /// A body has ended, and `rescue` or `always` begins.
    Turned {
        /// The node.
        node: NodeKey,
        /// `rescue` or `always`.
        phase: String,
        /// How the body ended.
        status: NodeStatus,
        /// Why, where there is more to say.
        reason: Option<String>,
        /// What it failed with.
        failure: Option<Box<Failure>>,
        /// What it returned, secrets masked.
        output: Value,
    },
    /// A host that a task added, secrets masked.
    Host {
        /// The node.
        node: NodeKey,
        /// All that is known of it.
        host: Value,
    },
}

impl Entry {
    /// Its kind, as lists show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Began(_) => "began",
            Self::Resumed { .. } => "resumed",
            Self::Input { .. } => "input",
            Self::Intent(_) => "intent",
            Self::Image { .. } => "image",
            Self::Dropped { .. } => "dropped",
            Self::Drawn { .. } => "drawn",
            Self::Turned { .. } => "turned",
            Self::Host { .. } => "host",
        }
    }

    /// The node that it is of.
    pub fn node(&self) -> Option<&NodeKey> {
        match self {
            Self::Intent(Intent { node, .. })
            | Self::Image { node, .. }
            | Self::Dropped { node, .. }
            | Self::Drawn { node, .. }
            | Self::Turned { node, .. }
            | Self::Host { node, .. } => Some(node),
            Self::Began(_) | Self::Resumed { .. } | Self::Input { .. } => None,
        }
    }
}
