//! Hosts that go silent in the middle of it: they are given up in time, and keep nobody else waiting.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use oneex_sdk::{ErrorKind, OpResult};
use oneex_testkit::SshFarm;

use super::SshConnector;
use crate::elevation::Elevation;
use crate::ssh::handshakes::Handshakes;
use crate::ssh::resolve::resolve;
use crate::ssh::{HostSettings, Jump, SshSettings, SshTransport, Way};

/// A way to a server that says only so much.
struct Muffled {
    address: SocketAddr,
    /// Bytes that the server said.
    said: Arc<AtomicUsize>,
}

impl Muffled {
    /// Passes on the first `most` bytes that the server says to each visitor, and nothing after them.
    fn start(server: SocketAddr, most: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let said = Arc::new(AtomicUsize::new(0));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            for visitor in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(server).expect("the server is there");
                let heard = Arc::clone(&heard);
                std::thread::spawn(move || pass(&visitor, &server, most, &heard));
            }
        });
        Self { address, said }
    }
}

/// Ends with the visitor.
fn pass(visitor: &TcpStream, server: &TcpStream, most: usize, heard: &AtomicUsize) {
    let _ = (visitor.set_nodelay(true), server.set_nodelay(true));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut from, mut to, mut left, mut buffer) = (server, visitor, most, [0; 4096]);
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                heard.fetch_add(count, Ordering::Relaxed);
                let passed = count.min(left);
                left -= passed;
                if to.write_all(&buffer[..passed]).is_err() {
                    break;
                }
            }
        });
        let (mut from, mut to) = (visitor, server);
        let _ = std::io::copy(&mut from, &mut to);
        let _ = server.shutdown(Shutdown::Both);
    });
}

/// A server, and behind which jump host it is.
struct Site {
    farm: SshFarm,
    jump: Option<Jump>,
    connector: SshConnector,
}

impl Site {
    /// `turns` may log in at a time.
    fn start(is_behind: bool, turns: usize) -> Self {
        let farm = SshFarm::start(1);
        let host = farm.host(0);
        let jump = Jump { user: None, host: host.address.to_string(), port: Some(host.port) };
        let settings = SshSettings {
            machine: crate::ssh::Machine { user: farm.user().to_owned(), ..Default::default() },
            key_files: vec![farm.client_key()],
            known_hosts: vec![farm.known_hosts()],
            ..SshSettings::default()
        };
        let handshakes = Handshakes::of(turns);
        let connector = SshConnector { handshakes, ..SshConnector::new(settings) };
        Self { jump: is_behind.then_some(jump), connector, farm }
    }

    fn server(&self) -> SocketAddr {
        (self.farm.host(0).address, self.farm.host(0).port).into()
    }

    /// The server, asked at that address.
    fn host(&self, address: SocketAddr, limit: Duration) -> HostSettings {
        let host = resolve(&SshSettings::default(), &self.farm.target(0)).expect("it is resolved");
        let way = self.jump.clone().map_or(Way::Direct, |jump| Way::Jumps(vec![jump]));
        let (host_name, port) = (address.ip().to_string(), address.port());
        HostSettings { host_name, port, connect_timeout: limit, way, ..host }
    }

    async fn open(&self, host: HostSettings) -> OpResult<SshTransport> {
        self.connector.open(host, Elevation::default()).await
    }
}

/// How long a silent host is waited for. Long enough that the others are there before, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn forty_hosts_that_go_silent_anywhere_keep_ten_others_from_nothing() {
    keeps_nobody_waiting(false).await;
}

#[tokio::test]
async fn behind_a_jump_host_they_keep_nobody_waiting_either() {
    keeps_nobody_waiting(true).await;
}

/// Connects to forty hosts, each of which goes silent somewhere between its first byte and the end of the login, and
/// then to ten others.
async fn keeps_nobody_waiting(is_behind: bool) {
    let site = Site::start(is_behind, 8);
    let whole = Muffled::start(site.server(), usize::MAX);
    let stranger = HostSettings { user: "nobody-at-all".into(), ..site.host(whole.address, LIMIT) };
    assert!(site.open(stranger).await.is_err(), "a stranger is let in");
    // Whoever is let in hears more than that.
    let said = whole.said.load(Ordering::Relaxed);
    let places = (0..30).map(|at| said * at / 40).chain((0..10).map(|at| said - 1 - at * 5));
    let mute: Vec<_> = places.map(|most| Muffled::start(site.server(), most)).collect();
    let ended = Mutex::new(Vec::new());
    let silent = mute.iter().map(|mute| site.host(mute.address, LIMIT));
    let others = (0..10).map(|_| site.host(site.server(), LIMIT));
    let opened = join_all(silent.chain(others).enumerate().map(|(index, host)| {
        let (site, ended) = (&site, &ended);
        async move {
            let opened = site.open(host).await;
            ended.lock().expect("nobody panicked").push(index);
            opened
        }
    }))
    .await;
    for (index, opened) in opened.iter().enumerate() {
        match opened {
            Ok(_) => assert!(index >= 40, "{index} of {said} bytes"),
            Err(error) => {
                let expected = match index {
                    0 => " does not answer within 10 s",
                    1..30 => " does not go on within 10 s, in the middle of the key exchange",
                    _ => "the host does not go on within 10 s, while `",
                };
                assert!(error.message.contains(expected), "{index} of {said} bytes: {error}");
                assert_eq!(error.kind, ErrorKind::Unreachable, "{index}: {error}");
            }
        }
    }
    let ended = ended.into_inner().expect("nobody panicked");
    assert!(ended[..10].iter().all(|index| *index >= 40), "{ended:?}");
}
