//! Opens connections: TCP, key exchange, the host's key, the user's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{BoxFuture, CancellationToken, Connector, OpError, OpResult, Target, Transport, io_reason};
use ssh2::Session;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::known_hosts::KnownHost;
use super::transport::SshTransport;
use super::{SshSettings, auth, host_key};

/// The port of SSH.
const PORT: u16 = 22;

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
        let address = target.address.clone().unwrap_or_else(|| target.name.clone());
        let port = target.port.unwrap_or(PORT);
        let user = target.user.clone().or_else(|| self.settings.user.clone());
        let user = user.ok_or_else(|| {
            OpError::invalid(format!("no user is set for `{}`", target.name)).hint("set `ansible_user`")
        })?;
        let (limit, begun) = (self.settings.connect_timeout, std::time::Instant::now());
        tracing::debug!(address, port, user, "connecting");
        let stream = tokio::time::timeout(limit, dial(&address, port)).await.map_err(|_elapsed| {
            OpError::unreachable(format!(
                "`{address}` port {port} does not answer within {} s",
                limit.as_secs_f32()
            ))
        })??;
        let permit = Arc::clone(&self.handshakes).acquire_owned().await;
        let (settings, target, name) = (Arc::clone(&self.settings), target.clone(), user.clone());
        let opened = spawn_blocking(move || {
            let _permit = permit;
            shake_hands(stream, &address, port, &name, &target, &settings).map(|link| (link, target))
        });
        let (link, target) = opened
            .await
            .map_err(|error| OpError::failed(format!("the connection was not opened: {error}")))??;
        tracing::debug!(host = target.name, took = ?begun.elapsed(), "connected");
        Ok(Arc::new(SshTransport::start(link, user, target.sudo_password, &self.settings)?))
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

/// Opens a socket and waits for the server's first bytes, so that a silent one holds no permit.
async fn dial(address: &str, port: u16) -> OpResult<std::net::TcpStream> {
    let unreachable = |what: &str, error: std::io::Error| {
        OpError::unreachable(format!("`{address}` port {port}: {what}: {}", io_reason(&error)))
    };
    let found =
        lookup_host((address, port)).await.map_err(|error| unreachable("the name is not known", error))?;
    let addresses: Vec<SocketAddr> = found.collect();
    let stream = TcpStream::connect(addresses.as_slice())
        .await
        .map_err(|error| unreachable("no connection", error))?;
    stream.readable().await.map_err(|error| unreachable("no answer", error))?;
    let stream = stream.into_std().and_then(|stream| stream.set_nonblocking(false).map(|()| stream));
    stream.map_err(|error| unreachable("no connection", error))
}

/// Everything up to an open session; blocks, each step for the connection's time limit at most.
fn shake_hands(
    stream: std::net::TcpStream,
    address: &str,
    port: u16,
    user: &str,
    target: &Target,
    settings: &SshSettings,
) -> OpResult<Link> {
    let broken = |error: ssh2::Error| {
        OpError::unreachable(format!("`{address}` port {port}: no SSH session: {}", error.message()))
    };
    let _ = rustix::net::sockopt::set_tcp_nodelay(&stream, true);
    // What is sent and not acknowledged for this long ends the connection: a host that vanished.
    let patience = millis(settings.keepalive.saturating_mul(3));
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, patience);
    let socket =
        stream.try_clone().map_err(|error| OpError::failed(format!("no socket is left: {error}")))?;
    let mut session = Session::new().map_err(broken)?;
    session.set_compress(false);
    session.set_timeout(millis(settings.connect_timeout));
    session.set_tcp_stream(stream);
    let known = KnownHost::load(&settings.known_hosts, &target.host_keys, address, port);
    host_key::prefer_known(&session, &known);
    session.handshake().map_err(broken)?;
    host_key::check(&session, &known, address, port, settings)?;
    auth::log_in(&session, user, target, settings)?;
    Ok(Link { session, socket })
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
