//! Output of a process, collected while it runs and no longer.

use std::io;
use std::os::fd::OwnedFd;

use oneex_sdk::CancellationToken;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::unix::pipe::Receiver;

/// The default of `/proc/sys/fs/pipe-max-size`, pipe(7).
const LARGEST_PIPE: u64 = 1 << 20;

/// What one stream gave.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) bytes: Vec<u8>,
    /// All bytes, the dropped ones included.
    pub(super) total: u64,
    keep: usize,
}

impl Collected {
    pub(super) fn new(keep: usize) -> Self {
        Self { keep, ..Self::default() }
    }

    pub(super) fn truncated(&self) -> bool {
        self.total > self.bytes.len() as u64
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = self.keep.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..room]);
        self.total += bytes.len() as u64;
    }
}

/// A pipe: the end to read from, and the one for the process.
pub(super) fn pipe() -> io::Result<(Receiver, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((Receiver::from_owned_fd(read)?, write))
}

/// Reads until the end of the stream, or until `ended` fires and all that was written is read: a
/// child in the background may hold the stream open for ever.
pub(super) async fn collect(pipe: Receiver, keep: usize, ended: CancellationToken) -> Collected {
    let mut collected = Collected::new(keep);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        tokio::select! {
            ready = pipe.readable() => match ready.and_then(|()| pipe.try_read(&mut buffer)) {
                Ok(0) => return collected,
                Ok(count) => collected.add(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return collected,
            },
            () = ended.cancelled() => break,
        }
    }
    // Asked of the system itself, as the runtime may not know yet that something was written. Not
    // more than a pipe can hold, or a child that goes on writing would never let go.
    let limit = collected.total + LARGEST_PIPE;
    while collected.total < limit {
        match rustix::io::read(&pipe, &mut buffer[..]) {
            Ok(0) => break,
            Ok(count) => collected.add(&buffer[..count]),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
    collected
}
