//! Hosts behind a jump host whose connections neither begin nor fail: they keep the jump host waiting, and nobody else.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use oneex_sdk::Secret;
use rustix::net::{AddressFamily, SocketType, bind, connect, getsockname, listen, socket, socket_with};

use super::*;
use crate::{AskSecret, Entered};

/// An address where nobody answers: the queue of a listening socket is full, and Linux drops what comes then.
struct BlackHole {
    address: SocketAddr,
    _listening: OwnedFd,
    _waiting: Vec<OwnedFd>,
}

impl BlackHole {
    fn dig() -> Self {
        let listening = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&listening, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        listen(&listening, 0).expect("it listens");
        let address =
            SocketAddr::try_from(getsockname(&listening).expect("an address")).expect("of the network");
        let visit = |_| {
            let flags = rustix::net::SocketFlags::NONBLOCK;
            let waiting =
                socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).expect("a socket");
            let _ = connect(&waiting, &address);
            waiting
        };
        let waiting = (0..4).map(visit).collect();
        let silent = TcpStream::connect_timeout(&address, Duration::from_millis(300));
        assert!(silent.is_err(), "somebody answers at {address}");
        Self { address, _listening: listening, _waiting: waiting }
    }
}

impl Site {
    /// A host behind the first `hops` bastions that never answers, and is given up after `limit`.
    fn dead(&self, hole: &BlackHole, hops: usize, limit: Duration) -> HostSettings {
        HostSettings {
            host_name: hole.address.ip().to_string(),
            port: hole.address.port(),
            connect_timeout: limit,
            ..self.behind(0, hops)
        }
    }
}

/// The most connections to a jump host: two that others go through, and four that find out who answers.
const MOST: usize = 6;

/// Long enough that those which answer can be told apart from those which were waited for.
const LIMIT: Duration = Duration::from_secs(8);

/// Most of the time of all these is waited for, so they share it.
#[tokio::test]
async fn nobody_is_kept_waiting() {
    tokio::join!(
        nobody_is_kept_waiting_by(&[0], 1),
        nobody_is_kept_waiting_by(&[3, 4, 8], 1),
        // More than there are connections.
        nobody_is_kept_waiting_by(&[0, 1, 2, 3, 4, 5, 6], 1),
        nobody_is_kept_waiting_by(&[0, 2, 7], 2),
    );
}

/// Connects to ten hosts, of which those that are `dead` never answer, through so many jump hosts.
async fn nobody_is_kept_waiting_by(dead: &[usize], hops: usize) {
    let site = Site::start(hops, &[], 10);
    let hole = BlackHole::dig();
    let ended = std::sync::Mutex::new(Vec::new());
    let opened = join_all((0..10).map(|index| {
        let is_dead = dead.contains(&index);
        let host = if is_dead { site.dead(&hole, hops, LIMIT) } else { site.behind(index, hops) };
        let (site, ended) = (&site, &ended);
        async move {
            let opened = site.open(host).await;
            ended.lock().expect("nobody panicked").push(index);
            opened
        }
    }))
    .await;
    let port = hole.address.port();
    for (index, opened) in opened.iter().enumerate() {
        match opened {
            Ok(host) => assert_eq!(text(host, "echo here").await, "here\n", "{index}"),
            Err(error) => {
                let expected = format!("`127.0.0.1` port {port} does not answer the jump host within 8 s");
                assert!(dead.contains(&index), "{index}: {error}");
                assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Unreachable, &*expected));
            }
        }
    }
    let ended = ended.into_inner().expect("nobody panicked");
    let (reached, given_up) = ended.split_at(10 - dead.len());
    assert!(reached.iter().all(|index| !dead.contains(index)), "{reached:?} before {given_up:?}");
    let log = site.bastions.log(hops - 1);
    assert!(site.logins(hops - 1) > 1, "nobody was kept waiting: {log}");
    assert!((2..=MOST).contains(&sessions(&log).0), "{log}");
    if hops == 2 {
        assert_eq!(site.logins(0), 1, "the first jump host reaches the second at once");
    }
    join_all(opened.iter().flatten().map(|host| host.close())).await;
    drop(opened);
    for hop in 0..hops {
        let is_left = || sessions(&site.bastions.log(hop)).1 == 0;
        assert!(processes::until(is_left), "a connection stays open: {}", site.bastions.log(hop));
    }
}

/// The most sessions that were open at once, and how many are, by what the server wrote.
fn sessions(log: &str) -> (usize, usize) {
    log.lines().fold((0, 0), |(most, open): (usize, usize), line| {
        let begins = line.contains("Accepted publickey");
        let ends = ["Disconnected from user", "Connection reset by user", "Connection closed by user"];
        let ends = ends.iter().any(|end| line.starts_with(end));
        let open = (open + usize::from(begins)).saturating_sub(usize::from(ends));
        (most.max(open), open)
    })
}

/// A person who knows one passphrase and counts how often it is asked for.
#[derive(Debug, Default)]
struct Person(AtomicUsize);

impl AskSecret for Person {
    fn passphrase(&self, _: &Path, _: bool) -> Option<Secret<String>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Some(Secret::new("open sesame".to_owned()))
    }
}

#[tokio::test]
async fn further_connections_ask_nobody_again() {
    let site = Site::start(1, &[], 4);
    let key = site.bastions.dir().join("locked_key");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-a", "1", "-N", "open sesame", "-f"])
        .arg(&key)
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    std::fs::copy(key.with_extension("pub"), site.bastions.authorized_keys()).expect("the key is let in");
    let person = Arc::new(Person::default());
    let entered = Entered::default();
    entered.set_person(Arc::<Person>::clone(&person));
    let settings = SshSettings { key_files: vec![key], entered, ..settings(&site.bastions) };
    let site = Site { connector: SshConnector::new(settings), ..site };
    let hole = BlackHole::dig();
    let dead = site.refused(site.dead(&hole, 1, LIMIT));
    let others = join_all((0..4).map(|index| site.open(site.behind(index, 1))));
    let (_error, others) = tokio::join!(dead, others);
    assert!(others.iter().all(Result::is_ok), "{others:?}");
    assert!(site.logins(0) > 1, "nobody was kept waiting: {}", site.bastions.log(0));
    assert_eq!(person.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn nobody_notices_a_host_that_never_answers_when_there_is_nobody_else() {
    let site = Site::start(1, &[], 1);
    let hole = BlackHole::dig();
    let host = site.open(site.behind(0, 1)).await.expect("it is reached");
    let error = site.refused(site.dead(&hole, 1, Duration::from_millis(1500))).await;
    assert!(error.message.ends_with("does not answer the jump host within 1.5 s"), "{error}");
    assert_eq!((text(&host, "echo here").await.as_str(), site.logins(0)), ("here\n", 1));
}

/// For an answer libssh2 waits a minute, which nobody can shorten.
#[tokio::test]
async fn a_minute_without_an_answer_is_survived() {
    tokio::join!(
        a_host_that_never_answers_costs_nobody_the_jump_host(),
        a_jump_host_that_lets_nobody_in_again_is_waited_for()
    );
}

async fn a_host_that_never_answers_costs_nobody_the_jump_host() {
    let site = Site::start(1, &[], 2);
    let hole = BlackHole::dig();
    let host = site.open(site.behind(0, 1)).await.expect("it is reached");
    // Longer than libssh2 waits for any answer, and shorter than Linux tries to connect.
    let error = site.refused(site.dead(&hole, 1, Duration::from_secs(100))).await;
    assert!(error.message.contains("does not answer the jump host within 60"), "{error}");
    assert_eq!(text(&host, "echo here").await, "here\n");
    let another = site.open(site.behind(1, 1)).await.expect("it is reached");
    assert_eq!((text(&another, "echo here").await.as_str(), site.logins(0)), ("here\n", 1));
}

async fn a_jump_host_that_lets_nobody_in_again_is_waited_for() {
    let site = Site::start(1, &[], 3);
    let hole = BlackHole::dig();
    let first = site.open(site.behind(0, 1)).await.expect("it is reached");
    std::fs::write(site.bastions.authorized_keys(), "").expect("nobody is let in");
    let dead = site.refused(site.dead(&hole, 1, LIMIT));
    let others = join_all((1..3).map(|index| site.open(site.behind(index, 1))));
    let (error, others) = tokio::join!(dead, others);
    assert!(error.message.contains("does not answer the jump host within 8 s"), "{error}");
    for host in others.iter().chain([&Ok(first)]) {
        let host = host.as_ref().expect("it is reached");
        assert_eq!(text(host, "echo here").await, "here\n");
    }
    assert_eq!(site.logins(0), 1);
}
