//! The ends of commands: their own, by a time limit, by cancelling, by a lost shell.

use std::time::{Duration, Instant};

use oneex_sdk::{Command, CommandOutput, OpError, OpResult};

use super::Actor;
use crate::ssh::frames::new_token;
use crate::ssh::job::{Job, Purpose};
use crate::ssh::request::{self, END_GROUP, Input};
use crate::ssh::running::Stop;
use crate::ssh::shell::{Shell, State};

/// How long ending a command may take, before its shell is given up.
const PATIENCE: Duration = Duration::from_secs(15);

impl Job {
    /// Tells who waits. Nobody waits for what ends another command.
    pub(super) fn answer(self, result: OpResult<CommandOutput>) {
        if let Purpose::Answer(reply) = self.purpose {
            let _ = reply.send(result);
        }
    }
}

impl Actor {
    /// Ends the command `id`, wherever it is.
    pub(super) fn cancel(&mut self, id: u64) {
        if let Some(at) = self.queue.iter().position(|job| job.id == id) {
            if let Some(job) = self.queue.remove(at) {
                job.answer(Err(OpError::cancelled()));
            }
            return;
        }
        for shell in &mut self.shells {
            if let Some(running) = shell.running().filter(|running| running.job.id == id) {
                running.stop = Some(Stop::Cancelled);
            }
        }
    }

    /// Looks after commands that are over, or late; true when something was done.
    pub(super) fn tend(&mut self) -> bool {
        let now = Instant::now();
        let mut progress = self.tend_relays();
        let mut orders = Vec::new();
        for shell in &mut self.shells {
            let (id, user) = (shell.id, shell.user.clone());
            let Some(running) = shell.running() else { continue };
            if running.stop.is_none() && running.deadline.is_some_and(|deadline| now >= deadline) {
                running.stop = Some(Stop::TimedOut);
            }
            if running.stop.is_some() && running.ending_until.is_none() {
                running.ending_until = Some(now + PATIENCE);
                progress = true;
            }
            // A command that has not begun has no group yet: it will say so in a moment.
            if let (Some(_), Some(group), false) = (running.stop, &running.group, running.end_ordered) {
                orders.push((id, user, group.clone()));
                running.end_ordered = true;
            }
        }
        for (id, user, group) in orders {
            self.order_end(id, user, &group);
            progress = true;
        }
        let mut index = 0;
        while index < self.shells.len() {
            if self.shells[index].is_over(now) {
                self.finish(index);
                progress = true;
            } else {
                index += 1;
            }
        }
        progress
    }

    fn order_end(&mut self, shell: u64, user: Option<String>, group: &str) {
        let command = Command::script(END_GROUP, [group]);
        let token = new_token();
        let Ok(request) = request::request(&command, &token, Input::Inline(&[]), None) else { return };
        self.queue.push_front(Box::new(Job::own(user, token, request, Purpose::EndCommandOf(shell))));
    }

    /// No shell can be had for ending commands: theirs are closed instead, which is all that is left.
    pub(super) fn give_up_endings(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        for job in queue {
            match job.purpose {
                Purpose::Tidy => {}
                Purpose::EndCommandOf(_) => self.over(*job, Err(OpError::failed("no shell is left"))),
                Purpose::Answer(_) => self.queue.push_back(job),
            }
        }
    }

    /// A command is over: tells who waits, or marks the command that it ended.
    pub(super) fn over(&mut self, job: Job, result: OpResult<CommandOutput>) {
        let Purpose::EndCommandOf(id) = job.purpose else { return job.answer(result) };
        let gone = result.is_ok_and(|output| output.ok());
        if !gone {
            tracing::warn!("a command that was ended may have left processes on the host");
        }
        if let Some(shell) = self.shells.iter_mut().find(|shell| shell.id == id)
            && let Some(running) = shell.running()
        {
            running.ended = true;
            if !gone {
                running.ending_until = Some(Instant::now());
            }
        }
    }

    /// Takes the shell's command, and the shell itself where it is of no more use.
    fn finish(&mut self, index: usize) {
        let shell = &mut self.shells[index];
        let state = std::mem::replace(&mut shell.state, State::Idle);
        let mut keep = shell.reusable();
        match state {
            State::Running(mut running) => {
                let result = running.result();
                keep &= running.complete() && running.took_all() && !running.is_left();
                self.drop_unless(keep, index);
                self.over(running.job, result);
            }
            State::Greeting(mut entry) => {
                if !shell.over {
                    entry.said.extend_from_slice(b"\nit did not answer in time");
                }
                let user = shell.user.clone();
                self.drop_unless(false, index);
                self.greeting_failed(user.as_deref(), &entry);
            }
            State::Idle => self.drop_unless(false, index),
        }
    }

    fn drop_unless(&mut self, keep: bool, index: usize) {
        if !keep {
            self.retire(index);
        }
    }
}

impl Shell {
    /// True when its command, or the shell itself, has come to an end.
    fn is_over(&mut self, now: Instant) -> bool {
        let (lost, reusable) = (self.over, self.reusable());
        match &self.state {
            State::Greeting(entry) => lost || now >= entry.until,
            State::Idle => !reusable,
            State::Running(running) => {
                let given_up = running.ending_until.is_some_and(|until| now >= until);
                let ended = running.stop.is_none() || running.ended;
                given_up || (running.complete() && ended) || (lost && running.drained())
            }
        }
    }
}
