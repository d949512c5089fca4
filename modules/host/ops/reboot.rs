//! Restarts a host and waits until it is back.

use oneex_sdk::{
    Change, Command, Duration, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The operation `reboot`.
pub(crate) struct Reboot;

/// The options of `reboot`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// How long it may take until the host is back.
    #[serde(default = "ten_minutes")]
    timeout: Duration,
    /// What users of the host are told.
    #[serde(default = "message")]
    message: String,
    /// A program with its arguments that must end with status 0 before the host counts as back.
    #[serde(default = "test")]
    test: Vec<String>,
}

fn ten_minutes() -> Duration {
    Duration(std::time::Duration::from_secs(600))
}

fn message() -> String {
    "restarted by oneex".to_owned()
}

fn test() -> Vec<String> {
    vec!["true".to_owned()]
}

const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

/// Parameter: the message. The answer comes before the restart begins.
const RESTART: &str = r#"
command -v shutdown >/dev/null || command -v reboot >/dev/null || { echo 'neither shutdown nor reboot is there' >&2; exit 1; }
(sleep 1; shutdown -r now "$1" || reboot) </dev/null >/dev/null 2>&1 &
"#;

/// How often the host is asked whether it is back.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

impl Op for Reboot {
    type Params = Params;
    /// The boot's id.
    type State = String;

    const NAME: &'static str = "reboot";
    const KIND: Kind = Kind::Action;
    const MANUAL: &'static str = "\
Restarts a host and waits until it is back.

The host is back when the kernel's boot id is another one and `test` succeeds. The result has `rebooted` and `seconds`.

Sources: random(4) for the boot id, shutdown(8).";
    const POSITIONAL: &'static [&'static str] = &[];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a restart where an update asks for it",
        code: r#"if h.stat("/run/reboot-required").exists { h.reboot(#{ timeout: "15m" }); }"#,
        proof: Proof::Check,
    }];

    fn resources(&self, _: &Params) -> Resources {
        Resources::Host
    }

    async fn read(&self, reader: &dyn Reader, _: &Params) -> OpResult<String> {
        let output = reader.query(Command::shell(BOOT_ID)).await?;
        if output.ok() {
            return Ok(output.stdout_text());
        }
        Err(OpError::failed("the host's boot id cannot be read").command(BOOT_ID, output))
    }

    fn diff(&self, _: &Params, _: &String) -> Change {
        Change::action()
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        before: &String,
        _: &Change,
    ) -> OpResult<Output> {
        let start = tokio::time::Instant::now();
        let output = writer.run(Command::script(RESTART, [&params.message])).await?;
        if !output.ok() {
            return Err(
                OpError::failed("the restart could not be started").command("shutdown -r now", output)
            );
        }
        writer.progress("restarting");
        writer.forget_facts();
        loop {
            let left = params.timeout.0.saturating_sub(start.elapsed());
            if left.is_zero() {
                let message = format!("the host was not back after {}", params.timeout);
                return Err(OpError::timeout(message));
            }
            writer.reconnect(left).await?;
            // A lost connection here is the restart itself.
            let id = writer.query(Command::shell(BOOT_ID)).await;
            let is_new = id.is_ok_and(|output| output.ok() && output.stdout_text() != *before);
            if is_new
                && writer.query(Command::argv(params.test.clone())).await.is_ok_and(|output| output.ok())
            {
                let seconds = start.elapsed().as_secs_f64();
                return Ok(Output::none().with("rebooted", true).with("seconds", seconds));
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = writer.cancel().cancelled() => return Err(OpError::cancelled()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, json};
    use oneex_testkit::{FakeHost, laws};

    use super::Reboot;

    #[tokio::test]
    async fn the_host_is_back_when_its_boot_id_is_another() {
        let host = FakeHost::new()
            .answer("boot_id", "one\n")
            .answer("boot_id", "one\n")
            .answer("boot_id", "two\n")
            .answer("shutdown", "")
            .answer("systemctl is-system-running", "running\n");
        let options = json!({ "message": "it's time", "test": ["systemctl", "is-system-running"] });
        let done = laws::run(Reboot, &host, options).await.expect("it is back");
        assert_eq!(done.output.fields["rebooted"], json!(true));
        assert_eq!(host.reconnects().len(), 2);
    }

    #[tokio::test]
    async fn a_refused_restart_and_a_passed_limit_are_failures() {
        let refused = FakeHost::new().answer("boot_id", "one\n").answer_with("shutdown", 1, "", "no\n");
        let error = laws::run(Reboot, &refused, json!({})).await.expect_err("refused");
        assert_eq!(error.message, "the restart could not be started");
        let slow = FakeHost::new().answer("boot_id", "one\n").answer("shutdown", "");
        let error = laws::run(Reboot, &slow, json!({ "timeout": 0 })).await.expect_err("too slow");
        assert_eq!(
            (error.kind, error.message.as_str()),
            (ErrorKind::Timeout, "the host was not back after 0s")
        );
    }
}
