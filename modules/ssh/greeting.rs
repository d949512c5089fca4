//! A server's first bytes: waited for before a thread is taken, and looked at without being taken.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use oneex_sdk::{OpError, OpResult, io_reason};
use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::net::{TcpStream, UnixStream};

/// What sshd says to whom it turns away: since 8.5, and since 9.8.
const BUSY: [&[u8]; 2] = [b"Exceeded MaxStartups", b"Not allowed at this time"];

/// How a server begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// It says something.
    Speaks,
    /// It says that it has too much to do.
    Busy,
    /// It hung up, as an sshd before 8.5 does that has too much to do, and anything else that is no sshd.
    Silent,
}

/// A socket that does not block.
#[derive(Debug)]
pub(super) enum Socket {
    /// Of the network.
    Tcp(TcpStream),
    /// To another thread, or to a command.
    Unix(UnixStream),
}

impl Socket {
    /// Takes one end of a pair.
    pub(super) fn of_pair(stream: std::os::unix::net::UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream).map(Self::Unix)
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
        }
    }

    /// Looks at the first bytes, which stay where they are.
    fn peek(&self, first: &mut [u8]) -> io::Result<usize> {
        let look = |fd: BorrowedFd<'_>| Ok(recv(fd, first, RecvFlags::PEEK)?.0);
        match self {
            Self::Tcp(stream) => stream.try_io(Interest::READABLE, || look(stream.as_fd())),
            Self::Unix(stream) => stream.try_io(Interest::READABLE, || look(stream.as_fd())),
        }
    }

    /// Gives it up to who blocks on it.
    fn into_blocking(self) -> io::Result<OwnedFd> {
        Ok(match self {
            Self::Tcp(stream) => {
                let stream = stream.into_std()?;
                stream.set_nonblocking(false)?;
                stream.into()
            }
            Self::Unix(stream) => {
                let stream = stream.into_std()?;
                stream.set_nonblocking(false)?;
                stream.into()
            }
        })
    }
}

/// Waits until the server says something, for as long as the caller lets it. Returns a socket that blocks.
pub(super) async fn wait(socket: Socket) -> OpResult<(OwnedFd, Greeting)> {
    let failed = |error: io::Error| OpError::unreachable(format!("no answer: {}", io_reason(&error)));
    let greeting = loop {
        socket.readable().await.map_err(failed)?;
        let mut first = [0; 24];
        match socket.peek(&mut first) {
            Ok(0) => break Greeting::Silent,
            Ok(count) => break judge(&first[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break Greeting::Silent,
            Err(error) => return Err(failed(error)),
        }
    };
    Ok((socket.into_blocking().map_err(failed)?, greeting))
}

fn judge(first: &[u8]) -> Greeting {
    let busy = BUSY.iter().any(|words| first.starts_with(words) || words.starts_with(first));
    if busy { Greeting::Busy } else { Greeting::Speaks }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::{Greeting, Socket, wait};

    #[tokio::test]
    async fn who_is_turned_away_is_told_from_who_is_answered() {
        let cases: [(&[u8], Greeting); 6] = [
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", Greeting::Speaks),
            (b"Welcome, stranger\r\nSSH-2.0-x\r\n", Greeting::Speaks),
            (b"S", Greeting::Speaks),
            (b"", Greeting::Silent),
            (b"Exceeded MaxStartups\r\n", Greeting::Busy),
            (b"Not allowed at this time\r\n", Greeting::Busy),
        ];
        for (said, expected) in cases {
            let (ours, mut theirs) = UnixStream::pair().expect("a pair");
            theirs.write_all(said).expect("it is said");
            drop(theirs);
            let (socket, greeting) =
                wait(Socket::of_pair(ours).expect("it is taken")).await.expect("it is judged");
            assert_eq!(greeting, expected, "{}", String::from_utf8_lossy(said));
            let mut left = String::new();
            let mut ours = UnixStream::from(socket);
            std::io::Read::read_to_string(&mut ours, &mut left).expect("nothing was taken");
            assert_eq!(left.as_bytes(), said);
        }
    }
}
