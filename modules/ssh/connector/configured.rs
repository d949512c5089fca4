//! What `~/.ssh/config` says takes effect: against a real server, with a home of its own.

mod certificates;
mod silence;

use std::fs;
use std::process::{Command as Process, Stdio};
use std::sync::{Arc, Mutex};

use oneex_sdk::{CancellationToken, Command, Connector, OpError, Target, Transport};
use oneex_testkit::{FarmOptions, SshFarm, processes};

use crate::ssh::{
    ConfigSource, Machine, ProjectSettings, SshConnector, SshSettings, StrictHostKeys, Warnings,
};

struct Site {
    farm: SshFarm,
    home: tempfile::TempDir,
    warned: Arc<Mutex<Vec<String>>>,
}

impl Site {
    fn start() -> Self {
        Self::with(&[])
    }

    /// The same with further lines of sshd_config.
    fn with(config: &[&str]) -> Self {
        let config = config.iter().map(|line| (*line).to_owned()).collect();
        let farm = SshFarm::start_with(1, &FarmOptions { config, ..FarmOptions::default() });
        let home = tempfile::tempdir().expect("a home");
        fs::create_dir(home.path().join(".ssh")).expect("a folder");
        Self { farm, home, warned: Arc::default() }
    }

    /// Connects to `web` with these lines after what every host needs; gives what the host says.
    async fn enter(&self, lines: &str, options: &[(&str, &str)]) -> Result<String, OpError> {
        self.enter_of(ProjectSettings::default(), lines, options).await
    }

    /// The same in a project.
    async fn enter_of(
        &self,
        project: ProjectSettings,
        lines: &str,
        options: &[(&str, &str)],
    ) -> Result<String, OpError> {
        let transport = self.open(project, lines, options).await?;
        let output =
            transport.run(&Command::shell("echo $SSH_CONNECTION"), &CancellationToken::new()).await?;
        transport.close().await;
        Ok(output.stdout_text())
    }

    /// A connection to `web`.
    async fn open(
        &self,
        project: ProjectSettings,
        lines: &str,
        options: &[(&str, &str)],
    ) -> Result<Arc<dyn Transport>, OpError> {
        let host = self.farm.host(0);
        let config = format!(
            "Host web\nHostName {}\nPort {}\nUser {}\nIdentityFile {}\n{lines}\nUserKnownHostsFile ~/known\n\
             StrictHostKeyChecking accept-new\n",
            host.address,
            host.port,
            self.farm.user(),
            self.farm.client_key().display()
        );
        fs::write(self.home.path().join(".ssh/config"), config).expect("it is written");
        let warned = Arc::clone(&self.warned);
        let settings = SshSettings {
            machine: Machine {
                home: Some(self.home.path().to_owned()),
                uid: rustix::process::getuid().as_raw(),
                ..Machine::default()
            },
            project,
            config: ConfigSource::Usual { system: "/nowhere".into() },
            warnings: Warnings::new(move |text| warned.lock().expect("a lock").push(text.to_owned())),
            ..SshSettings::default()
        };
        let mut target = Target { name: "web".into(), ..Target::default() };
        target.options.extend(options.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
        SshConnector::new(settings).connect(&target, &CancellationToken::new()).await
    }

    fn known(&self) -> String {
        fs::read_to_string(self.home.path().join("known")).unwrap_or_default()
    }
}

#[tokio::test]
async fn what_ssh_config_says_takes_effect() {
    let site = Site::start();
    let from = site.enter("HashKnownHosts yes\nHostKeyAlias theirs\nBindAddress 127.0.0.77", &[]).await;
    assert!(from.expect("it is reached").starts_with("127.0.0.77 "), "the local address");
    assert!(site.known().starts_with("|1|") && site.known().lines().count() == 1, "{}", site.known());
    let again =
        "HostKeyAlias theirs\nStrictHostKeyChecking yes\nCompression yes\nCiphers aes256-gcm@openssh.com";
    assert!(site.enter(again, &[]).await.is_ok(), "the key is known by its alias");
    for (lines, options, said) in [
        ("StrictHostKeyChecking yes", [].as_slice(), "is not known"),
        ("StrictHostKeyChecking yes", &[("ansible_host_key_checking", "true")], "is not known"),
        ("AddressFamily inet6", &[], "no address of the wanted family"),
        ("Ciphers none-of-these", &[], "leaves nothing that oneex supports"),
        ("PubkeyAuthentication no", &[], "does not let"),
        ("Prot 1", &[], "/.ssh/config:6: `prot` is no keyword"),
        ("ProxyCommand exit 3", &[], ""),
        ("", &[("ansible_ssh_common_args", "-L 1:a:2")], "`ansible_ssh_common_args` of `web`"),
        ("", &[("ansible_ssh_args", "-o Port=1")], "port 1"),
        ("", &[("ansible_timeout", "soon")], "`ansible_timeout` of `web` must be a whole number of seconds"),
        ("", &[("ansible_ssh_common_args", "-F /no/such/file")], "/no/such/file: it cannot be read"),
    ] {
        let error = site.enter(lines, options).await.expect_err(lines);
        assert!(error.message.contains(said), "{lines} {options:?}: {error}");
    }
    site.enter("StrictHostKeyChecking no\nSetEnv A=1\nForwardX11 yes", &[]).await.expect("it is reached");
    let warned = site.warned.lock().expect("a lock").join("\n");
    assert!(warned.contains("`SetEnv` (") && warned.contains("/.ssh/config:7)"), "{warned}");
    assert!(
        warned.contains("`StrictHostKeyChecking no` holds for `web`") && !warned.contains("X11"),
        "{warned}"
    );
}

#[tokio::test]
async fn the_project_comes_between_the_inventory_and_ssh_config() {
    let site = Site::start();
    let known = site.home.path().join("of 100% the project");
    let project = |strict| ProjectSettings {
        known_hosts: vec![known.clone()],
        strict: Some(strict),
        ..ProjectSettings::default()
    };
    let refused = site.enter_of(project(StrictHostKeys::Yes), "", &[]).await.expect_err("it is not known");
    assert!(refused.message.contains("is not known"), "ssh_config says `accept-new`: {refused}");
    assert!(refused.hint.is_some_and(|hint| hint.ends_with(&known.display().to_string())));
    site.enter_of(project(StrictHostKeys::Yes), "", &[("ansible_host_key_checking", "false")])
        .await
        .expect("the inventory says that nothing is checked");
    assert!(!known.exists(), "what was not checked is not remembered");
    site.enter_of(project(StrictHostKeys::AcceptNew), "StrictHostKeyChecking yes", &[])
        .await
        .expect("the project takes new ones");
    assert!(known.exists() && site.known().is_empty(), "it is remembered where the project says");
    site.enter("", &[("ansible_ssh_executable", "/opt/ssh"), ("ansible_pipelining", "yes")])
        .await
        .expect("it is reached");
    let warned = site.warned.lock().expect("a lock").clone();
    assert_eq!(warned.len(), 2, "{warned:?}");
    assert!(warned[0].starts_with("`StrictHostKeyChecking no` holds for `web`"), "{warned:?}");
    assert_eq!(warned[1], "`ansible_ssh_executable` of `web` (no `ssh` is started) has no effect");
}

/// A server that takes connections and never says anything.
#[tokio::test]
async fn whoever_sets_a_limit_on_connecting_is_heard_in_order() {
    let site = Site::start();
    let silent = std::net::TcpListener::bind((site.farm.host(0).address, 0)).expect("a socket");
    let port = format!("-p {}", silent.local_addr().expect("an address").port());
    let project = |millis| ProjectSettings {
        connect_timeout: Some(std::time::Duration::from_millis(millis)),
        ..ProjectSettings::default()
    };
    let args = ("ansible_ssh_common_args", port.as_str());
    let first = ("ansible_ssh_args", "-o ConnectTimeout=1");
    for (project, lines, options, seconds) in [
        (project(200), "ConnectTimeout 60", [args].as_slice(), "0.2"),
        (project(60_000), "ConnectTimeout 60", &[args, ("ansible_timeout", "1")], "1"),
        (project(60_000), "ConnectTimeout 60", &[args, ("ansible_timeout", "50"), first], "1"),
        (ProjectSettings::default(), "ConnectTimeout 1", &[args], "1"),
    ] {
        let error = site.enter_of(project, lines, options).await.expect_err("nobody answers");
        let wanted = format!("does not answer within {seconds} s");
        assert!(error.message.ends_with(&wanted), "{lines} {options:?}: {error}");
    }
}

#[tokio::test]
async fn what_is_chosen_for_the_wire_is_what_the_server_sees() {
    // The server tells what was agreed on when it is told to say more.
    let site = Site::with(&["LogLevel DEBUG1"]);
    for (lines, agreed) in [
        ("", "compression: none"),
        ("Compression yes", "compression: zlib@openssh.com"),
        ("Compression no", "compression: none"),
        ("KexAlgorithms ecdh-sha2-nistp256", "kex: algorithm: ecdh-sha2-nistp256"),
        ("KexAlgorithms -curve25519*", "kex: algorithm: ecdh-sha2-nistp"),
        ("Ciphers aes128-ctr\nMACs hmac-sha2-512", "cipher: aes128-ctr MAC: hmac-sha2-512 "),
        ("Ciphers aes256-ctr\nMACs hmac-sha2-256-etm@openssh.com", "MAC: hmac-sha2-256-etm@openssh.com"),
        ("Ciphers ^aes256-ctr", "cipher: aes256-ctr "),
        ("HostKeyAlgorithms ssh-ed25519", "kex: host key algorithm: ssh-ed25519"),
    ] {
        let before = site.farm.log(0).len();
        site.enter(lines, &[]).await.expect(lines);
        assert!(processes::until(|| site.farm.log(0)[before..].contains(agreed)), "{lines}: no `{agreed}`");
    }
}

#[tokio::test]
async fn every_known_hosts_file_is_looked_in_and_the_first_is_written_to() {
    let site = Site::start();
    let host = site.farm.host(0);
    let file = |name: &str| site.home.path().join(name);
    let line = format!("[{}]:{} {}\n", host.address, host.port, host.host_key);
    let several = "UserKnownHostsFile ~/one ~/two";
    fs::write(file("two"), &line).expect("it is written");
    let strict = format!("{several}\nStrictHostKeyChecking yes");
    site.enter(&strict, &[]).await.expect("the second file knows the host");
    assert!(!file("one").exists(), "there was nothing to add");
    fs::write(file("two"), "").expect("it is written");
    site.enter(&strict, &[]).await.expect_err("nobody knows the host now");
    site.enter(several, &[]).await.expect("a new key is taken");
    assert_eq!(fs::read_to_string(file("one")).expect("it is there"), line);
    fs::write(file("one"), format!("@revoked * {}\n", host.host_key)).expect("it is written");
    fs::write(file("two"), &line).expect("it is written");
    let refused = site.enter(&strict, &[]).await.expect_err("one file revokes what the other knows");
    assert!(refused.message.contains("is revoked"), "{refused}");
}

#[tokio::test]
async fn the_agent_is_the_one_that_is_named_and_offers_what_may_be_offered() {
    let site = Site::start();
    let (spare, socket) = (site.home.path().join("spare"), site.home.path().join("agent"));
    let made = Process::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&spare).status();
    assert!(made.is_ok_and(|status| status.success()), "ssh-keygen runs");
    fs::copy(spare.with_extension("pub"), site.farm.authorized_keys()).expect("it alone lets in");
    let mut agent = Process::new("ssh-agent");
    let mut agent = agent.args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn().expect("it starts");
    let added = processes::until(|| {
        let add = Process::new("ssh-add").arg("-q").arg(&spare).env("SSH_AUTH_SOCK", &socket).output();
        add.is_ok_and(|output| output.status.success())
    });
    let mut wrong = Vec::new();
    for (lines, enters) in [
        ("", false),
        ("IdentityAgent none", false),
        ("IdentityAgent ~/nobody", false),
        ("IdentityAgent ~/agent", true),
        ("IdentityAgent %d/agent", true),
        ("IdentityAgent ~/agent\nPreferredAuthentications password", false),
        ("IdentityAgent ~/agent\nIdentitiesOnly yes", false),
        ("IdentityAgent ~/agent\nIdentitiesOnly yes\nIdentityFile ~/spare.pub", true),
        ("IdentityFile ~/spare", true),
        ("IdentitiesOnly yes\nIdentityFile ~/nobody\nIdentityFile ~/spare", true),
    ] {
        let entered = site.enter(lines, &[]).await;
        if entered.is_ok() != enters {
            wrong.push(format!("{lines}: {entered:?}"));
        }
    }
    agent.kill().and_then(|()| agent.wait()).expect("it ends");
    assert!(added && wrong.is_empty(), "{}", wrong.join("\n"));
}
