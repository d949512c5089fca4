//! Runs a command that may change something.

use std::collections::BTreeMap;

use oneex_sdk::{
    Change, Command, Duration, Example, Kind, Op, OpResult, Output, Proof, Reader, Resources, Secret, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Mode;
use crate::host::conditions::{Conditions, skipped};
use crate::host::invocation::{CommandText, outcome};

/// The operation `exec`.
pub(crate) struct Exec;

/// The options of `exec`.
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
    /// The file mode mask, such as `"077"`.
    umask: Option<Mode>,
    /// Skips the command when this path is there.
    creates: Option<String>,
    /// Skips the command when this path is not there.
    removes: Option<String>,
    /// Skips the command when this text for `sh`, which must change nothing, ends with status 0.
    unless: Option<String>,
    /// Skips the command unless this text for `sh`, which must change nothing, ends with status 0.
    only_if: Option<String>,
    /// Whether it changed something: `false`, `true`, or a closure that is given the result and says so. Without it, it did.
    #[schemars(extend("closure" = true))]
    changed_when: Option<bool>,
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

impl Op for Exec {
    type Params = Params;
    /// The option that says to skip it.
    type State = Option<String>;

    const NAME: &'static str = "exec";
    const KIND: Kind = Kind::Action;
    const MANUAL: &'static str = "\
Runs a command that may change something.

A string goes through POSIX `sh`; an array is a program with its arguments, and nothing in it is interpreted. The
result has `stdout` (without its last line break), `raw` (as it came), `stderr`, `lines`, `code`, `ok` (status 0),
`truncated` and, with `creates`, `removes`, `unless` or `only_if`, `skipped`. A status that is not in `ok_codes` is a
failure.

A stream of more than 8 MiB is `truncated` to its first 8 MiB. The result, or the error, then also has `stdout_file`
and `stderr_file`, the files on the controller that hold all of it, and `stdout_size` and `stderr_size`, its bytes;
`()` for a stream that is shorter. With `-v` both streams are shown line by line while the command runs.

Secrets belong in `env` or `stdin`: a command with one in its text or arguments is refused.

Sources: sh(1p), and RFC 4254, section 6.10, for signals.";
    const POSITIONAL: &'static [&'static str] = &["command"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "a program with arguments that are taken as they are",
            code: r#"h.exec(["touch", `${dir}/a b`], #{ creates: `${dir}/a b` });"#,
            proof: Proof::Run,
        },
        Example {
            about: "a text for the shell",
            code: r#"let count = h.exec("ls | wc -l", #{ cwd: dir }).stdout;"#,
            proof: Proof::Run,
        },
        Example {
            about: "a command that says itself whether it changed something",
            code: r#"h.exec("echo unchanged", #{ changed_when: |done| done.stdout != "unchanged" });"#,
            proof: Proof::Run,
        },
        Example {
            about: "a secret, by a way that no process list shows",
            code: r#"h.exec("wc -c", #{ stdin: secret("hunter2-hunter2") });"#,
            proof: Proof::Run,
        },
    ];

    fn resources(&self, _: &Params) -> Resources {
        Resources::Host
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Option<String>> {
        let conditions = Conditions {
            creates: params.creates.as_deref(),
            removes: params.removes.as_deref(),
            unless: params.unless.as_deref(),
            only_if: params.only_if.as_deref(),
        };
        conditions.unmet(reader, Self::NAME, |command| params.surround(command)).await
    }

    fn diff(&self, _: &Params, skipped: &Option<String>) -> Change {
        if skipped.is_some() { Change::none() } else { Change::action() }
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        _: &Option<String>,
        _: &Change,
    ) -> OpResult<Output> {
        let mut command = params.surround(params.command.command()?);
        if let Some(stdin) = &params.stdin {
            command.stdin = stdin.expose().clone().into_bytes();
        }
        command.followed = true;
        let output = writer.run(command.clone()).await?;
        Ok(outcome(&command, output, &params.ok_codes)?
            .with("skipped", false)
            .changed(params.changed_when.unwrap_or(true)))
    }

    fn output(&self, _: &Params, reason: &Option<String>) -> Output {
        skipped(reason.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, json};
    use oneex_testkit::{TestHost, laws};

    use super::Exec;

    #[tokio::test]
    async fn options_reach_the_command() {
        let host = TestHost::new();
        let dir = host.path("a b $(x)");
        std::fs::create_dir(&dir).expect("a folder");
        for (options, stdout) in [
            (json!({ "command": "echo $((1 + 2))" }), "3"),
            (json!({ "command": ["printf", "%s", "$(id) * 'q'\n-n"] }), "$(id) * 'q'\n-n"),
            (json!({ "command": ["pwd"], "cwd": dir }), dir.as_str()),
            (json!({ "command": "echo \"$V\"", "env": { "V": "it's\n$HOME" } }), "it's\n$HOME"),
            (json!({ "command": ["cat"], "stdin": "in\n\n" }), "in\n"),
            (json!({ "command": "umask", "umask": "077" }), "0077"),
            (json!({ "command": "echo x; exit 3", "ok_codes": [3] }), "x"),
        ] {
            let done = laws::run(Exec, &host, options.clone()).await.expect("it runs");
            assert_eq!(done.output.fields["stdout"], json!(stdout), "{options}");
            assert!(done.changed);
        }
    }

    #[tokio::test]
    async fn conditions_skip_the_command_in_one_round_trip() {
        let host = TestHost::new();
        let here = host.path("here");
        std::fs::write(&here, "").expect("a file");
        for (condition, skipped) in [
            (json!({ "creates": here }), true),
            (json!({ "creates": host.path("gone") }), false),
            (json!({ "removes": here }), false),
            (json!({ "removes": host.path("gone") }), true),
            (json!({ "unless": "true" }), true),
            (json!({ "unless": "false" }), false),
            (json!({ "only_if": "true" }), false),
            (json!({ "only_if": "false" }), true),
            (json!({ "unless": "false", "creates": here }), true),
        ] {
            let mut options = condition.clone();
            options["command"] = json!(["true"]);
            let before = host.round_trips();
            let done = laws::run(Exec, &host, options).await.expect("it runs");
            assert_eq!(done.output.fields["skipped"], json!(skipped), "{condition}");
            assert_eq!(done.changed, !skipped, "{condition}");
            assert_eq!(host.round_trips() - before, if skipped { 1 } else { 2 }, "{condition}");
        }
    }

    #[tokio::test]
    async fn failures_have_their_kind_and_secrets_are_not_shown() {
        let host = TestHost::new();
        let error = laws::run(Exec, &host, json!({ "command": ["false"] })).await.expect_err("it fails");
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Failed, "`false` ended with status 1"));
        let error = laws::run(Exec, &host, json!({ "command": ["sleep", "60"], "timeout": "50ms" })).await;
        assert_eq!(error.expect_err("it ends").message, "`sleep 60` did not end within 50ms");
        let shown =
            laws::shown(Exec, json!({ "command": "x", "stdin": "hunter2", "env": { "A": "hunter3" } }));
        assert!(!shown.to_string().contains("hunter"), "{shown}");
    }
}
