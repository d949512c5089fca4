//! Names of what is sealed.

use crate::run::NodeKey;

/// What a call gave.
pub(crate) const CALL: &str = "call";
/// What a node returned.
pub(crate) const NODE: &str = "node";
/// How a node stood before its `rescue` or `always`.
pub(crate) const TURN: &str = "turn";
/// What a call replaced.
pub(crate) const IMAGE: &str = "image";
/// What became a secret in mid-run.
pub(crate) const SECRET: &str = "secret";
/// What was drawn.
pub(crate) const DRAWN: &str = "drawn";
/// A host that was added.
pub(crate) const HOST: &str = "host";
/// What was drawn while the script was loaded.
pub(crate) const LOAD: &str = "load";
/// What the run was asked to do.
pub(crate) const REQUEST: &str = "request";

/// The name for something of a node.
pub(crate) fn name(kind: &str, node: &NodeKey, place: &str) -> String {
    format!("{kind} {}", serde_json::json!([node, place]))
}
