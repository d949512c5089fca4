//! Every way in, against real servers.

use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};

use oneex_sdk::{CancellationToken, Command, ErrorKind, OpError, OpResult, Secret, Transport};
use oneex_testkit::{FarmOptions, FarmUser, SshFarm, processes};

use crate::elevation::Elevation;
use crate::ssh::resolve::resolve;
use crate::ssh::{HostSettings, IdentityFile, Login, SshConnector, SshSettings};

const PASSPHRASE: &str = "open sesame";

/// A farm of one host with these lines of configuration, and a user with the password `pw`.
fn farm(config: &[&str]) -> SshFarm {
    let config = config.iter().map(|line| (*line).to_owned()).collect();
    let users = vec![FarmUser::new("oneex-ops", "pw")];
    SshFarm::start_with(1, &FarmOptions { config, users, ..FarmOptions::default() })
}

/// Makes a key below the farm's folder; ssh-keygen(1) is given the words.
fn generate(farm: &SshFarm, name: &str, words: &str, passphrase: &str) -> PathBuf {
    let file = farm.dir().join(name);
    let made = Process::new("ssh-keygen")
        .args(["-q", "-C", name, "-a", "1", "-N", passphrase, "-f"])
        .arg(&file)
        .args(words.split_whitespace())
        .status();
    assert!(made.expect("ssh-keygen runs").success(), "{words}");
    file
}

/// Lets the key in.
fn allow(farm: &SshFarm, key: &Path) {
    let mut keys = std::fs::read_to_string(farm.authorized_keys()).expect("it is read");
    keys += &std::fs::read_to_string(key.with_extension("pub")).expect("it is read");
    std::fs::write(farm.authorized_keys(), keys).expect("it is written");
}

fn files(paths: &[&Path], named: bool) -> Vec<IdentityFile> {
    paths.iter().map(|path| IdentityFile { path: path.to_path_buf(), named }).collect()
}

async fn enter_as(farm: &SshFarm, user: &str, login: Login) -> OpResult<()> {
    let host = resolve(&SshSettings::default(), &farm.target(0)).expect("it is resolved");
    let host = HostSettings { user: user.to_owned(), login, ..host };
    let host = SshConnector::new(SshSettings::default()).open(host, Elevation::default()).await?;
    let ran = host.run(&Command::argv(["id", "-un"]), &CancellationToken::new()).await;
    assert_eq!(ran.expect("it runs").stdout_text(), format!("{user}\n"));
    Ok(())
}

async fn enter(farm: &SshFarm, login: Login) -> OpResult<()> {
    enter_as(farm, farm.user(), login).await
}

fn refused(result: OpResult<()>) -> OpError {
    let error = result.expect_err("it must not be let in");
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    error
}

fn password(word: &str) -> Option<Secret<String>> {
    Some(Secret::new(word.to_owned()))
}

/// An agent of its own, ended when dropped.
struct Agent {
    socket: PathBuf,
    child: Child,
}

impl Agent {
    fn start(farm: &SshFarm) -> Self {
        let socket = farm.dir().join("agent");
        let mut agent = Process::new("ssh-agent");
        agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
        let child = agent.spawn().expect("ssh-agent starts");
        let agent = Self { socket, child };
        assert!(processes::until(|| agent.socket.exists()), "the agent does not come up");
        agent
    }

    /// Adds a key, and the certificate beside it; the passphrase comes from a program, as there is no terminal.
    fn add(&self, farm: &SshFarm, key: &Path) {
        use std::os::unix::fs::PermissionsExt;
        let ask = farm.dir().join("ask");
        std::fs::write(&ask, format!("#!/bin/sh\necho '{PASSPHRASE}'\n")).expect("it is written");
        std::fs::set_permissions(&ask, std::fs::Permissions::from_mode(0o700)).expect("it can be run");
        let added = Process::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .env("SSH_ASKPASS", &ask)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .output()
            .expect("ssh-add runs");
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn every_kind_of_key_in_every_format_lets_in() {
    let farm = farm(&["PubkeyAcceptedAlgorithms -ssh-rsa"]);
    let kinds = ["ed25519", "ecdsa -b 256", "ecdsa -b 384", "ecdsa -b 521", "rsa -b 2048", "rsa -b 3072"];
    for (number, kind) in kinds.into_iter().enumerate() {
        let mut formats = vec![""];
        // ssh-keygen of OpenSSH 9 writes ed25519 in its own format only.
        formats.extend(["-m PEM", "-m PKCS8"].into_iter().filter(|_| kind != "ed25519"));
        for format in formats {
            for passphrase in ["", PASSPHRASE] {
                let name = format!("key-{number}{}-{}", format.replace(' ', ""), passphrase.len());
                let key = generate(&farm, &name, &format!("-t {kind} {format}"), passphrase);
                allow(&farm, &key);
                std::fs::remove_file(key.with_extension("pub")).expect("it is not needed");
                let identity_files = files(&[&key], true);
                let login = Login { identity_files, passphrase: password(PASSPHRASE), ..Login::default() };
                let entered = enter(&farm, login).await;
                assert!(entered.is_ok(), "{kind} {format} {passphrase}: {entered:?}");
            }
        }
    }
}

#[tokio::test]
async fn rsa_keys_sign_with_what_the_server_takes() {
    // As ssh(1) does, the first that both know is taken, also where the server's user may not use it.
    for algorithm in ["rsa-sha2-512", "rsa-sha2-256,rsa-sha2-512"] {
        let farm = farm(&[&format!("PubkeyAcceptedAlgorithms {algorithm}")]);
        let key = generate(&farm, "rsa", "-t rsa -b 2048", "");
        allow(&farm, &key);
        let agent = Agent::start(&farm);
        agent.add(&farm, &key);
        let by_file = Login { identity_files: files(&[&key], true), ..Login::default() };
        let by_agent = Login { agent: Some(agent.socket.clone()), ..Login::default() };
        for login in [by_file, by_agent] {
            let entered = enter(&farm, login).await;
            assert!(entered.is_ok(), "{algorithm}: {entered:?}");
        }
    }
}

#[tokio::test]
async fn certificates_let_in_from_files_and_from_the_agent() {
    for kind in ["ed25519", "ecdsa -b 384", "rsa -b 2048"] {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = folder.path().join("authority");
        let made =
            Process::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&authority).status();
        assert!(made.expect("ssh-keygen runs").success());
        let trusted = format!("TrustedUserCAKeys {}.pub", authority.display());
        let farm = SshFarm::start_with(1, &FarmOptions { config: vec![trusted], ..FarmOptions::default() });
        let key = generate(&farm, "key", &format!("-t {kind}"), "");
        let plain = Login { identity_files: files(&[&key], true), ..Login::default() };
        let error = refused(enter(&farm, plain.clone()).await);
        assert!(error.message.ends_with(&format!("tried: `{}`", key.display())), "{error}");

        let sign = |principal: &str| {
            let mut sign = Process::new("ssh-keygen");
            sign.args(["-q", "-I", "someone", "-n", principal, "-s"])
                .arg(&authority)
                .arg(key.with_extension("pub"));
            assert!(sign.status().expect("ssh-keygen runs").success());
        };
        sign(farm.user());
        assert!(enter(&farm, plain.clone()).await.is_ok(), "{kind}: beside the key");
        let agent = Agent::start(&farm);
        agent.add(&farm, &key);
        let beside = farm.dir().join("key-cert.pub");
        let elsewhere = farm.dir().join("certificate");
        std::fs::rename(&beside, &elsewhere).expect("it is there");
        let by_agent = Login { agent: Some(agent.socket.clone()), ..Login::default() };
        let entered = enter(&farm, by_agent.clone()).await;
        if kind.starts_with("rsa") {
            let error = refused(entered);
            assert!(
                error.message.contains("of an RSA key, which libssh2 can use from a file only"),
                "{error}"
            );
        } else {
            assert!(entered.is_ok(), "{kind}: by the agent");
        }
        let listed = Login { certificate_files: vec![elsewhere.clone()], ..plain.clone() };
        assert!(enter(&farm, listed.clone()).await.is_ok(), "{kind}: named");
        let only = Login { identities_only: true, agent: by_agent.agent, ..listed };
        assert!(enter(&farm, only).await.is_ok(), "{kind}: named, and held by the agent");

        sign("nobody-else");
        let error = refused(enter(&farm, plain).await);
        let both = format!("tried: `{0}` with `{0}-cert.pub` (for `nobody-else`), `{0}`", key.display());
        assert!(error.message.ends_with(&both), "{error}");
    }
}

#[tokio::test]
async fn a_host_that_wants_several_ways_gets_them_in_a_row() {
    for (methods, more) in [
        ("publickey,password", "password"),
        ("publickey,keyboard-interactive", "keyboard-interactive"),
        ("publickey,password publickey,keyboard-interactive", "password,keyboard-interactive"),
        ("password,publickey", ""),
    ] {
        let pam = if methods.contains("keyboard") { "UsePAM yes" } else { "UsePAM no" };
        let farm = farm(&[
            &format!("AuthenticationMethods {methods}"),
            pam,
            "PasswordAuthentication yes",
            "KbdInteractiveAuthentication yes",
        ]);
        let key = farm.client_key();
        let login = |word: &str| Login {
            identity_files: files(&[&key], true),
            password: password(word),
            ..Login::default()
        };
        let entered = enter_as(&farm, "oneex-ops", login("pw")).await;
        assert!(entered.is_ok(), "{methods}: {entered:?}");
        let error = refused(enter_as(&farm, "oneex-ops", login("wrong")).await);
        let expected = match more {
            "" => "it offers password; tried: the password".to_owned(),
            more => format!("it took `{}` and asks for {more} too; tried: the password", key.display()),
        };
        assert!(error.message.contains(&expected), "{methods}: {error}");
        let error = refused(enter_as(&farm, "oneex-ops", Login { password: None, ..login("") }).await);
        assert!(error.message.ends_with("tried: nothing, as nothing was configured"), "{methods}: {error}");
    }
}

#[tokio::test]
async fn two_keys_in_a_row_are_two_keys() {
    let farm = farm(&["AuthenticationMethods publickey,publickey"]);
    let second = generate(&farm, "second", "-t ed25519", "");
    let key = farm.client_key();
    let login = |paths: &[&Path]| Login { identity_files: files(paths, true), ..Login::default() };
    refused(enter(&farm, login(&[&key])).await);
    refused(enter(&farm, login(&[&key, &second])).await);
    allow(&farm, &second);
    assert!(enter(&farm, login(&[&key, &second])).await.is_ok());
}

#[tokio::test]
async fn the_right_key_of_many_is_found() {
    let farm = farm(&["MaxAuthTries 4"]);
    let agent = Agent::start(&farm);
    for number in 0..6 {
        agent.add(&farm, &generate(&farm, &format!("stranger-{number}"), "-t ed25519", ""));
    }
    let key = generate(&farm, "right", "-t ed25519", PASSPHRASE);
    allow(&farm, &key);
    agent.add(&farm, &key);
    let asked = Login { agent: Some(agent.socket.clone()), ..Login::default() };
    let error = refused(enter(&farm, asked.clone()).await);
    assert!(
        error.message.contains("hung up") && error.message.contains("the agent's key `stranger-0`"),
        "{error}"
    );
    assert!(error.hint.is_some_and(|hint| hint.contains("MaxAuthTries")));
    let public = key.with_extension("pub");
    // The key is encrypted and no passphrase is known: it is the agent that signs.
    for (path, named, identities_only) in [
        (&key, true, false),
        (&key, false, false),
        (&key, false, true),
        (&public, true, true),
        (&public, false, false),
    ] {
        let identity_files = files(&[path], named);
        let entered = enter(&farm, Login { identity_files, identities_only, ..asked.clone() }).await;
        assert!(entered.is_ok(), "{} {named} {identities_only}: {entered:?}", path.display());
    }
    let only = Login { identity_files: files(&[&farm.client_key()], false), identities_only: true, ..asked };
    assert!(enter(&farm, only).await.is_ok(), "the agent's six others were tried");
}

#[tokio::test]
async fn what_cannot_be_used_says_why() {
    let farm = farm(&[]);
    let locked = generate(&farm, "locked", "-t ed25519", PASSPHRASE);
    let broken = farm.dir().join("broken");
    std::fs::write(&broken, "-----BEGIN OPENSSH PRIVATE KEY-----\n!!\n").expect("it is written");
    let public = generate(&farm, "public", "-t ed25519", "").with_extension("pub");
    let missing = farm.dir().join("missing");
    for (path, passphrase, expected) in [
        (&locked, None, "is encrypted and no passphrase is set"),
        (&locked, password("wrong"), "cannot be used: the passphrase is wrong"),
        (&broken, None, "cannot be used: its format is not supported"),
        (&public, None, "(a public key, and the agent does not have it)"),
        (&missing, None, "cannot be read"),
    ] {
        let login = Login { identity_files: files(&[path], true), passphrase, ..Login::default() };
        let error = refused(enter(&farm, login).await);
        assert!(error.message.contains(expected), "{error}");
    }
    let gone = Login { agent: Some(farm.dir().join("no-agent")), ..Login::default() };
    let error = refused(enter(&farm, gone).await);
    assert!(error.message.contains("no-agent` (it does not answer)"), "{error}");
    let usual =
        Login { identity_files: files(&[&missing, &locked, &farm.client_key()], false), ..Login::default() };
    assert!(enter(&farm, usual).await.is_ok(), "the usual files are passed over where they are of no use");
}

/// A person who gives these answers, the last one first.
#[derive(Debug)]
struct Person(std::sync::Mutex<Vec<&'static str>>);

impl crate::AskSecret for Person {
    fn passphrase(&self, _: &Path, _: bool) -> Option<Secret<String>> {
        self.0.lock().expect("nobody failed").pop().map(|text| Secret::new(text.to_owned()))
    }
}

#[tokio::test]
async fn a_passphrase_is_asked_once_for_all_hosts() {
    let farm = farm(&[]);
    let key = generate(&farm, "locked", "-t ed25519", PASSPHRASE);
    allow(&farm, &key);
    for (answers, expected) in [
        (&[PASSPHRASE][..], Ok(())),
        (&[PASSPHRASE, "wrong", "wronger"], Ok(())),
        // A host that begins late, when nobody is left to be asked, is told so and not that it is wrong.
        (&[PASSPHRASE, "a", "b", "c"], Err("passphrase")),
        (&[PASSPHRASE, ""], Err("is encrypted and no passphrase is set")),
        (&[], Err("is encrypted and no passphrase is set")),
    ] {
        let settings = SshSettings::default();
        settings.entered.set_person(std::sync::Arc::new(Person(std::sync::Mutex::new(answers.to_vec()))));
        let login = Login { identity_files: files(&[&key], true), ..Login::default() };
        let host = resolve(&settings, &farm.target(0)).expect("it is resolved");
        let host = HostSettings { login, ..host };
        let connector = SshConnector::new(settings);
        let opened = (0..6).map(|_| connector.open(host.clone(), Elevation::default()));
        for opened in futures_util::future::join_all(opened).await {
            match (opened, expected) {
                (Ok(_), Ok(())) => {}
                (Err(error), Err(said)) => assert!(error.message.contains(said), "{answers:?}: {error}"),
                (opened, _) => panic!("{answers:?}: {:?}", opened.map(|_| ())),
            }
        }
    }
}

/// A port that leads to a host, until that has said so many bytes; then both ends are closed.
fn cut_after(farm: &SshFarm, bytes: usize) -> std::net::SocketAddr {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let host = (farm.host(0).address, farm.host(0).port);
    std::thread::spawn(move || {
        let (ours, _) = listener.accept()?;
        let theirs = TcpStream::connect(host)?;
        let (mut from, mut to) = (ours.try_clone()?, theirs.try_clone()?);
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let mut said = (&theirs).take(bytes as u64);
        let mut buffer = [0; 4096];
        while let count @ 1.. = said.read(&mut buffer)? {
            (&ours).write_all(&buffer[..count])?;
        }
        ours.shutdown(Shutdown::Both)?;
        theirs.shutdown(Shutdown::Both)
    });
    address
}

#[tokio::test]
async fn a_connection_that_is_cut_while_logging_in_is_unreachable_wherever_it_is_cut() {
    let farm = farm(&[]);
    let strangers = ["one", "two"].map(|name| generate(&farm, name, "-t ed25519", ""));
    let key = farm.client_key();
    let mut late = 0;
    for bytes in (100..).step_by(90) {
        assert!(bytes < 10_000, "it is never let in");
        let address = cut_after(&farm, bytes);
        let host = resolve(&SshSettings::default(), &farm.target(0)).expect("it is resolved");
        let identity_files = files(&[&strangers[0], &strangers[1], &key], true);
        let login = Login { identity_files, ..Login::default() };
        let host = HostSettings { host_name: address.ip().to_string(), port: address.port(), login, ..host };
        match SshConnector::new(SshSettings::default()).open(host, Elevation::default()).await {
            Ok(_) => break,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Unreachable, "after {bytes} bytes: {error}");
                late += usize::from(error.message.contains("tried: "));
            }
        }
    }
    assert!(late > 0, "no cut was between two keys");
}
