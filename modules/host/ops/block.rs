//! Makes sure that a marked block of lines is in a file, or is not.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_edit, markers, place};
use crate::host::edit::{BlockEdit, with_block, without_block};

/// The operation `block`.
pub(crate) struct Block;

/// Whether it is to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It is to be there.
    #[default]
    Present,
    /// It is not to be there.
    Absent,
}

/// The options of `block`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path; a symbolic link is followed.
    path: String,
    /// The lines between the markers; without any, the block is taken out.
    #[serde(default)]
    block: String,
    /// The line before and after the block; `{mark}` stands for `BEGIN` and `END`. Blocks of one file need different ones.
    #[serde(default = "marker")]
    marker: String,
    /// What stands for `{mark}` before the block.
    #[serde(default = "begin")]
    marker_begin: String,
    /// What stands for `{mark}` after it.
    #[serde(default = "end")]
    marker_end: String,
    /// Keeps an empty line before the block, unless it is at the beginning.
    #[serde(default)]
    prepend_newline: bool,
    /// Keeps an empty line after the block, unless it is at the end.
    #[serde(default)]
    append_newline: bool,
    /// Whether the block is to be there.
    #[serde(default)]
    state: State,
    /// Puts it after the last line that this regular expression fits; `"EOF"` is the end, which it is without one.
    insertafter: Option<String>,
    /// Puts it before the last line that this regular expression fits; `"BOF"` is the beginning.
    insertbefore: Option<String>,
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

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    fn edit(&self) -> OpResult<impl Fn(&str) -> String + Send> {
        let (begin, end) = markers(&self.marker, &self.marker_begin, &self.marker_end)?;
        let place = place(self.insertafter.as_deref(), self.insertbefore.as_deref())?;
        let (state, block) = (self.state, self.block.clone());
        if let Some(line) = block.lines().find(|line| *line == begin || *line == end) {
            let message = format!("the block holds the line `{line}`, by which it is found");
            return Err(OpError::invalid(message).hint("give it another `marker`"));
        }
        let (prepend_newline, append_newline) = (self.prepend_newline, self.append_newline);
        Ok(move |text: &str| {
            let markers = (begin.as_str(), end.as_str());
            if state == State::Absent || block.is_empty() {
                return without_block(text, markers);
            }
            let place = place.clone();
            with_block(text, &BlockEdit { markers, block: &block, place, prepend_newline, append_newline })
        })
    }
}

impl Op for Block {
    type Params = Params;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "block";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that a marked block of lines is in a file, or is not.

The block stands between two marker lines, by which the next run finds it again. All else stays byte for byte as it
is, a missing last line break included.

Sources: Ansible's module `blockinfile` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["path", "block"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a block of settings",
        code: r##"h.block(`${dir}/hosts`, "10.0.0.1 a\n10.0.0.2 b", #{ marker: "# {mark} cluster", create: true });"##,
        proof: Proof::Run,
    }];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<ContentState>> {
        let edit = params.edit()?;
        look_and_edit(reader, &params.path, params.create, params.state == State::Absent, edit).await
    }

    fn diff(&self, params: &Params, state: &Option<ContentState>) -> Change {
        state.as_ref().map_or_else(Change::none, |state| state.differ(params.attributes(), true))
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &Option<ContentState>,
        change: &Change,
    ) -> OpResult<Output> {
        let Some(state) = state else { return Ok(Output::none()) };
        state.apply(writer, change, params.attributes(), params.backup, params.validate.as_deref()).await
    }
}

fn marker() -> String {
    "# {mark} ONEEX MANAGED BLOCK".to_owned()
}

fn begin() -> String {
    "BEGIN".to_owned()
}

fn end() -> String {
    "END".to_owned()
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Block;

    #[tokio::test]
    async fn decisions() {
        let whole = "# BEGIN ONEEX MANAGED BLOCK\nx\n# END ONEEX MANAGED BLOCK";
        for (before, options, after) in [
            ("a".to_owned(), json!({ "block": "x" }), format!("a\n{whole}")),
            (format!("{whole}\nz"), json!({ "block": "x" }), format!("{whole}\nz")),
            (format!("a\n{whole}\nz"), json!({ "state": "absent" }), "a\nz".to_owned()),
            ("a\nb\n".to_owned(), json!({ "block": "x", "insertafter": "^a" }), format!("a\n{whole}\nb\n")),
        ] {
            let host = TestHost::new();
            let mut options = options;
            options["path"] = json!(host.write("f", &before));
            let done = laws::ensures(Block, &host, options).await.expect("it is edited");
            assert_eq!(done.changed, before != after);
            assert_eq!(host.content("f"), Some(after.into_bytes()));
        }
    }

    #[tokio::test]
    async fn a_marker_without_its_mark_is_refused() {
        let host = TestHost::new();
        let options = json!({ "path": host.write("f", ""), "block": "x", "marker": "# mine" });
        let error = laws::run(Block, &host, options).await.expect_err("refused");
        assert_eq!(error.message, "`marker`: `{mark}` is missing in `# mine`");
    }
}
