//! What the thread of a session is asked to do.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use oneex_sdk::{CommandOutput, Heard, OpResult, Passing, Traffic};
use tokio::sync::{mpsc, oneshot};

use super::request::Plain;

use super::turn::Turn;

/// A message to the thread.
#[derive(Debug)]
pub(super) enum Order {
    /// Runs a command.
    Run(Box<Job>),
    /// Ends the command with this id.
    Cancel(u64),
    /// Connects to a host behind this one.
    Forward(Forward),
    /// Closes the session, once nothing of it is left on the host.
    Close(oneshot::Sender<()>),
}

/// A connection to a host behind this one.
#[derive(Debug)]
pub(super) struct Forward {
    /// The name or address, as this host understands it.
    pub(super) host: String,
    pub(super) port: u16,
    /// How long that may take once it is its turn.
    pub(super) limit: Duration,
    /// Takes a socket that is the connection.
    pub(super) reply: oneshot::Sender<OpResult<UnixStream>>,
    /// Kept until libssh2 can open another.
    pub(super) turn: Turn,
}

impl Forward {
    /// True while somebody waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }

    /// Tells who waits, when the next has its turn already.
    pub(super) fn answer(self, result: OpResult<UnixStream>) {
        drop(self.turn);
        let _ = self.reply.send(result);
    }
}

/// A command for a shell.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: u64,
    /// The user, where it is not the session's.
    pub(super) user: Option<String>,
    /// The folder that it begins in, where it names one.
    pub(super) folder: Option<String>,
    /// What begins its frames.
    pub(super) token: String,
    /// The text for the shell.
    pub(super) request: String,
    /// The shorter one, for a shell that has a process group of its own.
    pub(super) plain: Option<Plain>,
    /// For one that outlives the connection.
    pub(super) claimed: Option<Claimed>,
    pub(super) body: Body,
    /// Takes output while the command runs.
    pub(super) sink: Option<Sink>,
    /// Bytes of each stream that are kept.
    pub(super) keep: [usize; 2],
    pub(super) timeout: Option<Duration>,
    pub(super) purpose: Purpose,
}

impl Job {
    /// One of the session's own, of whose output nothing is kept.
    pub(super) fn own(user: Option<String>, token: String, request: String, purpose: Purpose) -> Self {
        Self {
            id: 0,
            user,
            folder: None,
            token,
            request,
            plain: None,
            claimed: None,
            body: Body::Inline,
            sink: None,
            keep: [0, 0],
            timeout: None,
            purpose,
        }
    }
}

/// Where output goes beside the result.
#[derive(Debug)]
pub(super) struct Sink {
    /// Takes it.
    pub(super) heard: mpsc::Sender<Heard>,
    /// What of it.
    pub(super) passing: Passing,
}

/// What is known of a command that outlives the connection.
#[derive(Debug)]
pub(super) struct Claimed {
    /// Where the host keeps what comes of it.
    pub(super) folder: String,
    /// Takes the boot of the host that it is sent to.
    pub(super) boot: Arc<OnceLock<String>>,
}

/// Standard input.
#[derive(Debug)]
pub(super) enum Body {
    /// Part of the request.
    Inline,
    /// Sent after it.
    Whole(Vec<u8>),
    /// Sent after it as it comes: so many bytes and no more, which the command takes, all of them,
    /// where it ends with status 0. So the channel need not end with them, and the shell is kept.
    Counted {
        /// Gives them.
        chunks: mpsc::Receiver<Vec<u8>>,
        /// Bytes that are still to come.
        left: u64,
    },
}

/// What a command is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Somebody waits for its result.
    Answer(oneshot::Sender<OpResult<CommandOutput>>),
    /// It ends the command of this shell.
    EndCommandOf(u64),
    /// It clears away what was kept for commands, before the session is closed.
    Tidy,
}

/// What went over the connection.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) round_trips: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
}

impl Counters {
    /// Adds requests that have to be answered.
    pub(super) fn round_trips(&self, count: u64) {
        self.round_trips.fetch_add(count, Ordering::Relaxed);
    }

    /// The sums so far.
    pub(super) fn traffic(&self) -> Traffic {
        Traffic {
            round_trips: self.round_trips.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
        }
    }
}
