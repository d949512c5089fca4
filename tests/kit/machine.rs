//! A whole machine: systemd as process 1 in namespaces of its own, on a copy of this machine's disk.

mod remote;

pub use remote::RemoteMachine;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use oneex_sdk::Target;
use tempfile::TempDir;

use crate::farm::{binary, generate_key};
use crate::processes;
use crate::relay::Relay;

const HYPERVISOR: &str = include_str!("machine/hypervisor.sh");
const PREPARE: &str = include_str!("machine/prepare.sh");
const BOOT: &str = include_str!("machine/boot.sh");

/// What its sshd is told; the keys are in `/etc/ssh` as well.
const SSHD: &str = "ListenAddress 127.0.0.1:22\nHostKey /etc/ssh/oneex_host_key\nPidFile none\nUsePAM no\n\
                    AuthorizedKeysFile /etc/ssh/oneex_authorized_keys\nStrictModes no\nUseDNS no\n\
                    PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
                    MaxStartups 1000\nPrintMotd no\nPrintLastLog no\n";

/// How long a boot, or an end, may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Debian machine with systemd, an sshd and a network of its own, gone when dropped.
///
/// Its disk is an overlay in memory over this machine's root, so it has every program that is installed here
/// and may be changed at will. Its kernel is this machine's. A restart that it asks for is a real one: process 1
/// ends, and the kit boots the disk again.
#[derive(Debug)]
pub struct Machine {
    folder: TempDir,
    hypervisor: Child,
    relay: Relay,
    host_key: String,
}

impl Machine {
    /// Boots a machine and waits until all of it runs.
    ///
    /// # Panics
    /// Without root, systemd, sshd or util-linux, or when the machine does not come up.
    pub fn boot() -> Self {
        assert!(rustix::process::geteuid().is_root(), "a machine needs the rights of root");
        let programs = ["/lib/systemd/systemd", "/sbin/shutdown", "/usr/sbin/sshd", "/usr/bin/nsenter"];
        for program in programs {
            assert!(Path::new(program).exists(), "a machine needs `{program}`: run `tests/setup.sh`");
        }
        let folder = tempfile::Builder::new().prefix("oneex-machine-").tempdir().expect("a temporary folder");
        let (keys, stage) = (folder.path().join("keys"), folder.path().join("stage"));
        for path in [&keys, &stage] {
            std::fs::create_dir(path).expect("a folder");
        }
        generate_key(&keys.join("oneex_host_key"));
        generate_key(&keys.join("client_key"));
        std::fs::rename(keys.join("client_key.pub"), keys.join("oneex_authorized_keys")).expect("a key");
        std::fs::write(keys.join("oneex_config"), SSHD).expect("the configuration of sshd");
        let public = std::fs::read_to_string(keys.join("oneex_host_key.pub")).expect("the host's key");
        let mut hypervisor = Command::new(binary("unshare"))
            .args(["--mount", "sh", "-c", HYPERVISOR, "sh"])
            .args([&stage, &keys])
            .args([PREPARE, BOOT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`unshare` runs");
        let mut said = String::new();
        let stdout = hypervisor.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut said).expect("the hypervisor speaks");
        let id = hypervisor.id();
        let host_key = public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let machine =
            Self { folder, hypervisor, relay: Relay::open(22, move || first_process(id)), host_key };
        assert_eq!(said, "ready\n", "no machine can be made: overlay, cgroup2 and mounting are needed");
        machine.wait_until_up();
        machine
    }

    /// How it is reached by SSH, as root; complete, so that no file of the user is needed.
    pub fn target(&self) -> Target {
        let address = self.relay.address();
        Target {
            connection: "ssh".to_owned(),
            name: "machine".to_owned(),
            address: Some(address.ip().to_string()),
            port: Some(address.port()),
            user: Some("root".to_owned()),
            private_key_file: Some(self.client_key()),
            host_keys: vec![self.host_key.clone()],
            ..Target::default()
        }
    }

    /// The private key that root of the machine accepts.
    pub fn client_key(&self) -> PathBuf {
        self.folder.path().join("keys/client_key")
    }

    /// The machine's key as a line of a known_hosts file.
    pub fn known_host(&self) -> String {
        let address = self.relay.address();
        format!("[{}]:{} {}\n", address.ip(), address.port(), self.host_key)
    }

    /// Its disk, as this machine sees it; what lies in memory there (`/run`, `/tmp`, `/dev`) is not.
    pub fn disk(&self) -> PathBuf {
        self.stage("disk")
    }

    /// What of its disk is not as on this machine: each file that was made or changed.
    pub fn changed_files(&self) -> PathBuf {
        self.stage("upper")
    }

    /// How often it was started.
    pub fn boots(&self) -> usize {
        1 + std::fs::read_to_string(self.stage("boots")).unwrap_or_default().lines().count()
    }

    /// Runs a text for `sh` as root on the machine, not by SSH.
    pub fn shell(&self, text: &str) -> Output {
        let first = first_process(self.hypervisor.id()).expect("the machine runs").to_string();
        Command::new(binary("nsenter"))
            .args(["--target", &first, "--all", "env", "-i"])
            .args(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"])
            .args(["sh", "-c", text])
            .stdin(Stdio::null())
            .output()
            .expect("`nsenter` runs")
    }

    /// What a text for `sh` says on the machine, without line breaks at its end.
    ///
    /// # Panics
    /// When it fails.
    pub fn says(&self, text: &str) -> String {
        let output = self.shell(text);
        let stdout = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        assert!(output.status.success(), "{text}: {stdout}{}", String::from_utf8_lossy(&output.stderr));
        stdout
    }

    /// Waits until systemd has started everything and sshd answers.
    ///
    /// # Panics
    /// When two minutes pass.
    pub fn wait_until_up(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = String::new();
        while Instant::now() < deadline {
            if first_process(self.hypervisor.id()).is_some() {
                let output = self.shell("systemctl is-system-running 2>&1");
                seen = String::from_utf8_lossy(&output.stdout).into_owned();
                if matches!(seen.trim(), "running" | "degraded") && self.sshd_answers() {
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut said = std::fs::read_to_string(self.stage("said")).unwrap_or_default();
        if first_process(self.hypervisor.id()).is_some() {
            let more = self.shell("systemctl list-jobs; systemctl --failed; journalctl -n 50 --no-pager");
            said.push_str(&String::from_utf8_lossy(&more.stdout));
        }
        panic!("the machine did not come up: {seen}{said}");
    }

    fn sshd_answers(&self) -> bool {
        let mut begin = [0; 4];
        let stream = TcpStream::connect(self.relay.address());
        stream.and_then(|mut stream| stream.read_exact(&mut begin)).is_ok() && begin == *b"SSH-"
    }

    /// The stage is mounted in the hypervisor's namespace alone.
    fn stage(&self, name: &str) -> PathBuf {
        let seen = self.folder.path().join("stage").join(name);
        PathBuf::from(format!("/proc/{}/root{}", self.hypervisor.id(), seen.display()))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let inside = processes::descendants(self.hypervisor.id());
        drop(self.hypervisor.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.hypervisor.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.hypervisor.kill();
        let _ = self.hypervisor.wait();
        inside.into_iter().for_each(processes::kill);
    }
}

/// The process below `hypervisor` that is the first of a process namespace; the `NSpid` of proc(5) ends in 1.
fn first_process(hypervisor: u32) -> Option<u32> {
    processes::descendants(hypervisor).into_iter().find(|process| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
        let numbers: Vec<&str> = numbers.split_whitespace().collect();
        numbers.len() > 1 && numbers.last() == Some(&"1")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::{Machine, first_process};
    use crate::processes;

    #[test]
    fn it_boots_restarts_and_leaves_nothing() {
        let machine = Machine::boot();
        assert_eq!(machine.says("hostname; cat /proc/1/comm"), "machine\nsystemd");
        assert_eq!(machine.says("ls -A /sys/class/net"), "lo");
        machine.says("echo kept >/srv/note; echo lost >/run/note");
        assert_eq!(std::fs::read_to_string(machine.disk().join("srv/note")).expect("a file"), "kept\n");
        assert!(!std::path::Path::new("/srv/note").exists());

        let boot_id = machine.says("cat /proc/sys/kernel/random/boot_id");
        machine.shell("shutdown -r now");
        assert!(processes::until(|| machine.boots() == 2), "it ended once");
        machine.wait_until_up();
        assert_ne!(machine.says("cat /proc/sys/kernel/random/boot_id"), boot_id);
        assert_eq!(machine.says("cat /srv/note; ls /run/note || true"), "kept");

        let (folder, hypervisor) = (machine.folder.path().to_owned(), machine.hypervisor.id());
        let inside = processes::descendants(hypervisor);
        assert!(inside.len() > 4, "systemd and its services: {inside:?}");
        drop(machine);
        assert!(inside.into_iter().all(|process| !processes::alive(process)));
        assert!(!folder.exists());
        assert!(!std::fs::read_to_string("/proc/mounts").expect("mounts").contains("oneex-machine"));
    }

    #[test]
    fn machines_do_not_see_each_other() {
        let (one, other) = (Machine::boot(), Machine::boot());
        assert_ne!(one.target().port, other.target().port);
        assert_ne!(one.says("cat /etc/machine-id"), other.says("cat /etc/machine-id"));
        let namespace = |machine: &Machine, name: &str| {
            let first = first_process(machine.hypervisor.id()).expect("it runs");
            std::fs::metadata(format!("/proc/{first}/ns/{name}")).expect("a namespace").ino()
        };
        for name in ["mnt", "pid", "uts", "ipc", "net", "cgroup"] {
            assert_ne!(namespace(&one, name), namespace(&other, name), "{name}");
        }
        one.says("systemctl stop ssh");
        assert!(!one.sshd_answers() && other.sshd_answers());
    }
}
