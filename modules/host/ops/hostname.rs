//! `hostname`: what a host calls itself.

use oneex_sdk::{Change, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::attributes::Attributes;
use crate::host::content::{ContentState, Question, look_and_ask};
use crate::host::steps::Steps;
use crate::host::system::Tool;

/// The operation `hostname`.
pub(crate) struct Hostname;

/// The options of `hostname`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The name: letters, digits and `-`, with dots between its parts where it has several.
    name: String,
}

impl Params {
    fn check(&self) -> OpResult<()> {
        // HOST_NAME_MAX of limits.h(0p) is 64 on Linux.
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        if self.name.len() > 64 || !self.name.split('.').all(is_label) {
            return Err(OpError::invalid(format!("`{}` cannot be the name of a host", self.name))
                .hint("a name is letters, digits and `-`, and has 64 characters at most"));
        }
        Ok(())
    }
}

/// What the file says, and what the kernel does.
pub(crate) struct State {
    content: ContentState,
    live: String,
}

const LOOK: &str = r#"printf 'live %s\n' "$(uname -n)""#;

/// Parameter: the name. Not every host has hostname(1), and the kernel takes it from its file too.
const ACT: &str = r#"hostname "$1" 2>/dev/null || printf %s "$1" >/proc/sys/kernel/hostname"#;

const TOOL: Tool = Tool { name: "hostname", packages: "`hostname`" };

/// The file with its name, comments kept.
fn with_name(text: &str, name: &str) -> String {
    let is_comment = |line: &str| line.trim().is_empty() || line.starts_with('#');
    if text.lines().find(|line| !is_comment(line)).is_some_and(|line| line.trim() == name) {
        return text.to_owned();
    }
    let comments = text.split_inclusive('\n').filter(|line| line.starts_with('#') && line.ends_with('\n'));
    format!("{}{name}\n", comments.collect::<String>())
}

impl Op for Hostname {
    type Params = Params;
    type State = State;

    const NAME: &'static str = "hostname";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Gives a host its name, now and after every restart.

The name is that of the kernel and the one in `/etc/hostname`. What `/etc/hosts` says of it is another matter.

Sources: hostname(5), hostname(1), RFC 1123, section 2.1; Ansible's module `hostname` for the names of options.";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const EXAMPLES: &'static [Example] =
        &[Example { about: "a name", code: r#"h.hostname("web1.example.org");"#, proof: Proof::Plan }];

    fn resources(&self, _: &Params) -> Resources {
        Resources::Paths(vec!["/etc/hostname".to_owned()])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        params.check()?;
        let question = Question { script: LOOK, words: Vec::new() };
        let answer = look_and_ask(reader, "/etc/hostname", true, question).await?;
        let live = answer.values("live").next().unwrap_or_default().to_owned();
        let content = answer.edited(reader, |text| Ok(with_name(text, &params.name)))?;
        let content = content.ok_or_else(|| OpError::failed("`/etc/hostname` would be empty"))?;
        Ok(State { content, live })
    }

    fn diff(&self, params: &Params, state: &State) -> Change {
        let mut change = Change::none();
        change.property("name", Some(state.live.clone()), Some(params.name.clone()));
        change.items.extend(state.content.differ(Attributes::default(), true).items);
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        change: &Change,
    ) -> OpResult<Output> {
        let steps = Steps {
            before: "",
            after: if change.has("name") { ACT } else { "" },
            words: vec![params.name.clone()],
            tool: TOOL,
            env: Vec::new(),
            subject: "the name of the host".to_owned(),
        };
        if change.has("content") {
            let attributes = Attributes::default();
            state.content.apply_between(writer, change, attributes, false, None, Some(&steps)).await?;
        } else {
            steps.run(writer).await?;
        }
        writer.forget_facts();
        Ok(Output::none())
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{FakeHost, laws};

    use super::{Hostname, with_name};

    #[test]
    fn comments_of_the_file_stay() {
        for (text, expected) in [
            ("", "web1\n"),
            ("old\n", "web1\n"),
            ("# who\nold", "# who\nweb1\n"),
            ("# who\n\nweb1", "# who\n\nweb1"),
            ("old\nweb1\n", "web1\n"),
        ] {
            assert_eq!(with_name(text, "web1"), expected, "{text:?}");
        }
    }

    #[tokio::test]
    async fn names_are_those_of_rfc_1123() {
        let host = FakeHost::new();
        let long = "a".repeat(65);
        for wrong in ["", "-a", "a-", "a b", "a_b", "a..b", ".a", "$(id)", "a\n", "ä", &long] {
            let error = laws::plan(Hostname, &host, json!({ "name": wrong })).await.expect_err(wrong);
            assert_eq!(error.message, format!("`{wrong}` cannot be the name of a host"));
        }
    }
}
