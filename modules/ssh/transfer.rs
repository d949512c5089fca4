//! Files over the connection: on a shell's own channel, beside what the other shells do.

use oneex_sdk::{CancellationToken, Command, Heard, OpError, OpResult, Passing, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::job::Sink;
use super::transport::{SshTransport, Streams};
use crate::shell::SUM;

/// Bytes that are handed over at a time.
const CHUNK: usize = 64 * 1024;
/// Chunks on their way between the file and the session.
pub(super) const AHEAD: usize = 8;

/// Writes `$2` bytes of standard input to the new file `$1`, and their SHA-256 to standard output, where the host can
/// tell it: summed up on the way, and not when it is all there. Status 0 says that it took them all, and
/// nothing of them is left for the shell to read. What exists is refused, a device too; `set -C` opens it with
/// `O_EXCL`, so neither a file nor a link that someone else made is ever written to. What is not
/// complete, or was ended on the way, is removed again. What is large goes to the disk while the rest is on its way, so
/// that whoever brings it there at the end does not wait for all of it.
const RECEIVE: &str = "\
set -C; umask 077
if [ -e \"$1\" ] || [ -L \"$1\" ]; then echo 'it exists' >&2; exit 3; fi
: >\"$1\" || exit 3
trap 'rm -f -- \"$1\"; exit 143' TERM HUP
set +C; flushing=
if [ \"$2\" -ge 16777216 ]; then
    (while sleep 0.1 || sleep 1; do sync -d \"$1\" || exit; done) </dev/null >/dev/null 2>&1 & flushing=$!
fi
if command -v sha256sum >/dev/null; then head -c \"$2\" | tee \"$1\" | sum \"$2\"; else head -c \"$2\" >\"$1\"; fi
[ -z \"$flushing\" ] || kill \"$flushing\"
n=$(wc -c <\"$1\") && [ \"$n\" -eq \"$2\" ] && exit 0
rm -f -- \"$1\"; echo \"got ${n:-no} of $2 bytes\" >&2; exit 4";

impl SshTransport {
    /// See [`oneex_sdk::Transport::upload`].
    pub(super) async fn send(
        &self,
        source: &mut (dyn AsyncRead + Send + Unpin),
        length: u64,
        path: &str,
        user: Option<&str>,
        cancel: &CancellationToken,
    ) -> OpResult<Option<String>> {
        let mut command =
            Command::script(format!("{SUM}{RECEIVE}"), [path.to_owned(), length.to_string()]).tidy();
        command.user = user.map(str::to_owned);
        let (chunks, input) = mpsc::channel(AHEAD);
        let reading = async move {
            let mut source = source.take(length);
            loop {
                let mut chunk = vec![0; CHUNK];
                let count = source.read(&mut chunk).await?;
                chunk.truncate(count);
                if count == 0 || chunks.send(chunk).await.is_err() {
                    break;
                }
                self.waker.wake();
            }
            drop(chunks);
            self.waker.wake();
            Ok::<(), std::io::Error>(())
        };
        let running =
            self.execute(&command, Streams { input: Some((input, length)), ..Streams::default() }, cancel);
        let (read, result) = tokio::join!(reading, running);
        let output = result?;
        read.map_err(|error| OpError::failed(format!("the content for `{path}` cannot be read: {error}")))?;
        if output.ok() {
            let sum = output.stdout_text().split(' ').next().unwrap_or_default().to_owned();
            let is_sum = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
            return Ok(Some(sum).filter(|_| is_sum));
        }
        let reason = output.stderr_text();
        let reason = oneex_sdk::visible(reason.lines().next().unwrap_or("no reason was given")).into_owned();
        Err(OpError::failed(format!("`{path}` cannot be written: {reason}")).command(command.shown(), output))
    }

    /// See [`oneex_sdk::Transport::download`].
    pub(super) async fn receive(
        &self,
        path: &str,
        sink: &mut (dyn AsyncWrite + Send + Unpin),
        user: Option<&str>,
        cancel: &CancellationToken,
    ) -> OpResult<u64> {
        let mut command = Command::script("cat <\"$1\"", [path]);
        command.user = user.map(str::to_owned);
        let (output, mut chunks) = mpsc::channel(AHEAD);
        let writing = async move {
            let mut count = 0;
            let mut result = Ok(());
            while let Some(heard) = chunks.recv().await {
                self.waker.wake();
                let Heard::Next(Stream::Stdout, chunk) = heard else { continue };
                count += chunk.len() as u64;
                if result.is_ok() {
                    result = sink.write_all(&chunk).await;
                }
            }
            result.and(sink.flush().await).map(|()| count)
        };
        let output = Some(Sink { heard: output, passing: Passing::All });
        let streams = Streams { output, drops_stdout: true, ..Streams::default() };
        let running = self.execute(&command, streams, cancel);
        let (written, result) = tokio::join!(writing, running);
        let output = result?;
        if !output.ok() {
            let reason = output.stderr_text();
            let reason =
                oneex_sdk::visible(reason.lines().next().unwrap_or("no reason was given")).into_owned();
            return Err(OpError::failed(format!("`{path}` cannot be read: {reason}"))
                .command(command.shown(), output));
        }
        written.map_err(|error| OpError::failed(format!("what came of `{path}` cannot be kept: {error}")))
    }
}
