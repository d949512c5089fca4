//! Opening channels for shells, one at a time, as libssh2 wants it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oneex_sdk::OpError;
use ssh2::{Channel, ErrorCode};

use super::Actor;
use crate::ssh::backoff::Backoff;
use crate::ssh::error::{is_again, is_lost};
use crate::ssh::frames::new_token;
use crate::ssh::shell::{Shell, Step, outbound};

/// The server opens no channel (`LIBSSH2_ERROR_CHANNEL_FAILURE`).
const REFUSED: ErrorCode = ErrorCode::Session(-21);
/// How long a server may take to make room for a shell.
const ROOM: Duration = Duration::from_secs(10);

/// A channel on its way.
pub(super) struct Opening {
    user: Option<String>,
    /// `sudo` is to ask for the password, with a prompt that begins with `prompt`.
    with_password: bool,
    prompt: String,
    command: String,
    channel: Option<Channel>,
}

impl Opening {
    /// Prepares the command that starts the shell. It is read by the user's login shell, whichever
    /// that is, so it has nothing that any of them would treat differently.
    pub(super) fn new(user: Option<String>, with_password: bool) -> Self {
        let prompt = new_token();
        let command = match &user {
            None => "exec sh".to_owned(),
            // `-k` forgets what was entered before, so that the password is always asked for.
            Some(user) if with_password => format!("exec sudo -k -S -p '{prompt}q;' -H -u '{user}' -- sh"),
            Some(user) => format!("exec sudo -n -H -u '{user}' -- sh"),
        };
        Self { user, with_password, prompt, command, channel: None }
    }
}

impl Actor {
    /// Says whether `sudo` asked for the password of this user before.
    pub(super) fn needs_password(&self, user: Option<&str>) -> bool {
        user.is_some_and(|user| self.asked.contains(user))
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
        let Some(Opening { user, with_password, prompt, channel: Some(channel), .. }) = self.opening.take()
        else {
            return;
        };
        self.backoff = None;
        let password = self.sudo_password.clone().filter(|_| with_password);
        self.next_shell += 1;
        let counters = Arc::clone(&self.counters);
        self.shells.push(Shell::greet(self.next_shell, user, channel, &prompt, password, counters));
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

    /// A shell ended before it said hello: `sudo` refused, or the login shell is none.
    pub(super) fn greeting_failed(&mut self, user: Option<&str>, had_password: bool, said: &[u8]) {
        let said = String::from_utf8_lossy(said).into_owned();
        let error = match user {
            Some(user) if self.sudo_password.is_some() && !had_password && !self.asked.contains(user) => {
                self.asked.insert(user.to_owned());
                return;
            }
            Some(user) => crate::shell::sudo_refused(user, &said),
            None => {
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
