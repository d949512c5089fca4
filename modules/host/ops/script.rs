//! Runs a script of the project on a host.

use std::collections::BTreeMap;

use oneex_sdk::{
    Change, Command, Duration, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources,
    Secret, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::conditions::{Conditions, skipped};
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
    /// The file mode mask, such as `"077"`.
    umask: Option<Mode>,
    /// Skips the script when this path is there.
    creates: Option<String>,
    /// Skips the script when this path is not there.
    removes: Option<String>,
    /// Skips the script when this text for `sh`, which must change nothing, ends with status 0.
    unless: Option<String>,
    /// Skips the script unless this text for `sh`, which must change nothing, ends with status 0.
    only_if: Option<String>,
    /// Whether it changed something: `false`, `true`, or a closure that is given the result and says so. Without it, it did.
    #[schemars(extend("closure" = true))]
    changed_when: Option<bool>,
}

fn shell() -> Vec<String> {
    vec!["sh".to_owned(), "-s".to_owned(), "--".to_owned()]
}

fn zero() -> Vec<i32> {
    vec![0]
}

impl Params {
    fn surround(&self, mut command: Command) -> Command {
        command.cwd.clone_from(&self.cwd);
        command.env = self.env.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect();
        command.umask = self.umask.as_ref().map(|mode| mode.bits(0, false));
        command.timeout = self.timeout.map(|limit| limit.0);
        command
    }
}

/// What is known before it is run.
pub(crate) struct State {
    /// The script's text.
    text: Vec<u8>,
    /// The option that says to skip it.
    skipped: Option<String>,
}

impl Op for Script {
    type Params = Params;
    type State = State;

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

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<State> {
        if params.interpreter.first().is_none_or(String::is_empty) {
            return Err(OpError::invalid("`interpreter` is empty"));
        }
        let path = reader.project_file("files", &params.src)?;
        let wrong = |error| OpError::invalid(format!("`{}` cannot be read: {error}", path.display()));
        let text = tokio::fs::read(&path).await.map_err(wrong)?;
        let conditions = Conditions {
            creates: params.creates.as_deref(),
            removes: params.removes.as_deref(),
            unless: params.unless.as_deref(),
            only_if: params.only_if.as_deref(),
        };
        let skipped = conditions.unmet(reader, Self::NAME, |command| params.surround(command)).await?;
        Ok(State { text, skipped })
    }

    fn diff(&self, _: &Params, state: &State) -> Change {
        if state.skipped.is_some() { Change::none() } else { Change::action() }
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        state: &State,
        _: &Change,
    ) -> OpResult<Output> {
        let words = params.interpreter.iter().cloned().chain(params.args.iter().map(Word::text));
        let mut command = params.surround(Command::argv(words).stdin(state.text.clone()));
        command.followed = true;
        let output = writer.run(command.clone()).await?;
        let output = outcome(&command, output, &params.ok_codes)?;
        Ok(output.with("skipped", false).changed(params.changed_when.unwrap_or(true)))
    }

    fn output(&self, _: &Params, state: &State) -> Output {
        skipped(state.skipped.as_ref())
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

    #[tokio::test]
    async fn conditions_skip_it_and_it_says_whether_it_changed_something() {
        let host = TestHost::new();
        host.project_write("files/x.sh", "umask; exit 0\n");
        let here = host.write("here", "");
        for (options, skipped, changed) in [
            (json!({ "creates": here }), true, false),
            (json!({ "removes": host.path("gone") }), true, false),
            (json!({ "unless": "true" }), true, false),
            (json!({ "only_if": "false" }), true, false),
            (json!({ "creates": host.path("gone"), "only_if": "true", "umask": "027" }), false, true),
            (json!({ "changed_when": false }), false, false),
        ] {
            let mut all = options.clone();
            all["src"] = json!("x.sh");
            let done = laws::run(Script, &host, all).await.expect("it runs or is skipped");
            assert_eq!(
                (&done.output.fields["skipped"], done.changed),
                (&json!(skipped), changed),
                "{options}"
            );
            if options.get("umask").is_some() {
                assert_eq!(done.output.fields["stdout"], json!("0027"));
            }
        }
    }
}
