//! A way to a host that is longer than the machine: a proxy that hands on every byte a while later.
//!
//! It limits no throughput. Of TCP it takes over one thing: who connects is answered by the proxy at once, so the
//! round trip of the connection itself is added before the server hears of it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use oneex_testkit::FarmHost;

/// Bytes read at a time.
const CHUNK: usize = 64 * 1024;
/// Chunks on their way in one direction.
const ON_THE_WAY: usize = 4096;

/// Proxies before hosts. They live as long as the process.
#[derive(Debug)]
pub(crate) struct Delay {
    /// The hosts as they are reached through it: the same but for address and port.
    pub(crate) hosts: Vec<FarmHost>,
    turns: Arc<AtomicU64>,
}

impl Delay {
    /// Puts a proxy before each host; each direction takes `one_way` longer.
    pub(crate) fn before(hosts: &[FarmHost], one_way: Duration) -> Self {
        let turns = Arc::new(AtomicU64::new(0));
        let hosts = hosts.iter().map(|host| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
            let address = listener.local_addr().expect("a listener has an address");
            let (to, turns) = (SocketAddr::from((host.address, host.port)), Arc::clone(&turns));
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let turns = Arc::clone(&turns);
                    thread::spawn(move || lead(&stream, to, one_way, &turns));
                }
            });
            let mut far = host.clone();
            (far.address, far.port) = (Ipv4Addr::LOCALHOST, address.port());
            far
        });
        Self { hosts: hosts.collect(), turns }
    }

    /// How often the hosts were spoken to after they had spoken, or at first: round trips. What is on its way at the
    /// same time in both directions counts too, so of a stream this says little.
    pub(crate) fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }
}

/// Hands on what comes on one connection until both directions are at their end.
fn lead(client: &TcpStream, to: SocketAddr, one_way: Duration, turns: &AtomicU64) {
    // The client's first packet, the answer to it, and the client's next arrive one after the other.
    thread::sleep(one_way * 3);
    let Ok(server) = TcpStream::connect(to) else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let spoken = AtomicBool::new(true);
    thread::scope(|scope| {
        for (from, into, is_up) in [(client, &server, true), (&server, client, false)] {
            let (sender, receiver) = sync_channel(ON_THE_WAY);
            let spoken = &spoken;
            scope.spawn(move || {
                take(from, &sender, || {
                    if !is_up {
                        spoken.store(true, Ordering::Relaxed);
                    } else if spoken.swap(false, Ordering::Relaxed) {
                        turns.fetch_add(1, Ordering::Relaxed);
                    }
                });
            });
            scope.spawn(move || give(into, &receiver, one_way));
        }
    });
}

fn take(mut from: &TcpStream, chunks: &SyncSender<(Instant, Vec<u8>)>, heard: impl Fn()) {
    loop {
        // Without this the sender would wait 40 ms for a delayed ACK now and then, in addition.
        let _ = rustix::net::sockopt::set_tcp_quickack(from, true);
        let mut chunk = vec![0; CHUNK];
        let count = from.read(&mut chunk).unwrap_or(0);
        if count == 0 {
            return;
        }
        heard();
        chunk.truncate(count);
        if chunks.send((Instant::now(), chunk)).is_err() {
            return;
        }
    }
}

fn give(mut into: &TcpStream, chunks: &Receiver<(Instant, Vec<u8>)>, one_way: Duration) {
    for (at, chunk) in chunks {
        thread::sleep((at + one_way).saturating_duration_since(Instant::now()));
        if into.write_all(&chunk).is_err() {
            break;
        }
    }
    let _ = into.shutdown(Shutdown::Both);
}

/// What an exchange of one byte takes through a proxy like these and without it; the middle of several.
pub(crate) fn measured(one_way: Duration) -> (Duration, Duration) {
    let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    let to = echo.local_addr().expect("a listener has an address");
    thread::spawn(move || {
        for stream in echo.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
        }
    });
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    let through = proxy.local_addr().expect("a listener has an address");
    thread::spawn(move || proxy.accept().map(|(stream, _)| lead(&stream, to, one_way, &AtomicU64::new(0))));
    let [far, near] = [through, to].map(|address| {
        let mut stream = TcpStream::connect(address).expect("it listens");
        let mut byte = [0];
        let mut exchange = || {
            let start = Instant::now();
            stream.write_all(&byte).and_then(|()| stream.read_exact(&mut byte)).expect("an echo");
            start.elapsed()
        };
        // The first one waits for the connection too.
        let _ = exchange();
        let mut times: Vec<Duration> = (0..21).map(|_| exchange()).collect();
        times.sort_unstable();
        times[times.len() / 2]
    });
    (far, near)
}
