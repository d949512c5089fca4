//! A loopback port of this machine that leads to a port inside another network namespace.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Where connections go; closed when dropped, open connections go on.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Opens a free port of 127.0.0.1 that leads to `port` of 127.0.0.1 in the network namespace of the process
    /// that `process` names at that time; where it names none, a connection is closed at once.
    pub(crate) fn open(port: u16, process: impl Fn() -> Option<u32> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let address = listener.local_addr().expect("a listener has an address");
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), Some(process)) = (stream, process()) else { continue };
                std::thread::spawn(move || inside(process, port).map(|other| join(stream, other)));
            }
        });
        Self { address, over, thread: Some(thread) }
    }

    /// Where to connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // It sees the end at its next connection.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Connects in the namespace of `process`; the thread stays there, so it must end after this.
fn inside(process: u32, port: u16) -> io::Result<TcpStream> {
    let namespace = File::open(format!("/proc/{process}/ns/net"))?;
    move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(LinkNameSpaceType::Network))?;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
}

/// Copies both ways until both are at their end.
fn join(one: TcpStream, other: TcpStream) {
    let copy = |from: &TcpStream, to: &TcpStream| {
        let (mut from, mut to) = (from, to);
        // Whatever ended it, the other side is told.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    let _ = (one.set_nodelay(true), other.set_nodelay(true));
    std::thread::scope(|scope| {
        scope.spawn(|| copy(&one, &other));
        copy(&other, &one);
    });
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::process::{Command, Stdio};

    use super::Relay;

    #[test]
    fn without_a_process_connections_are_closed() {
        let relay = Relay::open(1, || None);
        let mut stream = TcpStream::connect(relay.address()).expect("it listens");
        assert_eq!(stream.read(&mut [0]).expect("closed"), 0);
    }

    #[test]
    fn it_leads_into_another_network() {
        let text = "ip link set lo up && exec perl -MIO::Socket::INET -e '$| = 1; \
                    my $s = IO::Socket::INET->new(LocalAddr => \"127.0.0.1:77\", Listen => 1) or die; \
                    print \"up\\n\"; my $c = $s->accept; my $l = <$c>; print $c \"got $l\"'";
        let mut server = Command::new("unshare")
            .args(["--net", "sh", "-c", text])
            .stdout(Stdio::piped())
            .spawn()
            .expect("`unshare` runs");
        server.stdout.as_mut().expect("piped").read_exact(&mut [0; 3]).expect("it listens");
        let process = server.id();
        let relay = Relay::open(77, move || Some(process));
        let mut stream = TcpStream::connect(relay.address()).expect("it listens");
        stream.write_all(b"hello\n").expect("it is taken");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert_eq!(answer, "got hello\n");
        server.wait().expect("it ended");
    }
}
