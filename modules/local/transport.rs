//! The open connection to the controller, which is nothing but the controller.

use std::sync::atomic::{AtomicU64, Ordering};

use oneex_sdk::{
    BoxFuture, CancellationToken, Command, CommandOutput, Exit, OpResult, OutputSink, Traffic, Transport,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::LocalSettings;
use super::becoming::Becoming;
use super::process::{self, NotStarted, Other, Process};
use crate::elevation::Elevation;

/// Takes its own text from the first lines of standard input, between two lines of the same mark: what it sets is
/// in no argument list, and what comes before was for another to read. `read` takes no byte more than its line, so
/// the rest is the command's.
fn loader(mark: &str) -> String {
    format!(
        "while IFS= read -r l&&[ \"$l\" != {mark} ];do :;done;\
         t=;while IFS= read -r l&&[ \"$l\" != {mark} ];do t=\"$t$l\n\";done;eval \"$t\""
    )
}

/// A command that runs.
pub(super) struct Started {
    pub(super) process: Process,
    /// What must be written to its standard input before the command's own.
    pub(super) first: Vec<u8>,
    /// What standard error is where another user cannot enter the command's folder.
    no_folder: Option<String>,
}

/// Runs commands as processes of the controller.
#[derive(Debug)]
pub struct LocalTransport {
    pub(super) settings: LocalSettings,
    pub(super) becoming: Becoming,
    round_trips: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
}

impl LocalTransport {
    /// Makes it; `elevation` is how users are become.
    pub(crate) fn new(settings: LocalSettings, elevation: Elevation) -> Self {
        Self {
            settings,
            becoming: Becoming::new(elevation),
            round_trips: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        }
    }

    /// Counts one command or transfer.
    pub(super) fn count(&self, sent: u64, received: u64) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        self.sent.fetch_add(sent, Ordering::Relaxed);
        self.received.fetch_add(received, Ordering::Relaxed);
    }

    /// Starts a command, as another user where it says so.
    pub(super) async fn start(&self, command: &Command) -> Result<Started, NotStarted> {
        let access = match &command.user {
            Some(user) => self.becoming.access(user).await?.map(|access| (user, access)),
            None => None,
        };
        let home = self.settings.home.as_deref();
        let Some((user, access)) = access else {
            let process = Process::start(&process::words(command)?, command, home, Other::default())?;
            return Ok(Started { process, first: Vec::new(), no_folder: None });
        };
        let mark = format!("mark-{:032x}", rand::random::<u128>());
        let text = crate::shell::surroundings(command, &format!("echo {mark} >&2;exit 126"))?;
        let line = crate::shell::words(command, "sh")?;
        let mut first = self.becoming.answer(access);
        first.extend_from_slice(
            format!("{mark}\nprintf %s {mark} >&2;cd 2>/dev/null||cd /;{text}exec {line}\n{mark}\n")
                .as_bytes(),
        );
        let words = self.becoming.words(user, access, &loader(&mark));
        let outside = Command::argv(words.clone());
        let becoming = &self.becoming;
        let (terminal, ender) = (becoming.terminal(access)?, becoming.ender(user, access));
        let other = Other { terminal, mark: mark.clone(), ender };
        let process = Process::start(&words, &outside, home, other)?;
        Ok(Started { process, first, no_folder: Some(format!("{mark}\n")) })
    }

    async fn execute(
        &self,
        command: &Command,
        sink: Option<&dyn OutputSink>,
        cancel: &CancellationToken,
    ) -> OpResult<CommandOutput> {
        let Started { mut process, first, no_folder } = match self.start(command).await {
            Err(NotStarted::Program(output)) => return Ok(*output),
            started => started?,
        };
        let stdin = process.stdin();
        let parts = [first.as_slice(), command.stdin.as_slice()];
        let feeding = process::feed(stdin, &parts);
        let finishing = process.finish(command.keep, sink, command.timeout, cancel);
        tokio::pin!(feeding, finishing);
        let result = tokio::select! {
            result = &mut finishing => result,
            () = &mut feeding => finishing.await,
        };
        let (output, received) = result?;
        self.count(command.stdin.len() as u64, received);
        let is_told = |text: String| output.exit == Exit::Code(126) && output.stderr == text.as_bytes();
        if no_folder.is_some_and(is_told) {
            return Err(crate::shell::no_folder(command.cwd.as_deref().unwrap_or_default()));
        }
        Ok(output)
    }
}

impl Transport for LocalTransport {
    fn run<'a>(
        &'a self,
        command: &'a Command,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<CommandOutput>> {
        Box::pin(self.execute(command, None, cancel))
    }

    fn run_heard<'a>(
        &'a self,
        command: &'a Command,
        sink: &'a dyn OutputSink,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<CommandOutput>> {
        Box::pin(self.execute(command, Some(sink), cancel))
    }

    fn upload<'a>(
        &'a self,
        source: &'a mut (dyn AsyncRead + Send + Unpin),
        length: u64,
        path: &'a str,
        user: Option<&'a str>,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<Option<String>>> {
        Box::pin(async move { self.send(source, length, path, user, cancel).await.map(|()| None) })
    }

    fn download<'a>(
        &'a self,
        path: &'a str,
        sink: &'a mut (dyn AsyncWrite + Send + Unpin),
        user: Option<&'a str>,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, OpResult<u64>> {
        Box::pin(self.receive(path, sink, user, cancel))
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            round_trips: self.round_trips.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
        }
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[cfg(test)]
mod tests;
