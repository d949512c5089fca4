//! Output of a process, collected while it runs and no longer.

use std::io;
use std::os::fd::OwnedFd;

use oneex_sdk::{CancellationToken, Collected, OutputSink};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::unix::pipe::Receiver;

/// The default of `/proc/sys/fs/pipe-max-size`, pipe(7).
const LARGEST_PIPE: u64 = 1 << 20;

/// A pipe: the end to read from, and the one for the process.
pub(super) fn pipe() -> io::Result<(Receiver, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((Receiver::from_owned_fd(read)?, write))
}

/// Reads until the end of the stream, or until `ended` fires and all that was written is read: a
/// child in the background may hold the stream open for ever. What is to be passed on goes to `sink`.
pub(super) async fn collect(
    pipe: Receiver,
    mut collected: Collected,
    sink: Option<&dyn OutputSink>,
    ended: CancellationToken,
) -> Collected {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        tokio::select! {
            ready = pipe.readable() => match ready.and_then(|()| pipe.try_read(&mut buffer)) {
                Ok(0) => return collected,
                Ok(count) => add(&mut collected, &buffer[..count], sink).await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return collected,
            },
            () = ended.cancelled() => break,
        }
    }
    // Asked of the system itself, as the runtime may not know yet that something was written. Not
    // more than a pipe can hold, or a child that goes on writing would never let go.
    let limit = collected.total() + LARGEST_PIPE;
    while collected.total() < limit {
        match rustix::io::read(&pipe, &mut buffer[..]) {
            Ok(0) => break,
            Ok(count) => add(&mut collected, &buffer[..count], sink).await,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
    collected
}

async fn add(collected: &mut Collected, bytes: &[u8], sink: Option<&dyn OutputSink>) {
    let heard = collected.add(bytes);
    let Some(sink) = sink else { return };
    for heard in heard.into_iter().flatten() {
        sink.take(heard).await;
    }
}
