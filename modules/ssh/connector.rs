//! Opens connections: TCP, key exchange, the host's key, the user's.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{BoxFuture, CancellationToken, Connector, OpError, OpResult, Target, Transport};
use ssh2::Session;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::dial::dial;
use super::host_settings::HostSettings;
use super::known_hosts::KnownHost;
use super::resolve::resolve;
use super::transport::SshTransport;
use super::{SshSettings, auth, host_key};

/// Connections that are being opened at a time, for each processor. Opening one takes seven round trips and 2 ms of
/// work, so that even a host which answers at once is waited for most of the time.
const HANDSHAKES: usize = 16;

/// An open session, and its socket to wait on.
pub(super) struct Link {
    pub(super) session: Session,
    pub(super) socket: std::net::TcpStream,
}

/// The connector `ssh`.
#[derive(Debug, Clone)]
pub struct SshConnector {
    settings: Arc<SshSettings>,
    handshakes: Arc<Semaphore>,
}

impl SshConnector {
    /// Makes the connector.
    pub fn new(settings: SshSettings) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self { settings: Arc::new(settings), handshakes: Arc::new(Semaphore::new(processors * HANDSHAKES)) }
    }

    async fn open(&self, target: &Target) -> OpResult<Arc<dyn Transport>> {
        let host = Arc::new(resolve(&self.settings, target)?);
        let begun = std::time::Instant::now();
        tracing::debug!(
            host = host.name,
            address = host.host_name,
            port = host.port,
            user = host.user,
            "connecting"
        );
        let stream = dial(&host).await?;
        let permit = Arc::clone(&self.handshakes).acquire_owned().await;
        let shaken = Arc::clone(&host);
        let opened = spawn_blocking(move || {
            let _permit = permit;
            shake_hands(stream, &shaken)
        });
        let link = opened
            .await
            .map_err(|error| OpError::failed(format!("the connection was not opened: {error}")))??;
        tracing::debug!(host = host.name, took = ?begun.elapsed(), "connected");
        Ok(Arc::new(SshTransport::start(link, target.sudo_password.clone(), &host)?))
    }
}

impl Connector for SshConnector {
    fn name(&self) -> &str {
        "ssh"
    }

    fn connect<'a>(
        &'a self,
        target: &'a Target,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Arc<dyn Transport>>> {
        Box::pin(async move {
            tokio::select! {
                () = cancel.cancelled() => Err(OpError::cancelled()),
                opened = self.open(target) => opened,
            }
        })
    }
}

/// Everything up to an open session; blocks, each step for the connection's time limit at most.
fn shake_hands(stream: TcpStream, host: &HostSettings) -> OpResult<Link> {
    let broken = |error: ssh2::Error| {
        let (address, port) = (&host.host_name, host.port);
        OpError::unreachable(format!("`{address}` port {port}: no SSH session: {}", error.message()))
    };
    let _ = rustix::net::sockopt::set_tcp_nodelay(&stream, true);
    // What is sent and not acknowledged for this long ends the connection: a host that vanished.
    let patience = millis(host.keepalive.saturating_mul(host.keepalive_count));
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, patience);
    let socket =
        stream.try_clone().map_err(|error| OpError::failed(format!("no socket is left: {error}")))?;
    let mut session = Session::new().map_err(broken)?;
    session.set_compress(host.compression);
    session.set_timeout(millis(host.connect_timeout));
    session.set_tcp_stream(stream);
    let known = KnownHost::of(host);
    host_key::prefer_known(&session, &known);
    session.handshake().map_err(broken)?;
    host_key::check(&session, &known, host)?;
    auth::log_in(&session, host)?;
    Ok(Link { session, socket })
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
