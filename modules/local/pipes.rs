//! Output of a process, collected while it runs and no longer.

use std::io;
use std::os::fd::OwnedFd;

use oneex_sdk::{CancellationToken, Collected, OutputSink};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::net::unix::pipe::Receiver;

/// The default of `/proc/sys/fs/pipe-max-size`, pipe(7).
const LARGEST_PIPE: u64 = 1 << 20;
/// Most that may come before a mark: a question, a lecture.
const MOST_BEFORE: usize = 64 * 1024;

/// A pipe: the end to read from, and the one for the process.
pub(super) fn pipe() -> io::Result<(Receiver, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((Receiver::from_owned_fd(read)?, write))
}

/// What comes before a mark, which is left out with it: nothing of it is the command's.
#[derive(Debug, Default)]
pub(super) struct Before {
    mark: Vec<u8>,
    held: Vec<u8>,
}

impl Before {
    /// What comes before `mark`; nothing where that is empty.
    pub(super) fn mark(mark: &str) -> Self {
        Self { mark: mark.as_bytes().to_vec(), held: Vec::new() }
    }

    /// Takes what came, and gives what comes after the mark.
    fn pass<'a>(&mut self, bytes: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
        if self.mark.is_empty() {
            return bytes.into();
        }
        self.held.extend_from_slice(bytes);
        match memchr::memmem::find(&self.held, &self.mark) {
            Some(at) => {
                let rest = self.held.split_off(at + self.mark.len());
                *self = Self::default();
                rest.into()
            }
            None if self.held.len() < MOST_BEFORE => [].as_slice().into(),
            None => self.rest().into(),
        }
    }

    /// All of it, where there is no mark.
    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(self).held
    }
}

/// Reads until the end of the stream, or until `ended` fires and all that was written is read: a
/// child in the background may hold the stream open for ever. What is to be passed on goes to `sink`.
pub(super) async fn collect(
    pipe: Receiver,
    mut collected: Collected,
    mut before: Before,
    sink: Option<&dyn OutputSink>,
    ended: CancellationToken,
) -> Collected {
    read(&pipe, &mut collected, &mut before, sink, ended).await;
    add(&mut collected, &before.rest(), sink).await;
    collected
}

async fn read(
    pipe: &Receiver,
    collected: &mut Collected,
    before: &mut Before,
    sink: Option<&dyn OutputSink>,
    ended: CancellationToken,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        tokio::select! {
            ready = pipe.readable() => match ready.and_then(|()| pipe.try_read(&mut buffer)) {
                Ok(0) => return,
                Ok(count) => add(collected, &before.pass(&buffer[..count]), sink).await,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            },
            () = ended.cancelled() => break,
        }
    }
    // Asked of the system itself, as the runtime may not know yet that something was written. Not
    // more than a pipe can hold, or a child that goes on writing would never let go.
    let limit = collected.total() + LARGEST_PIPE;
    while collected.total() < limit {
        match rustix::io::read(pipe, &mut buffer[..]) {
            Ok(0) => break,
            Ok(count) => add(collected, &before.pass(&buffer[..count]), sink).await,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
}

async fn add(collected: &mut Collected, bytes: &[u8], sink: Option<&dyn OutputSink>) {
    if bytes.is_empty() {
        return;
    }
    let heard = collected.add(bytes);
    let Some(sink) = sink else { return };
    for heard in heard.into_iter().flatten() {
        sink.take(heard).await;
    }
}

#[cfg(test)]
mod tests {
    use super::{Before, MOST_BEFORE};

    #[test]
    fn what_comes_before_the_mark_is_left_out_in_whatever_pieces_it_comes() {
        for size in 1..20 {
            for (mark, said, kept) in [
                ("MARK", "Password: MARKout MARK", "out MARK"),
                ("MARK", "MARK", ""),
                ("MARK", "MARMARKK", "K"),
                ("MARK", "su: Authentication failure", "su: Authentication failure"),
                ("", "out", "out"),
            ] {
                let mut before = Before::mark(mark);
                let mut given: Vec<u8> = Vec::new();
                said.as_bytes().chunks(size).for_each(|chunk| given.extend_from_slice(&before.pass(chunk)));
                given.extend(before.rest());
                assert_eq!(String::from_utf8_lossy(&given), kept, "{said} by {size}");
            }
        }
        let mut endless = Before::mark("MARK");
        assert!(endless.pass(&[b'x'; MOST_BEFORE - 1]).is_empty());
        assert_eq!(endless.pass(b"y").len(), MOST_BEFORE, "it is given up");
        assert_eq!(endless.pass(b"MARK").as_ref(), b"MARK");
    }
}
