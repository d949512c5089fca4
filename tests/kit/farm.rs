//! Real sshd servers on loopback addresses, each farm with keys and a configuration of its own.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use oneex_sdk::{Target, Value};
use tempfile::TempDir;

use crate::accounts::{Accounts, FarmUser};
use crate::processes;

/// How many `ListenAddress` lines one sshd accepts (`MAX_LISTEN_SOCKS` in its source).
const ADDRESSES_PER_SERVER: usize = 16;
/// How long a server may take until it answers, and a process until it is gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// What differs from an ordinary farm.
#[derive(Debug, Clone, Default)]
pub struct FarmOptions {
    /// One sshd for every host, so that [`SshFarm::stop`] and [`SshFarm::cut`] touch one host only.
    pub separate: bool,
    /// Further lines of `sshd_config`; they come first and so win over the farm's own.
    pub config: Vec<String>,
    /// Users beside the one that runs the test, known to the servers only; needs root.
    pub users: Vec<FarmUser>,
    /// What sudoers(5) says where there are such users.
    pub sudoers: String,
    /// What doas.conf(5) says there.
    pub doas: String,
    /// BusyBox is all that the hosts have in `/usr/bin`, its `ash` is root's login shell, and no other folder is in
    /// `PATH`; needs root.
    pub busybox: bool,
    /// Programs that lie over the machine's: paths below `/usr`, as `sbin/shutdown`, and their scripts. The kernel's boot id is the
    /// farm's own there, see [`SshFarm::boot_anew`]. Needs root.
    pub programs: Vec<(String, String)>,
}

/// Hosts that answer SSH on `127.x.y.z`, ended when dropped.
///
/// Every host is this machine and this user, so a test that writes uses [`FarmHost::folder`].
/// Nothing is read from or written to the user's `~/.ssh`.
#[derive(Debug)]
pub struct SshFarm {
    dir: TempDir,
    servers: Vec<Server>,
    hosts: Vec<FarmHost>,
    user: String,
    accounts: Option<Accounts>,
}

/// One host of a farm.
#[derive(Debug, Clone)]
pub struct FarmHost {
    /// The name in the inventory: `h1`, `h2` ….
    pub name: String,
    /// Its loopback address.
    pub address: Ipv4Addr,
    /// The port that its sshd listens on.
    pub port: u16,
    /// Its host key as `ssh-ed25519 BASE64`.
    pub host_key: String,
    /// An empty folder of its own.
    pub folder: PathBuf,
    server: usize,
}

#[derive(Debug)]
struct Server {
    child: Child,
    config: PathBuf,
    log: PathBuf,
    addresses: Vec<SocketAddr>,
}

impl SshFarm {
    /// Starts `count` hosts; sixteen share one sshd.
    ///
    /// # Panics
    /// When `sshd` or `ssh-keygen` is missing, or a server does not come up.
    pub fn start(count: usize) -> Self {
        Self::start_with(count, &FarmOptions::default())
    }

    /// Starts `count` hosts, each with an sshd of its own, so that one can be stopped alone.
    ///
    /// # Panics
    /// As [`SshFarm::start`].
    pub fn start_separate(count: usize) -> Self {
        Self::start_with(count, &FarmOptions { separate: true, ..FarmOptions::default() })
    }

    /// Starts `count` hosts with options.
    ///
    /// # Panics
    /// As [`SshFarm::start`].
    pub fn start_with(count: usize, options: &FarmOptions) -> Self {
        let dir =
            tempfile::Builder::new().prefix("oneex-farm-").tempdir().expect("a temporary folder is made");
        let user = current_user();
        generate_key(&dir.path().join("client_key"));
        fs::copy(dir.path().join("client_key.pub"), dir.path().join("authorized_keys"))
            .expect("the key is copied");
        fs::create_dir(dir.path().join("home")).expect("the home of users is made");
        let accounts = Accounts::write(dir.path().join("accounts"), options);
        let mut farm = Self { dir, servers: Vec::new(), hosts: Vec::new(), user, accounts };
        let each = if options.separate { 1 } else { ADDRESSES_PER_SERVER };
        let numbers: Vec<usize> = (1..=count).collect();
        for chunk in numbers.chunks(each) {
            farm.start_server(chunk, options);
        }
        farm.write_known_hosts();
        farm
    }

    /// All hosts.
    pub fn hosts(&self) -> &[FarmHost] {
        &self.hosts
    }

    /// The host at `index`, from 0.
    pub fn host(&self, index: usize) -> &FarmHost {
        &self.hosts[index]
    }

    /// The user that logs in: the one that runs the test.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The farm's folder, removed with it: for further keys and files of a test.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The private key that every host accepts, without a passphrase.
    pub fn client_key(&self) -> PathBuf {
        self.dir.path().join("client_key")
    }

    /// A known_hosts file with the keys of all hosts.
    pub fn known_hosts(&self) -> PathBuf {
        self.dir.path().join("known_hosts")
    }

    /// The file whose keys every host lets in.
    pub fn authorized_keys(&self) -> PathBuf {
        self.dir.path().join("authorized_keys")
    }

    /// How the host at `index` is reached; complete, so that no file of the user is needed.
    pub fn target(&self, index: usize) -> Target {
        let host = self.host(index);
        Target {
            connection: "ssh".to_owned(),
            name: host.name.clone(),
            address: Some(host.address.to_string()),
            port: Some(host.port),
            user: Some(self.user.clone()),
            private_key_file: Some(self.client_key()),
            host_keys: vec![host.host_key.clone()],
            ..Target::default()
        }
    }

    /// An inventory of all hosts in Ansible's YAML. The group `web` holds them all. The variable
    /// `folder` is the host's folder. The hosts' keys are in [`SshFarm::known_hosts`].
    pub fn inventory_yaml(&self) -> String {
        let mut text = String::from("all:\n  vars:\n");
        let _ = writeln!(text, "    ansible_connection: ssh\n    ansible_user: {}", self.user);
        let _ = writeln!(text, "    ansible_ssh_private_key_file: {}", yaml(&self.client_key()));
        text.push_str("  children:\n    web:\n      hosts:\n");
        for host in &self.hosts {
            let _ = writeln!(text, "        {}:", host.name);
            let _ = writeln!(text, "          ansible_host: {}", host.address);
            let _ = writeln!(text, "          ansible_port: {}", host.port);
            let _ = writeln!(text, "          folder: {}", yaml(&host.folder));
        }
        text
    }

    /// Cuts every open connection of the host's sshd, which goes on listening. Commands that were
    /// running stay, as when a network fails. Hosts that share the sshd are cut with it.
    pub fn cut(&self, index: usize) {
        self.sessions(index).into_iter().for_each(processes::kill);
    }

    /// Has every open connection of the host's sshd stand still, until it is cut.
    pub fn freeze(&self, index: usize) {
        self.sessions(index).into_iter().for_each(processes::freeze);
    }

    /// The processes that serve its connections.
    fn sessions(&self, index: usize) -> Vec<u32> {
        let all = processes::descendants(self.servers[self.host(index).server].child.id()).into_iter();
        all.filter(|process| processes::name(*process).is_some_and(|name| name.starts_with("sshd"))).collect()
    }

    /// Stops the host's sshd and cuts its connections; commands that were running stay, as when the server alone is
    /// stopped. Hosts that share the sshd are stopped with it.
    pub fn halt(&mut self, index: usize) {
        let server = self.host(index).server;
        // First the one that would go on to accept.
        let sessions = self.sessions(index);
        let _ = self.servers[server].child.kill();
        sessions.into_iter().for_each(processes::kill);
        let _ = self.servers[server].child.wait();
    }

    /// Stops the host's sshd and kills all that it started. Hosts that share the sshd stop with it.
    pub fn stop(&mut self, index: usize) {
        let server = self.host(index).server;
        self.servers[server].stop();
    }

    /// Starts the host's sshd again, after [`SshFarm::stop`], on the same address.
    pub fn restart(&mut self, index: usize) {
        let server = self.host(index).server;
        self.servers[server].stop();
        let server = &mut self.servers[server];
        server.child = spawn(&server.config, &server.log, self.accounts.as_ref());
        assert!(server.answers(), "sshd did not come up again: {}", server.log_text());
    }

    /// Gives the hosts another boot id, as a restart does, where they have programs of their own.
    ///
    /// # Panics
    /// Where they have none.
    pub fn boot_anew(&self) {
        self.accounts.as_ref().expect("the farm has programs of its own").boot_anew();
    }

    /// What the host's sshd wrote to its log.
    pub fn log(&self, index: usize) -> String {
        self.servers[self.host(index).server].log_text()
    }

    fn start_server(&mut self, numbers: &[usize], options: &FarmOptions) {
        let number = self.servers.len();
        let path = |name: &str| self.dir.path().join(format!("{name}-{number}"));
        let host_key_file = path("host_key");
        generate_key(&host_key_file);
        let public = fs::read_to_string(host_key_file.with_extension("pub")).expect("the public key is read");
        let host_key = public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        for _attempt in 0..20 {
            let addresses = free_addresses(numbers.len());
            let config = path("sshd_config");
            let log = path("log");
            fs::write(&config, self.config_text(&addresses, &host_key_file, options))
                .expect("the config is written");
            let mut server =
                Server { child: spawn(&config, &log, self.accounts.as_ref()), config, log, addresses };
            if !server.answers() {
                let text = server.log_text();
                assert!(text.contains("Address already in use"), "sshd did not come up: {text}");
                continue;
            }
            for (at, address) in numbers.iter().zip(&server.addresses) {
                let SocketAddr::V4(address) = address else { unreachable!("only IPv4 addresses are made") };
                let name = format!("h{at}");
                let folder = self.dir.path().join("hosts").join(&name);
                fs::create_dir_all(&folder).expect("the folder of the host is made");
                let (address, port) = (*address.ip(), address.port());
                self.hosts.push(FarmHost {
                    name,
                    address,
                    port,
                    host_key: host_key.clone(),
                    folder,
                    server: number,
                });
            }
            self.servers.push(server);
            return;
        }
        panic!("no free loopback address was found in 20 attempts");
    }

    fn config_text(&self, addresses: &[SocketAddr], host_key: &Path, options: &FarmOptions) -> String {
        let mut text = options.config.iter().map(|line| format!("{line}\n")).collect::<String>();
        for address in addresses {
            let _ = writeln!(text, "ListenAddress {address}");
        }
        let _ = writeln!(text, "HostKey {}", host_key.display());
        // What the user's own start-up files do is no part of a test, and may take its time.
        let path = if options.busybox { " PATH=/usr/bin:/bin" } else { "" };
        let _ = writeln!(text, "SetEnv HOME={}{path}", self.dir.path().join("home").display());
        let _ = writeln!(text, "AuthorizedKeysFile {}", self.authorized_keys().display());
        text.push_str(
            "PidFile none\nUsePAM no\nStrictModes no\nUseDNS no\nPermitRootLogin yes\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPubkeyAuthentication yes\n\
             PrintMotd no\nPrintLastLog no\nLogLevel VERBOSE\n",
        );
        // Of this one the last counts, not the first.
        if !options.config.iter().any(|line| line.starts_with("MaxStartups ")) {
            text.push_str("MaxStartups 1000\n");
        }
        text
    }

    fn write_known_hosts(&self) {
        let lines =
            self.hosts.iter().map(|host| format!("[{}]:{} {}\n", host.address, host.port, host.host_key));
        fs::write(self.known_hosts(), lines.collect::<String>()).expect("known_hosts is written");
    }
}

impl Drop for SshFarm {
    fn drop(&mut self) {
        for server in &mut self.servers {
            server.stop();
        }
    }
}

impl Server {
    /// Waits until every address answers; false when the server ended instead.
    fn answers(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut open = self.addresses.clone();
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            open.retain(|address| TcpStream::connect_timeout(address, PATIENCE).is_err());
            if open.is_empty() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("sshd does not answer on {open:?}: {}", self.log_text());
    }

    fn stop(&mut self) {
        let children = processes::descendants(self.child.id());
        let _ = self.child.kill();
        let _ = self.child.wait();
        for process in children {
            processes::kill(process);
        }
    }

    fn log_text(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

fn spawn(config: &Path, log: &Path, accounts: Option<&Accounts>) -> Child {
    let sshd = binary("sshd");
    if current_user() == "root" {
        // Where OpenSSH was built with this folder for its unprivileged part, it refuses to start without it.
        fs::create_dir_all("/run/sshd").expect("`/run/sshd` is made");
    }
    accounts
        .map_or_else(|| Command::new(&sshd), |accounts| accounts.command(&sshd))
        .args(["-D", "-f"])
        .arg(config)
        .arg("-E")
        .arg(log)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sshd starts")
}

/// Finds a program in `PATH` or where servers are installed; sshd insists on its absolute path.
pub(crate) fn binary(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/usr/bin"].map(PathBuf::from));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("`{name}` is not installed: these tests need the OpenSSH server and client")
    })
}

/// Makes an ed25519 key pair without a passphrase at `file` and `file.pub`.
pub(crate) fn generate_key(file: &Path) {
    let output = Command::new(binary("ssh-keygen"))
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "farm", "-f"])
        .arg(file)
        .output()
        .expect("ssh-keygen starts");
    assert!(output.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
}

/// Addresses of one random network in 127.0.0.0/8 with a port that is free on the first.
fn free_addresses(count: usize) -> Vec<SocketAddr> {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish().to_le_bytes();
    let network = [127, 1 + random[0] % 254, random[1]];
    let first = 1 + random[2] % 200;
    let at = |number: usize| {
        Ipv4Addr::new(network[0], network[1], network[2], first + u8::try_from(number).unwrap_or(0))
    };
    let listener = TcpListener::bind((at(0), 0)).expect("a loopback address can be bound");
    let port = listener.local_addr().expect("a listener has an address").port();
    (0..count).map(|number| SocketAddr::from((at(number), port))).collect()
}

fn current_user() -> String {
    let output = Command::new("id").arg("-un").output().expect("`id` runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn yaml(path: &Path) -> String {
    Value::from(path.to_string_lossy()).to_string()
}

#[cfg(test)]
mod tests {
    use super::{FarmOptions, SshFarm};
    use std::net::TcpStream;
    use std::process::Command;

    fn ssh(farm: &SshFarm, index: usize, command: &str) -> std::process::Output {
        let host = farm.host(index);
        Command::new("ssh")
            .args(["-F", "none", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o"])
            .arg(format!("UserKnownHostsFile={}", farm.known_hosts().display()))
            .arg("-i")
            .arg(farm.client_key())
            .args(["-p", &host.port.to_string(), &format!("{}@{}", farm.user(), host.address), command])
            .output()
            .expect("ssh runs")
    }

    #[test]
    fn every_host_of_a_large_farm_answers() {
        let farm = SshFarm::start(18);
        assert_eq!(farm.hosts().len(), 18);
        assert_eq!(farm.servers.len(), 2);
        for index in [0, 15, 17] {
            let output = ssh(&farm, index, "echo up");
            assert_eq!(String::from_utf8_lossy(&output.stdout), "up\n", "{}", farm.log(index));
        }
        assert!(farm.inventory_yaml().contains("        h18:\n          ansible_host: 127."));
    }

    #[test]
    fn a_separate_host_is_stopped_alone_and_starts_again() {
        let mut farm = SshFarm::start_separate(2);
        let address = |index: usize| (farm.host(index).address, farm.host(index).port);
        let (first, second) = (address(0), address(1));
        farm.stop(0);
        assert!(TcpStream::connect(first).is_err());
        assert!(TcpStream::connect(second).is_ok());
        farm.restart(0);
        assert!(ssh(&farm, 0, "true").status.success());
    }

    #[test]
    fn further_lines_of_the_configuration_win() {
        let options =
            FarmOptions { config: vec!["ForceCommand echo forced".into()], ..FarmOptions::default() };
        let farm = SshFarm::start_with(1, &options);
        assert_eq!(String::from_utf8_lossy(&ssh(&farm, 0, "echo up").stdout), "forced\n");
    }

    #[test]
    fn nothing_is_left_when_it_is_dropped() {
        let farm = SshFarm::start(1);
        let (server, dir) = (farm.servers[0].child.id(), farm.dir().to_path_buf());
        drop(farm);
        assert!(!crate::processes::alive(server));
        assert!(!dir.exists());
    }
}
