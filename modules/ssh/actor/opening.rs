//! Opening channels for shells, one at a time, as libssh2 wants it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oneex_sdk::OpError;
use ssh2::{Channel, ErrorCode};

use super::Actor;
use crate::ssh::backoff::Backoff;
use crate::ssh::entry::Entry;
use crate::ssh::error::{is_again, is_lost};
use crate::ssh::shell::{Shell, Step, outbound};

/// The server opens no channel (`LIBSSH2_ERROR_CHANNEL_FAILURE`).
const REFUSED: ErrorCode = ErrorCode::Session(-21);
/// How long a server may take to make room for a shell.
const ROOM: Duration = Duration::from_secs(10);

/// A channel on its way.
pub(super) struct Opening {
    user: Option<String>,
    entry: Entry,
    command: String,
    channel: Option<Channel>,
}

impl Actor {
    /// Prepares the command that starts a shell. It is read by the login shell, whichever that is, so it has
    /// nothing that any of them would treat differently.
    pub(super) fn prepare(&mut self, user: Option<String>) {
        let (entry, command) = match &user {
            None => (Entry::plain(), "exec sh".to_owned()),
            Some(user) => {
                let access = self.access.get(user).copied().unwrap_or_else(|| self.elevation.first());
                let entry = Entry::by(&self.elevation, access);
                let command = self.elevation.command(user, access, &entry.prompt(), &entry.ready());
                (entry, command)
            }
        };
        self.opening = Some(Opening { user, entry, command, channel: None });
    }

    /// Says whether a channel may be opened now: nothing else is being opened, and the server was not asked
    /// a moment ago.
    pub(super) fn may_open(&mut self) -> bool {
        if self.not_before.is_some_and(|at| Instant::now() >= at) {
            self.not_before = None;
        }
        self.opening.is_none() && self.forwarding.is_none() && self.not_before.is_none()
    }

    /// Goes on with the channel that is being opened.
    pub(super) fn open(&mut self) -> Result<Step, ssh2::Error> {
        let Some(opening) = &mut self.opening else { return Ok(Step::Nothing) };
        let result = match &mut opening.channel {
            None => self.session.channel_session().map(|channel| opening.channel = Some(channel)),
            Some(channel) => {
                let result = channel.exec(&opening.command);
                if result.is_ok() {
                    self.greet();
                }
                result
            }
        };
        match result {
            Ok(()) => {
                self.counters.round_trips(1);
                Ok(Step::Progress)
            }
            Err(error) if is_again(&error) => {
                let _ = rustix::net::sockopt::set_tcp_quickack(&self.socket, true);
                Ok(if outbound(&self.session) { Step::Blocked } else { Step::Nothing })
            }
            Err(error) if is_lost(&error) => Err(error),
            Err(error) => {
                self.opening_failed(&error);
                Ok(Step::Progress)
            }
        }
    }

    fn greet(&mut self) {
        let Some(Opening { user, entry, channel: Some(channel), .. }) = self.opening.take() else { return };
        self.backoff = None;
        self.next_shell += 1;
        let counters = Arc::clone(&self.counters);
        self.shells.push(Shell::greet(self.next_shell, user, channel, entry, counters));
    }

    /// The server refuses another channel, or to run anything on it.
    fn opening_failed(&mut self, error: &ssh2::Error) {
        let Some(opening) = self.opening.take() else { return };
        self.closing.extend(opening.channel);
        // `MaxSessions` of the server is below our limit.
        if error.code() == REFUSED && !self.shells.is_empty() {
            self.limit = self.shells.len();
            tracing::debug!(limit = self.limit, "the host allows fewer shells");
            self.give_up_endings();
            return;
        }
        // The shell that was closed to make room may still count on the host, until its last process is reaped.
        if error.code() == REFUSED && self.next_shell > 0 {
            let backoff = self.backoff.get_or_insert_with(Backoff::new);
            if let Some(pause) = backoff.pause(ROOM) {
                self.not_before = Some(Instant::now() + pause);
                return;
            }
        }
        let error = OpError::denied(format!("the host does not start a shell: {}", error.message()))
            .hint("check `MaxSessions`, `ForceCommand` and the user's login shell on the host");
        self.refuse_user(opening.user.as_deref(), &error);
    }

    /// A shell ended before it said hello: the way to its user is closed, or the login shell is none.
    pub(super) fn greeting_failed(&mut self, user: Option<&str>, entry: &Entry) {
        let said = String::from_utf8_lossy(&entry.said);
        let error = match (user, entry.access) {
            (Some(user), Some(access)) => {
                // Another shell may have learnt it meanwhile.
                let next = match self.access.get(user) {
                    Some(learnt) if *learnt != access => Some(*learnt),
                    _ => self.elevation.next(access, &said),
                };
                if let Some(next) = next {
                    self.access.insert(user.to_owned(), next);
                    return;
                }
                self.elevation.refused(user, access, &said)
            }
            _ => {
                let said = oneex_sdk::visible(said.trim()).into_owned();
                OpError::denied(format!("the user's shell on the host does not run commands: {said}"))
                    .hint("the user needs a login shell that runs `sh`")
            }
        };
        self.refuse_user(user, &error);
    }

    fn refuse_user(&mut self, user: Option<&str>, error: &OpError) {
        let queue = std::mem::take(&mut self.queue);
        let (refused, kept): (Vec<_>, Vec<_>) =
            queue.into_iter().partition(|job| job.user.as_deref() == user);
        self.queue = kept.into();
        for job in refused {
            self.over(*job, Err(error.clone()));
        }
    }
}
