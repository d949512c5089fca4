//! Waits until a port is open, or closed.

use std::time::Duration as StdDuration;

use oneex_sdk::{Command, Duration, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// The operation `wait_port`.
pub(crate) struct WaitPort;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Something accepts connections.
    #[default]
    Started,
    /// Nothing accepts connections.
    Stopped,
}

/// Where connections come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum From {
    /// From the host itself.
    #[default]
    Host,
    /// From where oneex runs.
    Controller,
}

/// The options of `wait_port`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The TCP port.
    port: u16,
    /// The name or address; left out it is 127.0.0.1, and from the controller the host's own address.
    host: Option<String>,
    /// Whether the port is to be open (`started`) or closed (`stopped`).
    #[serde(default)]
    state: State,
    /// How long it may take.
    #[serde(default = "five_minutes")]
    timeout: Duration,
    /// How long is waited before the first look.
    delay: Option<Duration>,
    /// The pause between two looks.
    #[serde(default = "second")]
    interval: Duration,
    /// Where connections come from: `host` or `controller`.
    #[serde(default)]
    from: From,
}

fn five_minutes() -> Duration {
    Duration(StdDuration::from_secs(300))
}

fn second() -> Duration {
    Duration(StdDuration::from_secs(1))
}

/// Parameters: address, port. Prints `open` or `closed`. Status 3 where no program can connect.
const LOOK: &str = r#"
if command -v nc >/dev/null; then nc -z -w 3 "$1" "$2" </dev/null
elif command -v bash >/dev/null; then timeout 3 bash -c ': <>"/dev/tcp/$0/$1"' "$1" "$2"
else exit 3
fi >/dev/null 2>&1 && echo open || echo closed
"#;

/// The longest that one connection from the controller may take.
const CONNECT: StdDuration = StdDuration::from_secs(3);

impl Op for WaitPort {
    type Params = Params;
    /// How long it took.
    type State = StdDuration;

    const NAME: &'static str = "wait_port";
    const KIND: Kind = Kind::Read;
    const MANUAL: &'static str = "\
Waits until a TCP port is open, or closed.

Connections come from the host itself, by `nc` or `bash`, whichever is there; with `from: \"controller\"` from where
oneex runs, which needs neither. Passing `timeout` is an error of kind `timeout`. The result has `seconds`.

Sources: Ansible's module `wait_for` for the names of the options.";
    const POSITIONAL: &'static [&'static str] = &["port"];
    const EXAMPLES: &'static [Example] = &[Example {
        about: "a service that needs a while",
        code: r#"h.wait_port(8080, #{ timeout: "60s" });"#,
        proof: Proof::Check,
    }];

    fn resources(&self, _: &Params) -> Resources {
        Resources::Host
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<StdDuration> {
        let start = Instant::now();
        let target = &reader.host().target;
        let address = match (&params.host, params.from) {
            (Some(host), _) => host.clone(),
            (None, From::Host) => "127.0.0.1".to_owned(),
            (None, From::Controller) => target.address.clone().unwrap_or_else(|| reader.host().name.clone()),
        };
        let port = params.port;
        if let Some(delay) = params.delay {
            pause(reader, delay.0).await?;
        }
        let wanted = if params.state == State::Started { "open" } else { "closed" };
        loop {
            reader.progress(&format!("waits until port {port} of {address} is {wanted}"));
            let is_open = match params.from {
                From::Host => look(reader, &address, port).await?,
                From::Controller => connect(reader, &address, port).await?,
            };
            if is_open == (params.state == State::Started) {
                return Ok(start.elapsed());
            }
            if start.elapsed() + params.interval.0 >= params.timeout.0 {
                let message =
                    format!("port {port} of `{address}` was not {wanted} within {}", params.timeout);
                return Err(OpError::timeout(message));
            }
            pause(reader, params.interval.0).await?;
        }
    }

    fn output(&self, _: &Params, took: &StdDuration) -> Output {
        Output::none().with("seconds", took.as_secs_f64())
    }
}

async fn look(reader: &dyn Reader, address: &str, port: u16) -> OpResult<bool> {
    let output = reader.query(Command::script(LOOK, [address, &port.to_string()]).tidy()).await?;
    match output.stdout_text().trim() {
        "open" => Ok(true),
        "closed" => Ok(false),
        _ => Err(OpError::failed("neither `nc` nor `bash` is on the host")
            .hint("`from: \"controller\"` connects from where oneex runs")),
    }
}

async fn connect(reader: &dyn Reader, address: &str, port: u16) -> OpResult<bool> {
    tokio::select! {
        connected = tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect((address, port))) => {
            Ok(connected.is_ok_and(|stream| stream.is_ok()))
        }
        () = reader.cancel().cancelled() => Err(OpError::cancelled()),
    }
}

async fn pause(reader: &dyn Reader, time: StdDuration) -> OpResult<()> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        () = reader.cancel().cancelled() => Err(OpError::cancelled()),
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{ErrorKind, Reader as _, json};
    use oneex_testkit::{FakeHost, TestHost, laws};

    use super::WaitPort;

    #[tokio::test]
    async fn open_and_closed_are_told_apart() {
        let host = TestHost::new();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        for from in ["host", "controller"] {
            for (state, is_well) in [("started", true), ("stopped", false)] {
                let options = json!({ "port": port, "host": "127.0.0.1", "state": state, "from": from, "timeout": 0, "interval": 0 });
                let done = laws::run(WaitPort, &host, options).await;
                assert_eq!(done.is_ok(), is_well, "{from} {state}: {done:?}");
            }
        }
    }

    #[tokio::test]
    async fn it_asks_until_the_answer_is_the_wanted_one() {
        let host = FakeHost::new().answer("nc", "closed\n").answer("nc", "open\n");
        laws::run(WaitPort, &host, json!({ "port": 1, "interval": "1ms" })).await.expect("it opens");
        assert_eq!(host.commands().len(), 2);
        let host = FakeHost::new().answer_with("nc", 3, "", "");
        let error = laws::run(WaitPort, &host, json!({ "port": 1 })).await.expect_err("no program");
        assert_eq!(error.message, "neither `nc` nor `bash` is on the host");
    }

    #[tokio::test]
    async fn cancelling_ends_the_wait() {
        let host = FakeHost::new().answer("nc", "closed\n");
        host.cancel().cancel();
        let error = laws::run(WaitPort, &host, json!({ "port": 1, "interval": "1h", "timeout": "2h" })).await;
        assert_eq!(error.expect_err("cancelled").kind, ErrorKind::Cancelled);
    }
}
