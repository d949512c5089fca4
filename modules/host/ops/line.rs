//! Makes sure that a line is in a file, or is not.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_edit, place, regular_expression};
use crate::host::edit::{Finder, LineEdit, with_line, without_line};

/// The operation `line`.
pub(crate) struct Line;

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

/// The options of `line`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path; a symbolic link is followed.
    path: String,
    /// The line, without its break; with `state: "absent"` it may be left out where `regexp` or `search_string` is given.
    line: Option<String>,
    /// The regular expression of the line that is changed; the last one that fits is.
    regexp: Option<String>,
    /// A text of the line that is changed, in place of `regexp`.
    search_string: Option<String>,
    /// Whether the line is to be there.
    #[serde(default)]
    state: State,
    /// Expands `$1` and `${name}` of `regexp` in the line; does nothing where no line fits.
    #[serde(default)]
    backrefs: bool,
    /// Takes the first line that fits and not the last.
    #[serde(default)]
    firstmatch: bool,
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
        let finder = match (&self.regexp, &self.search_string) {
            (Some(_), Some(_)) => {
                return Err(OpError::invalid("`regexp` and `search_string` exclude each other"));
            }
            (Some(text), None) => Some(Finder::Regexp(regular_expression("regexp", text)?)),
            (None, Some(text)) => Some(Finder::Text(text.clone())),
            (None, None) => None,
        };
        let place = place(self.insertafter.as_deref(), self.insertbefore.as_deref())?;
        let line = self.line.clone();
        if line.as_ref().is_some_and(|line| line.contains('\n')) {
            return Err(OpError::invalid("`line` holds a line break").hint("`block` puts several lines"));
        }
        match self.state {
            State::Present if line.is_none() => {
                return Err(OpError::invalid("`line` needs the option `line`"));
            }
            State::Absent if line.is_none() && finder.is_none() => {
                return Err(OpError::invalid(
                    "`line` needs one of the options `line`, `regexp` and `search_string`",
                ));
            }
            _ if self.backrefs && self.regexp.is_none() => {
                return Err(OpError::invalid("`backrefs` needs the option `regexp`"));
            }
            _ => {}
        }
        let (state, backrefs, first_match) = (self.state, self.backrefs, self.firstmatch);
        Ok(move |text: &str| match state {
            State::Absent => without_line(text, line.as_deref(), finder.as_ref()),
            State::Present => {
                let line = line.as_deref().unwrap_or_default();
                let edit =
                    LineEdit { line, finder: finder.as_ref(), place: place.clone(), backrefs, first_match };
                with_line(text, &edit)
            }
        })
    }
}

impl Op for Line {
    type Params = Params;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "line";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that a line is in a file, or is not.

With `regexp` the line that it fits is changed; where none does, and the line itself is not there, it is added. All
else stays byte for byte as it is, a missing last line break included. Regular expressions are those of the Rust crate
`regex`; `backrefs` are written `$1`.

Sources: Ansible's module `lineinfile` for names and meaning.";
    const POSITIONAL: &'static [&'static str] = &["path", "line"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "one setting",
        code: r#"h.line(`${dir}/sshd_config`, "PermitRootLogin no", #{ regexp: "^#?PermitRootLogin ", create: true });"#,
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

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Line;

    #[tokio::test]
    async fn decisions() {
        for (before, options, after) in [
            (Some("a\nb"), json!({ "line": "c" }), Some("a\nb\nc")),
            (Some("p=1\n"), json!({ "line": "p=2", "regexp": "^p=" }), Some("p=2\n")),
            (Some("a\n"), json!({ "line": "x", "insertbefore": "BOF" }), Some("x\na\n")),
            (Some("a\nb\n"), json!({ "line": "a", "state": "absent" }), Some("b\n")),
            (None, json!({ "line": "a", "state": "absent" }), None),
            (None, json!({ "line": "$(id) 'x'", "create": true }), Some("$(id) 'x'\n")),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("f", before);
            }
            let mut options = options;
            options["path"] = json!(host.path("f"));
            let done = laws::ensures(Line, &host, options).await.expect("it is edited");
            assert_eq!(done.changed, before != after);
            assert_eq!(host.content("f"), after.map(|text| text.as_bytes().to_vec()));
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        host.write("binary", b"\xff\xfe");
        for (name, options, message) in [
            ("gone", json!({ "line": "a" }), "does not exist"),
            ("binary", json!({ "line": "a" }), "is not UTF-8 text"),
            ("f", json!({}), "`line` needs the option `line`"),
            ("f", json!({ "line": "a\nb" }), "`line` holds a line break"),
            ("f", json!({ "line": "a", "regexp": "(" }), "`regexp`: "),
            ("f", json!({ "line": "a", "backrefs": true }), "`backrefs` needs the option `regexp`"),
        ] {
            let mut options = options;
            options["path"] = json!(host.path(name));
            let error = laws::run(Line, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| json!({ "path": host.write("f", "a\n"), "line": "b" });
        laws::survives_cuts(Line, prepare, |host: &TestHost| host.content("f")).await;
    }
}
