//! Who is let in, and by whom: against real servers.

use std::process::Command as Process;
use std::sync::Arc;
use std::time::Duration;

use oneex_sdk::{
    CancellationToken, Command, Connector, ErrorKind, OpError, OpResult, Secret, Target, Transport,
};
use oneex_testkit::{FarmOptions, FarmUser, SshFarm};

use super::SshConnector;
use crate::ssh::{SshSettings, StrictHostKeys};

async fn connect(target: &Target, settings: SshSettings) -> OpResult<Arc<dyn Transport>> {
    SshConnector::new(settings).connect(target, &CancellationToken::new()).await
}

async fn refused(target: &Target, settings: SshSettings) -> OpError {
    match connect(target, settings).await {
        Ok(_) => panic!("it must not be let in"),
        Err(error) => error,
    }
}

fn generate(farm: &SshFarm, name: &str, passphrase: &str) -> std::path::PathBuf {
    let file = farm.dir().join(name);
    let made = Process::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-a", "1", "-N", passphrase, "-f"])
        .arg(&file)
        .status()
        .expect("ssh-keygen runs");
    assert!(made.success());
    file
}

/// What ssh-keygen(1) shows of a public key.
fn fingerprint(farm: &SshFarm, key: &str) -> String {
    let file = farm.dir().join("shown.pub");
    std::fs::write(&file, key).expect("it is written");
    let shown = Process::new("ssh-keygen").arg("-lf").arg(&file).output().expect("ssh-keygen runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    shown.split_whitespace().nth(1).expect("a fingerprint").to_owned()
}

fn with_known(file: std::path::PathBuf) -> SshSettings {
    SshSettings { known_hosts: vec![file], ..SshSettings::default() }
}

#[tokio::test]
async fn a_key_in_a_known_hosts_file_is_accepted_also_when_it_is_hashed() {
    let farm = SshFarm::start(1);
    let target = Target { host_keys: Vec::new(), ..farm.target(0) };
    assert!(connect(&target, with_known(farm.known_hosts())).await.is_ok());
    let hashed =
        Process::new("ssh-keygen").arg("-H").arg("-f").arg(farm.known_hosts()).output().expect("it runs");
    assert!(hashed.status.success());
    assert!(std::fs::read_to_string(farm.known_hosts()).expect("it is read").starts_with("|1|"));
    assert!(connect(&target, with_known(farm.known_hosts())).await.is_ok());
}

#[tokio::test]
async fn unknown_changed_and_revoked_keys_are_refused_and_say_what_to_do() {
    let farm = SshFarm::start(1);
    let host = farm.host(0).clone();
    let target = Target { host_keys: Vec::new(), ..farm.target(0) };
    let file = farm.dir().join("known");
    let unknown = refused(&target, with_known(file.clone())).await;
    assert_eq!(unknown.kind, ErrorKind::Denied);
    let begin = format!(
        "the host key of `{}` port {} is not known: it shows `ssh-ed25519 SHA256:",
        host.address, host.port
    );
    assert!(unknown.message.starts_with(&begin), "{unknown}");
    assert!(unknown.hint.is_some_and(|hint| hint.contains("ssh-keyscan")));

    let other =
        std::fs::read_to_string(generate(&farm, "other", "").with_extension("pub")).expect("it is read");
    std::fs::write(&file, format!("\n[{}]:{} {other}", host.address, host.port)).expect("it is written");
    for strict in [StrictHostKeys::Yes, StrictHostKeys::AcceptNew] {
        let changed = refused(&target, SshSettings { strict, ..with_known(file.clone()) }).await;
        assert_eq!(changed.kind, ErrorKind::Denied);
        assert!(changed.message.contains("has changed"), "{changed}");
        assert!(changed.message.contains(&format!("({}:2)", file.display())), "{changed}");
        for key in [&host.host_key, &other] {
            let shown = fingerprint(&farm, key);
            assert!(changed.message.contains(&shown), "{shown}: {changed}");
        }
    }

    std::fs::write(&file, format!("@revoked * {}\n", host.host_key)).expect("it is written");
    for strict in [StrictHostKeys::Yes, StrictHostKeys::AcceptNew, StrictHostKeys::No] {
        let revoked = refused(&target, SshSettings { strict, ..with_known(file.clone()) }).await;
        assert!(revoked.message.contains("is revoked"), "{revoked}");
    }

    // Nothing is certified here, so that an authority vouches for nothing, and nothing is remembered beside it.
    let text = format!("@cert-authority * {other}");
    std::fs::write(&file, &text).expect("it is written");
    for strict in [StrictHostKeys::Yes, StrictHostKeys::AcceptNew] {
        let authority = refused(&target, SshSettings { strict, ..with_known(file.clone()) }).await;
        assert_eq!(authority.kind, ErrorKind::Denied);
        assert!(authority.message.contains("by a certificate authority only"), "{authority}");
        assert!(authority.hint.is_some_and(|hint| hint.contains(&fingerprint(&farm, &host.host_key))));
        assert_eq!(std::fs::read_to_string(&file).expect("it is read"), text);
    }
    let both = format!("{text}[{}]:{} {}\n", host.address, host.port, host.host_key);
    std::fs::write(&file, both).expect("it is written");
    assert!(connect(&target, with_known(file)).await.is_ok(), "the key itself is known too");
}

#[tokio::test]
async fn a_new_key_is_remembered_where_that_is_asked_for() {
    let farm = SshFarm::start(1);
    let target = Target { host_keys: Vec::new(), ..farm.target(0) };
    let file = farm.dir().join("fresh").join("known");
    let settings = SshSettings { strict: StrictHostKeys::AcceptNew, ..with_known(file.clone()) };
    assert!(connect(&target, settings).await.is_ok());
    assert!(connect(&target, with_known(file)).await.is_ok());
}

#[tokio::test]
async fn a_wrong_key_is_denied_and_says_what_the_host_offers() {
    let farm = SshFarm::start(1);
    let stranger = generate(&farm, "stranger", "");
    let target = Target { private_key_file: Some(stranger.clone()), ..farm.target(0) };
    let error = refused(&target, SshSettings::default()).await;
    assert_eq!(error.kind, ErrorKind::Denied);
    let said = format!("it offers publickey; tried: `{}`", stranger.display());
    assert!(error.message.ends_with(&said), "{error}");
}

#[tokio::test]
async fn a_password_is_refused() {
    let options = FarmOptions { config: vec!["PasswordAuthentication yes".into()], ..FarmOptions::default() };
    let farm = SshFarm::start_with(1, &options);
    let password = Some(Secret::new("not-the-password".to_owned()));
    let target = Target { private_key_file: None, password, ..farm.target(0) };
    let error = refused(&target, SshSettings::default()).await;
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.ends_with("tried: the password"), "{error}");
    assert!(!error.message.contains("not-the-password"));
}

#[tokio::test]
async fn a_password_lets_in_directly_and_as_an_answer() {
    let ways = [
        ("UsePAM no", "PasswordAuthentication yes", "KbdInteractiveAuthentication no"),
        ("UsePAM yes", "PasswordAuthentication no", "KbdInteractiveAuthentication yes"),
        ("UsePAM yes", "PasswordAuthentication yes", "KbdInteractiveAuthentication yes"),
    ];
    for (pam, direct, answer) in ways {
        let config = [pam, direct, answer].map(str::to_owned).to_vec();
        let users = vec![FarmUser::new("oneex-ops", "päss w0rd"), FarmUser::new("oneex-other", "other")];
        let farm = SshFarm::start_with(1, &FarmOptions { config, users, ..FarmOptions::default() });
        let target = |password: &str| Target {
            user: Some("oneex-ops".into()),
            private_key_file: None,
            password: Some(Secret::new(password.to_owned())),
            ..farm.target(0)
        };
        let host = connect(&target("päss w0rd"), SshSettings::default())
            .await
            .unwrap_or_else(|error| panic!("{direct}, {answer}: {error}\n{}", farm.log(0)));
        let output = host.run(&Command::shell("id -un"), &CancellationToken::new()).await.expect("it runs");
        assert_eq!(output.stdout_text(), "oneex-ops\n", "{direct}, {answer}");
        host.close().await;

        let error = refused(&target("other"), SshSettings::default()).await;
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
        assert_eq!(
            error.message.contains("the password,"),
            direct.ends_with("yes") && answer.ends_with("yes"),
            "{error}"
        );
        assert_eq!(error.message.contains("keyboard-interactive)"), answer.ends_with("yes"), "{error}");
    }
}

#[tokio::test]
async fn an_encrypted_key_needs_its_passphrase() {
    let farm = SshFarm::start(1);
    let key = generate(&farm, "locked", "open sesame");
    std::fs::copy(key.with_extension("pub"), farm.authorized_keys()).expect("it is allowed in");
    let mut target = Target { private_key_file: Some(key), ..farm.target(0) };
    assert!(refused(&target, SshSettings::default()).await.message.contains("is encrypted"));
    target.options.insert("ansible_ssh_private_key_passphrase".into(), "wrong".into());
    assert!(refused(&target, SshSettings::default()).await.message.contains("the passphrase is wrong"));
    target.options.insert("ansible_ssh_private_key_passphrase".into(), "open sesame".into());
    assert!(connect(&target, SshSettings::default()).await.is_ok());
}

#[tokio::test]
async fn the_agent_is_asked() {
    let farm = SshFarm::start(1);
    let socket = farm.dir().join("agent");
    let mut agent = Process::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("ssh-agent starts");
    let added = oneex_testkit::processes::until(|| {
        let add =
            Process::new("ssh-add").arg("-q").arg(farm.client_key()).env("SSH_AUTH_SOCK", &socket).output();
        add.is_ok_and(|output| output.status.success())
    });
    let target = Target { private_key_file: None, ..farm.target(0) };
    let settings = SshSettings { agent_socket: Some(socket), ..SshSettings::default() };
    let connected = connect(&target, settings).await.map(|_| ());
    agent.kill().and_then(|()| agent.wait()).expect("it ends");
    assert!(added && connected.is_ok(), "{connected:?}");
}

#[tokio::test]
async fn hosts_that_do_not_answer_are_unreachable() {
    let mut farm = SshFarm::start(1);
    farm.stop(0);
    let error = refused(&farm.target(0), SshSettings::default()).await;
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let target = Target { address: Some("127.0.0.1".into()), port: Some(port), ..farm.target(0) };
    let settings = SshSettings { connect_timeout: Duration::from_millis(200), ..SshSettings::default() };
    let error = refused(&target, settings).await;
    assert_eq!(
        (error.kind, error.message.contains("does not answer within 0.2 s")),
        (ErrorKind::Unreachable, true)
    );
}

#[tokio::test]
async fn many_hosts_are_reached_at_once_through_the_registry() {
    let farm = SshFarm::start(20);
    let mut registry = oneex_sdk::Registry::default();
    crate::register(&mut registry, crate::Settings::default());
    let connector = Arc::clone(registry.connector_named("ssh").expect("it is registered"));
    let cancel = CancellationToken::new();
    let all = (0..20).map(|index| {
        let (connector, target, cancel) = (Arc::clone(&connector), farm.target(index), cancel.clone());
        async move {
            let host = connector.connect(&target, &cancel).await?;
            host.run(&Command::shell("echo \"$SSH_CONNECTION\""), &cancel).await
        }
    });
    let outputs = futures_util::future::join_all(all).await;
    for (index, output) in outputs.into_iter().enumerate() {
        let output = output.expect("it is reached").stdout_text();
        assert!(output.contains(&farm.host(index).address.to_string()), "{output}");
    }
}
