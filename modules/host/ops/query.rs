//! Runs a command that changes nothing.

use std::collections::BTreeMap;

use oneex_sdk::{Duration, Example, Kind, Op, OpResult, Output, Proof, Reader, Resources, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::invocation::{CommandText, outcome};

/// The operation `query`.
pub(crate) struct Query;

/// The options of `query`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// A text for `sh`, or an array of a program and its arguments, of which nothing is interpreted.
    command: CommandText,
    /// The working directory; the user's home when left out.
    cwd: Option<String>,
    /// Variables for the command; never part of a process list, so these may be secrets.
    #[serde(default)]
    env: BTreeMap<String, Secret<String>>,
    /// What the command reads from standard input; may be a secret.
    stdin: Option<Secret<String>>,
    /// The exit statuses that are no failure.
    #[serde(default = "zero")]
    ok_codes: Vec<i32>,
    /// How long it may take; without it only the task's limit counts.
    timeout: Option<Duration>,
}

fn zero() -> Vec<i32> {
    vec![0]
}

impl Op for Query {
    type Params = Params;
    type State = Output;

    const NAME: &'static str = "query";
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "\
Runs a command that changes nothing, under `plan` too.

It is `exec` for commands that only look: the same command, the same result, but the script's word that nothing
changes, so that `plan` runs it and later steps can depend on what it says.

Sources: sh(1p).";
    const POSITIONAL: &'static [&'static str] = &["command"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "what a program says",
            code: r#"let kernel = h.query(["uname", "-r"]).stdout;"#,
            proof: Proof::Run,
        },
        Example {
            about: "a status that is an answer and no failure",
            code: r#"let empty = h.query("ls -A | grep -q .", #{ cwd: dir, ok_codes: [0, 1] }).code == 1;"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, _: &Params) -> Resources {
        Resources::Host
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Output> {
        let mut command = params.command.command()?;
        command.cwd.clone_from(&params.cwd);
        command.env = params.env.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect();
        command.timeout = params.timeout.map(|limit| limit.0);
        if let Some(stdin) = &params.stdin {
            command.stdin = stdin.expose().clone().into_bytes();
        }
        command.followed = true;
        let output = reader.query(command.clone()).await?;
        outcome(&command, output, &params.ok_codes)
    }

    fn output(&self, _: &Params, state: &Output) -> Output {
        state.clone()
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, json};
    use oneex_testkit::{TestHost, laws};

    use super::Query;

    #[tokio::test]
    async fn a_query_gives_what_the_command_says_and_changes_nothing() {
        let host = TestHost::new();
        let done =
            laws::run(Query, &host, json!({ "command": "printf 'a\\nb\\n'; exit 7", "ok_codes": [7] })).await;
        let done = done.expect("it runs");
        assert!(!done.changed);
        assert_eq!(done.output.fields["lines"], json!(["a", "b"]));
        assert_eq!(done.output.fields["code"], json!(7));
        assert_eq!(host.round_trips(), 1);
        let error = laws::run(Query, &host, json!({ "command": "exit 2" })).await.expect_err("it fails");
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Failed, "`exit 2` ended with status 2"));
    }
}
