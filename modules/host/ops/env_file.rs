//! Makes sure that a file of environment variables sets one, or does not.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::accounts::Presence;
use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, look_and_try_edit};
use crate::host::documents::{Assignment, Scalar, is_variable, with_variable, without_variable};

/// The operation `env_file`.
pub(crate) struct EnvFile;

/// The options of `env_file`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The absolute path; a symbolic link is followed.
    path: String,
    /// The name of the variable: letters, digits and `_`.
    name: String,
    /// The value, taken as it is: quotes are put around it where they are needed.
    value: Option<Scalar>,
    /// Whether `export` stands before the name; what is there stays when left out, and a new line has none.
    exported: Option<bool>,
    /// Whether the variable is to be there.
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

impl Params {
    fn attributes(&self) -> Attributes<'_> {
        Attributes { mode: self.mode.as_ref(), owner: self.owner.as_deref(), group: self.group.as_deref() }
    }

    fn value(&self) -> OpResult<String> {
        if !is_variable(&self.name) {
            return Err(OpError::invalid(format!("`name`: `{}` is no name of a variable", self.name)));
        }
        let value = match &self.value {
            None if self.state == Presence::Present => {
                return Err(OpError::invalid("`env_file` needs the option `value`"));
            }
            value => value.as_ref().map(Scalar::text).unwrap_or_default(),
        };
        if value.contains('\0') {
            return Err(OpError::invalid("`value` holds a NUL, which no variable can"));
        }
        Ok(value)
    }
}

impl Op for EnvFile {
    type Params = Params;
    /// Nothing where there is no file that could hold it.
    type State = Option<ContentState>;

    const NAME: &'static str = "env_file";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Makes sure that a file of environment variables sets one, or does not.

For files of lines `NAME=value` as shells, systemd and others read them, with or without `export`. The value is
quoted so that each of them takes it as it is: `$`, quotes and line breaks are no more than what they are. Of several
lines for a name the last counts, and is changed; `absent` takes out all. Comments and all other lines stay byte for
byte as they are. A line that holds more than the one assignment is an error.

Sources: sh(1p), systemd.exec(5).";
    const POSITIONAL: &'static [&'static str] = &["path", "name", "value"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a variable of a service",
            code: r#"h.env_file(`${dir}/app.env`, "JAVA_OPTS", "-Xmx1g -Dname=it's", #{ create: true });"#,
            proof: Proof::Run,
        },
        Example {
            about: "one that shells hand on to what they start",
            code: r#"h.env_file(`${dir}/profile`, "EDITOR", "vi", #{ exported: true, create: true });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Paths(vec![params.path.clone()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<ContentState>> {
        let value = params.value()?;
        let is_removal = params.state == Presence::Absent;
        let wanted = Assignment { name: &params.name, value: &value, export: params.exported };
        look_and_try_edit(reader, &params.path, params.create, is_removal, |text| {
            if is_removal { without_variable(text, &params.name) } else { with_variable(text, &wanted) }
        })
        .await
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

    fn output(&self, _: &Params, state: &Option<ContentState>) -> Output {
        state.as_ref().map_or_else(Output::none, ContentState::output)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::EnvFile;

    #[tokio::test]
    async fn decisions() {
        for (before, options, after) in [
            (None, json!({ "value": "1", "create": true }), Some("A=1\n")),
            (Some("# c\nA=1"), json!({ "value": 1 }), Some("# c\nA=1")),
            (
                Some("# c\nA=1"),
                json!({ "value": "$(touch pwned) 'x'\n" }),
                Some("# c\nA=\"\\$(touch pwned) 'x'\n\""),
            ),
            (Some("A=1\n"), json!({ "value": true, "exported": true }), Some("export A=true\n")),
            (Some("B=1\nA=1\n"), json!({ "state": "absent" }), Some("B=1\n")),
            (None, json!({ "state": "absent" }), None),
        ] {
            let host = TestHost::new();
            if let Some(before) = before {
                host.write("f", before);
            }
            let mut options = options;
            options["path"] = json!(host.path("f"));
            options["name"] = json!("A");
            let done = laws::ensures(EnvFile, &host, options.clone()).await.expect("it is edited");
            assert_eq!(done.changed, before != after, "{options}");
            assert_eq!(host.content("f"), after.map(|text| text.as_bytes().to_vec()), "{options}");
        }
    }

    #[tokio::test]
    async fn wrong_calls_are_named() {
        let host = TestHost::new();
        host.write("binary", b"\xff\xfe");
        host.write("f", "A=1; B=2\n");
        for (name, options, message) in [
            ("gone", json!({ "name": "A", "value": 1 }), "does not exist"),
            ("binary", json!({ "name": "A", "value": 1 }), "is not UTF-8 text"),
            ("f", json!({ "name": "A" }), "`env_file` needs the option `value`"),
            ("f", json!({ "name": "A B", "value": 1 }), "`A B` is no name of a variable"),
            ("f", json!({ "name": "1A", "value": 1 }), "is no name of a variable"),
            ("f", json!({ "name": "", "value": 1 }), "is no name of a variable"),
            ("f", json!({ "name": "A", "value": "\0" }), "`value` holds a NUL"),
            ("f", json!({ "name": "A", "value": 2 }), "f`: the line of `A` holds more than its assignment"),
        ] {
            let mut options = options;
            options["path"] = json!(host.path(name));
            let error = laws::run(EnvFile, &host, options).await.expect_err(message);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[tokio::test]
    async fn a_cut_leaves_the_old_or_the_new() {
        let prepare = |host: &TestHost| json!({ "path": host.write("f", "A=1\n"), "name": "A", "value": 2 });
        laws::survives_cuts(EnvFile, prepare, |host: &TestHost| host.content("f")).await;
    }
}
