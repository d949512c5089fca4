//! The end of a session, so that nothing of it stays on the host.

use std::time::{Duration, Instant};

use oneex_sdk::Command;

use super::Actor;
use crate::ssh::aftermath;
use crate::ssh::frames::new_token;
use crate::ssh::job::{Job, Purpose};
use crate::ssh::request;
use crate::ssh::shell::State;

/// How long clearing away may take.
const TIDYING: Duration = Duration::from_secs(5);

impl Actor {
    /// Has the folders of commands removed, after which the session is closed.
    pub(super) fn leave(&mut self) {
        self.leaving = Some(Instant::now() + TIDYING);
        for (user, folder) in std::mem::take(&mut self.folders) {
            let token = new_token();
            let request = request::tidy(&folder, &token);
            self.queue.push_back(Box::new(Job::own(user, token, request, Purpose::Tidy)));
        }
    }

    /// Says whether the session can be closed now: all is cleared away, or that took too long.
    pub(super) fn has_left(&self) -> bool {
        let Some(until) = self.leaving else { return false };
        let is_tidying = self.queue.iter().any(|job| matches!(job.purpose, Purpose::Tidy))
            || self.shells.iter().any(|shell| match &shell.state {
                State::Running(running) => matches!(running.job.purpose, Purpose::Tidy),
                _ => false,
            });
        !is_tidying || Instant::now() >= until
    }

    /// What the next connection has to end, should this one be lost now. What outlives it is left alone.
    pub(super) fn left_behind(&self) -> Vec<Command> {
        let boot = self.hello.split(' ').next().unwrap_or_default();
        let running = self.shells.iter().filter_map(|shell| match &shell.state {
            State::Running(running) if running.job.claimed.is_none() || running.is_unkept() => {
                aftermath::settle(boot, running.group.as_deref()?, &running.since, shell.user.as_deref())
            }
            _ => None,
        });
        aftermath::end_session(&self.hello).into_iter().chain(running).collect()
    }
}
