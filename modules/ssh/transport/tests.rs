//! Against real servers. Processes are told apart by the odd numbers that they sleep for.

use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{CancellationToken, Command, CommandOutput, Connector, ErrorKind, Exit, OpResult, Transport};
use oneex_testkit::{FarmOptions, SshFarm, processes};

use crate::ssh::{SshConnector, SshSettings};

mod arguments;
mod busybox;
mod heard;

async fn connected(farm: &SshFarm) -> Arc<dyn Transport> {
    let connector = SshConnector::new(SshSettings::default());
    connector.connect(&farm.target(0), &CancellationToken::new()).await.expect("the host lets us in")
}

async fn run(host: &Arc<dyn Transport>, command: Command) -> OpResult<CommandOutput> {
    let limit = Duration::from_secs(60);
    let cancel = CancellationToken::new();
    let ran = tokio::time::timeout(limit, host.run(&command, &cancel));
    ran.await.unwrap_or_else(|_elapsed| panic!("`{}` hangs", command.shown()))
}

async fn text(host: &Arc<dyn Transport>, command: &str) -> String {
    run(host, Command::shell(command)).await.expect("it runs").stdout_text()
}

#[tokio::test]
async fn nothing_that_a_command_does_harms_the_next() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let hostile = [
        ("exit 7", Exit::Code(7)),
        ("exec false", Exit::Code(1)),
        ("set -e; false; echo no", Exit::Code(1)),
        ("exec 1>&- 2>&- 0<&-", Exit::Code(0)),
        ("exec 3>&- 4>&- 5>&-", Exit::Code(0)),
        ("echo 'unterminated", Exit::Code(2)),
        ("if then fi )", Exit::Code(2)),
        ("kill -9 $$", Exit::Signal("KILL".into())),
        ("kill -TERM $$", Exit::Signal("TERM".into())),
        ("exit 137", Exit::Code(137)),
        ("exit 143", Exit::Code(143)),
        ("cat >/dev/null", Exit::Code(0)),
        ("trap '' HUP INT TERM; true", Exit::Code(0)),
        ("cd /; umask 777; export PATH=; readonly x=1", Exit::Code(0)),
        ("printf 'no line end'", Exit::Code(0)),
        ("printf '\\000\\001\\377'; printf 'oneex0123456789abcdef;' >&2", Exit::Code(0)),
        ("kill -9 0", Exit::Signal("KILL".into())),
        ("EOF\n<<EOF cat\nEOF", Exit::Code(0)),
    ];
    for (command, exit) in hostile {
        let output = run(&host, Command::shell(command)).await.expect(command);
        if !command.contains("<<") {
            assert_eq!(output.exit, exit, "{command}");
        }
        assert_eq!(text(&host, "echo next; umask").await, "next\n0022\n", "after {command}");
    }
}

#[tokio::test]
async fn a_command_that_kills_its_shell_fails_and_the_next_has_a_new_one() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    // Both the substitution and the shell above it are parents of the command.
    let killed = run(&host, Command::shell("read -r a b c p d </proc/$PPID/stat; kill -9 $p $PPID")).await;
    assert_eq!(killed.expect_err("nobody can tell how it ended").kind, ErrorKind::Failed);
    assert_eq!(text(&host, "echo next").await, "next\n");
}

#[tokio::test]
async fn a_child_that_holds_the_output_holds_nobody() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    assert_eq!(text(&host, "(sleep 71.70331; echo late) & echo done").await, "done\n");
    assert_eq!(text(&host, "(sleep 0.05; echo late; echo late >&2)& echo done").await, "done\n");
    for _ in 0..20 {
        assert_eq!(text(&host, "sleep 0.01; echo next").await, "next\n");
    }
    for process in processes::with_argument("71.70331") {
        processes::kill(process);
    }
}

#[tokio::test]
async fn large_binary_output_arrives_whole_on_both_streams() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let both =
        "head -c 5000000 /dev/zero >&2 & head -c 6000000 /dev/urandom | tee /dev/stderr | sha256sum; wait";
    let output = run(&host, Command::shell(both)).await.expect("it runs");
    assert_eq!((output.stderr.len(), output.truncated(), output.exit), (8 << 20, true, Exit::Code(0)));
    let file = farm.host(0).folder.join("random");
    let content: Vec<u8> =
        (0..4_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(&file, &content).expect("it is written");
    let output = run(&host, Command::argv(["cat", &file.display().to_string()])).await.expect("it runs");
    assert!(output.stdout == content && output.stderr.is_empty());
    let empty = run(&host, Command::argv(["true"])).await.expect("it runs");
    assert!(empty.stdout.is_empty() && empty.stderr.is_empty() && !empty.truncated());
}

#[tokio::test]
async fn input_of_any_size_arrives_whole() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    for size in [0_u32, 1, 5_000, 32_768, 32_769, 3 << 20] {
        let input: Vec<u8> =
            (0..size).map(|number| (number.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        let output = run(&host, Command::argv(["cat"]).stdin(input.clone())).await.expect("it runs");
        assert!(output.stdout == input, "{size} bytes");
        let unread = run(&host, Command::argv(["true"]).stdin(input)).await.expect("it need not read");
        assert!(unread.ok(), "{size} bytes");
    }
}

#[tokio::test]
async fn words_values_and_folders_arrive_as_they_are() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    for odd in
        ["a b", "a\nb", "$(id)", "`id`", "it's", "\"", "-n", "--", "*", "\\", "~", "ü\u{1}", ";exit 9", "!x"]
    {
        let folder = farm.host(0).folder.join(odd);
        std::fs::create_dir_all(&folder).expect("any of them can be a folder");
        let mut command = Command::argv(["printf", "%s|", odd, odd]).env("V", odd);
        assert_eq!(run(&host, command.clone()).await.expect(odd).stdout_text(), format!("{odd}|{odd}|"));
        command.program = Command::script("printf '%s|' \"$1\" \"$V\"; pwd", [odd]).program;
        command.cwd = Some(folder.display().to_string());
        let output = run(&host, command).await.expect(odd);
        assert_eq!(output.stdout_text(), format!("{odd}|{odd}|{}\n", folder.display()));
    }
    let mut nowhere = Command::argv(["true"]);
    nowhere.cwd = Some("/no/such".into());
    assert_eq!(
        run(&host, nowhere).await.expect_err("no folder").message,
        "the folder `/no/such` cannot be entered"
    );
}

#[tokio::test]
async fn an_environment_is_in_no_argument() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let command = "grep -l hidden-81 /proc/[0-9]*/cmdline | wc -l; printf %s \"$V\""
        .replace("hidden-81", "hidden-[8]1");
    let output = run(&host, Command::shell(command).env("V", "hidden-81")).await.expect("it runs");
    assert_eq!(output.stdout_text(), "0\nhidden-81");
}

#[tokio::test]
async fn a_command_is_one_round_trip() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    text(&host, "true").await;
    let before = host.traffic();
    for _ in 0..10 {
        text(&host, "echo x").await;
    }
    let after = host.traffic();
    assert_eq!(after.round_trips - before.round_trips, 10);
    assert!(after.sent > before.sent && after.received > before.received);
}

#[tokio::test]
async fn eight_commands_run_side_by_side_and_more_wait() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let folder = farm.host(0).folder.display().to_string();
    // Each waits until eight are there: with fewer at a time none would end.
    let meet =
        format!("cd {folder}; : >in.$$; until [ $(ls | grep -c in) -ge 8 ]; do sleep 0.02; done; echo met");
    let runs = (0..20).map(|_| text(&host, &meet));
    assert!(futures_util::future::join_all(runs).await.iter().all(|output| output == "met\n"));
}

#[tokio::test]
async fn a_server_that_allows_fewer_sessions_gets_fewer() {
    let options = FarmOptions { config: vec!["MaxSessions 2".into()], ..FarmOptions::default() };
    let farm = SshFarm::start_with(1, &options);
    let host = connected(&farm).await;
    let runs = (0..6).map(|_| text(&host, "sleep 0.05; echo done"));
    assert!(futures_util::future::join_all(runs).await.iter().all(|output| output == "done\n"));
}

#[tokio::test]
async fn a_time_limit_leaves_no_process() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    for stubborn in ["sleep 72.70331 & sleep 72.70331", "trap '' TERM; sleep 72.70331; sleep 72.70331"] {
        for tidy in [false, true] {
            let mut command = Command::shell(format!("echo begun; {stubborn}"));
            command.tidy = tidy;
            command.timeout = Some(Duration::from_millis(300));
            let output = run(&host, command).await.expect("a time limit is a result");
            assert_eq!((output.exit.clone(), output.stdout_text().as_str()), (Exit::TimedOut, "begun\n"));
            assert!(processes::gone("72.70331"), "{stubborn}, tidy: {tidy}");
            assert_eq!(text(&host, "echo next").await, "next\n");
        }
    }
}

#[tokio::test]
async fn a_time_limit_spares_what_an_earlier_command_left() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    text(&host, "sleep 73.70331 >/dev/null 2>&1 &").await;
    for tidy in [false, true] {
        let mut command = Command::argv(["sleep", "60"]);
        command.tidy = tidy;
        command.timeout = Some(Duration::from_millis(100));
        assert_eq!(run(&host, command).await.expect("a result").exit, Exit::TimedOut, "tidy: {tidy}");
    }
    let left = processes::with_argument("73.70331");
    assert_eq!(left.len(), 1);
    processes::kill(left[0]);
}

#[tokio::test]
async fn cancelling_leaves_no_process_even_when_all_shells_are_taken() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let cancel = CancellationToken::new();
    let command = Command::shell("sleep 74.70331 & sleep 74.70331");
    let runs = (0..10).map(|_| host.run(&command, &cancel));
    let stop = async {
        let seen = tokio::task::spawn_blocking(|| {
            processes::until(|| processes::with_argument("74.70331").len() >= 16)
        });
        assert!(seen.await.expect("it looks"), "eight of them start");
        cancel.cancel();
    };
    let (results, ()) = tokio::join!(futures_util::future::join_all(runs), stop);
    assert!(
        results.iter().all(|result| result.as_ref().is_err_and(|error| error.kind == ErrorKind::Cancelled))
    );
    // What was told to end may take a moment on a busy machine.
    assert!(tokio::task::spawn_blocking(|| processes::gone("74.70331")).await.expect("it looks"));
    assert_eq!(text(&host, "echo next").await, "next\n");
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_process() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let (command, cancel) = (Command::argv(["sleep", "75.70331"]), CancellationToken::new());
    tokio::select! {
        _ = host.run(&command, &cancel) => panic!("it sleeps"),
        _ = tokio::task::spawn_blocking(|| processes::appeared("75.70331")) => {}
    }
    assert!(tokio::task::spawn_blocking(|| processes::gone("75.70331")).await.expect("it looks"));
}

#[tokio::test]
async fn a_lost_connection_is_unreachable_at_once_and_afterwards() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let command = Command::argv(["sleep", "76.70331"]);
    let (result, ()) = tokio::join!(run(&host, command), async {
        let seen = tokio::task::spawn_blocking(|| processes::appeared("76.70331"));
        assert!(seen.await.expect("it looks"));
        farm.cut(0);
    });
    assert_eq!(result.expect_err("it is cut").kind, ErrorKind::Unreachable);
    assert_eq!(
        run(&host, Command::argv(["true"])).await.expect_err("it stays so").kind,
        ErrorKind::Unreachable
    );
    host.close().await;
    for process in processes::with_argument("76.70331") {
        processes::kill(process);
    }
}

#[tokio::test]
async fn an_idle_connection_that_is_lost_is_unreachable() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    text(&host, "true").await;
    farm.cut(0);
    assert_eq!(
        run(&host, Command::argv(["true"])).await.expect_err("it is cut").kind,
        ErrorKind::Unreachable
    );
}

#[tokio::test]
async fn closing_leaves_nothing_and_ends_the_connection() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    text(&host, "true").await;
    host.close().await;
    assert_eq!(
        run(&host, Command::argv(["true"])).await.expect_err("it is closed").kind,
        ErrorKind::Unreachable
    );
}

#[tokio::test]
async fn large_files_go_in_and_out_and_none_is_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let path = farm.host(0).folder.join("-a $b\n").display().to_string();
    let content: Vec<u8> =
        (0..20_u32 << 20).map(|number| (number.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
    let (length, cancel) = (content.len() as u64, CancellationToken::new());
    let other = async {
        for _ in 0..20 {
            assert_eq!(text(&host, "echo beside").await, "beside\n");
        }
    };
    let mut source = &content[..];
    let (uploaded, ()) = tokio::join!(host.upload(&mut source, length, &path, None, &cancel), other);
    let sum = format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(&content));
    assert_eq!(uploaded.expect("it is new"), Some(sum), "the host sums up what arrives");
    assert!(std::fs::read(&path).expect("it is there") == content);
    assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o7777, 0o600);
    let again = host.upload(&mut &b"other"[..], 5, &path, None, &cancel).await.expect_err("it exists");
    assert_eq!(again.kind, ErrorKind::Failed);
    assert!(again.message.ends_with("cannot be written: it exists"), "{again}");
    assert!(std::fs::read(&path).expect("it is there") == content, "it is untouched");
    let mut bytes = Vec::new();
    assert_eq!(host.download(&path, &mut bytes, None, &cancel).await.expect("it is read"), length);
    assert!(bytes == content);
    let missing = host.download("/no/such", &mut Vec::new(), None, &cancel).await.expect_err("there is none");
    assert!(missing.message.starts_with("`/no/such` cannot be read: "), "{missing}");
}

#[tokio::test]
async fn an_upload_that_is_cut_short_leaves_no_file() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let path = farm.host(0).folder.join("short");
    let shown = path.display().to_string();
    let error = host.upload(&mut &b"abc"[..], 5, &shown, None, &CancellationToken::new()).await;
    assert!(error.expect_err("too short").message.contains("got 3 of 5 bytes"));
    assert!(!path.exists());
    host.upload(&mut &b""[..], 0, &shown, None, &CancellationToken::new())
        .await
        .expect("an empty file is one");
    assert_eq!(std::fs::read(&path).expect("it is there"), b"");
}

#[tokio::test]
async fn a_shell_outlives_the_uploads_that_go_well() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    assert_eq!(text(&host, "echo first").await, "first\n");
    let cancel = CancellationToken::new();
    for (name, length) in [("empty", 0), ("small", 3), ("large", 3 << 20)] {
        let path = farm.host(0).folder.join(name);
        let content = vec![b'\n'; length];
        let before = host.traffic().round_trips;
        host.upload(&mut &content[..], length as u64, &path.display().to_string(), None, &cancel)
            .await
            .expect(name);
        assert_eq!(host.traffic().round_trips - before, 2, "{name}");
        assert_eq!(std::fs::read(&path).expect(name), content);
        assert_eq!(text(&host, "echo next").await, "next\n", "{name}");
        assert_eq!(host.traffic().round_trips - before, 3, "{name}: no other shell was opened");
    }
}

#[tokio::test]
async fn what_a_command_does_not_read_is_never_run() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let mark = farm.host(0).folder.join("mark");
    let hostile = format!("\n>'{}'\n", mark.display()).repeat(20_000).into_bytes();
    let (length, cancel) = (hostile.len() as u64, CancellationToken::new());
    for path in ["/no/such/folder/x", "/proc/x"] {
        host.upload(&mut &hostile[..], length, path, None, &cancel).await.expect_err(path);
    }
    for command in ["true", "exit 3", "head -c 7", "exec <&-"] {
        let output = run(&host, Command::shell(command).stdin(hostile.clone())).await;
        output.expect("it ends without reading");
    }
    assert_eq!(text(&host, "echo next").await, "next\n");
    host.close().await;
    assert!(!mark.exists(), "standard input was taken for commands");
}

#[tokio::test]
async fn another_user_has_shells_of_its_own() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let mut command = Command::shell("id -un; cat").stdin(b"in".to_vec());
    command.user = Some("nobody".into());
    assert_eq!(run(&host, command.clone()).await.expect("root may").stdout_text(), "nobody\nin");
    assert_eq!(text(&host, "id -un").await, format!("{}\n", farm.user()));
    command.program = Command::shell("sleep 77.70331").program;
    command.timeout = Some(Duration::from_millis(200));
    assert_eq!(run(&host, command.clone()).await.expect("a result").exit, Exit::TimedOut);
    assert!(processes::with_argument("77.70331").is_empty());
    command.user = Some("no-such-user-here".into());
    let refused = run(&host, command.clone()).await.expect_err("there is none");
    assert_eq!(refused.kind, ErrorKind::Denied, "{refused}");
    command.user = Some("a b".into());
    assert_eq!(run(&host, command).await.expect_err("no name").kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn an_upload_that_is_cancelled_leaves_no_file() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let path = farm.host(0).folder.join("half");
    let shown = path.display().to_string();
    let cancel = CancellationToken::new();
    let (mut source, mut feed) = tokio::io::duplex(1024);
    let stop = async {
        tokio::io::AsyncWriteExt::write_all(&mut feed, b"half").await.expect("it is taken");
        let there = path.clone();
        let seen = tokio::task::spawn_blocking(move || processes::until(|| there.exists()));
        assert!(seen.await.expect("it looks"), "the file is begun");
        cancel.cancel();
        drop(feed);
    };
    let (result, ()) = tokio::join!(host.upload(&mut source, 8, &shown, None, &cancel), stop);
    assert_eq!(result.expect_err("cancelled").kind, ErrorKind::Cancelled);
    assert!(!path.exists());
}

/// A `sudo` that wants the password `sesame`, as the real one behaves for `-n`, `-S` and `-p`.
const SUDO: &str = r#"#!/bin/sh
while [ "$1" != -- ]; do
  case $1 in -n) no=1 ;; -p) prompt=$2 ;; esac
  shift
done
[ -z "$no" ] || { echo 'sudo: a password is required' >&2; exit 1; }
printf %s "$prompt" >&2
IFS= read -r line
[ "$line" = sesame ] || { echo 'Sorry, try again.' >&2; printf %s "$prompt" >&2; read -r line; exit 1; }
shift
exec "$@"
"#;

#[tokio::test]
async fn sudo_is_given_its_password_and_a_wrong_one_is_denied() {
    use std::os::unix::fs::PermissionsExt;
    let programs = tempfile::tempdir().expect("a folder");
    let sudo = programs.path().join("sudo");
    std::fs::write(&sudo, SUDO).expect("it is written");
    std::fs::set_permissions(&sudo, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    let path = format!("SetEnv PATH={}:/usr/bin:/bin", programs.path().display());
    let farm = SshFarm::start_with(1, &FarmOptions { config: vec![path], ..FarmOptions::default() });
    let mut command = Command::shell("cat; echo as").stdin(b"in ".to_vec());
    command.user = Some("deploy".into());
    for (password, right) in [(None, false), (Some("wrong"), false), (Some("sesame"), true)] {
        let mut target = farm.target(0);
        target.sudo_password = password.map(|password| oneex_sdk::Secret::new(password.to_owned()));
        let connector = SshConnector::new(SshSettings::default());
        let host = connector.connect(&target, &CancellationToken::new()).await.expect("it lets us in");
        for _ in 0..2 {
            match run(&host, command.clone()).await {
                Ok(output) => assert_eq!((output.stdout_text().as_str(), right), ("in as\n", true)),
                Err(error) => {
                    assert_eq!((error.kind, right), (ErrorKind::Denied, false), "{error}");
                    assert!(error.hint.is_some_and(|hint| hint.contains("ansible_become_password")));
                }
            }
        }
        assert_eq!(text(&host, "echo mine").await, "mine\n");
    }
}

#[tokio::test]
async fn the_real_sudo_lets_in_refuses_and_changes_the_path() {
    use oneex_testkit::FarmUser;
    let denied = |message: &str, hint: &str| Err((message.to_owned(), hint.to_owned()));
    let with_path = |path: &str| Ok(format!("nobody {path}\n"));
    let (asks, free) = ("oneex-ops ALL=(nobody) ALL", "oneex-ops ALL=(nobody) NOPASSWD: ALL");
    for (sudoers, password, expected) in [
        (free.to_owned(), None, with_path("/usr/bin:/bin")),
        (free.to_owned(), Some("not asked for"), with_path("/usr/bin:/bin")),
        (format!("Defaults secure_path=/bin:/opt\n{free}"), None, with_path("/bin:/opt")),
        (asks.to_owned(), None, denied("a password is required", "set `ansible_become_password`")),
        (asks.to_owned(), Some("pw it's"), with_path("/usr/bin:/bin")),
        (asks.to_owned(), Some("wrong"), denied("try again", "the password is wrong")),
        (format!("Defaults passwd_tries=1\n{asks}"), Some("wrong"), denied("incorrect password", "is wrong")),
        (format!("Defaults requiretty\n{free}"), None, with_path("/usr/bin:/bin")),
        (format!("Defaults requiretty\n{asks}"), Some("pw it's"), with_path("/usr/bin:/bin")),
        (format!("Defaults requiretty\n{asks}"), Some("wrong"), denied("try again", "the password is wrong")),
        (format!("Defaults !env_reset\n{free}"), None, with_path("/usr/bin:/bin")),
        (format!("Defaults lecture=always\n{asks}"), Some("pw it's"), with_path("/usr/bin:/bin")),
        (String::new(), Some("pw it's"), denied("not in the sudoers file", "sudoers(5)")),
    ] {
        let farm = SshFarm::start_with(
            1,
            &FarmOptions {
                config: vec!["SetEnv PATH=/usr/bin:/bin".to_owned()],
                users: vec![FarmUser::new("oneex-ops", "pw it's")],
                sudoers: format!("{sudoers}\n"),
                ..FarmOptions::default()
            },
        );
        let mut target = farm.target(0);
        target.user = Some("oneex-ops".to_owned());
        target.sudo_password = password.map(|password| oneex_sdk::Secret::new(password.to_owned()));
        let connector = SshConnector::new(SshSettings::default());
        let host = connector.connect(&target, &CancellationToken::new()).await.expect("it lets us in");
        let mut command = Command::shell("echo \"$(id -un) $PATH\"");
        command.user = Some("nobody".to_owned());
        for _ in 0..2 {
            match (run(&host, command.clone()).await, &expected) {
                (Ok(output), Ok(said)) => assert_eq!(output.stdout_text(), *said, "{sudoers}"),
                (Err(error), Err((message, hint))) => {
                    assert_eq!(error.kind, ErrorKind::Denied, "{sudoers}: {error}");
                    assert!(error.message.contains(message), "{sudoers}: {error}");
                    assert!(error.hint.as_ref().is_some_and(|said| said.contains(hint)), "{error:?}");
                }
                (result, _) => panic!("{sudoers} with {password:?}: {result:?}"),
            }
        }
        assert_eq!(text(&host, "id -un").await, "oneex-ops\n", "{sudoers}");
    }
}

#[tokio::test]
async fn neither_the_login_shell_nor_what_it_says_matters() {
    use oneex_testkit::FarmUser;
    let noise = "echo noise; echo more noise >&2; cd /; alias sh 'false'";
    for (shell, start_up, text_of_it) in [
        ("/bin/dash", ".profile", "echo noise"),
        ("/bin/bash", ".bashrc", "echo noise; echo more noise >&2; cd /; set -u; alias sh=false; umask 777"),
        ("/usr/bin/fish", ".config/fish/config.fish", noise),
        ("/bin/tcsh", ".tcshrc", "echo noise; cd /; set noclobber"),
        ("/bin/csh", ".cshrc", "echo noise; cd /; set noglob"),
    ] {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join(start_up);
        std::fs::create_dir_all(folder.parent().expect("it has one")).expect("it is made");
        std::fs::write(&folder, format!("{text_of_it}\n")).expect("it is written");
        let open = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o777);
        std::fs::set_permissions(home.path(), open).expect("a mode");
        let farm = SshFarm::start_with(
            1,
            &FarmOptions {
                config: vec![format!("SetEnv HOME={} PATH=/usr/bin:/bin", home.path().display())],
                users: vec![FarmUser::new("oneex-ops", "pw").shell(shell)],
                sudoers: "oneex-ops ALL=(ALL) NOPASSWD: ALL\n".to_owned(),
                ..FarmOptions::default()
            },
        );
        let mut target = farm.target(0);
        target.user = Some("oneex-ops".to_owned());
        let connector = SshConnector::new(SshSettings::default());
        let host = connector.connect(&target, &CancellationToken::new()).await.expect("it lets us in");
        let words = ["a b", "$HOME", "!x", "it's", "*", "{a,b}", "\\\\", "ü"];
        for user in [None, Some("nobody")] {
            let mut command = Command::script("printf '%s|' \"$@\"; cat; echo err >&2; exit 3", words);
            command.user = user.map(str::to_owned);
            let output = run(&host, command.stdin(b"in".to_vec())).await.expect(shell);
            assert_eq!(output.stdout_text(), format!("{}|in", words.join("|")), "{shell} {user:?}");
            assert_eq!((output.stderr_text().as_str(), output.exit), ("err\n", Exit::Code(3)), "{shell}");
        }
        host.close().await;
    }
}

#[tokio::test]
async fn a_daemon_that_keeps_the_output_never_writes_into_another_commands() {
    use std::os::unix::fs::PermissionsExt;
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let folder = farm.host(0).folder.display().to_string();
    for (number, (begin, stream)) in [
        ("setsid", "1"),
        ("setsid", "2"),
        ("setsid setsid", "1"),
        ("setsid sh -c 'exec 7>&1 >/dev/null 2>&1; exec \"$@\"' sh", "7"),
        ("setsid sudo -n -u nobody", "1"),
    ]
    .into_iter()
    .enumerate()
    {
        let (go, wrote) = (format!("{folder}/go-{number}"), format!("{folder}/wrote-{number}"));
        std::fs::create_dir(&wrote).expect("a folder");
        std::fs::set_permissions(&wrote, std::fs::Permissions::from_mode(0o777)).expect("a mode");
        // It must be able to say that it wrote, wherever that went.
        let daemon = format!(
            "trap '' PIPE; until [ -e \"$1\" ]; do sleep 0.01; done; echo intruder >&{stream}; touch \"$2/x\""
        );
        let start = Command::script(
            format!("{begin} sh -c \"$3\" sh \"$1\" \"$2\" </dev/null & echo started"),
            [&go, &wrote, &daemon],
        );
        assert_eq!(
            run(&host, start).await.expect("it starts").stdout_text(),
            "started\n",
            "{begin} {stream}"
        );
        let text = "touch \"$1\"; until [ -e \"$2/x\" ]; do sleep 0.01; done; echo mine; echo mine too >&2";
        let mut next = Command::script(text, [&go, &wrote]);
        next.timeout = Some(Duration::from_secs(20));
        let output = run(&host, next).await.expect("it runs");
        assert_eq!(
            (output.stdout_text().as_str(), output.stderr_text().as_str()),
            ("mine\n", "mine too\n"),
            "{begin} {stream}"
        );
    }
}

#[tokio::test]
async fn a_daemon_that_keeps_nothing_costs_no_new_shell() {
    let farm = SshFarm::start(1);
    let host = connected(&farm).await;
    let mut daemon = Command::shell(
        "rm -f begun; setsid sh -c '>begun; exec sleep 64.70331' </dev/null >/dev/null 2>&1 & \
         until [ -e begun ]; do :; done; echo started",
    );
    daemon.cwd = Some(farm.host(0).folder.display().to_string());
    let mut costs = Vec::new();
    for _ in 0..20 {
        let before = host.traffic().round_trips;
        assert_eq!(run(&host, daemon.clone()).await.expect("it starts").stdout_text(), "started\n");
        costs.push(host.traffic().round_trips - before);
    }
    for process in processes::with_argument("64.70331") {
        processes::kill(process);
    }
    // A shell is given up where that is not certain: when the numbers of processes begin anew.
    let cheap = costs.iter().filter(|cost| **cost == 1).count();
    assert!(cheap > 10, "{costs:?}");
}
