//! Opens connections: TCP, key exchange, the host's key, the user's.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{BoxFuture, CancellationToken, Connector, ErrorKind, OpError, OpResult, Target, Transport};
use ssh2::{ErrorCode, Session};
use tokio::task::spawn_blocking;

use super::bastions::{Bastions, Destination};
use super::error::is_unanswered;
use super::handshakes::Handshakes;
use super::host_settings::{Algorithms, HostSettings, Jump, Way};
use super::known_hosts::KnownHost;
use super::passage::Passage;
use super::resolve::{resolve, resolve_jump};
use super::road::Road;
use super::transport::SshTransport;
use super::{ConfigSource, SshSettings, auth, host_key};
use crate::Entered;
use crate::elevation::Elevation;

/// An open session, its socket to wait on, and what it goes through.
pub(super) struct Link {
    pub(super) session: Session,
    pub(super) socket: OwnedFd,
    pub(super) passage: Passage,
}

/// The connector `ssh`.
#[derive(Debug, Clone)]
pub struct SshConnector {
    settings: Arc<SshSettings>,
    handshakes: Handshakes,
    bastions: Bastions,
}

impl SshConnector {
    /// Makes the connector.
    pub fn new(settings: SshSettings) -> Self {
        Self { settings: Arc::new(settings), handshakes: Handshakes::new(), bastions: Bastions::default() }
    }

    /// Opens the connection to a host, through whatever lies before it.
    pub(super) fn open(
        &self,
        host: HostSettings,
        elevation: Elevation,
    ) -> BoxFuture<'_, OpResult<SshTransport>> {
        Box::pin(async move {
            let begun = std::time::Instant::now();
            tracing::debug!(
                host = host.name,
                address = host.host_name,
                port = host.port,
                user = host.user,
                "connecting"
            );
            let host = Arc::new(host);
            let road = self.road(&host).await?;
            let asked = self.settings.entered.asked();
            let link = match self.link(&host, road).await {
                // The host may have hung up while it waited for a person.
                Err(error)
                    if error.kind == ErrorKind::Unreachable && self.settings.entered.asked() > asked =>
                {
                    let road = self.road(&host).await?;
                    self.link(&host, road).await?
                }
                linked => linked?,
            };
            tracing::debug!(host = host.name, took = ?begun.elapsed(), "connected");
            SshTransport::start(link, elevation, &host)
        })
    }

    /// Logs in at the end of the road.
    async fn link(&self, host: &Arc<HostSettings>, road: Road) -> OpResult<Link> {
        let passage = road.passage.clone();
        // That of a jump host first: whoever waits for it keeps nobody else from the others.
        let turn = match &host.way {
            Way::Jumps(jumps) => self.bastions.of((jumps.clone(), host.config.clone())).handshake().await,
            Way::Direct | Way::Command(_) => None,
        };
        let (shaken, entered) = (Arc::clone(host), self.settings.entered.clone());
        let opened = self.handshakes.run(turn, move || shake_hands(road, &shaken, &entered)).await?;
        match opened {
            Ok(link) => Ok(link),
            Err(Broken { error, offered }) => {
                passage.settle().await;
                let error = passage.explain(error);
                Err(match offered {
                    Some(offered) => self.compare(host, *offered).await.unwrap_or(error),
                    None => error,
                })
            }
        }
    }

    /// Asks a host that does not agree with us what it offers; nothing where that does not tell why.
    async fn compare(&self, host: &HostSettings, offered: Algorithms) -> Option<OpError> {
        let limit = host.connect_timeout;
        let road = self.road(host).await.ok()?;
        let theirs = spawn_blocking(move || Algorithms::ask(road, limit)).await.ok()?.ok()??;
        let error = offered.mismatch(&theirs)?;
        let (address, port) = (&host.host_name, host.port);
        Some(OpError { message: format!("`{address}` port {port}: {}", error.message), ..error })
    }

    /// Connects to a host from the last of the jump hosts; returns the connection to that as well, which all that go
    /// through it share.
    pub(super) async fn forward(
        &self,
        jumps: &[Jump],
        host: &HostSettings,
    ) -> OpResult<(UnixStream, Arc<SshTransport>)> {
        let there = Destination { host: &host.host_name, port: host.port, limit: host.connect_timeout };
        let bastion = self.bastions.of((jumps.to_vec(), host.config.clone()));
        bastion.forward(&there, &|| Box::pin(self.open_jump(jumps, &host.config))).await
    }

    async fn open_jump(&self, jumps: &[Jump], config: &ConfigSource) -> OpResult<SshTransport> {
        let Some((last, before)) = jumps.split_last() else {
            return Err(OpError::invalid("a way through jump hosts names none"));
        };
        let (jump, config) = (last.clone(), config.clone());
        let mut host = self.ask(move |settings| resolve_jump(settings, &jump, &config)).await?;
        // The first jump host may have a way of its own; the others come after those before them.
        if !before.is_empty() {
            host.way = Way::Jumps(before.to_vec());
        }
        self.open(host, Elevation::default()).await.map_err(|error| OpError {
            message: format!("the jump host `{}`: {}", last.host, error.message),
            ..error
        })
    }
}

impl SshConnector {
    async fn reach(&self, target: &Target) -> OpResult<Arc<dyn Transport>> {
        let asked = target.clone();
        let host = self.ask(move |settings| resolve(settings, &asked)).await?;
        let elevation = Elevation::of(target, self.settings.entered.become_password())?;
        Ok(Arc::new(self.open(host, elevation).await?))
    }

    /// Asks for settings, beside the threads that must not wait.
    async fn ask(
        &self,
        resolve: impl FnOnce(&SshSettings) -> OpResult<HostSettings> + Send + 'static,
    ) -> OpResult<HostSettings> {
        let settings = Arc::clone(&self.settings);
        let resolved = spawn_blocking(move || resolve(&settings)).await;
        resolved.map_err(|error| OpError::failed(format!("the SSH configuration was not read: {error}")))?
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
                // A question that is left is no refusal of the host.
                biased;
                () = cancel.cancelled() => Err(OpError::cancelled()),
                opened = self.reach(target) => opened,
            }
        })
    }
}

/// What libssh2 says where the two sides have nothing in common, or might: `LIBSSH2_ERROR_KEX_FAILURE`,
/// `LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE`, `LIBSSH2_ERROR_METHOD_NONE`, `LIBSSH2_ERROR_METHOD_NOT_SUPPORTED`, and
/// what comes of a server that finds it out first and hangs up (`LIBSSH2_ERROR_SOCKET_DISCONNECT`,
/// `LIBSSH2_ERROR_SOCKET_RECV`).
const DISAGREE: [i32; 6] = [-5, -8, -17, -33, -13, -43];

/// No session was opened.
struct Broken {
    error: OpError,
    /// What was offered, where the host may have nothing of it.
    offered: Option<Box<Algorithms>>,
}

impl From<OpError> for Broken {
    fn from(error: OpError) -> Self {
        Self { error, offered: None }
    }
}

/// Everything up to an open session; blocks, each step for the connection's time limit at most.
fn shake_hands(road: Road, host: &HostSettings, entered: &Entered) -> Result<Link, Broken> {
    let Road { socket: stream, passage } = road;
    let broken = |error: ssh2::Error| {
        let (address, port, limit) = (&host.host_name, host.port, host.connect_timeout.as_secs_f32());
        OpError::unreachable(if is_unanswered(&error) {
            format!(
                "`{address}` port {port} does not go on within {limit} s, in the middle of the key exchange"
            )
        } else {
            format!("`{address}` port {port}: no SSH session: {}", error.message())
        })
    };
    // Both mean nothing to a socket that is not of the network.
    let _ = rustix::net::sockopt::set_tcp_nodelay(&stream, true);
    // What is sent and not acknowledged for this long ends the connection: a host that vanished.
    let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, millis(host.patience()));
    let socket =
        stream.try_clone().map_err(|error| OpError::failed(format!("no socket is left: {error}")))?;
    let mut session = Session::new().map_err(broken)?;
    let peer = rustix::net::getpeername(&stream).ok().flatten();
    let peer = peer.and_then(|peer| std::net::SocketAddr::try_from(peer).ok()).map(|peer| peer.ip());
    session.set_compress(host.compression);
    session.set_timeout(millis(host.connect_timeout));
    session.set_tcp_stream(stream);
    let known = KnownHost::of(host);
    host.algorithms.prefer(&session)?;
    let kinds = host_key::prefer_known(&session, &known, &host.algorithms.host_key);
    if let Err(error) = session.handshake() {
        let disagrees = matches!(error.code(), ErrorCode::Session(code) if DISAGREE.contains(&code));
        let offered = disagrees.then(|| Box::new(host.algorithms.offered(&session, &kinds)));
        return Err(Broken { error: broken(error), offered });
    }
    host_key::check(&session, &known, host, peer)?;
    auth::log_in(&session, host, entered)?;
    Ok(Link { session, socket, passage })
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod configured;
#[cfg(test)]
mod silent;
#[cfg(test)]
mod tests;
