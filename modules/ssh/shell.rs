//! One shell on the host: a channel, what is to be written to it, and the command it runs.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ssh2::{BlockDirections, Channel, Session};
use tokio::sync::mpsc::error::TryRecvError;

use super::claim;
use super::entry::{Entry, Reply};
use super::error::is_lost;
use super::frames::{Frames, Piece, new_token};
use super::functions::Known;
use super::job::{Body, Counters, Job};
use super::request;
use super::running::{Running, Standing};

/// Bytes written in one call.
const CHUNK: usize = 128 * 1024;
/// Calls on one stream before another shell has its turn.
const TURN: usize = 32;

/// What a turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Progress,
    Nothing,
    /// The socket takes no more, and libssh2 holds a packet that is sent in part: the very same call
    /// must come next on the session, or the connection breaks.
    Blocked,
}

/// Where a shell is in its life.
#[derive(Debug)]
pub(super) enum State {
    /// It does not take commands yet.
    Greeting(Box<Entry>),
    Idle,
    Running(Box<Running>),
}

/// A shell and its channel.
pub(super) struct Shell {
    pub(super) id: u64,
    pub(super) user: Option<String>,
    pub(super) state: State,
    /// The channel is at its end, or must not be used again.
    pub(super) over: bool,
    pub(super) channel: Channel,
    /// What it said of itself: boot, the process that started it, and when that was.
    pub(super) hello: String,
    /// It knows what commands need that outlive the connection.
    has_claims: bool,
    /// Its process group and when that began, where nobody else is in it.
    group: Option<String>,
    /// The functions that it was told.
    known: Known,
    counters: Arc<Counters>,
    out: Vec<u8>,
    sent: usize,
    finish_input: bool,
    eof_sent: bool,
    dirty: bool,
    resume: usize,
    frames: [Frames; 2],
}

impl Shell {
    /// Takes a channel on which a shell was started.
    pub(super) fn greet(
        id: u64,
        user: Option<String>,
        channel: Channel,
        entry: Entry,
        counters: Arc<Counters>,
    ) -> Self {
        let mut frames = [Frames::default(), Frames::default()];
        for (frames, mark) in frames.iter_mut().zip(entry.marks()) {
            frames.expect(mark);
        }
        counters.round_trips(1);
        Self {
            id,
            user,
            out: entry.opening().into_bytes(),
            state: State::Greeting(Box::new(entry)),
            over: false,
            channel,
            hello: String::new(),
            has_claims: false,
            group: None,
            known: Known::default(),
            counters,
            sent: 0,
            finish_input: false,
            eof_sent: false,
            dirty: false,
            resume: 0,
            frames,
        }
    }

    /// Gives it a command. Only for an idle shell.
    pub(super) fn start(&mut self, mut job: Job) {
        for frames in &mut self.frames {
            frames.expect(&job.token);
        }
        let end = new_token();
        let mut begun = None;
        if let (Some(plain), Some(group)) = (job.plain.take(), &self.group) {
            job.request = plain.text;
            self.out.extend_from_slice(self.known.learn(&plain.functions).as_bytes());
            begun = Some(group.clone()).filter(|_| !plain.says_when);
        }
        if let Some(claimed) = &job.claimed {
            let boot = self.hello.split(' ').next().filter(|boot| !boot.is_empty());
            // What no boot is called, so that it is found only where it is known.
            let _ = claimed.boot.set(boot.unwrap_or("-").to_owned());
            if !self.has_claims {
                self.out.extend_from_slice(claim::functions().as_bytes());
                self.has_claims = true;
            }
        }
        match job.body {
            Body::Inline => self.out.extend_from_slice(std::mem::take(&mut job.request).as_bytes()),
            _ => {
                let is_counted = matches!(job.body, Body::Counted { .. });
                self.out.extend_from_slice(request::loader(&job.token, &end, is_counted).as_bytes());
                self.counters.round_trips(1);
            }
        }
        self.counters.round_trips(1);
        let mut running = Running::new(job, end);
        if let Some(group) = begun {
            running.begin(&group);
        }
        self.state = State::Running(Box::new(running));
    }

    /// The command that runs.
    pub(super) fn running(&mut self) -> Option<&mut Running> {
        match &mut self.state {
            State::Running(running) => Some(running),
            _ => None,
        }
    }

    /// When it has to be looked at next, without anything happening.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Greeting(entry) => Some(entry.until),
            State::Idle => None,
            State::Running(running) if running.stop.is_some() => running.ending_until,
            State::Running(running) => running.deadline,
        }
    }

    /// True when it can take a command.
    pub(super) fn idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.reusable()
    }

    /// True while nothing forbids another command.
    pub(super) fn reusable(&self) -> bool {
        !self.over && !self.dirty && !self.finish_input
    }

    /// True when libssh2 holds something for it that no poll will tell of.
    pub(super) fn has_more(&self) -> bool {
        !self.over && !self.paused() && (self.channel.read_window().available > 0 || self.channel.eof())
    }

    /// Writes and reads what can be, without waiting. An error means that the session is lost.
    pub(super) fn step(&mut self, session: &Session, buffer: &mut [u8]) -> Result<Step, ssh2::Error> {
        if self.over {
            return Ok(Step::Nothing);
        }
        let mut progress = false;
        let first = std::mem::take(&mut self.resume);
        for turn in 0..4 {
            let part = (first + turn) % 4;
            for _ in 0..TURN {
                let done = match part {
                    0 => self.write(),
                    1 => self.finish(),
                    2 => self.read(0, buffer),
                    _ => self.read(1, buffer),
                };
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
                    Err(_) => match ssh2::Error::last_session_error(session) {
                        Some(error) if is_lost(&error) => return Err(error),
                        _ => {
                            self.over = true;
                            return Ok(Step::Progress);
                        }
                    },
                }
            }
        }
        if !self.paused() && self.channel.eof() {
            self.over = true;
            progress = true;
        }
        Ok(if progress { Step::Progress } else { Step::Nothing })
    }

    fn paused(&self) -> bool {
        matches!(&self.state, State::Running(running) if !running.drained())
    }

    fn write(&mut self) -> io::Result<bool> {
        if self.sent < self.out.len() {
            let most = self.out.len().min(self.sent + CHUNK);
            let count = self.channel.write(&self.out[self.sent..most])?;
            self.sent += count;
            self.counters.sent.fetch_add(count as u64, Ordering::Relaxed);
            if self.sent == self.out.len() {
                self.out.clear();
                self.sent = 0;
            }
            return Ok(count > 0);
        }
        let State::Running(running) = &mut self.state else { return Ok(false) };
        let (Body::Counted { chunks, left }, true, false) =
            (&mut running.job.body, running.group.is_some(), self.finish_input)
        else {
            return Ok(false);
        };
        // A command that is over reads no more: what came now would be the shell's.
        if *left == 0 || running.ending.is_some() {
            return Ok(false);
        }
        match chunks.try_recv() {
            Ok(chunk) => {
                *left = left.saturating_sub(chunk.len() as u64);
                self.out = chunk;
            }
            Err(TryRecvError::Empty) => return Ok(false),
            Err(TryRecvError::Disconnected) => self.finish_input = true,
        }
        Ok(true)
    }

    fn finish(&mut self) -> io::Result<bool> {
        if !self.finish_input || self.eof_sent || self.sent < self.out.len() {
            return Ok(false);
        }
        self.channel.send_eof()?;
        self.eof_sent = true;
        Ok(true)
    }

    fn read(&mut self, stream: usize, buffer: &mut [u8]) -> io::Result<bool> {
        if let State::Running(running) = &mut self.state
            && !running.pass_on()
        {
            return Ok(false);
        }
        let count = self.channel.stream(stream as i32).read(buffer)?;
        self.counters.received.fetch_add(count as u64, Ordering::Relaxed);
        for piece in self.frames[stream].feed(&buffer[..count]) {
            match piece {
                Piece::Data(bytes) => self.data(stream, bytes),
                Piece::Frame(text) => self.frame(&text),
            }
        }
        Ok(count > 0)
    }

    /// Gives the command all of its standard input, where that comes over the channel.
    fn give_input(&mut self) {
        if let State::Running(running) = &mut self.state
            && let Body::Whole(bytes) = &mut running.job.body
        {
            self.out.append(bytes);
            self.finish_input = true;
        }
    }

    fn data(&mut self, stream: usize, bytes: Vec<u8>) {
        match &mut self.state {
            State::Greeting(entry) => {
                let reply = entry.data(stream, &bytes);
                self.enter(reply);
            }
            // Something that a former command left running still writes here.
            State::Idle => self.dirty = true,
            State::Running(running) => self.dirty |= !running.data(stream, bytes),
        }
    }

    fn frame(&mut self, text: &str) {
        match (&mut self.state, text.split_at_checked(1)) {
            (State::Greeting(entry), kind) => {
                if let Some(("h", hello)) = kind {
                    let group = hello.match_indices(' ').nth(2).map_or(hello.len(), |(at, _)| at);
                    hello[..group].clone_into(&mut self.hello);
                    self.group = Some(hello[group..].trim().to_owned()).filter(|group| !group.is_empty());
                }
                let reply = entry.frame(text);
                self.enter(reply);
            }
            (State::Running(running), Some(("l", _))) => {
                self.out.extend_from_slice(running.job.request.as_bytes());
                self.out.extend_from_slice(format!("{}\n", running.end).as_bytes());
                if running.job.claimed.is_none() {
                    self.give_input();
                }
            }
            (State::Running(_), Some(("w", _))) => {
                self.counters.round_trips(1);
                self.give_input();
            }
            (State::Running(running), Some(("u", _))) => {
                running.claim = Standing::Unkept;
                self.counters.round_trips(1);
                self.out.extend_from_slice(b"go\n");
                self.give_input();
            }
            (State::Running(running), Some((kind, rest))) => running.frame(kind, rest),
            _ => {}
        }
    }

    fn enter(&mut self, reply: Reply) {
        match reply {
            Reply::Wait => {}
            Reply::Write(text) => {
                self.counters.round_trips(1);
                self.out.extend_from_slice(text.as_bytes());
            }
            Reply::Ready => self.state = State::Idle,
            Reply::Over => self.over = true,
        }
    }
}

/// True when the session waits for the socket to take more.
pub(super) fn outbound(session: &Session) -> bool {
    matches!(session.block_directions(), BlockDirections::Outbound | BlockDirections::Both)
}
