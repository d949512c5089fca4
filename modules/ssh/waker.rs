//! Waking the thread that waits on a socket.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// Wakes the thread; clones wake the same one.
#[derive(Debug, Clone)]
pub(super) struct Waker(Arc<UnixStream>);

/// The thread's end.
#[derive(Debug)]
pub(super) struct Bell(UnixStream);

/// A waker and what it rings.
pub(super) fn pair() -> io::Result<(Waker, Bell)> {
    let (ring, bell) = UnixStream::pair()?;
    ring.set_nonblocking(true)?;
    bell.set_nonblocking(true)?;
    Ok((Waker(Arc::new(ring)), Bell(bell)))
}

impl Waker {
    /// Wakes the thread, now or when it next waits.
    pub(super) fn wake(&self) {
        // A full buffer means that it is woken already.
        let _ = (&*self.0).write(&[1]);
    }
}

impl Bell {
    /// Forgets all wakes so far.
    pub(super) fn clear(&mut self) {
        let mut buffer = [0; 256];
        while self.0.read(&mut buffer).is_ok_and(|count| count == buffer.len()) {}
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
