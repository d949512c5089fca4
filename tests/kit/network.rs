//! A network of two: where a test's program runs, and a host with its own sshd, each in a network namespace,
//! with one link between them that can go down.
//!
//! The machine's own network is not touched, so that the addresses may always be the same. Needs root. Everything
//! is gone with the processes that hold the namespaces, which end with the test's process at the latest.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::farm::{binary, generate_key};
use crate::processes;

/// The two ends of the link: addresses for tests of networks (RFC 2544), which nothing else has.
const HERE: &str = "198.18.0.1";
const THERE: &str = "198.18.0.2";

/// A host behind a link.
///
/// Its files are those of this machine, so a test that writes uses [`Network::folder`].
#[derive(Debug)]
pub struct Network {
    dir: TempDir,
    server: Child,
    here: Namespace,
    there: Namespace,
}

/// A network namespace, held by a process.
#[derive(Debug)]
struct Namespace(Child);

impl Network {
    /// Starts the host; the link is up.
    ///
    /// # Panics
    /// Without root, and when something that is needed is missing or does not come up.
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("oneex-network-").tempdir().expect("a temporary folder");
        let (here, there) = (Namespace::new(), Namespace::new());
        let peer = there.0.id().to_string();
        here.ip(&["link", "add", "link0", "type", "veth", "peer", "name", "link0", "netns", &peer]);
        for (namespace, address) in [(&here, HERE), (&there, THERE)] {
            namespace.ip(&["link", "set", "lo", "up"]);
            namespace.ip(&["address", "add", &format!("{address}/30"), "dev", "link0"]);
            namespace.ip(&["link", "set", "link0", "up"]);
        }
        for name in ["host", "home"] {
            fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        for name in ["host_key", "client_key"] {
            generate_key(&dir.path().join(name));
        }
        let at = |name: &str| dir.path().join(name).display().to_string();
        let config = format!(
            "ListenAddress {THERE}:22\nHostKey {}\nAuthorizedKeysFile {}\nSetEnv HOME={}\nPidFile none\nUsePAM no\n\
             StrictModes no\nUseDNS no\nPermitRootLogin yes\nPrintMotd no\nPrintLastLog no\n",
            at("host_key"),
            at("client_key.pub"),
            at("home"),
        );
        fs::write(dir.path().join("sshd_config"), config).expect("the configuration is written");
        fs::create_dir_all("/run/sshd").expect("`/run/sshd` is made");
        let server = there
            .command(&binary("sshd"))
            .args(["-D", "-e", "-f", &at("sshd_config")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(dir.path().join("log")).expect("a log"))
            .spawn()
            .expect("sshd starts");
        let network = Self { dir, server, here, there };
        let listens = || network.there.run("ss", &["-Hltn", "src", THERE]).contains(THERE);
        assert!(processes::until(listens), "sshd did not come up: {}", network.log());
        network
    }

    /// A folder of the host's own.
    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("host")
    }

    /// What the host's sshd wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// An inventory of the host, `far`, in Ansible's YAML. The variable `folder` is the host's folder.
    pub fn inventory_yaml(&self) -> String {
        let path = |name: &str| format!("{:?}", self.dir.path().join(name).display().to_string());
        format!(
            "all:\n  hosts:\n    far:\n      ansible_host: {THERE}\n      ansible_user: root\n      \
             ansible_ssh_private_key_file: {}\n      folder: {}\n",
            path("client_key"),
            path("host")
        )
    }

    /// The line of known_hosts for the host.
    pub fn known_hosts(&self) -> String {
        let key = fs::read_to_string(self.dir.path().join("host_key.pub")).expect("the host's key");
        format!("{THERE} {key}")
    }

    /// A program that does what `program` does, at this end of the link.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn program_here(&self, program: &Path) -> PathBuf {
        let wrapper = self.dir.path().join("here");
        let script =
            format!("#!/bin/sh\nexec nsenter -t {} -n '{}' \"$@\"\n", self.here.0.id(), program.display());
        fs::write(&wrapper, script).expect("a program is written");
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).expect("its mode is set");
        wrapper
    }

    /// Takes the link down at the host's end: what is sent is lost, and nobody is told.
    ///
    /// # Panics
    /// When it cannot be taken down.
    pub fn link_down(&self) {
        self.there.ip(&["link", "set", "link0", "down"]);
    }

    /// Brings the link up again.
    ///
    /// # Panics
    /// When it cannot be brought up.
    pub fn link_up(&self) {
        self.there.ip(&["link", "set", "link0", "up"]);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Namespace {
    /// A new one. It is there when this returns.
    fn new() -> Self {
        // `cat` ends when its input does: when the test's process is gone, however it ended.
        let mut holder = Command::new("unshare");
        holder.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let holder = Self(holder.spawn().expect("`unshare` runs"));
        let own = fs::read_link("/proc/self/ns/net").expect("a namespace");
        let of_holder = || fs::read_link(format!("/proc/{}/ns/net", holder.0.id()));
        let made = processes::until(|| of_holder().is_ok_and(|namespace| namespace != own));
        assert!(made, "no network namespace is made: a test needs root");
        holder
    }

    /// The call of a program inside; its process id is that of the child.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.0.id().to_string(), "-n"]).arg(program);
        command
    }

    /// What a program inside says.
    fn run(&self, program: &str, words: &[&str]) -> String {
        let done = self.command(&binary(program)).args(words).output().expect("`nsenter` runs");
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{program} {}: {error}", words.join(" "));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// All that run inside; none where the namespace is not one of its own.
    fn processes(&self) -> Vec<u32> {
        let namespace = |id: &str| fs::read_link(format!("/proc/{id}/ns/net")).ok();
        let own = namespace(&self.0.id().to_string()).filter(|own| Some(own) != namespace("self").as_ref());
        let Some(own) = own else { return Vec::new() };
        let inside = |id: &u32| namespace(&id.to_string()).is_some_and(|other| other == own);
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(inside).collect()
    }

    fn ip(&self, words: &[&str]) {
        self.run("ip", words);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Whatever runs inside, wherever it has gone: it would keep the namespace.
        for process in self.processes() {
            processes::kill(process);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::Network;

    #[test]
    fn a_link_goes_down_and_comes_back() {
        let (network, other) = (Network::start(), Network::start());
        let ssh = |network: &Network| {
            let key = network.dir.path().join("client_key");
            let done = Command::new(network.program_here("/usr/bin/ssh".as_ref()))
                .args(["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o"])
                .args(["UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=1", "-i"])
                .arg(key)
                .args([&format!("root@{}", super::THERE), "echo up"])
                .output();
            String::from_utf8_lossy(&done.expect("ssh runs").stdout).into_owned()
        };
        assert_eq!((ssh(&network), ssh(&other)), ("up\n".into(), "up\n".into()), "{}", network.log());
        network.link_down();
        assert_eq!((ssh(&network), ssh(&other)), (String::new(), "up\n".into()), "one is cut off");
        network.link_up();
        assert_eq!(ssh(&network), "up\n");
        let mut left = network.there.command("/bin/sleep".as_ref()).arg("1000").spawn().expect("it starts");
        assert!(crate::processes::until(|| network.there.processes().contains(&left.id())), "it is inside");
        let inside = [network.here.processes(), network.there.processes()].concat();
        drop(network);
        left.wait().expect("it was killed");
        assert!(crate::processes::until(|| !inside.iter().any(|process| crate::processes::alive(*process))));
    }
}
