//! Files to and from the controller's own disk.

use std::path::Path;

use oneex_sdk::{CancellationToken, Command, OpError, OpResult};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::LocalTransport;
use super::transport::Started;

/// Bytes moved at a time.
const CHUNK: usize = 256 * 1024;

impl LocalTransport {
    /// See [`oneex_sdk::Transport::upload`].
    pub(super) async fn send(
        &self,
        source: &mut (dyn AsyncRead + Send + Unpin),
        length: u64,
        path: &str,
        user: Option<&str>,
        cancel: &CancellationToken,
    ) -> OpResult<()> {
        match self.other_user(user).await? {
            None => self.write_new(source, length, Path::new(path), cancel).await?,
            Some(user) => self.write_new_as(source, length, path, user, cancel).await?,
        }
        self.count(length, 0);
        Ok(())
    }

    /// See [`oneex_sdk::Transport::download`].
    pub(super) async fn receive(
        &self,
        path: &str,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
        user: Option<&str>,
        cancel: &CancellationToken,
    ) -> OpResult<u64> {
        let unreadable = |error: io::Error| OpError::failed(format!("`{path}` cannot be read: {error}"));
        let count = match self.other_user(user).await? {
            None => {
                let mut file = File::open(path).await.map_err(unreadable)?;
                copy(&mut file, sink, cancel).await?.map_err(unreadable)?
            }
            Some(user) => {
                let mut command = Command::script("cat <\"$1\"", [path]);
                command.user = Some(user.to_owned());
                command.keep = usize::MAX;
                let output = oneex_sdk::Transport::run(self, &command, cancel).await?;
                if !output.ok() {
                    let message = format!("`{path}` cannot be read as `{user}`");
                    return Err(OpError::failed(message).command(command.shown(), output));
                }
                sink.write_all(&output.stdout).await.map_err(unreadable)?;
                output.stdout.len() as u64
            }
        };
        sink.flush().await.map_err(unreadable)?;
        self.count(0, count);
        Ok(count)
    }

    async fn other_user<'a>(&self, user: Option<&'a str>) -> OpResult<Option<&'a str>> {
        match user {
            Some(user) => Ok(self.becoming.access(user).await?.map(|_| user)),
            None => Ok(None),
        }
    }

    async fn write_new(
        &self,
        source: &mut (dyn AsyncRead + Send + Unpin),
        length: u64,
        path: &Path,
        cancel: &CancellationToken,
    ) -> OpResult<()> {
        let failed =
            |error: io::Error| OpError::failed(format!("`{}` cannot be written: {error}", path.display()));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await.map_err(failed)?;
        let written = async {
            let count = copy(&mut source.take(length), &mut file, cancel).await?.map_err(failed)?;
            file.sync_all().await.map_err(failed)?;
            check_length(&path.display().to_string(), length, count)
        };
        let result = written.await;
        if result.is_err() {
            let _ = fs::remove_file(path).await;
        }
        result
    }

    async fn write_new_as(
        &self,
        source: &mut (dyn AsyncRead + Send + Unpin),
        length: u64,
        path: &str,
        user: &str,
        cancel: &CancellationToken,
    ) -> OpResult<()> {
        // `set -C` makes the shell open the file with `O_EXCL`.
        let text = "set -C; cat >\"$1\" || exit 1; wc -c <\"$1\"";
        let mut command = Command::script(text, [path]);
        command.user = Some(user.to_owned());
        command.umask = Some(0o077);
        let Started { mut process, first, .. } = self.start(&command).await?;
        let mut stdin =
            process.stdin().ok_or_else(|| OpError::failed("the process has no standard input"))?;
        let feeding = async move {
            stdin.write_all(&first).await.ok()?;
            copy(&mut source.take(length), &mut stdin, cancel).await.ok()?.ok()?;
            stdin.shutdown().await.ok()
        };
        let finishing = process.finish(Command::KEEP, None, None, cancel);
        let (_, result) = tokio::join!(feeding, finishing);
        let (output, _) = result?;
        if !output.ok() {
            let message = format!("`{path}` cannot be written as `{user}`");
            return Err(OpError::failed(message).command(command.shown(), output));
        }
        check_length(path, length, output.stdout_text().trim().parse().unwrap_or(0))
    }
}

fn check_length(path: &str, wanted: u64, written: u64) -> OpResult<()> {
    if wanted == written {
        return Ok(());
    }
    Err(OpError::failed(format!("`{path}` got {written} of {wanted} bytes")))
}

/// Copies to the end, or fails with `cancelled`.
async fn copy(
    from: &mut (dyn AsyncRead + Send + Unpin),
    to: &mut (dyn AsyncWrite + Send + Unpin),
    cancel: &CancellationToken,
) -> OpResult<io::Result<u64>> {
    let mut from = io::BufReader::with_capacity(CHUNK, from);
    tokio::select! {
        () = cancel.cancelled() => Err(OpError::cancelled()),
        count = io::copy_buf(&mut from, to) => Ok(count),
    }
}
