//! Restarts a host and waits until it is back.

use oneex_sdk::{
    Change, Command, Duration, ErrorKind, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader,
    Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

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

/// Parameter: the message. The answer comes before the restart begins. Who became root may have kept a user's `PATH`.
const RESTART: &str = r#"
export PATH="$PATH:/usr/sbin:/sbin"
command -v shutdown >/dev/null || command -v reboot >/dev/null || { echo 'neither shutdown nor reboot is there' >&2; exit 1; }
(sleep 1; shutdown -r now "$1" || reboot) </dev/null >/dev/null 2>&1 &
"#;

/// How often the host is asked whether it is back.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

/// How long it counts as seen after it has answered.
const STALE: std::time::Duration = std::time::Duration::from_secs(7);

impl Op for Reboot {
    type Params = Params;
    /// The boot's id.
    type State = String;

    const NAME: &'static str = "reboot";
    const KIND: Kind = Kind::Action;
    const MANUAL: &'static str = "\
Restarts a host and waits until it is back.

The host is back when the kernel's boot id is another one and `test` succeeds. A connection that is lost on the way is part of it, as is one that is
cut before the host has answered that it restarts. The result has `rebooted` and `seconds`.

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
        let start = Instant::now();
        let left = || params.timeout.0.saturating_sub(start.elapsed());
        let restart = writer.run(Command::script(RESTART, [&params.message]));
        match timeout(left(), restart).await {
            Ok(Ok(output)) if output.ok() => {}
            Ok(Ok(output)) => {
                return Err(
                    OpError::failed("the restart could not be started").command("shutdown -r now", output)
                );
            }
            // That may be the restart, which is faster than the answer.
            Ok(Err(error)) if error.is_fate_unknown || error.kind == ErrorKind::Unreachable => {
                tracing::debug!(%error, "the connection was lost before the answer");
            }
            Ok(Err(error)) => return Err(error),
            Err(_elapsed) => {}
        }
        writer.progress("restarting");
        writer.forget_facts();
        let mut sight = Sight::new();
        let back = wait(writer, params, before, &mut sight);
        match timeout(left(), back).await {
            Ok(waited) => waited?,
            Err(_elapsed) => return Err(sight.late(params)),
        }
        let seconds = start.elapsed().as_secs_f64();
        Ok(Output::none().with("rebooted", true).with("seconds", seconds))
    }
}

/// What was seen of the host last, and when.
#[derive(Debug)]
struct Sight {
    seen: Seen,
    at: Instant,
}

#[derive(Debug)]
enum Seen {
    /// It did not answer, for this reason where one is known.
    Nothing(Option<String>),
    /// It answered, and had not restarted.
    SameBoot,
    /// It has restarted, and `test` did not succeed yet.
    NotReady,
}

impl Sight {
    fn new() -> Self {
        Self { seen: Seen::Nothing(None), at: Instant::now() }
    }

    /// The limit has passed.
    fn late(self, params: &Params) -> OpError {
        let limit = &params.timeout;
        // Whoever answered and is still being asked again has gone since.
        let seen = if self.at.elapsed() > STALE { Seen::Nothing(None) } else { self.seen };
        let (message, hint) = match seen {
            Seen::Nothing(reason) => {
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                let hint = "look at its console, or allow more time with `timeout`";
                (format!("the host was not back after {limit}{reason}"), hint)
            }
            Seen::SameBoot => {
                let hint = "look on the host what holds up `shutdown -r now`: `systemd-inhibit --list` and its journal";
                (format!("the host did not restart within {limit}: its boot id is still the same"), hint)
            }
            Seen::NotReady => {
                let test = Command::argv(params.test.clone()).shown();
                let hint = "look on the host why it fails, or allow more time with `timeout`";
                (format!("the host has restarted, and `{test}` did not succeed within {limit}"), hint)
            }
        };
        OpError::timeout(message).hint(hint)
    }
}

/// Waits until the host is back, for as long as the caller lets it.
async fn wait(writer: &dyn Writer, params: &Params, before: &str, sight: &mut Sight) -> OpResult<()> {
    loop {
        // Each connection may be one to the host that is about to go. Why there is none, the query says.
        let _ = writer.reconnect(std::time::Duration::ZERO).await;
        let seen = match writer.query(Command::shell(BOOT_ID)).await {
            Ok(output) if output.ok() && output.stdout_text() != *before => Seen::NotReady,
            Ok(output) if output.ok() => Seen::SameBoot,
            Ok(_) => Seen::Nothing(None),
            Err(error) => Seen::Nothing(Some(error.message)),
        };
        *sight = Sight { seen, at: Instant::now() };
        if matches!(sight.seen, Seen::NotReady)
            && writer.query(Command::argv(params.test.clone())).await.is_ok_and(|output| output.ok())
        {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = writer.cancel().cancelled() => return Err(OpError::cancelled()),
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
            (ErrorKind::Timeout, "the host did not restart within 0s: its boot id is still the same")
        );
    }
}
