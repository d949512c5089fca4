//! `ProxyCommand` of ssh_config(5): a command whose standard input and output are the connection.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oneex_sdk::{OpError, OpResult, visible};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::{oneshot, watch};

/// Bytes of the command's standard error that are kept, its last.
const KEEP: usize = 4096;
/// How long a command may take to end once it was told to.
const PATIENCE: Duration = Duration::from_secs(2);

/// A command that carries a connection; told to end when dropped.
#[derive(Debug)]
pub(super) struct ProxyCommand {
    record: Arc<Mutex<Record>>,
    /// Dropped to end the command.
    stop: Option<oneshot::Sender<()>>,
    /// Closed when the command has ended.
    ended: watch::Receiver<()>,
}

/// What is known of the command.
#[derive(Debug, Default)]
struct Record {
    stderr: Vec<u8>,
    status: Option<ExitStatus>,
}

impl ProxyCommand {
    /// Starts the command as ssh(1) does: a shell becomes it. Returns its other end too, which blocks.
    pub(super) fn start(command: &str) -> OpResult<(Self, UnixStream)> {
        let failed = |error: std::io::Error| {
            OpError::unreachable(format!("`ProxyCommand {command}` cannot be started: {error}"))
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let also = theirs.try_clone().map_err(failed)?;
        let mut child = Command::new("/bin/sh")
            .args(["-c", &format!("exec {command}")])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(also)))
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let record = Arc::new(Mutex::new(Record::default()));
        let (stop, stopped) = oneshot::channel();
        let stderr = child.stderr.take();
        let (lives, ended) = watch::channel(());
        let kept = keep(child, stderr, Arc::clone(&record), stopped);
        tokio::spawn(async move {
            kept.await;
            drop(lives);
        });
        Ok((Self { record, stop: Some(stop), ended }, ours))
    }

    /// How the command ended and what it wrote to standard error; nothing where there is nothing to say.
    pub(super) fn said(&self) -> Option<String> {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&record.stderr);
        let ended = record.status.map(|status| format!("ended with {status}"));
        let words = Some(visible(text.trim()).into_owned()).filter(|text| !text.is_empty());
        match (ended, words) {
            (None, None) => None,
            (Some(ended), None) => Some(ended),
            (None, Some(words)) => Some(format!("said: {words}")),
            (Some(ended), Some(words)) => Some(format!("{ended} and said: {words}")),
        }
    }

    /// Waits a moment for a command that is about to end, so that [`ProxyCommand::said`] knows all of it.
    pub(super) async fn settle(&self) {
        let mut ended = self.ended.clone();
        let _ = tokio::time::timeout(PATIENCE / 4, ended.changed()).await;
    }

    /// Tells the command to end and waits for that.
    pub(super) async fn end(mut self) {
        drop(self.stop.take());
        let _ = self.ended.changed().await;
    }
}

/// Keeps what the command says until it ends, by itself or because it is told to.
async fn keep(
    mut child: Child,
    stderr: Option<ChildStderr>,
    record: Arc<Mutex<Record>>,
    stopped: oneshot::Receiver<()>,
) {
    let listened = tokio::spawn(listen(stderr, Arc::clone(&record)));
    let status = tokio::select! {
        status = child.wait() => status.ok(),
        _ = stopped => {
            hang_up(&mut child).await;
            None
        }
    };
    // A child of the command may hold standard error for longer than anybody wants to wait.
    let _ = tokio::time::timeout(PATIENCE / 8, listened).await;
    record.lock().unwrap_or_else(PoisonError::into_inner).status = status;
}

async fn listen(stderr: Option<ChildStderr>, record: Arc<Mutex<Record>>) {
    let Some(mut stderr) = stderr else { return };
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let kept = &mut record.lock().unwrap_or_else(PoisonError::into_inner).stderr;
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(KEEP);
        kept.drain(..excess);
    }
}

/// Ends the command as ssh(1) does, with SIGHUP, and by force where it does not listen.
async fn hang_up(child: &mut Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::HUP);
    }
    if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}
