//! Runs a script of the project on a host.

use std::collections::BTreeMap;

use oneex_sdk::{
    Change, Command, Duration, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources,
    Secret, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::invocation::{Word, outcome};

/// The operation `script`.
pub(crate) struct Script;

/// The options of `script`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The file's name, looked for in `files/` beside the script, then beside the runbook; or an absolute path.
    src: String,
    /// Arguments for it, in `$1`, `$2` ….
    #[serde(default)]
    args: Vec<Word>,
    /// The program that reads it from standard input, with its options; `args` follow these.
    #[serde(default = "shell")]
    interpreter: Vec<String>,
    /// The working directory; the user's home when left out.
    cwd: Option<String>,
    /// Variables for it; never part of a process list, so these may be secrets.
    #[serde(default)]
    env: BTreeMap<String, Secret<String>>,
    /// The exit statuses that are no failure.
    #[serde(default = "zero")]
    ok_codes: Vec<i32>,
    /// How long it may take; without it only the task's limit counts.
    timeout: Option<Duration>,
}

fn shell() -> Vec<String> {
    vec!["sh".to_owned(), "-s".to_owned(), "--".to_owned()]
}

fn zero() -> Vec<i32> {
    vec![0]
}

impl Op for Script {
    type Params = Params;
    /// The script's text.
    type State = Vec<u8>;

    const NAME: &'static str = "script";
    const KIND: Kind = Kind::Action;
    const MANUAL: &'static str = "\
Runs a script of the project on a host.

It travels as standard input of its interpreter, so that nothing is left on the host; it can therefore read no input
of its own. The result is that of `exec`.

Sources: sh(1p), option `-s`.";
    const POSITIONAL: &'static [&'static str] = &["src", "args"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a script for another interpreter",
        code: r#"h.script("report.py", ["--short"], #{ interpreter: ["python3", "-"], timeout: "5m" });"#,
        proof: Proof::Check,
    }];

    fn resources(&self, _: &Params) -> Resources {
        Resources::Host
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Vec<u8>> {
        if params.interpreter.first().is_none_or(String::is_empty) {
            return Err(OpError::invalid("`interpreter` is empty"));
        }
        let path = reader.project_file("files", &params.src)?;
        let wrong = |error| OpError::invalid(format!("`{}` cannot be read: {error}", path.display()));
        tokio::fs::read(&path).await.map_err(wrong)
    }

    fn diff(&self, _: &Params, _: &Vec<u8>) -> Change {
        Change::action()
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        text: &Vec<u8>,
        _: &Change,
    ) -> OpResult<Output> {
        let words = params.interpreter.iter().cloned().chain(params.args.iter().map(Word::text));
        let mut command = Command::argv(words).stdin(text.clone());
        command.cwd.clone_from(&params.cwd);
        command.env = params.env.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect();
        command.timeout = params.timeout.map(|limit| limit.0);
        command.followed = true;
        let output = writer.run(command.clone()).await?;
        outcome(&command, output, &params.ok_codes)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::json;
    use oneex_testkit::{TestHost, laws};

    use super::Script;

    #[tokio::test]
    async fn a_script_gets_its_arguments_as_they_are() {
        let host = TestHost::new();
        host.project_write("files/x.sh", "printf '%s|' \"$@\"; exit 3\n");
        let args = json!(["a b", "$(id)", "-n", 3]);
        let options = json!({ "src": "x.sh", "args": args, "ok_codes": [3] });
        let done = laws::run(Script, &host, options).await.expect("it runs");
        assert_eq!(done.output.fields["stdout"], json!("a b|$(id)|-n|3|"));
        let options = json!({ "src": "x.sh", "interpreter": ["cat"] });
        let done = laws::run(Script, &host, options).await.expect("it runs");
        assert_eq!(done.output.fields["stdout"], json!("printf '%s|' \"$@\"; exit 3"));
        let error = laws::run(Script, &host, json!({ "src": "gone.sh" })).await.expect_err("no script");
        assert_eq!(error.message, "there is no `gone.sh` in `files/`");
    }
}
