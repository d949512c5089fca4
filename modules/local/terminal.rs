//! A terminal for programs that insist on one, or that read a password nowhere else. Nobody sits at it.

use std::io;

use oneex_sdk::{OpError, OpResult, Secret};
use pty_process::{Pts, Pty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use crate::elevation::is_question;

/// What is kept of what is said at it.
const KEPT: usize = 4096;

/// What is typed at a terminal, once it is asked for.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    /// The program that asks.
    pub(super) asker: &'static str,
    pub(super) password: Secret<String>,
}

/// A terminal, which is gone when this is dropped; what it controls is hung up then.
pub(super) struct Terminal {
    /// The end that processes have.
    end: Pts,
    sitting: JoinHandle<()>,
}

impl Terminal {
    /// Makes one at which the first question is answered, where there is an answer.
    pub(super) fn open(typed: Option<Typed>) -> OpResult<Self> {
        let broken = |error: pty_process::Error| OpError::failed(format!("no terminal can be made: {error}"));
        let (pty, end) = pty_process::open().map_err(broken)?;
        Ok(Self { end, sitting: tokio::spawn(sit(pty, typed)) })
    }

    /// Starts a program that it controls, as the leader of a session.
    pub(super) fn spawn(&self, mut command: pty_process::Command) -> io::Result<tokio::process::Child> {
        command.spawn_borrowed(&self.end).map_err(|error| match error {
            pty_process::Error::Io(error) => error,
            pty_process::Error::Rustix(error) => error.into(),
            other => io::Error::other(other),
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.sitting.abort();
    }
}

/// Reads what is said, so that nobody waits who says it, and answers the first question.
async fn sit(mut pty: Pty, mut typed: Option<Typed>) {
    let (mut said, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(count @ 1..) = pty.read(&mut buffer).await {
        let Some(Typed { asker, password }) = &typed else { continue };
        let room = KEPT.saturating_sub(said.len());
        said.extend_from_slice(&buffer[..count.min(room)]);
        if is_question(&said, asker) {
            let line = format!("{}\n", password.expose());
            typed = None;
            if pty.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
