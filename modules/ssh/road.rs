//! The socket that leads to a host: straight, through jump hosts, or through a command.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{OpError, OpResult};

use super::SshConnector;
use super::backoff::Backoff;
use super::dial::dial;
use super::greeting::{self, Greeting, Socket};
use super::host_settings::{HostSettings, Way};
use super::passage::Passage;
use super::proxy_command::ProxyCommand;

/// How long a server may go on saying that it has too much to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A socket on which a server has begun to speak, and what it goes through.
pub(super) struct Road {
    /// It blocks.
    pub(super) socket: OwnedFd,
    pub(super) passage: Passage,
}

impl SshConnector {
    /// Connects, each attempt within the host's time limit, and waits for the server's first bytes, so that a
    /// silent one holds no permit. A server that turns away who comes is asked again.
    pub(super) async fn road(&self, host: &HostSettings) -> OpResult<Road> {
        let mut backoff = Backoff::new();
        loop {
            let (road, greeting) = self.attempt(host).await?;
            let patience = match greeting {
                Greeting::Speaks => return Ok(road),
                Greeting::Busy => PATIENCE,
                // A command may have ended for any reason, which it gives.
                Greeting::Silent if matches!(road.passage, Passage::Command(_)) => Duration::ZERO,
                Greeting::Silent => host.connect_timeout,
            };
            let Some(pause) = backoff.pause(patience) else {
                let (address, port) = (&host.host_name, host.port);
                let hangs_up = match greeting {
                    Greeting::Busy => "has too many who log in at once (`MaxStartups`)",
                    _ => "hangs up before it says anything",
                };
                road.passage.settle().await;
                let error = OpError::unreachable(format!("`{address}` port {port} {hangs_up}"));
                return Err(road.passage.explain(error));
            };
            tracing::debug!(host = host.name, ?pause, "the host turned the connection away");
            road.passage.close().await;
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, host: &HostSettings) -> OpResult<(Road, Greeting)> {
        let limit = host.connect_timeout;
        let within = |_elapsed: tokio::time::error::Elapsed| {
            let (address, port, limit) = (&host.host_name, host.port, limit.as_secs_f32());
            OpError::unreachable(format!("`{address}` port {port} does not answer within {limit} s"))
        };
        let failed = |error: std::io::Error| OpError::failed(format!("no socket is left: {error}"));
        let until = tokio::time::Instant::now() + limit;
        let (socket, passage, until) = match &host.way {
            Way::Direct => {
                let stream = tokio::time::timeout_at(until, dial(host)).await.map_err(within)??;
                (Socket::Tcp(stream), Passage::Direct, until)
            }
            Way::Command(command) => {
                let (command, stream) = ProxyCommand::start(command)?;
                (Socket::of_pair(stream).map_err(failed)?, Passage::Command(Arc::new(command)), until)
            }
            Way::Jumps(jumps) => {
                let (stream, bastion) = self.forward(jumps, host).await?;
                (
                    Socket::of_pair(stream).map_err(failed)?,
                    Passage::Jump(bastion),
                    tokio::time::Instant::now() + limit,
                )
            }
        };
        let waited = tokio::time::timeout_at(until, greeting::wait(socket)).await;
        let (socket, greeting) = match waited.map_err(within).and_then(|waited| waited) {
            Ok(greeted) => greeted,
            Err(error) => return Err(passage.explain(error)),
        };
        Ok((Road { socket, passage }, greeting))
    }
}

#[cfg(test)]
mod tests;
