//! Opening connections to hosts behind this one, one at a time, as libssh2 wants it.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use oneex_sdk::{OpError, OpResult};
use ssh2::Channel;
use tokio::sync::oneshot;

use super::Actor;
use super::relay::Relay;
use crate::ssh::error::{is_again, is_lost, is_unanswered};
use crate::ssh::job::Forward;
use crate::ssh::shell::{Step, outbound};
use crate::ssh::turn::Turn;

/// How long an answer may take before those who wait for their turn look for another way.
const SLOW: Duration = Duration::from_secs(1);

/// How long libssh2 waits for an answer, before it can open the next (`SSH2_DEFAULT_READ_TIMEOUT`).
const LONGEST: Duration = Duration::from_secs(60);

/// A connection on its way.
pub(super) struct Forwarding {
    host: String,
    port: u16,
    limit: Duration,
    begun: Instant,
    /// Taken when it was answered; the host's answer is still waited for, as libssh2 can do nothing else.
    reply: Option<oneshot::Sender<OpResult<UnixStream>>>,
    turn: Turn,
    is_slow: bool,
}

impl Forwarding {
    fn begin(order: Forward) -> Self {
        let Forward { host, port, limit, reply, turn } = order;
        Self { host, port, limit, begun: Instant::now(), reply: Some(reply), turn, is_slow: false }
    }

    /// When it has to be looked at again.
    fn deadline(&self) -> Instant {
        let limit = if self.reply.is_some() { self.limit } else { LONGEST };
        let slow = if self.is_slow { LONGEST } else { SLOW };
        self.begun + limit.min(slow).min(LONGEST)
    }

    /// Looks at the time; true when something was done.
    fn tend(&mut self) -> bool {
        let took = self.begun.elapsed();
        let (slow, late) = (took >= SLOW && !self.is_slow, took >= self.limit);
        if slow {
            self.is_slow = true;
            self.turn.get_stuck();
        }
        let reply = if late { self.reply.take() } else { None };
        let answered = reply.map(|reply| reply.send(Err(self.unanswered(self.limit))));
        slow || answered.is_some()
    }

    fn unanswered(&self, limit: Duration) -> OpError {
        let (host, port, limit) = (&self.host, self.port, limit.as_secs_f32());
        OpError::unreachable(format!("`{host}` port {port} does not answer the jump host within {limit} s"))
    }

    fn refused(&self, error: &ssh2::Error) -> OpError {
        let (host, port, reason) = (&self.host, self.port, error.message());
        OpError::unreachable(format!("`{host}` port {port}: no connection through the jump host: {reason}"))
            .hint("check `AllowTcpForwarding` and the way to the host on the jump host")
    }

    /// Tells who waits, when the next has its turn already.
    fn answer(self, result: OpResult<UnixStream>) {
        drop(self.turn);
        if let Some(reply) = self.reply {
            let _ = reply.send(result);
        }
    }
}

impl Actor {
    /// Goes on with the connection that is being opened, or begins the next.
    pub(super) fn forward(&mut self) -> Result<Step, ssh2::Error> {
        let Some(forwarding) = &self.forwarding else { return Ok(self.begin_forward()) };
        match self.session.channel_direct_tcpip(&forwarding.host, forwarding.port, None) {
            Ok(channel) => {
                self.counters.round_trips(1);
                self.forwarded(channel);
                Ok(Step::Progress)
            }
            Err(error) if is_again(&error) => {
                Ok(if outbound(&self.session) { Step::Blocked } else { Step::Nothing })
            }
            // It says nothing about the connection, which others go through. An answer that comes yet is nobody's:
            // libssh2 gives no channel's number twice.
            Err(error) if is_unanswered(&error) => {
                self.forwarding_failed(|forwarding| forwarding.unanswered(forwarding.begun.elapsed()));
                Ok(Step::Progress)
            }
            Err(error) if is_lost(&error) => Err(error),
            Err(error) => {
                self.forwarding_failed(|forwarding| forwarding.refused(&error));
                Ok(Step::Progress)
            }
        }
    }

    fn forwarding_failed(&mut self, error: impl FnOnce(&Forwarding) -> OpError) {
        if let Some(forwarding) = self.forwarding.take() {
            let error = error(&forwarding);
            forwarding.answer(Err(error));
        }
    }

    fn begin_forward(&mut self) -> Step {
        if self.opening.is_some() {
            return Step::Nothing;
        }
        while let Some(order) = self.forwards.pop_front() {
            if order.is_awaited() {
                self.forwarding = Some(Forwarding::begin(order));
                return Step::Progress;
            }
        }
        Step::Nothing
    }

    fn forwarded(&mut self, mut channel: Channel) {
        let Some(forwarding) = self.forwarding.take().filter(|forwarding| forwarding.reply.is_some()) else {
            // Nobody waits any more.
            self.closing.push(channel);
            return;
        };
        let pair = UnixStream::pair().and_then(|(inner, outer)| {
            outer.set_nonblocking(true)?;
            Ok((inner, outer))
        });
        match pair {
            Ok((inner, outer)) => {
                self.next_relay += 1;
                self.relays.push(Relay::new(self.next_relay, channel, outer));
                forwarding.answer(Ok(inner));
            }
            Err(error) => {
                let _ = channel.close();
                self.closing.push(channel);
                forwarding.answer(Err(OpError::failed(format!("no socket is left: {error}"))));
            }
        }
    }

    /// When the host that is being connected to has to be looked at again.
    pub(super) fn forward_deadline(&self) -> Option<Instant> {
        self.forwarding.as_ref().map(Forwarding::deadline)
    }

    /// Answers for a host that takes too long, and gives back relays that are over; true when something was done.
    pub(super) fn tend_relays(&mut self) -> bool {
        let late = self.forwarding.as_mut().is_some_and(Forwarding::tend);
        let before = self.relays.len();
        let (over, open): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.relays).into_iter().partition(|relay| relay.over);
        self.relays = open;
        self.closing.extend(over.into_iter().map(|relay| relay.channel));
        late || self.relays.len() < before
    }

    /// Fails every connection that is asked for.
    pub(super) fn refuse_forwards(&mut self, error: &OpError) {
        self.forwarding_failed(|_| error.clone());
        for order in self.forwards.drain(..) {
            order.answer(Err(error.clone()));
        }
    }
}
