//! A command that runs on a shell: what came of it so far.

use std::collections::VecDeque;
use std::time::Instant;

use oneex_sdk::{Collected, CommandOutput, CutOutput, Exit, Heard, OpError, OpResult, Stream};
use tokio::sync::mpsc::error::TrySendError;

use super::job::{Body, Job};
use super::request::Ending;

/// Why a command is ended before its own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    TimedOut,
    Cancelled,
}

/// A command that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) job: Job,
    pub(super) deadline: Option<Instant>,
    pub(super) stop: Option<Stop>,
    /// When to give up on ending it.
    pub(super) ending_until: Option<Instant>,
    /// That order was given.
    pub(super) end_ordered: bool,
    /// Its process group is known to be gone.
    pub(super) ended: bool,
    /// Its process group.
    pub(super) group: Option<String>,
    pub(super) ending: Option<Ending>,
    no_folder: bool,
    stderr_begun: bool,
    stderr_done: bool,
    collected: [Collected; 2],
    /// Output that the sink does not take yet.
    waiting: VecDeque<Heard>,
    /// The line that ends the request, where the channel carries standard input.
    pub(super) end: String,
}

impl Running {
    /// A command that was sent just now; `end` is the line that ends the request.
    pub(super) fn new(job: Job, end: String) -> Self {
        let deadline = job.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let passing = job.sink.as_ref().map(|sink| sink.passing).unwrap_or_default();
        let [stdout, stderr] = job.keep;
        let collected = [
            Collected::new(Stream::Stdout, stdout, passing),
            Collected::new(Stream::Stderr, stderr, passing),
        ];
        Self {
            job,
            deadline,
            stop: None,
            ending_until: None,
            end_ordered: false,
            ended: false,
            group: None,
            ending: None,
            no_folder: false,
            stderr_begun: false,
            stderr_done: false,
            collected,
            waiting: VecDeque::new(),
            end,
        }
    }

    /// True when everything of it has arrived.
    pub(super) fn complete(&self) -> bool {
        self.ending.is_some() && self.stderr_done && self.drained()
    }

    /// True when nothing of its output waits for a reader.
    pub(super) fn drained(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Something of it may still write to the channel.
    pub(super) fn is_left(&self) -> bool {
        self.ending.as_ref().is_none_or(|ending| ending.is_left)
    }

    /// True where nothing that was sent for it is left on the channel.
    pub(super) fn took_all(&self) -> bool {
        match self.job.body {
            Body::Counted { left, .. } => {
                left == 0 && self.ending.as_ref().is_some_and(|ending| ending.status == 0)
            }
            Body::Inline | Body::Whole(_) => true,
        }
    }

    /// What came of it.
    pub(super) fn result(&mut self) -> OpResult<CommandOutput> {
        let exit = match (self.stop, &self.ending) {
            (Some(Stop::Cancelled), _) => return Err(OpError::cancelled()),
            (Some(Stop::TimedOut), _) => Exit::TimedOut,
            (None, None) => {
                return Err(OpError::failed("the shell on the host ended while it ran the command")
                    .hint("the command may have killed its parent"));
            }
            (None, Some(_)) if self.no_folder => {
                return Err(crate::shell::no_folder(self.job.folder.as_deref().unwrap_or("~")));
            }
            (None, Some(Ending { signal: Some(signal), .. })) => Exit::Signal(signal.clone()),
            (None, Some(ending)) => Exit::Code(ending.status),
        };
        let [(stdout, stdout_cut), (stderr, stderr_cut)] = self.collected.each_mut().map(Collected::finish);
        Ok(CommandOutput { exit, stdout, stderr, cut: CutOutput { stdout: stdout_cut, stderr: stderr_cut } })
    }

    /// Gives what waits to the sink; false when it does not take all of it yet.
    pub(super) fn pass_on(&mut self) -> bool {
        while let (Some(heard), Some(sink)) = (self.waiting.pop_front(), &self.job.sink) {
            if let Err(TrySendError::Full(heard)) = sink.heard.try_send(heard) {
                self.waiting.push_front(heard);
                return false;
            }
        }
        true
    }

    /// Takes output; false when it comes after the command's end, from something it left running.
    pub(super) fn data(&mut self, stream: usize, bytes: Vec<u8>) -> bool {
        let (begun, over) = match stream {
            0 => (self.group.is_some(), self.ending.is_some()),
            _ => (self.stderr_begun, self.stderr_done),
        };
        if !begun || over {
            return false;
        }
        self.waiting.extend(self.collected[stream.min(1)].add(bytes).into_iter().flatten());
        self.pass_on();
        true
    }

    pub(super) fn frame(&mut self, kind: &str, rest: &str) {
        match kind {
            "p" => self.group = Some(rest.to_owned()),
            "s" => self.stderr_begun = true,
            "d" => self.no_folder = true,
            "e" => self.ending = Ending::parse(rest),
            "z" => self.stderr_done = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
