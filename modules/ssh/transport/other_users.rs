//! The real `sudo`, `su` and `doas`, on servers where the users exist.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{
    BecomeMethod, CancellationToken, Command, CommandOutput, Connector, ErrorKind, Exit, OpResult, Secret,
    Transport,
};
use oneex_testkit::{FarmOptions, FarmUser, SshFarm, processes};

use crate::ssh::{SshConnector, SshSettings};

const OPS: &str = "oneex-ops";
const DEPLOY: &str = "oneex-deploy";
/// The password of the one that logs in, and of the one that is become.
const PASSWORDS: [&str; 2] = ["pw it's", "other $pw"];

/// A server where `oneex-ops` may become `oneex-deploy` as sudoers(5) and doas.conf(5) say.
fn farm(sudoers: &str, doas: &str, config: &[&str]) -> SshFarm {
    let shells = ["/bin/sh", "/bin/bash"];
    let users = [OPS, DEPLOY].iter().zip(PASSWORDS).zip(shells);
    let users = users.map(|((name, password), shell)| FarmUser::new(name, password).shell(shell)).collect();
    let config = config.iter().map(|line| (*line).to_owned()).collect();
    let (sudoers, doas) = (format!("{sudoers}\n"), format!("{doas}\n"));
    SshFarm::start_with(1, &FarmOptions { config, users, sudoers, doas, ..FarmOptions::default() })
}

/// A connection of `oneex-ops`.
async fn connected(farm: &SshFarm, method: BecomeMethod, password: Option<&str>) -> Arc<dyn Transport> {
    let mut target = farm.target(0);
    target.user = Some(OPS.to_owned());
    target.sudo_method = method;
    target.sudo_password = password.map(|password| Secret::new(password.to_owned()));
    let connector = SshConnector::new(SshSettings::default());
    connector.connect(&target, &CancellationToken::new()).await.expect("the host lets us in")
}

/// Runs it as `oneex-deploy`.
async fn run(host: &Arc<dyn Transport>, mut command: Command) -> OpResult<CommandOutput> {
    command.user = Some(DEPLOY.to_owned());
    let cancel = CancellationToken::new();
    let ran = tokio::time::timeout(Duration::from_secs(120), host.run(&command, &cancel));
    ran.await.unwrap_or_else(|_elapsed| panic!("`{}` hangs", command.shown()))
}

#[tokio::test]
async fn every_method_lets_in_or_refuses_at_once() {
    let [own, theirs] = PASSWORDS;
    let (free, asks) = ("oneex-ops ALL=(oneex-deploy) NOPASSWD: ALL", "oneex-ops ALL=(oneex-deploy) ALL");
    let (nopass, permit) = ("permit nopass oneex-ops as oneex-deploy", "permit oneex-ops as oneex-deploy");
    let (sudo, su, doas) = (BecomeMethod::Sudo, BecomeMethod::Su, BecomeMethod::Doas);
    for (method, rules, password, refusal) in [
        (sudo, free, None, ""),
        (sudo, asks, Some(own), ""),
        (sudo, asks, Some(theirs), "the password is wrong"),
        (sudo, asks, Some(""), "the password is wrong"),
        (su, "", Some(theirs), ""),
        (su, "", Some(own), "the password is wrong"),
        (su, "", None, "set `ansible_become_password` to the password of that user"),
        (doas, nopass, None, ""),
        (doas, nopass, Some(own), ""),
        (doas, permit, Some(own), ""),
        (doas, permit, Some(theirs), "the password is wrong"),
        (doas, permit, None, "`nopass` in doas.conf(5)"),
        (doas, "", Some(own), "doas.conf(5)"),
        (doas, "permit oneex-ops as oneex-deploy cmd /bin/true", Some(own), "doas.conf(5)"),
    ] {
        let rule = |of| if method == of { rules } else { "" };
        let farm = farm(rule(sudo), rule(doas), &[]);
        let host = connected(&farm, method, password).await;
        let shown = format!("{method:?}, {rules}, {password:?}");
        for _ in 0..2 {
            match run(&host, Command::shell("id -un; pwd; cat").stdin(b"in".to_vec())).await {
                Ok(output) => {
                    assert_eq!(
                        (output.stdout_text().as_str(), refusal),
                        ("oneex-deploy\n/\nin", ""),
                        "{shown}"
                    );
                }
                Err(error) => {
                    assert_eq!(error.kind, ErrorKind::Denied, "{shown}: {error}");
                    let hint = error.hint.clone().unwrap_or_default();
                    assert!(!refusal.is_empty() && hint.contains(refusal), "{shown}: {error:?}");
                    assert!(!error.message.contains("did not answer"), "{shown}: {error}");
                }
            }
        }
        let mine = host.run(&Command::shell("id -un"), &CancellationToken::new()).await.expect("it runs");
        assert_eq!(mine.stdout_text(), "oneex-ops\n", "{shown}");
    }
}

/// Every way that leads through another terminal, or a copying `sudo`.
const ODD: [(BecomeMethod, &str, Option<&str>); 6] = [
    (BecomeMethod::Sudo, "Defaults use_pty\noneex-ops ALL=(ALL) NOPASSWD: ALL", None),
    (BecomeMethod::Sudo, "Defaults requiretty\noneex-ops ALL=(ALL) NOPASSWD: ALL", None),
    (BecomeMethod::Sudo, "Defaults requiretty,use_pty\noneex-ops ALL=(ALL) NOPASSWD: ALL", None),
    (BecomeMethod::Sudo, "Defaults requiretty,use_pty\noneex-ops ALL=(ALL) ALL", Some(PASSWORDS[0])),
    (BecomeMethod::Su, "", Some(PASSWORDS[1])),
    (BecomeMethod::Doas, "", Some(PASSWORDS[0])),
];

#[tokio::test]
async fn streams_stay_apart_and_exact_however_the_user_is_become() {
    let every: Vec<u8> = (0..=255).collect();
    let input = every.repeat(2000);
    for (method, sudoers, password) in ODD {
        let farm = farm(sudoers, "permit oneex-ops as oneex-deploy", &[]);
        let host = connected(&farm, method, password).await;
        for size in [256, input.len()] {
            let command = Command::argv(["perl", "-e", "local $/; $_ = <STDIN>; print; print STDERR"])
                .stdin(input[..size].to_vec());
            let output = run(&host, command).await.unwrap_or_else(|error| panic!("{sudoers}: {error}"));
            assert!(output.stdout == input[..size], "{method:?} {sudoers}: {} bytes", output.stdout.len());
            assert!(output.stderr == input[..size], "{method:?} {sudoers}: {} bytes", output.stderr.len());
        }
        for (text, exit) in [
            ("exit 7", Exit::Code(7)),
            ("kill -9 $$", Exit::Signal("KILL".into())),
            ("exec 0<&- 1>&- 2>&-", Exit::Code(0)),
            ("exec </dev/tty", Exit::Code(2)),
        ] {
            let output = run(&host, Command::shell(text)).await.expect(text);
            assert_eq!(output.exit, exit, "{method:?} {sudoers}: {text}");
        }
    }
}

#[tokio::test]
async fn what_a_slow_terminal_says_is_no_output() {
    let folder = tempfile::tempdir().expect("a folder");
    // Hands on what the terminal says as late as a busy host does.
    let slow = "#!/bin/sh\n/usr/bin/script \"$@\" | perl -e \
                'while (sysread STDIN, $_, 4096) { select undef, undef, undef, 0.3; syswrite STDOUT, $_ }'\n";
    let script = folder.path().join("script");
    std::fs::write(&script, slow).expect("it is written");
    for path in [folder.path(), &script] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is opened");
    }
    let environment = format!("SetEnv PATH=\"{}:/usr/bin:/bin\"", folder.path().display());
    let farm = farm("", "permit oneex-ops as oneex-deploy", &[&environment]);
    let host = connected(&farm, BecomeMethod::Doas, Some(PASSWORDS[0])).await;
    let output = run(&host, Command::shell("echo out; sleep 1; echo err >&2")).await.expect("it runs");
    assert_eq!((output.stdout_text(), output.stderr_text()), ("out\n".into(), "err\n".into()));
}

#[tokio::test]
async fn nothing_is_left_of_what_another_user_ran() {
    for (number, (method, sudoers, password)) in ODD.into_iter().enumerate() {
        let farm = farm(sudoers, "permit oneex-ops as oneex-deploy", &[]);
        let host = connected(&farm, method, password).await;
        let seconds = format!("73{number}.41");
        // What is tidy is ended in another way, which is the same for all of these; the last has a password to type.
        let tidy = [0, ODD.len() - 1].contains(&number).then_some(true);
        for tidy in [false].into_iter().chain(tidy) {
            let text = format!("trap '' HUP TERM; sleep {seconds} & (sleep {seconds})");
            let mut command = Command::shell(text);
            command.tidy = tidy;
            command.timeout = Some(Duration::from_millis(300));
            let output = run(&host, command).await.expect("it is ended");
            assert_eq!(output.exit, Exit::TimedOut, "{sudoers}");
            assert!(processes::gone(&seconds), "{method:?} {sudoers}: the command outlived its time limit");
        }
        // What is tidy runs in the shell itself, which has a group of its own, however the user is become.
        let shell = || run(&host, Command::shell("echo $$").tidy());
        let (one, other) = (shell().await.expect("it runs"), shell().await.expect("it runs"));
        assert_eq!(one.stdout_text(), other.stdout_text(), "{method:?} {sudoers}");
        // Of the shells themselves, nothing outlives the connection.
        let id = run(&host, Command::shell("echo $PPID")).await.expect("it runs").stdout_text();
        let shell: u32 = id.trim().parse().expect("an id");
        host.close().await;
        assert!(processes::until(|| !processes::alive(shell)), "{method:?} {sudoers}: a shell is left");
    }
}

#[tokio::test]
async fn a_changed_path_does_no_harm() {
    for (sudoers, path) in [
        ("Defaults secure_path=/nowhere", ""),
        ("Defaults secure_path=/usr/bin:/bin", ""),
        ("Defaults !env_reset,env_keep+=PATH", "/opt/none:/usr/bin:/bin:/home/$x"),
        ("Defaults env_reset", "/usr/bin:/bin"),
    ] {
        let rules = format!("{sudoers}\noneex-ops ALL=(ALL) NOPASSWD: ALL");
        let environment = format!("SetEnv PATH=\"{path}\"");
        let config: Vec<&str> = if path.is_empty() { Vec::new() } else { vec![environment.as_str()] };
        let farm = farm(&rules, "", &config);
        let host = connected(&farm, BecomeMethod::Sudo, None).await;
        let result = run(&host, Command::shell("echo out; echo err >&2; exit 3")).await;
        let output = result.unwrap_or_else(|error| panic!("{sudoers}: {error}"));
        let told = (output.stdout_text(), output.stderr_text(), output.exit);
        assert_eq!(told, ("out\n".into(), "err\n".into(), Exit::Code(3)), "{sudoers}");
    }
}
