//! The open connection, as the engine holds it: a handle to the thread that owns the session.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use oneex_sdk::{
    BoxFuture, CancellationToken, Command, CommandOutput, OpError, OpResult, OutputSink, Passing, Traffic,
    Transport,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};

use super::actor::{Actor, Parts};
use super::bastions::Destination;
use super::claim;
use super::connector::Link;
use super::error::lost;
use super::frames::new_token;
use super::functions::Calls;
use super::host_settings::HostSettings;
use super::job::{Body, Claimed, Counters, Forward, Job, Order, Purpose, Sink};
use super::passage::Passage;
use super::request::{self, Input, LARGEST_INLINE};
use super::together::Together;
use super::transfer::AHEAD;
use super::turn::{Turn, Turns};
use super::waker::{self, Waker};
use crate::elevation::Elevation;

/// The stack of the thread; it calls nothing that recurses.
const STACK: usize = 512 * 1024;

/// An open connection over SSH.
#[derive(Debug)]
pub struct SshTransport {
    name: String,
    user: String,
    /// How long it is opened again where it is lost.
    patience: Duration,
    /// Why the connection was lost.
    fate: Arc<OnceLock<String>>,
    /// What the next connection has to end then.
    aftermath: Arc<OnceLock<Vec<Command>>>,
    /// Taken when it is closed.
    passage: Mutex<Passage>,
    orders: Sender<Order>,
    turns: Turns,
    pub(super) waker: Waker,
    counters: Arc<Counters>,
    next_job: AtomicU64,
}

/// How a command's streams differ from those of an ordinary one.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Gives standard input, which has that many bytes; see [`Body::Counted`].
    pub(super) input: Option<(mpsc::Receiver<Vec<u8>>, u64)>,
    /// Takes output.
    pub(super) output: Option<Sink>,
    /// Standard output is for the sink alone.
    pub(super) drops_stdout: bool,
    /// What runs where the command may run in the shell itself; the command, where nothing is said.
    pub(super) calls: Option<Calls>,
}

impl SshTransport {
    /// Hands an open session to a thread of its own.
    pub(super) fn start(link: Link, elevation: Elevation, host: &HostSettings) -> OpResult<Self> {
        let failed =
            |error: std::io::Error| OpError::failed(format!("the connection cannot be served: {error}"));
        let (waker, bell) = waker::pair().map_err(failed)?;
        let (orders, inbox) = std::sync::mpsc::channel();
        let counters = Arc::new(Counters::default());
        let (fate, aftermath) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
        let parts = Parts {
            socket: link.socket,
            passage: link.passage.clone(),
            fate: Arc::clone(&fate),
            orders: inbox,
            bell,
            counters: Arc::clone(&counters),
            elevation,
            limit: host.shells,
            keepalive: host.keepalive,
            patience: host.patience(),
            aftermath: Arc::clone(&aftermath),
        };
        let actor = Actor::new(link.session, parts);
        let thread = std::thread::Builder::new().name("ssh".to_owned()).stack_size(STACK);
        thread.spawn(move || actor.run()).map_err(failed)?;
        Ok(Self {
            name: host.name.clone(),
            user: host.user.clone(),
            patience: host.reconnect,
            fate,
            aftermath,
            passage: Mutex::new(link.passage),
            orders,
            turns: Turns::new(),
            waker,
            counters,
            next_job: AtomicU64::new(1),
        })
    }

    /// The host's name, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Why the connection was lost; nothing while it is open.
    pub(super) fn fate(&self) -> Option<&str> {
        self.fate.get().map(String::as_str)
    }

    /// Gives turns to connect to hosts behind this one.
    pub(super) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Connects to a host behind this one.
    pub(super) async fn forward(&self, there: &Destination<'_>, turn: Turn) -> OpResult<UnixStream> {
        let (reply, opened) = oneshot::channel();
        let Destination { host, port, limit } = *there;
        self.order(Order::Forward(Forward { host: host.to_owned(), port, limit, reply, turn }))?;
        opened.await.unwrap_or_else(|_closed| Err(lost("before it led on")))
    }

    /// Runs a command with streams of its own.
    pub(super) async fn execute(
        &self,
        command: &Command,
        streams: Streams,
        cancel: &CancellationToken,
    ) -> OpResult<CommandOutput> {
        let user = command.user.clone().filter(|user| *user != self.user);
        if let Some(user) = &user {
            crate::shell::check_user(user)?;
        }
        let token = command.claim.as_ref().map_or_else(new_token, claim::token);
        let (body, input) = match streams.input {
            Some((chunks, left)) => (Body::Counted { chunks, left }, Input::Channel(left)),
            None if command.stdin.len() > LARGEST_INLINE => {
                (Body::Whole(command.stdin.clone()), Input::Channel(command.stdin.len() as u64))
            }
            None => (Body::Inline, Input::Inline(&command.stdin)),
        };
        let claimed = command.claim.as_ref().map(|claim| Claimed {
            folder: claim::folder(claim, user.as_deref().unwrap_or(&self.user)),
            boot: Arc::clone(&claim.boot),
        });
        let folder = claimed.as_ref().map(|claimed| claimed.folder.as_str());
        let request = request::request(command, &token, input, folder)?;
        let is_plain = command.tidy && command.claim.is_none();
        let calls = || streams.calls.map_or_else(|| Calls::of(command), Ok);
        let plain = is_plain.then(|| request::plain(command, &token, input, calls()?)).transpose()?;
        let id = self.next_job.fetch_add(1, Ordering::Relaxed);
        let (reply, result) = oneshot::channel();
        self.order(Order::Run(Box::new(Job {
            id,
            user,
            folder: command.cwd.clone(),
            token,
            request,
            plain,
            claimed,
            body,
            sink: streams.output,
            keep: [if streams.drops_stdout { 0 } else { command.keep }, command.keep],
            timeout: command.timeout,
            purpose: Purpose::Answer(reply),
        })))?;
        // A caller that goes away without a word must not leave the command running.
        let mut guard = CancelOnDrop { transport: self, id: Some(id) };
        tokio::pin!(result);
        let result = tokio::select! {
            biased;
            result = &mut result => result,
            () = cancel.cancelled() => {
                self.order(Order::Cancel(id))?;
                result.await
            }
        };
        guard.id = None;
        result.unwrap_or_else(|_closed| Err(lost("before the command ended")))
    }

    fn order(&self, order: Order) -> OpResult<()> {
        self.orders.send(order).map_err(|_closed| lost("when it was closed"))?;
        self.waker.wake();
        Ok(())
    }
}

struct CancelOnDrop<'a> {
    transport: &'a SshTransport,
    id: Option<u64>,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let _ = self.transport.order(Order::Cancel(id));
        }
    }
}

impl Drop for SshTransport {
    fn drop(&mut self) {
        // Without it the thread would wait for the socket before it sees that nobody is left.
        let (done, _) = oneshot::channel();
        let _ = self.order(Order::Close(done));
    }
}

impl Transport for SshTransport {
    fn run<'a>(
        &'a self,
        command: &'a Command,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<CommandOutput>> {
        Box::pin(self.execute(command, Streams::default(), cancel))
    }

    fn run_heard<'a>(
        &'a self,
        command: &'a Command,
        sink: &'a dyn OutputSink,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<CommandOutput>> {
        Box::pin(async move {
            let (heard, mut coming) = mpsc::channel(AHEAD);
            let passing_on = async move {
                while let Some(heard) = coming.recv().await {
                    self.waker.wake();
                    sink.take(heard).await;
                }
            };
            let output = Some(Sink { heard, passing: Passing::to(sink) });
            let running = self.execute(command, Streams { output, ..Streams::default() }, cancel);
            let ((), result) = tokio::join!(passing_on, running);
            result
        })
    }

    fn answers_together(&self) -> bool {
        true
    }

    fn run_together<'a>(
        &'a self,
        commands: &'a [Command],
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Vec<Option<CommandOutput>>>> {
        Box::pin(async move {
            let together = Together::of(commands)?;
            let streams = Streams { calls: Some(together.calls.clone()), ..Streams::default() };
            let output = self.execute(&together.command, streams, cancel).await?;
            Ok(together.answers(&output))
        })
    }

    fn upload<'a>(
        &'a self,
        source: &'a mut (dyn AsyncRead + Send + Unpin),
        length: u64,
        path: &'a str,
        user: Option<&'a str>,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Option<String>>> {
        Box::pin(self.send(source, length, path, user, cancel))
    }

    fn download<'a>(
        &'a self,
        path: &'a str,
        sink: &'a mut (dyn AsyncWrite + Send + Unpin),
        user: Option<&'a str>,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<u64>> {
        Box::pin(self.receive(path, sink, user, cancel))
    }

    fn traffic(&self) -> Traffic {
        self.counters.traffic()
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn keeps_claims(&self) -> bool {
        true
    }

    fn aftermath(&self) -> Vec<Command> {
        self.aftermath.get().cloned().unwrap_or_default()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (done, closed) = oneshot::channel();
            if self.order(Order::Close(done)).is_ok() {
                // Dropped, not sent, when it is done.
                let _ = closed.await;
            }
            let passage = std::mem::take(&mut *self.passage.lock().unwrap_or_else(PoisonError::into_inner));
            passage.close().await;
        })
    }
}

#[cfg(test)]
mod other_users;
#[cfg(test)]
mod tests;
