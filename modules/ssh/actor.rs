//! The thread that owns a session: it alone calls libssh2, never waits inside it, and sleeps in
//! poll(2) when nothing can be done.

mod ending;
mod forwarding;
mod leaving;
mod opening;
mod relay;

use std::collections::{HashMap, HashSet, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use oneex_sdk::{Command, OpError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{Channel, Session};
use tokio::sync::oneshot;

use self::forwarding::Forwarding;
use self::opening::Opening;
use self::relay::Relay;
use super::backoff::Backoff;
use super::error::{is_again, lost};
use super::job::{Counters, Forward, Job, Order, Purpose};
use super::passage::Passage;
use super::shell::{Shell, State, Step, outbound};
use super::waker::Bell;
use crate::elevation::{Access, Elevation};

/// Bytes read in one call; several of the largest packets of a channel.
const BUFFER: usize = 128 * 1024;

/// Everything the thread owns.
pub(super) struct Actor {
    session: Session,
    socket: OwnedFd,
    /// What the connection goes through; kept as long as the connection.
    passage: Passage,
    orders: Receiver<Order>,
    bell: Bell,
    counters: Arc<Counters>,
    fate: Arc<OnceLock<String>>,
    elevation: Elevation,
    /// Shells at a time; less when the server allows less.
    limit: usize,
    keepalive: Duration,
    next_keepalive: Instant,
    shells: Vec<Shell>,
    next_shell: u64,
    queue: VecDeque<Box<Job>>,
    opening: Option<Opening>,
    /// The server has no room for another shell: how often it was asked, and when it is asked again.
    backoff: Option<Backoff>,
    not_before: Option<Instant>,
    /// Connections to hosts behind this one: asked for, being opened, open.
    forwards: VecDeque<Forward>,
    forwarding: Option<Forwarding>,
    relays: Vec<Relay>,
    next_relay: u64,
    /// How users were become, or are tried to be.
    access: HashMap<String, Access>,
    /// Channels that are being closed.
    closing: Vec<Channel>,
    blocked: Option<Who>,
    /// What is read goes through here.
    buffer: Vec<u8>,
    /// Folders for commands that outlive the connection, and whose they are.
    folders: HashSet<(Option<String>, String)>,
    /// Until when that may take, once the session is to be closed.
    leaving: Option<Instant>,
    /// Dropped when the session is closed, for those who wait for it.
    closed: Option<oneshot::Sender<()>>,
    /// When the server was heard last, and how many bytes of output there had been then.
    heard: Instant,
    received: u64,
    /// How long it may be silent.
    patience: Duration,
    /// What the first shell of the user itself said.
    hello: String,
    /// What is to be run on the next connection, should this one be lost.
    aftermath: Arc<OnceLock<Vec<Command>>>,
}

/// Whose call must come next, see [`Step::Blocked`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Shell(u64),
    Opening,
    Relay(u64),
    Forwarding,
    Closing,
    Keepalive,
}

/// What the thread needs beside the session.
pub(super) struct Parts {
    pub(super) socket: OwnedFd,
    pub(super) passage: Passage,
    pub(super) orders: Receiver<Order>,
    pub(super) bell: Bell,
    pub(super) counters: Arc<Counters>,
    /// Where it is said why the connection was lost.
    pub(super) fate: Arc<OnceLock<String>>,
    pub(super) elevation: Elevation,
    pub(super) limit: usize,
    pub(super) keepalive: Duration,
    /// How long the server may be silent; for ever where this is zero.
    pub(super) patience: Duration,
    /// Where it is said what the next connection has to end, before it is said that this one was lost.
    pub(super) aftermath: Arc<OnceLock<Vec<Command>>>,
}

impl Actor {
    /// Takes an open session.
    pub(super) fn new(session: Session, parts: Parts) -> Self {
        session.set_blocking(false);
        // Whole seconds, of which none would mean never.
        let seconds = u32::try_from(parts.keepalive.as_secs().max(1)).unwrap_or(u32::MAX);
        session.set_keepalive(true, seconds);
        Self {
            session,
            socket: parts.socket,
            passage: parts.passage,
            orders: parts.orders,
            bell: parts.bell,
            counters: parts.counters,
            fate: parts.fate,
            elevation: parts.elevation,
            limit: parts.limit.max(1),
            keepalive: parts.keepalive,
            next_keepalive: Instant::now() + parts.keepalive,
            shells: Vec::new(),
            next_shell: 0,
            queue: VecDeque::new(),
            opening: None,
            backoff: None,
            not_before: None,
            forwards: VecDeque::new(),
            forwarding: None,
            relays: Vec::new(),
            next_relay: 0,
            access: HashMap::new(),
            closing: Vec::new(),
            blocked: None,
            buffer: vec![0; BUFFER],
            folders: HashSet::new(),
            leaving: None,
            closed: None,
            heard: Instant::now(),
            received: 0,
            patience: parts.patience,
            hello: String::new(),
            aftermath: parts.aftermath,
        }
    }

    /// Works until the session is closed or nobody can ask any more.
    pub(super) fn run(mut self) {
        loop {
            if self.take_orders() {
                return self.hang_up();
            }
            match self.pass() {
                _ if self.has_left() => return self.hang_up(),
                Ok(true) => {}
                Ok(false) if self.blocked.is_none() && self.has_more() => {}
                Ok(false) => self.wait(),
                Err(error) => {
                    let error = lost(&format!("to the host: {}", error.message()));
                    let error = self.passage.explain(error);
                    return self.give_up(&error);
                }
            }
            if self.is_silent() {
                let seconds = self.patience.as_secs();
                let error = lost(&format!("to the host: nothing was heard of it for {seconds} s"));
                let error = self.passage.explain(error);
                return self.give_up(&error);
            }
        }
    }

    fn has_more(&self) -> bool {
        self.shells.iter().any(Shell::has_more) || self.relays.iter().any(Relay::has_more)
    }

    /// Takes all orders; true when the session is to be closed.
    fn take_orders(&mut self) -> bool {
        self.bell.clear();
        loop {
            match self.orders.try_recv() {
                Ok(Order::Run(job)) => self.queue.push_back(job),
                Ok(Order::Cancel(id)) => self.cancel(id),
                Ok(Order::Forward(order)) => self.forwards.push_back(order),
                Ok(Order::Close(done)) => {
                    self.refuse_all(&lost("when it was closed"));
                    self.closed = Some(done);
                    self.leave();
                    if self.has_left() {
                        return true;
                    }
                }
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) => return true,
            }
        }
    }

    /// One round over everything that could go on; true when something did.
    fn pass(&mut self) -> Result<bool, ssh2::Error> {
        if let Some(who) = self.blocked.take()
            && self.step_of(who)? == Step::Blocked
        {
            self.blocked = Some(who);
            return Ok(self.tend());
        }
        let mut progress = self.schedule();
        let shells: Vec<Who> = self.shells.iter().map(|shell| Who::Shell(shell.id)).collect();
        // What opens a channel comes last: it may take packets of the others off the socket, and
        // those are asked again afterwards.
        let relays: Vec<Who> = self.relays.iter().map(|relay| Who::Relay(relay.id)).collect();
        let channels = shells.into_iter().chain(relays);
        let all = [Who::Closing].into_iter().chain(channels);
        // What asks for a sign of life comes after all that reads: its answer is waited for, not read unseen.
        for who in all.chain([Who::Opening, Who::Forwarding, Who::Keepalive]) {
            match self.step_of(who)? {
                Step::Progress => progress = true,
                Step::Nothing => {}
                Step::Blocked => {
                    self.blocked = Some(who);
                    break;
                }
            }
        }
        if self.hello.is_empty() {
            let said = self.shells.iter().filter(|shell| shell.user.is_none()).map(|shell| &shell.hello);
            self.hello = said.max_by_key(|hello| hello.len()).cloned().unwrap_or_default();
        }
        Ok(self.tend() || progress)
    }

    fn step_of(&mut self, who: Who) -> Result<Step, ssh2::Error> {
        match who {
            Who::Shell(id) => match self.shells.iter_mut().find(|shell| shell.id == id) {
                Some(shell) => shell.step(&self.session, &mut self.buffer),
                None => Ok(Step::Nothing),
            },
            Who::Opening => self.open(),
            Who::Relay(id) => match self.relays.iter_mut().find(|relay| relay.id == id) {
                Some(relay) => relay.step(&self.session, &mut self.buffer, &self.counters),
                None => Ok(Step::Nothing),
            },
            Who::Forwarding => self.forward(),
            Who::Closing => Ok(self.close_channels()),
            Who::Keepalive => self.keep_alive(),
        }
    }

    /// Gives waiting commands to idle shells, and opens more where there are too few.
    fn schedule(&mut self) -> bool {
        let mut progress = false;
        let mut index = 0;
        while index < self.queue.len() {
            let user = self.queue[index].user.clone();
            if let Some(shell) = self.shells.iter_mut().find(|shell| shell.user == user && shell.idle())
                && let Some(job) = self.queue.remove(index)
            {
                if let Some(claimed) = &job.claimed {
                    self.folders.insert((job.user.clone(), claimed.folder.clone()));
                }
                shell.start(*job);
                progress = true;
                continue;
            }
            // What ends a command, or the session, may use one shell more.
            let ends = !matches!(self.queue[index].purpose, Purpose::Answer(_));
            let limit = self.limit + usize::from(ends);
            if self.may_open() && self.greeting(user.as_deref()) < self.queued(user.as_deref()) {
                if self.shells.len() < limit {
                    self.prepare(user.clone());
                    progress = true;
                } else if let Some(other) = self.shells.iter().position(Shell::idle) {
                    self.retire(other);
                    progress = true;
                }
            }
            index += 1;
        }
        progress
    }

    fn greeting(&self, user: Option<&str>) -> usize {
        let greets =
            |shell: &&Shell| shell.user.as_deref() == user && matches!(shell.state, State::Greeting(_));
        self.shells.iter().filter(greets).count()
    }

    fn queued(&self, user: Option<&str>) -> usize {
        self.queue.iter().filter(|job| job.user.as_deref() == user).count()
    }

    /// Closes a shell's channel; the shell on the host ends with it.
    fn retire(&mut self, index: usize) -> Shell {
        let shell = self.shells.swap_remove(index);
        self.closing.push(shell.channel.clone());
        shell
    }

    fn close_channels(&mut self) -> Step {
        let mut step = Step::Nothing;
        while let Some(channel) = self.closing.last_mut() {
            match channel.close() {
                Err(error) if is_again(&error) && outbound(&self.session) => return Step::Blocked,
                Err(error) if is_again(&error) => {
                    // The host's answer may take its time; others go first.
                    self.closing.rotate_right(1);
                    return step;
                }
                _ => {
                    self.closing.pop();
                    step = Step::Progress;
                }
            }
        }
        step
    }

    fn keep_alive(&mut self) -> Result<Step, ssh2::Error> {
        if self.keepalive.is_zero() || Instant::now() < self.next_keepalive {
            return Ok(Step::Nothing);
        }
        match self.session.keepalive_send() {
            Ok(seconds) => {
                self.next_keepalive = Instant::now() + Duration::from_secs(u64::from(seconds.max(1)));
                Ok(Step::Nothing)
            }
            Err(error) if is_again(&error) => {
                Ok(if outbound(&self.session) { Step::Blocked } else { Step::Nothing })
            }
            Err(error) => Err(error),
        }
    }

    /// Sleeps until the socket, an order or a time limit asks for attention.
    fn wait(&mut self) {
        if self.opening.is_some() {
            // Without this the host's answer to the first channel waits 40 ms for a delayed ACK.
            let _ = rustix::net::sockopt::set_tcp_quickack(&self.socket, true);
        }
        let mut events = PollFlags::IN;
        if outbound(&self.session) {
            events |= PollFlags::OUT;
        }
        // With no channel nothing reads the socket, and it would only wake in vain.
        let opens = self.opening.is_some() || self.forwarding.is_some();
        let listens = opens || !self.shells.is_empty() || !self.relays.is_empty() || !self.closing.is_empty();
        let mut watched = vec![PollFd::new(&self.bell, PollFlags::IN)];
        let has_socket = listens || self.blocked.is_some();
        if has_socket {
            watched.push(PollFd::new(&self.socket, events));
        }
        // While a call must come again, no other can: what the relays' sockets hold would wake in vain.
        if self.blocked.is_none() {
            let relays = self.relays.iter().filter(|relay| !relay.watched().is_empty());
            watched.extend(relays.map(|relay| PollFd::new(&relay.socket, relay.watched())));
        }
        let next = self
            .shells
            .iter()
            .filter_map(Shell::next_deadline)
            .chain(self.forward_deadline())
            .chain(self.not_before)
            .chain(self.leaving)
            .chain((!self.patience.is_zero()).then(|| self.heard + self.patience));
        let next = next.chain((!self.keepalive.is_zero()).then_some(self.next_keepalive)).min();
        let left = next.map(|at| at.saturating_duration_since(Instant::now()) + Duration::from_millis(1));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let _ = poll(&mut watched, left.as_ref());
        if watched.get(1).is_some_and(|socket| has_socket && socket.revents().contains(PollFlags::IN)) {
            self.heard = Instant::now();
        }
    }

    /// Says whether nothing was heard for too long, though the server was asked to say something.
    fn is_silent(&mut self) -> bool {
        let received = self.counters.received.load(Ordering::Relaxed);
        if received != std::mem::replace(&mut self.received, received) {
            self.heard = Instant::now();
        }
        if self.patience.is_zero() || self.heard.elapsed() < self.patience {
            return false;
        }
        let mut socket = [PollFd::new(&self.socket, PollFlags::IN)];
        // While no channel is open, nobody takes what it says.
        if poll(&mut socket, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
            self.heard = Instant::now();
            return false;
        }
        true
    }

    /// Fails everything and then whatever is still asked.
    fn give_up(mut self, error: &OpError) {
        let _ = self.aftermath.set(self.left_behind());
        // Said first: those behind this connection ask for it as soon as theirs end.
        let _ = self.fate.set(error.message.clone());
        self.refuse_all(error);
        // Who closes it waits for the end of this, and no order comes any more.
        if self.leaving.is_some() {
            return;
        }
        let orders = self.orders;
        drop((self.shells, self.opening, self.relays, self.closing, self.session, self.socket, self.passage));
        for order in orders {
            match order {
                Order::Run(job) => job.answer(Err(error.clone())),
                Order::Forward(order) => order.answer(Err(error.clone())),
                Order::Cancel(_) => {}
                Order::Close(_done) => return,
            }
        }
    }

    fn refuse_all(&mut self, error: &OpError) {
        self.refuse_forwards(error);
        for job in self.queue.drain(..) {
            job.answer(Err(error.clone()));
        }
        let (idle, others) = self.shells.drain(..).partition(Shell::idle);
        self.shells = idle;
        let others: Vec<Shell> = others;
        for shell in others {
            self.closing.push(shell.channel);
            if let State::Running(running) = shell.state {
                let error = if running.is_unkept() { super::claim::unknown() } else { error.clone() };
                running.job.answer(Err(error));
            }
        }
    }

    fn hang_up(mut self) {
        self.session.set_blocking(true);
        self.session.set_timeout(1000);
        for relay in &mut self.relays {
            relay.drain(&mut self.buffer, &self.counters);
        }
        drop((self.shells, self.opening, self.relays, self.closing));
        let _ = self.session.disconnect(None, "done", None);
        drop((self.session, self.socket, self.passage));
        drop(self.closed);
    }
}
