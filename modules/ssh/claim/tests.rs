//! Commands that outlive the connection, on real servers. Processes are told apart by the odd numbers that they
//! sleep for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{
    CancellationToken, Claim, Command, CommandOutput, Connector, ErrorKind, Exit, OpResult, Transport,
};
use oneex_testkit::{SshFarm, processes};

use crate::ssh::{SshConnector, SshSettings};

async fn connected(farm: &SshFarm) -> Arc<dyn Transport> {
    let connector = SshConnector::new(SshSettings::default());
    connector.connect(&farm.target(0), &CancellationToken::new()).await.expect("the host lets us in")
}

async fn run(host: &Arc<dyn Transport>, command: &Command) -> OpResult<CommandOutput> {
    let cancel = CancellationToken::new();
    let ran = tokio::time::timeout(Duration::from_secs(60), host.run(command, &cancel));
    ran.await.unwrap_or_else(|_elapsed| panic!("`{}` hangs", command.shown()))
}

/// Commands of one run on one host.
struct Claims {
    place: String,
}

impl Claims {
    fn new() -> Self {
        let seconds = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time after 1970").as_secs();
        Self { place: format!("{seconds}-{:032x}", rand::random::<u128>()) }
    }

    fn command(&self, text: &str) -> Command {
        let mut command = Command::shell(text);
        let id = format!("{:032x}", rand::random::<u128>());
        command.claim = Some(Claim { place: self.place.clone(), id, boot: Arc::default() });
        command
    }

    /// What the host keeps.
    fn folder(&self) -> PathBuf {
        let all = std::fs::read_dir("/tmp").expect("it is there").flatten();
        let mut ours = all.filter(|entry| entry.file_name().to_string_lossy().contains(&self.place));
        ours.next().map(|entry| entry.path()).unwrap_or_default()
    }
}

/// Runs a command and cuts the connection once it has made `begun`; the error that comes of it.
async fn cut_off(farm: &SshFarm, command: &Command, begun: &Path) -> ErrorKind {
    let host = connected(farm).await;
    let cut = async {
        let seen = begun.to_owned();
        let begins = tokio::task::spawn_blocking(move || processes::until(|| seen.exists()));
        assert!(begins.await.expect("it looks"), "it does not begin");
        farm.cut(0);
    };
    let (ran, ()) = tokio::join!(run(&host, command), cut);
    ran.expect_err("the connection is lost").kind
}

#[tokio::test]
async fn what_is_cut_off_is_run_once_and_its_result_is_read_later() {
    let farm = SshFarm::start(1);
    let folder = farm.host(0).folder.clone();
    for (index, (rest, exit)) in [
        ("sleep 0.5; printf out; printf err >&2; exit 3", Exit::Code(3)),
        ("printf out; printf err >&2; sleep 0.5; kill -9 $$", Exit::Signal("KILL".into())),
        // What it writes meanwhile goes nowhere, and must not harm it.
        ("for i in 1 2 3 4 5; do printf ''; sleep 0.1; done; printf out; printf err >&2", Exit::Code(0)),
        ("printf out; printf err >&2", Exit::Code(0)),
    ]
    .into_iter()
    .enumerate()
    {
        let (claims, begun) = (Claims::new(), folder.join(index.to_string()));
        let command = claims.command(&format!("echo begun >>{}; {rest}", begun.display()));
        if !rest.starts_with("printf out; printf err >&2") || rest.contains("sleep") {
            assert_eq!(cut_off(&farm, &command, &begun).await, ErrorKind::Unreachable, "{rest}");
        } else {
            let host = connected(&farm).await;
            run(&host, &command).await.expect("it runs");
            farm.cut(0);
        }
        let host = connected(&farm).await;
        let output = run(&host, &command).await.expect("it is found again");
        assert_eq!((output.exit.clone(), output.stdout_text().as_str()), (exit, "out"), "{rest}");
        assert_eq!((output.stderr_text().as_str(), output.truncated()), ("err", false), "{rest}");
        assert_eq!(std::fs::read_to_string(&begun).expect("it ran"), "begun\n", "{rest}: it ran once");
        host.close().await;
        assert_eq!(claims.folder(), PathBuf::new(), "{rest}: nothing stays");
    }
}

#[tokio::test]
async fn what_is_sent_twice_is_run_once() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let (claims, file) = (Claims::new(), farm.host(0).folder.join("runs"));
    let command = claims.command(&format!("echo run >>{0}; sleep 0.3; cat {0}", file.display()));
    let (one, two) = tokio::join!(run(&host, &command), run(&host, &command));
    for output in [one, two, run(&host, &command).await] {
        assert_eq!(output.expect("each is told").stdout_text(), "run\n");
    }
    host.close().await;
}

#[tokio::test]
async fn a_claim_costs_no_round_trip_and_leaves_nothing() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let claims = Claims::new();
    run(&host, &claims.command("true")).await.expect("it runs");
    let before = host.traffic().round_trips;
    for number in 0..10 {
        let output =
            run(&host, &claims.command(&format!("echo {number}; echo e >&2"))).await.expect("it runs");
        assert_eq!((output.stdout_text(), output.stderr_text()), (format!("{number}\n"), "e\n".to_owned()));
        assert_eq!(run(&host, &Command::shell("echo x")).await.expect("it runs").stdout_text(), "x\n");
    }
    assert_eq!(host.traffic().round_trips - before, 20);
    let folder = claims.folder();
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&folder.metadata().expect("it is there").permissions());
    assert_eq!(mode & 0o7777, 0o700);
    host.close().await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn nothing_that_a_claimed_command_does_harms_the_next() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let claims = Claims::new();
    for (command, exit) in [
        ("exit 7", Exit::Code(7)),
        ("exec 1>&- 2>&- 0<&-", Exit::Code(0)),
        ("exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-", Exit::Code(0)),
        ("kill -TERM $$", Exit::Signal("TERM".into())),
        ("exit 143", Exit::Code(143)),
        ("kill -9 0", Exit::Signal("KILL".into())),
        ("cat", Exit::Code(0)),
        ("yes | head -c 1000000 | tail -c 1 >/dev/null", Exit::Code(0)),
        ("trap '' HUP INT TERM PIPE; true", Exit::Code(0)),
        ("cd /; umask 777; readonly x=1", Exit::Code(0)),
    ] {
        let output = run(&host, &claims.command(command)).await.expect(command);
        assert_eq!(output.exit, exit, "{command}");
        let next = run(&host, &claims.command("echo next; umask")).await.expect("it runs");
        assert_eq!(next.stdout_text(), "next\n0022\n", "after {command}");
    }
    let late = claims.command("(sleep 71.70341; echo late) & echo done");
    assert_eq!(run(&host, &late).await.expect("it is not waited for").stdout_text(), "done\n");
    for _ in 0..5 {
        assert_eq!(run(&host, &claims.command("echo next")).await.expect("it runs").stdout_text(), "next\n");
    }
    processes::with_argument("71.70341").into_iter().for_each(processes::kill);
}

#[tokio::test]
async fn output_arrives_whole_and_what_is_kept_of_it_is_limited() {
    let farm = SshFarm::start(1);
    let claims = Claims::new();
    let begun = farm.host(0).folder.join("begun");
    let text = "head -c 12000000 /dev/zero | tr '\\0' x";
    let host = connected(&farm).await;
    let mut large = claims.command(text);
    large.keep = 20_000_000;
    let output = run(&host, &large).await.expect("it runs");
    assert_eq!((output.stdout.len(), output.truncated()), (12_000_000, false));

    let mut cut = claims.command(&format!(": >{}; sleep 0.3; {text}; echo end >&2", begun.display()));
    cut.keep = 20_000_000;
    assert_eq!(cut_off(&farm, &cut, &begun).await, ErrorKind::Unreachable);
    let host = connected(&farm).await;
    let output = run(&host, &cut).await.expect("it is found again");
    assert_eq!((output.exit.clone(), output.truncated()), (Exit::Code(0), true));
    assert!((8_000_000..12_000_000).contains(&output.stdout.len()), "{}", output.stdout.len());
    assert_eq!(output.stderr_text(), "end\n");
    host.close().await;
}

#[tokio::test]
async fn input_of_any_size_arrives_whole_or_the_command_is_not_run() {
    let farm = SshFarm::start(1);
    let claims = Claims::new();
    let begun = farm.host(0).folder.join("begun");
    for size in [1_u32, 40_000, 3 << 20] {
        let input: Vec<u8> =
            (0..size).map(|number| (number.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        let host = connected(&farm).await;
        let command = claims.command("cat").stdin(input.clone());
        assert!(run(&host, &command).await.expect("it runs").stdout == input, "{size} bytes");
        let unread = claims.command("exit 5").stdin(input.clone());
        assert_eq!(run(&host, &unread).await.expect("it need not read").exit, Exit::Code(5));

        let _ = std::fs::remove_file(&begun);
        let cut = claims.command(&format!(": >{}; sleep 0.3; cat", begun.display())).stdin(input.clone());
        assert_eq!(cut_off(&farm, &cut, &begun).await, ErrorKind::Unreachable);
        let host = connected(&farm).await;
        assert!(run(&host, &cut).await.expect("it is found").stdout == input, "{size} bytes");
        host.close().await;
    }
}

#[tokio::test]
async fn what_is_found_again_can_be_ended() {
    let farm = SshFarm::start(1);
    let claims = Claims::new();
    let begun = farm.host(0).folder.join("begun");
    let command = claims.command(&format!(": >{}; sleep 72.70341", begun.display()));
    cut_off(&farm, &command, &begun).await;
    let host = connected(&farm).await;
    let mut late = command;
    late.timeout = Some(Duration::from_millis(500));
    assert_eq!(run(&host, &late).await.expect("a limit is a result").exit, Exit::TimedOut);
    assert!(processes::with_argument("72.70341").is_empty());
    host.close().await;
}

#[tokio::test]
async fn the_host_ends_what_takes_too_long_by_itself() {
    let farm = SshFarm::start(1);
    let claims = Claims::new();
    let begun = farm.host(0).folder.join("begun");
    let mut command = claims.command(&format!(": >{}; sleep 73.70341", begun.display()));
    command.timeout = Some(Duration::from_secs(1));
    let cut = cut_off(&farm, &command, &begun).await;
    assert_eq!(cut, ErrorKind::Unreachable);
    let gone = tokio::task::spawn_blocking(|| processes::gone("73.70341"));
    assert!(gone.await.expect("it looks"), "nobody ends it");
    let host = connected(&farm).await;
    assert_eq!(run(&host, &command).await.expect("it is found").exit, Exit::TimedOut);
    host.close().await;
}

#[tokio::test]
async fn what_nothing_is_known_of_is_told_and_not_run_again() {
    let farm = SshFarm::start(1);
    let (claims, folder) = (Claims::new(), farm.host(0).folder.clone());
    // Its supervisor is killed together with it.
    let begun = folder.join("killed");
    let text = format!(
        "echo >>{}; sleep 0.4; read -r a b c p d </proc/$PPID/stat; kill -9 $p $PPID",
        begun.display()
    );
    let command = claims.command(&text);
    cut_off(&farm, &command, &begun).await;
    let host = connected(&farm).await;
    let error = run(&host, &command).await.expect_err("nobody knows");
    assert_eq!(error.kind, ErrorKind::Failed);
    assert!(error.message.contains("does not know what became of it"), "{error}");
    assert_eq!(std::fs::read_to_string(&begun).expect("it ran"), "\n");
    host.close().await;

    // There is no room for anything, here because of what is in the way.
    let claims = Claims::new();
    let blocked = format!("/tmp/oneex-{}-{}", claims.place, farm.user());
    std::fs::write(&blocked, "in the way").expect("it is written");
    let begun = folder.join("unkept");
    let command =
        claims.command(&format!("echo >>{}; sleep 0.5; cat", begun.display())).stdin(vec![b'x'; 50_000]);
    let host = connected(&farm).await;
    assert_eq!(run(&host, &command).await.expect("it runs all the same").stdout.len(), 50_000);
    std::fs::remove_file(&begun).expect("it ran");
    let command = claims.command(&format!("echo >>{}; sleep 0.5", begun.display()));
    assert_eq!(cut_off(&farm, &command, &begun).await, ErrorKind::Failed);
    std::fs::remove_file(&blocked).expect("it is still there");
}

#[tokio::test]
async fn a_connection_that_is_lost_while_it_is_closed_holds_nobody() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    run(&host, &Claims::new().command("true")).await.expect("it runs");
    farm.freeze(0);
    // What is kept cannot be removed now: the end is waited for, and then nothing comes any more.
    let cut = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        farm.cut(0);
    };
    let closed = tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(host.close(), cut) });
    assert!(closed.await.is_ok(), "it is never closed");
}

#[tokio::test]
async fn a_claim_that_is_empty_is_nobodys_to_take() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let claims = Claims::new();
    run(&host, &claims.command("true")).await.expect("it runs");
    let command = claims.command("echo ran");
    let file = claims.folder().join(&command.claim.as_ref().expect("a claim").id);
    std::fs::write(&file, "").expect("it is written");
    let error = run(&host, &command).await.expect_err("somebody else has it");
    assert!(error.message.contains("does not know what became of it"), "{error}");
    assert!(file.exists());
    host.close().await;
}
