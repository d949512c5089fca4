//! Whether an account is wanted.

use oneex_sdk::Change;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether it is to be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Presence {
    /// It is there.
    #[default]
    Present,
    /// It is not there.
    Absent,
}

impl Presence {
    /// Adds `state`, where it differs.
    pub(crate) fn differ(self, change: &mut Change, is_there: bool) {
        let word = |is_there| Some(if is_there { "present" } else { "absent" }.to_owned());
        change.property("state", word(is_there), word(self == Self::Present));
    }
}
