//! What operations on values of documents have in common.

use oneex_sdk::{Change, OpError, OpResult, Output, Reader, Value, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::step::Key;
use super::value::{Grammar, with_value, without_value};
use crate::host::Mode;
use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_try_edit};

/// The options of operations that set or remove a value of a document.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueParams {
    /// The absolute path; a symbolic link is followed.
    pub(crate) path: String,
    /// Where the value is: names with dots between them, `"server.port"`, or an array of names, which may hold dots,
    /// and of positions from 0 on, `["servers", 0, "name"]`. The position behind the last item is that of a new one.
    key: Key,
    /// The value: anything that the document can hold. Of a map that is there only the entries change that differ.
    #[serde(default, deserialize_with = "given")]
    value: Option<Value>,
    /// Whether it is to be there; a position of an array cannot be `absent`, as the next item would take it.
    #[serde(default)]
    state: Presence,
    /// Makes the file where there is none; otherwise that is an error.
    #[serde(default)]
    create: bool,
    /// The file mode, such as `"0644"` or `"u=rw,go=r"`; kept when left out.
    mode: Option<Mode>,
    /// The owner, by name or number; kept when left out.
    owner: Option<String>,
    /// The group, by name or number; kept when left out.
    group: Option<String>,
    /// Keeps the old file beside the new one, under its name with `.`, a random suffix and `~`.
    #[serde(default)]
    backup: bool,
    /// A command that must accept the new file before it takes its place; `%s` stands for its name.
    validate: Option<String>,
}

/// Tells `()`, which is a value, from an option that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl ValueParams {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    /// Looks at the file, and edits it as a document of the grammar.
    pub(crate) async fn read<G: Grammar>(&self, reader: &dyn Reader) -> OpResult<Option<ContentState>> {
        let steps = self.key.steps()?;
        let is_removal = self.state == Presence::Absent;
        let value = match &self.value {
            None if !is_removal => {
                return Err(OpError::invalid("the option `value` is missing")
                    .hint("`state: \"absent\"` removes the key"));
            }
            value => value.clone().unwrap_or_default(),
        };
        if !is_removal {
            G::check(&value)?;
        }
        look_and_try_edit(reader, &self.path, self.create, is_removal, |text| {
            if is_removal { without_value::<G>(text, &steps) } else { with_value::<G>(text, &steps, &value) }
        })
        .await
    }

    /// What differs.
    pub(crate) fn differ(&self, state: Option<&ContentState>) -> Change {
        state.map_or_else(Change::none, |state| state.differ(self.attributes(), true))
    }

    /// Makes it so.
    pub(crate) async fn apply(
        &self,
        writer: &dyn Writer,
        state: Option<&ContentState>,
        change: &Change,
    ) -> OpResult<Output> {
        let Some(state) = state else { return Ok(Output::none()) };
        state.apply(writer, change, self.attributes(), self.backup, self.validate.as_deref()).await
    }
}
