//! Hosts behind others, against real servers: what goes through what, how often, and what ends with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use oneex_sdk::{CancellationToken, Command, Connector, ErrorKind, OpError, OpResult, Transport};
use oneex_testkit::{FarmOptions, SshFarm, processes};

use crate::elevation::Elevation;
use crate::ssh::resolve::resolve;
use crate::ssh::{HostSettings, Jump, Machine, SshConnector, SshSettings, SshTransport, Way};

mod black_holes;

/// Servers that all let in the same key, and a connector that knows their keys: the last hosts of a way come
/// from `hosts`, those on the way from `bastions`.
struct Site {
    bastions: SshFarm,
    hosts: SshFarm,
    connector: SshConnector,
}

impl Site {
    fn start(bastions: usize, config: &[&str], hosts: usize) -> Self {
        let config = config.iter().map(|line| (*line).to_owned()).collect();
        let options = FarmOptions { separate: true, config, ..FarmOptions::default() };
        let bastions = SshFarm::start_with(bastions, &options);
        let hosts = SshFarm::start(hosts);
        let connector = SshConnector::new(settings(&bastions));
        Self { bastions, hosts, connector }
    }

    fn jump(&self, index: usize) -> Jump {
        let host = self.bastions.host(index);
        Jump { user: None, host: host.address.to_string(), port: Some(host.port) }
    }

    /// The host at `index`, behind the first `hops` bastions.
    fn behind(&self, index: usize, hops: usize) -> HostSettings {
        let host = resolve(&SshSettings::default(), &self.hosts.target(index)).expect("it is resolved");
        HostSettings { way: Way::Jumps((0..hops).map(|hop| self.jump(hop)).collect()), ..host }
    }

    async fn open(&self, host: HostSettings) -> OpResult<Arc<SshTransport>> {
        self.connector.open(host, Elevation::default()).await.map(Arc::new)
    }

    async fn refused(&self, host: HostSettings) -> OpError {
        match self.open(host).await {
            Ok(_) => panic!("it must not be reached"),
            Err(error) => error,
        }
    }

    /// How often the bastion let somebody in.
    fn logins(&self, index: usize) -> usize {
        self.bastions.log(index).matches("Accepted publickey").count()
    }
}

fn settings(bastions: &SshFarm) -> SshSettings {
    SshSettings {
        machine: Machine { user: bastions.user().to_owned(), ..Machine::default() },
        key_files: vec![bastions.client_key()],
        known_hosts: vec![bastions.known_hosts()],
        ..SshSettings::default()
    }
}

async fn text(host: &SshTransport, command: &str) -> String {
    let cancel = CancellationToken::new();
    host.run(&Command::shell(command), &cancel).await.expect("it runs").stdout_text()
}

#[tokio::test]
async fn a_host_is_reached_through_one_and_two_others() {
    let site = Site::start(2, &[], 1);
    for hops in [1, 2] {
        let host = site.open(site.behind(0, hops)).await.expect("it is reached");
        let seen = text(&host, "echo \"${SSH_CONNECTION%% *}\"").await;
        let large = text(&host, "head -c 3000000 /dev/zero | tr '\\0' x").await;
        assert_eq!(large.len(), 3_000_000, "{hops} hops");
        assert!(seen.starts_with("127."), "{seen}");
        let folder = site.hosts.host(0).folder.join(format!("sent-{hops}"));
        let content = vec![7; 5 << 20];
        let path = folder.display().to_string();
        host.upload(&mut &content[..], content.len() as u64, &path, None, &CancellationToken::new())
            .await
            .expect("it is sent");
        assert!(std::fs::read(&folder).expect("it is there") == content, "{hops} hops");
        host.close().await;
    }
    assert_eq!((site.logins(0), site.logins(1)), (2, 1), "the first alone, and the second through the first");
}

#[tokio::test]
async fn one_connection_to_a_jump_host_serves_all_behind_it() {
    // MaxSessions counts sessions, of which those that only lead on have none.
    let site = Site::start(1, &["MaxSessions 1"], 30);
    let opened = join_all((0..30).map(|index| site.open(site.behind(index, 1)))).await;
    let opened: Vec<_> = opened.into_iter().map(|host| host.expect("it is reached")).collect();
    let said = join_all(opened.iter().map(|host| text(host, "echo here"))).await;
    assert!(said.iter().all(|text| text == "here\n"));
    assert_eq!(site.logins(0), 1);
    join_all(opened.iter().map(|host| host.close())).await;
    drop(opened);
    // What comes later has a connection of its own: nothing was left open.
    let later = site.open(site.behind(0, 1)).await.expect("it is reached");
    assert_eq!((text(&later, "echo again").await.as_str(), site.logins(0)), ("again\n", 2));
}

#[tokio::test]
async fn every_connection_is_closed_in_order() {
    let site = Site::start(2, &[], 2);
    let (one, two) = tokio::join!(site.open(site.behind(0, 2)), site.open(site.behind(1, 2)));
    for host in [one.expect("it is reached"), two.expect("it is reached")] {
        assert_eq!(text(&host, "echo here").await, "here\n");
        host.close().await;
    }
    for (farm, index) in [(&site.hosts, 0), (&site.bastions, 1), (&site.bastions, 0)] {
        let said_goodbye = || farm.log(index).contains("Received disconnect from");
        assert!(processes::until(said_goodbye), "{index}: {}", farm.log(index));
    }
}

#[tokio::test]
async fn a_jump_host_has_its_own_host_key_and_its_own_login() {
    let site = Site::start(1, &[], 1);
    let strangers = SshSettings { known_hosts: Vec::new(), ..settings(&site.bastions) };
    let locked_out = SshSettings { key_files: vec![site.hosts.client_key()], ..settings(&site.bastions) };
    let machine = Machine { user: "nobody-at-all".to_owned(), ..Machine::default() };
    let nobody = SshSettings { machine, ..settings(&site.bastions) };
    let name = site.bastions.host(0).address.to_string();
    for (settings, expected) in [
        (strangers, format!("the jump host `{name}`: the host key of `{name}` port ")),
        (locked_out, format!("the jump host `{name}`: the host does not let `{}` in", site.hosts.user())),
        (nobody, format!("the jump host `{name}`: the host does not let `nobody-at-all` in")),
    ] {
        let connector = SshConnector::new(settings);
        let opened = connector.open(site.behind(0, 1), Elevation::default()).await;
        let error = opened.map(|_| ()).expect_err("it is refused");
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
        assert!(error.message.starts_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn hosts_behind_a_jump_host_that_is_down_are_unreachable_once_for_all() {
    let mut site = Site::start(1, &[], 10);
    site.bastions.stop(0);
    let name = site.bastions.host(0).address.to_string();
    let refused = join_all((0..10).map(|index| site.refused(site.behind(index, 1)))).await;
    for error in refused {
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        assert!(error.message.starts_with(&format!("the jump host `{name}`: ")), "{error}");
        assert!(error.message.contains("no connection"), "{error}");
    }
    site.bastions.restart(0);
    assert!(site.open(site.behind(0, 1)).await.is_ok(), "an old failure is not remembered");
}

#[tokio::test]
async fn a_jump_host_that_never_answers_costs_its_limit_once() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let site = Site::start(0, &[], 8);
    let limit = Duration::from_millis(500);
    let connector = SshConnector::new(SshSettings { connect_timeout: limit, ..settings(&site.bastions) });
    let site = Site { connector, ..site };
    let refused = join_all((0..8).map(|index| {
        let jump = Jump { user: None, host: "127.0.0.1".into(), port: Some(port) };
        let host = resolve(&SshSettings::default(), &site.hosts.target(index)).expect("it is resolved");
        site.refused(HostSettings { way: Way::Jumps(vec![jump]), ..host })
    }))
    .await;
    silent.set_nonblocking(true).expect("it is set");
    assert_eq!(silent.incoming().take_while(Result::is_ok).count(), 1, "it was asked for each host");
    for error in refused {
        assert!(error.message.contains("does not answer within 0.5 s"), "{error}");
    }
}

#[tokio::test]
async fn a_jump_host_that_goes_away_in_mid_command_is_named() {
    let site = Site::start(1, &[], 2);
    let (one, two) = tokio::join!(site.open(site.behind(0, 1)), site.open(site.behind(1, 1)));
    let (one, two) = (one.expect("it is reached"), two.expect("it is reached"));
    let (command, cancel) = (Command::argv(["sleep", "81.70331"]), CancellationToken::new());
    let cut = async {
        let seen = tokio::task::spawn_blocking(|| {
            processes::until(|| processes::with_argument("81.70331").len() >= 2)
        });
        assert!(seen.await.expect("it looks"));
        site.bastions.cut(0);
    };
    let (one, two, ()) = tokio::join!(one.run(&command, &cancel), two.run(&command, &cancel), cut);
    for result in [one, two] {
        let error = result.expect_err("the way is cut");
        let begin = format!("the jump host `{}`: the connection was lost", site.bastions.host(0).address);
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        assert!(error.message.starts_with(&begin), "{error}");
    }
    for process in processes::with_argument("81.70331") {
        processes::kill(process);
    }
    let again = site.open(site.behind(0, 1)).await.expect("a lost connection is made anew");
    assert_eq!((text(&again, "echo again").await.as_str(), site.logins(0)), ("again\n", 2));
}

#[tokio::test]
async fn what_a_jump_host_does_not_reach_is_unreachable() {
    let mut site = Site::start(1, &[], 2);
    let down = site.behind(0, 1);
    let unknown = HostSettings { host_name: "no-such-host.invalid".into(), ..site.behind(0, 1) };
    let host = site.open(site.behind(1, 1)).await.expect("it is up yet");
    site.hosts.stop(0);
    for host in [down, unknown] {
        let error = site.refused(host).await;
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        assert!(error.message.contains("no connection through the jump host"), "{error}");
    }
    assert_eq!(site.logins(0), 1, "the connection to the jump host outlives that");
    drop(host);
    let closed = Site::start(1, &["AllowTcpForwarding no"], 1);
    let error = closed.refused(closed.behind(0, 1)).await;
    assert!(error.hint.is_some_and(|hint| hint.contains("AllowTcpForwarding")));
}

#[tokio::test]
async fn a_silent_host_behind_a_jump_host_holds_up_no_other() {
    let site = Site::start(1, &[], 4);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let mute = HostSettings {
        host_name: "127.0.0.1".into(),
        port,
        connect_timeout: Duration::from_secs(2),
        ..site.behind(0, 1)
    };
    let waits = site.refused(mute);
    let others = async {
        let opened = join_all((0..4).map(|index| site.open(site.behind(index, 1)))).await;
        assert!(opened.iter().all(Result::is_ok));
        Instant::now()
    };
    let ((error, failed), reached) = tokio::join!(async { (waits.await, Instant::now()) }, others);
    assert!(reached < failed, "the others were waiting");
    assert!(error.message.contains("does not answer within 2 s"), "{error}");
}

/// A host that is reached through a command.
fn through(farm: &SshFarm, command: String) -> HostSettings {
    let host = resolve(&SshSettings::default(), &farm.target(0)).expect("it is resolved");
    HostSettings { way: Way::Command(command), ..host }
}

#[tokio::test]
async fn a_command_carries_a_connection_and_ends_with_it() {
    let farm = SshFarm::start(1);
    let connector = SshConnector::new(SshSettings::default());
    let (address, port) = (farm.host(0).address, farm.host(0).port);
    // The shell becomes the command: what is marked is the child itself, and nothing else.
    let netcat = format!("perl -e '{RELAY}' {address} {port} 61.70331");
    let host = connector.open(through(&farm, netcat), Elevation::default()).await.expect("it is reached");
    assert_eq!(text(&host, "head -c 2000000 /dev/zero | tr '\\0' x").await.len(), 2_000_000);
    // A list of processes is no snapshot: one that is seen while it is replaced may be seen twice.
    assert!(processes::until(|| processes::with_argument("61.70331").len() == 1), "a shell stayed between");
    host.close().await;
    assert!(processes::with_argument("61.70331").is_empty(), "it outlives its connection");

    let dropped = format!("perl -e '{RELAY}' {address} {port} 62.70331");
    drop(connector.open(through(&farm, dropped), Elevation::default()).await.expect("it is reached"));
    let gone = tokio::task::spawn_blocking(|| processes::gone("62.70331"));
    assert!(gone.await.expect("it looks"), "it outlives a connection that nobody closed");
}

#[tokio::test]
async fn ssh_itself_can_be_the_command() {
    let site = Site::start(1, &[], 1);
    let bastion = site.bastions.host(0);
    let command = format!(
        "ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile={} -i {} -p {} -W {}:{} {}@{}",
        site.bastions.known_hosts().display(),
        site.bastions.client_key().display(),
        bastion.port,
        site.hosts.host(0).address,
        site.hosts.host(0).port,
        site.bastions.user(),
        bastion.address,
    );
    let host = site.open(through(&site.hosts, command)).await.expect("it is reached");
    assert_eq!(text(&host, "echo here").await, "here\n");
}

#[tokio::test]
async fn a_command_that_fails_says_what_it_said() {
    let farm = SshFarm::start(1);
    let connector =
        SshConnector::new(SshSettings { connect_timeout: Duration::from_secs(1), ..Default::default() });
    let limit = Duration::from_secs(1);
    for (command, expected) in [
        ("sh -c 'echo no way >&2; exit 3'", "`ProxyCommand` ended with exit status: 3 and said: no way"),
        ("no-such-command-here", "no-such-command-here"),
        ("true", "`ProxyCommand` ended with exit status: 0"),
        (
            "sh -c 'echo looking >&2; exec sleep 63.70331'",
            "does not answer within 1 s; `ProxyCommand` said: looking",
        ),
        ("echo hello", "no SSH session"),
        ("sh -c 'kill -9 $$'", "`ProxyCommand` ended with signal: 9"),
    ] {
        let host = HostSettings { connect_timeout: limit, ..through(&farm, command.to_owned()) };
        let error = connector.open(host, Elevation::default()).await.map(|_| ()).expect_err(command);
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        assert!(error.message.contains(expected), "{command}: {error}");
    }
    let gone = tokio::task::spawn_blocking(|| processes::gone("63.70331"));
    assert!(gone.await.expect("it looks"), "a command outlives its attempt");
}

/// A connection between standard input and output and the address and port of the arguments.
const RELAY: &str = r#"use IO::Socket::INET; use IO::Select;
my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1]) or die;
my $both = IO::Select->new($s, \*STDIN);
while (1) { for my $from ($both->can_read) {
  sysread($from, my $bytes, 65536) or exit;
  my $to = $from == $s ? \*STDOUT : $s;
  while (length $bytes) { substr($bytes, 0, syswrite($to, $bytes)) = ""; }
} }"#;

#[tokio::test]
async fn servers_that_turn_away_a_crowd_let_all_of_it_in() {
    let config = vec!["MaxStartups 2:100:2".to_owned()];
    let farm = SshFarm::start_with(30, &FarmOptions { config, ..FarmOptions::default() });
    let connector = SshConnector::new(SshSettings::default());
    let cancel = CancellationToken::new();
    // Sixteen hosts are one sshd; the first of them is asked for thirty times more.
    let targets: Vec<_> = (0..30).chain([0; 30]).map(|index| farm.target(index)).collect();
    let opened = join_all(targets.iter().map(|target| connector.connect(target, &cancel))).await;
    for (target, host) in targets.iter().zip(&opened) {
        assert!(host.is_ok(), "{}: {:?}", target.name, host.as_ref().err());
    }
    assert!(farm.log(0).contains("MaxStartups"), "nobody was turned away: {}", farm.log(0));
}

#[tokio::test]
async fn a_crowd_behind_a_jump_host_is_let_in_too() {
    let config = vec!["MaxStartups 2:100:2".to_owned()];
    let hosts = SshFarm::start_with(16, &FarmOptions { config, ..FarmOptions::default() });
    let site = Site { hosts, ..Site::start(1, &["MaxStartups 1:100:1"], 0) };
    let opened = join_all((0..16).map(|index| site.open(site.behind(index, 1)))).await;
    for host in opened {
        let host = host.expect("it is reached");
        assert_eq!(text(&host, "echo here").await, "here\n");
    }
    assert_eq!(site.logins(0), 1);
}

#[tokio::test]
async fn a_host_that_goes_on_hanging_up_is_unreachable() {
    let rude = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = rude.local_addr().expect("an address").port();
    let counted = std::thread::spawn(move || {
        // Its last visitor is the test's own.
        rude.incoming().map_while(Result::ok).take_while(|socket| matches!(silence(socket), Ok(0))).count()
    });
    let farm = SshFarm::start(1);
    let host = resolve(&SshSettings::default(), &farm.target(0)).expect("it is resolved");
    let limit = Duration::from_secs(1);
    let host = HostSettings { host_name: "127.0.0.1".into(), port, connect_timeout: limit, ..host };
    let connector = SshConnector::new(SshSettings::default());
    let error = connector.open(host, Elevation::default()).await.map(|_| ()).expect_err("it hangs up");
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.message.ends_with("hangs up before it says anything"), "{error}");
    let mut last = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    std::io::Write::write_all(&mut last, b"end").expect("it is said");
    assert!(counted.join().expect("it counts") > 1, "it was asked only once");
}

/// Hangs up, unless the visitor says something first within a moment.
fn silence(mut socket: &std::net::TcpStream) -> std::io::Result<usize> {
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    match std::io::Read::read(&mut socket, &mut [0; 8]) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(0),
        said => said,
    }
}

#[tokio::test]
async fn one_session_at_a_time_is_enough_for_several_users() {
    let config = vec!["MaxSessions 1".to_owned()];
    let farm = SshFarm::start_with(1, &FarmOptions { config, ..FarmOptions::default() });
    let connector = SshConnector::new(SshSettings::default());
    let host = connector.connect(&farm.target(0), &CancellationToken::new()).await.expect("it lets us in");
    let cancel = CancellationToken::new();
    let run = |user: Option<&str>| {
        let mut command = Command::shell("sleep 0.02; id -un");
        command.user = user.map(str::to_owned);
        let (host, cancel) = (&host, &cancel);
        async move { host.run(&command, cancel).await.expect("it runs").stdout_text() }
    };
    let own = format!("{}\n", farm.user());
    for _ in 0..3 {
        assert_eq!(run(None).await, own);
        assert_eq!(run(Some("nobody")).await, "nobody\n");
    }
    let both = join_all((0..12).map(|turn| run((turn % 2 == 1).then_some("nobody")))).await;
    for (turn, said) in both.iter().enumerate() {
        assert_eq!(*said, if turn % 2 == 1 { "nobody\n" } else { &own }, "{turn}");
    }
}
