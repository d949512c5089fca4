//! A command that runs on a shell: what came of it so far.

use std::collections::VecDeque;
use std::time::Instant;

use oneex_sdk::{Collected, CommandOutput, CutOutput, CutStream, Exit, Heard, OpError, OpResult, Stream};
use tokio::sync::mpsc::error::TrySendError;

use super::claim;
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
    /// When the first process of that began.
    pub(super) since: String,
    pub(super) ending: Option<Ending>,
    no_folder: bool,
    /// What the host knows of it, where it outlives the connection.
    pub(super) claim: Standing,
    stderr_begun: bool,
    stderr_done: bool,
    collected: [Collected; 2],
    /// The host kept too little of it.
    forgotten: [bool; 2],
    /// Output that the sink does not take yet.
    waiting: VecDeque<Heard>,
    /// The line that ends the request, where the channel carries standard input.
    pub(super) end: String,
}

/// How it stands with a command that outlives the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Standing {
    /// As with every other command.
    #[default]
    Ordinary,
    /// The host cannot keep anything of it.
    Unkept,
    /// There is no room for its standard input.
    NoRoom,
    /// It was sent before, and is waited for.
    Joined,
    /// All that is known of it was told.
    Told,
    /// Nothing is known of it.
    Unknown,
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
            since: String::new(),
            ending: None,
            no_folder: false,
            claim: Standing::default(),
            stderr_begun: false,
            stderr_done: false,
            collected,
            forgotten: [false; 2],
            waiting: VecDeque::new(),
            end,
        }
    }

    /// True when everything of it has arrived.
    pub(super) fn complete(&self) -> bool {
        match self.claim {
            Standing::Unknown | Standing::NoRoom => true,
            Standing::Joined => false,
            _ => self.ending.is_some() && self.stderr_done && self.drained(),
        }
    }

    /// True where it was sent to a host that cannot keep anything of it.
    pub(super) fn is_unkept(&self) -> bool {
        self.claim == Standing::Unkept
    }

    /// True when nothing of its output waits for a reader.
    pub(super) fn drained(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Something of it may still write to the channel.
    pub(super) fn is_left(&self) -> bool {
        self.claim == Standing::Told || self.ending.as_ref().is_none_or(|ending| ending.is_left)
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
            (None, _) if self.claim == Standing::Unknown => return Err(claim::unknown()),
            (None, _) if self.claim == Standing::NoRoom => return Err(claim::no_room()),
            (None, None) => {
                return Err(OpError::failed("the shell on the host ended while it ran the command")
                    .hint("the command may have killed its parent")
                    .fate_unknown());
            }
            (None, Some(_)) if self.no_folder => {
                return Err(crate::shell::no_folder(self.job.folder.as_deref().unwrap_or("~")));
            }
            (None, Some(Ending { is_late: true, .. })) => Exit::TimedOut,
            (None, Some(Ending { signal: Some(signal), .. })) => Exit::Signal(signal.clone()),
            (None, Some(ending)) => Exit::Code(ending.status),
        };
        let totals = self.collected.each_ref().map(Collected::total);
        let [(stdout, stdout_cut), (stderr, stderr_cut)] = self.collected.each_mut().map(Collected::finish);
        // How much it was is not known where the host kept too little.
        let lost =
            |stream: usize| self.forgotten[stream].then(|| CutStream { total: totals[stream], file: None });
        let cut =
            CutOutput { stdout: stdout_cut.or_else(|| lost(0)), stderr: stderr_cut.or_else(|| lost(1)) };
        Ok(CommandOutput { exit, stdout, stderr, cut })
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

    /// It begins without a word, in this process group: what comes from now on is its own.
    pub(super) fn begin(&mut self, group: &str) {
        self.begin_stdout(group);
        self.stderr_begun = true;
    }

    fn begin_stdout(&mut self, group: &str) {
        let (group, since) = group.split_once(' ').unwrap_or((group, ""));
        self.group = Some(group.to_owned());
        since.clone_into(&mut self.since);
    }

    pub(super) fn frame(&mut self, kind: &str, rest: &str) {
        match kind {
            "p" => self.begin_stdout(rest),
            "s" => self.stderr_begun = true,
            "d" => self.no_folder = true,
            "e" => self.ending = Ending::parse(rest),
            "z" => self.stderr_done = true,
            "y" => {
                self.forgotten[1] = !self.stderr_done;
                self.stderr_done = true;
            }
            "i" => self.claim = Standing::NoRoom,
            "j" => self.claim = Standing::Joined,
            "n" => self.claim = Standing::Unknown,
            "r" => {
                self.claim = Standing::Told;
                // What was kept does not reach its end where it is too long.
                self.forgotten[0] = self.ending.is_none();
                self.ending = self.ending.take().or_else(|| Ending::parse(rest));
                if self.ending.is_none() {
                    self.claim = Standing::Unknown;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod spoiled;
#[cfg(test)]
mod tests;
