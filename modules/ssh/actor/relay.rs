//! One connection to a host behind this one: a channel of the kind `direct-tcpip` (RFC 4254, section 7.2), and
//! a socket to the thread that owns the session inside it.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;

use rustix::event::PollFlags;
use ssh2::{Channel, Session};

use crate::ssh::error::is_lost;
use crate::ssh::job::Counters;
use crate::ssh::shell::{Step, outbound};

/// Calls in one direction before another relay has its turn.
const TURN: usize = 16;
/// Bytes read from the socket in one call.
const CHUNK: usize = 64 * 1024;

/// A channel and a socket, and what is on its way between them.
pub(super) struct Relay {
    pub(super) id: u64,
    /// Nothing can come or go any more.
    pub(super) over: bool,
    pub(super) channel: Channel,
    pub(super) socket: UnixStream,
    /// From the socket, for the channel; read only when it is empty, as libssh2 wants the same bytes again.
    outward: Pending,
    /// From the channel, for the socket.
    inward: Pending,
    /// The socket's other end was closed.
    hung_up: bool,
    resume: usize,
}

/// Bytes of which the first were passed on.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    passed: usize,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.passed..]
    }

    fn fill(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn pass(&mut self, count: usize) {
        self.passed += count;
        if self.passed >= self.bytes.len() {
            self.bytes.clear();
            self.passed = 0;
        }
    }
}

impl Relay {
    /// Joins a channel and a socket, which does not block.
    pub(super) fn new(id: u64, channel: Channel, socket: UnixStream) -> Self {
        Self {
            id,
            over: false,
            channel,
            socket,
            outward: Pending::default(),
            inward: Pending::default(),
            hung_up: false,
            resume: 0,
        }
    }

    /// What the socket is to be watched for; nothing where only the session can bring it on.
    pub(super) fn watched(&self) -> PollFlags {
        let mut flags = PollFlags::empty();
        if self.outward.is_empty() && !self.hung_up {
            flags |= PollFlags::IN;
        }
        if !self.inward.is_empty() {
            flags |= PollFlags::OUT;
        }
        flags
    }

    /// True when libssh2 holds something for it that no poll will tell of.
    pub(super) fn has_more(&self) -> bool {
        !self.over
            && self.inward.is_empty()
            && (self.channel.read_window().available > 0 || self.channel.eof())
    }

    /// Passes on what can be, without waiting. An error means that the session is lost.
    pub(super) fn step(
        &mut self,
        session: &Session,
        buffer: &mut [u8],
        counters: &Counters,
    ) -> Result<Step, ssh2::Error> {
        let mut progress = false;
        let first = std::mem::take(&mut self.resume);
        for turn in 0..2 {
            let part = (first + turn) % 2;
            for _ in 0..TURN {
                if self.over {
                    return Ok(Step::Progress);
                }
                let done =
                    if part == 0 { self.send(buffer, counters) } else { self.receive(buffer, counters) };
                match done {
                    Ok(true) => progress = true,
                    Ok(false) => break,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if outbound(session) {
                            self.resume = part;
                            return Ok(Step::Blocked);
                        }
                        break;
                    }
                    Err(_) => {
                        self.over = true;
                        if let Some(error) = ssh2::Error::last_session_error(session).filter(is_lost) {
                            return Err(error);
                        }
                    }
                }
            }
        }
        Ok(if progress || self.over { Step::Progress } else { Step::Nothing })
    }

    /// From the socket to the channel; errors are the channel's.
    fn send(&mut self, buffer: &mut [u8], counters: &Counters) -> io::Result<bool> {
        if self.outward.is_empty() {
            if self.hung_up {
                self.over = true;
                return Ok(true);
            }
            let most = buffer.len().min(CHUNK);
            match self.socket.read(&mut buffer[..most]) {
                Ok(0) => self.hung_up = true,
                Ok(count) => self.outward.fill(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(_) => self.hung_up = true,
            }
            return Ok(true);
        }
        let count = self.channel.write(self.outward.rest())?;
        counters.sent.fetch_add(count as u64, Ordering::Relaxed);
        self.outward.pass(count);
        Ok(count > 0)
    }

    /// From the channel to the socket; errors are the channel's.
    fn receive(&mut self, buffer: &mut [u8], counters: &Counters) -> io::Result<bool> {
        if !self.inward.is_empty() {
            return match self.socket.write(self.inward.rest()) {
                Ok(count) => {
                    self.inward.pass(count);
                    Ok(true)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
                // Nobody listens any more; what was said before that is still to be sent.
                Err(_) => {
                    self.inward = Pending::default();
                    Ok(true)
                }
            };
        }
        let count = self.channel.read(buffer)?;
        counters.received.fetch_add(count as u64, Ordering::Relaxed);
        self.inward.fill(&buffer[..count]);
        if count == 0 && self.channel.eof() {
            self.over = true;
        }
        Ok(count > 0)
    }

    /// Sends what the socket still holds, as far as the channel takes it: the last words of the session inside.
    /// The session blocks by now.
    pub(super) fn drain(&mut self, buffer: &mut [u8], counters: &Counters) {
        while !self.over && self.send(buffer, counters).unwrap_or(false) {}
    }
}
