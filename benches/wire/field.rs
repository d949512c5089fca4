//! The hosts, near and far, and a folder with the work in everybody's words. The folder is the home folder too.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Duration;

use oneex_testkit::{FarmHost, FarmOptions, SshFarm};
use tempfile::TempDir;

use super::delay::Delay;
use super::settled::settled;
use super::steps::{STEPS, Step, TEMPLATE, payload, text};
use crate::inventories::{ini, python};

/// How much longer each direction of the long way takes: 10 ms there and back.
pub(crate) const ONE_WAY: Duration = Duration::from_millis(5);

/// What a playbook begins with.
const PLAY: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n";

/// Where the contenders meet.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) farm: SshFarm,
    pub(crate) delay: Delay,
    folder: TempDir,
}

/// Some of the hosts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hosts {
    pub(crate) count: usize,
    /// By the long way.
    pub(crate) far: bool,
}

impl Hosts {
    /// What the files about them begin with.
    pub(crate) fn name(self) -> String {
        format!("{}{}", if self.far { "far" } else { "near" }, self.count)
    }
}

impl Field {
    /// Starts the hosts and writes the work, for each of the sets of hosts.
    pub(crate) fn prepare(sets: &[Hosts]) -> Self {
        let most = |far: Option<bool>| {
            let counts = sets.iter().filter(|set| far.is_none_or(|far| set.far == far));
            counts.map(|set| set.count).max().unwrap_or(0)
        };
        // pyinfra sends files over SFTP.
        let config = vec!["Subsystem sftp internal-sftp".to_owned()];
        let options = FarmOptions { config, ..FarmOptions::default() };
        let farm = SshFarm::start_with(most(None), &options);
        let delay = Delay::before(&farm.hosts()[..most(Some(true))], ONE_WAY);
        let field = Self { farm, delay, folder: tempfile::tempdir().expect("a temporary folder") };
        field.write_known_hosts();
        for set in sets {
            field.write_hosts(*set);
        }
        field.write_work();
        field
    }

    /// The folder that the contenders run in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The hosts of a set.
    pub(crate) fn hosts(&self, set: Hosts) -> &[FarmHost] {
        let all = if set.far { &self.delay.hosts } else { self.farm.hosts() };
        &all[..set.count]
    }

    /// Brings the hosts back to where nothing was done, and forgets what oneex learnt of them.
    pub(crate) fn clean(&self, set: Hosts) {
        for host in self.hosts(set) {
            fs::remove_dir_all(&host.folder).expect("a host's folder");
            fs::create_dir(&host.folder).expect("a host's folder");
        }
        // Where there is none, there is nothing to forget.
        let _ = fs::remove_dir_all(self.folder().join(".oneex"));
    }

    fn write_known_hosts(&self) {
        let mut known = fs::read_to_string(self.farm.known_hosts()).expect("the known hosts");
        for host in &self.delay.hosts {
            writeln!(known, "[{}]:{} {}", host.address, host.port, host.host_key).expect("a line of text");
        }
        self.write(".ssh/known_hosts", &known);
    }

    fn write_hosts(&self, set: Hosts) {
        let (hosts, name) = (self.hosts(set), set.name());
        let known = self.folder().join(".ssh/known_hosts");
        self.write(&format!("{name}.ini"), ini(&self.farm, hosts, &known));
        self.write(&format!("{name}.py"), python(&self.farm, hosts, &known));
        let (mut list, mut config) = (String::new(), String::new());
        for host in hosts {
            writeln!(list, "{} {} {}", host.address, host.port, host.folder.display())
                .expect("a line of text");
            writeln!(config, "Host {}\nHostName {}\nPort {}", host.name, host.address, host.port)
                .expect("a line of text");
            for (work, steps) in [("steps", &STEPS[..]), ("settled", &settled())] {
                let text = |step| format!("({})\n", self.text(step, &host.folder));
                let steps: String = steps.iter().map(text).collect();
                self.write(&format!("{}.{work}", host.name), format!("set -e\n{steps}"));
            }
        }
        writeln!(
            config,
            "Host *\nUser {}\nIdentityFile {}\nUserKnownHostsFile {}\nStrictHostKeyChecking yes",
            self.farm.user(),
            self.farm.client_key().display(),
            known.display()
        )
        .expect("a line of text");
        self.write(&format!("{name}.list"), &list);
        self.write(&format!("{name}.config"), &config);
    }

    fn text(&self, step: &super::steps::Step, folder: &Path) -> String {
        text(step, &folder.display().to_string(), self.farm.user())
    }

    fn write_work(&self) {
        self.write("oneex.toml", "");
        self.write("files/payload.txt", payload());
        write_noise(&self.folder().join("files/large.bin"), 100_000_000);
        write_noise(&self.folder().join("files/small.bin"), 1_000_000);
        self.write("templates/app.conf.j2", TEMPLATE.replace("NAME", "inventory_hostname"));
        self.write("templates/app.pyinfra.j2", TEMPLATE.replace("NAME", "host.name"));
        self.write_steps("steps", &STEPS);
        self.write_steps("settled", &settled());
        for size in ["large", "small"] {
            self.write(
                &format!("{size}.rhai"),
                format!("task(\"put\").on(hosts(\"all\")).run(|h| h.copy(\"{size}.bin\", h.vars.folder + \"/file\"));\n"),
            );
            self.write(
                &format!("{size}.py"),
                format!(
                    "from pyinfra import host\nfrom pyinfra.operations import files\n\
                     files.put(src='files/{size}.bin', dest=host.data.folder + '/file')\n"
                ),
            );
            self.write(
                &format!("{size}.yaml"),
                format!(
                    "{PLAY}    - ansible.builtin.copy: {{ src: {size}.bin, dest: '{{{{ folder }}}}/file' }}\n"
                ),
            );
        }
    }

    fn write_steps(&self, name: &str, all: &[Step]) {
        let user = self.farm.user();
        let steps: String = all.iter().map(|step| format!("    {};\n", step.oneex)).collect();
        self.write(
            &format!("{name}.rhai"),
            format!("task(\"steps\").on(hosts(\"all\")).run(|h| {{\n    let dir = h.vars.folder + \"/app\";\n{steps}}});\n")
                .replace("@user", user),
        );
        let steps =
            all.iter().enumerate().map(|(at, step)| format!("name = 'step {at}'\n{}\n", step.pyinfra));
        self.write(
            &format!("{name}.py"),
            format!(
                "from io import StringIO\nfrom pyinfra import host\nfrom pyinfra.facts.files import File\n\
                 from pyinfra.facts.server import Command\nfrom pyinfra.operations import files, server\n\
                 dir = host.data.folder + '/app'\n{}",
                steps.collect::<String>()
            )
            .replace("@user", user),
        );
        let steps: String = all.iter().map(|step| format!("    - {}\n", step.ansible)).collect();
        self.write(
            &format!("{name}.yaml"),
            format!("{PLAY}{steps}").replace("@user", user).replace("@d", "{{ folder }}/app"),
        );
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, content).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Writes so many bytes that do not repeat, so that nobody saves any (xorshift). Nothing is held whole: what a
/// program is started with counts as its memory.
fn write_noise(path: &Path, count: usize) {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..count / 8 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.write_all(&state.to_le_bytes()).expect("it is written");
    }
    file.flush().expect("it is written");
}
