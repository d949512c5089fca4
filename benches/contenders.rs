//! The same work in the words of oneex and of what people would use today.
//!
//! All get the same hosts, the same key, as many hosts at a time as there are, and check host keys
//! against the same file. Ansible runs with pipelining, which is its fast way, without gathering
//! facts and without looking for an interpreter. The machine's caches are warm, connections are not:
//! every run opens its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use oneex_testkit::SshFarm;

use crate::inventories::{ini, python};
use crate::peers::{at_home, peers};

/// What is done on every host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// One `true`.
    True,
    /// Ten `true`, each a step of its own.
    TenCommands,
    /// Ten small files that are as they should be.
    TenFiles,
}

/// A program that can do it.
pub(crate) struct Contender {
    /// What the table calls it.
    pub(crate) name: &'static str,
    /// What must be installed among the peers; none for oneex itself.
    pub(crate) program: Option<&'static str>,
    /// The command line for that work on so many hosts.
    pub(crate) command: fn(&Path, Work, usize) -> Command,
}

/// All of them; the first is what the others are compared with.
pub(crate) const ALL: [Contender; 3] = [
    Contender { name: "oneex", program: None, command: oneex },
    Contender { name: "pyinfra", program: Some("pyinfra"), command: pyinfra },
    Contender { name: "ansible", program: Some("ansible-playbook"), command: ansible },
];

/// Writes inventories of the first `counts` hosts and the work for each contender. The folder is the
/// home folder too: it holds the known hosts.
pub(crate) fn prepare(farm: &SshFarm, folder: &Path, counts: &[usize]) {
    let ssh = folder.join(".ssh");
    fs::create_dir(&ssh).expect("a folder for known hosts");
    fs::copy(farm.known_hosts(), ssh.join("known_hosts")).expect("the known hosts");
    for count in counts {
        let hosts = &farm.hosts()[..*count];
        write(folder, &format!("hosts{count}.ini"), &ini(farm, hosts, &farm.known_hosts()));
        write(folder, &format!("hosts{count}.py"), &python(farm, hosts, &farm.known_hosts()));
    }
    let steps = |step: &dyn Fn(usize) -> String| (0..10).map(step).collect::<String>();
    write(folder, "commands.rhai", &tasks("h.exec([\"true\"])"));
    write(
        folder,
        "files.rhai",
        &tasks("h.write(`${h.var(\"folder\")}/${number}`, #{ content: \"hello\\n\" })"),
    );
    write(
        folder,
        "commands.py",
        &format!(
            "from pyinfra.operations import server\n{}",
            steps(&|number| format!("server.shell(name=\"step {number}\", commands=[\"true\"])\n"))
        ),
    );
    write(
        folder,
        "files.py",
        &format!(
            "from io import StringIO\nfrom pyinfra import host\nfrom pyinfra.operations import files\n{}",
            steps(&|number| format!(
                "files.put(name=\"step {number}\", src=StringIO(\"hello\\n\"), dest=f\"{{host.data.folder}}/{number}\")\n"
            ))
        ),
    );
    let play = "- hosts: all\n  gather_facts: false\n  tasks:\n";
    write(
        folder,
        "commands.yaml",
        &format!("{play}{}", steps(&|_| "    - ansible.builtin.command: \"true\"\n".into())),
    );
    write(
        folder,
        "files.yaml",
        &format!(
            "{play}{}",
            steps(&|number| format!(
                "    - ansible.builtin.copy: {{ content: \"hello\\n\", dest: \"{{{{ folder }}}}/{number}\" }}\n"
            ))
        ),
    );
}

/// Ten tasks, one after the other on each host.
fn tasks(body: &str) -> String {
    format!(
        "let last = [];\nfor number in 0..10 {{\n    \
         last = [task(`step ${{number}}`).on(hosts(\"all\")).needs(last).run(|h| {body})];\n}}\n"
    )
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
}

fn oneex(folder: &Path, work: Work, count: usize) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oneex"));
    let (inventory, forks) = (format!("hosts{count}.ini"), count.to_string());
    match work {
        Work::True => {
            command.args(["exec", "all", "-i", &inventory, "--forks", &forks, "--quiet", "--", "true"])
        }
        Work::TenCommands => {
            command.args(["run", "commands.rhai", "-i", &inventory, "--forks", &forks, "--quiet"])
        }
        Work::TenFiles => command.args(["run", "files.rhai", "-i", &inventory, "--forks", &forks, "--quiet"]),
    };
    at_home(command, folder)
}

fn pyinfra(folder: &Path, work: Work, count: usize) -> Command {
    let mut command = Command::new(peers().join("pyinfra"));
    command.args(["-y", "--parallel", &count.to_string(), &format!("hosts{count}.py")]);
    match work {
        Work::True => command.args(["exec", "--", "true"]),
        Work::TenCommands => command.arg("commands.py"),
        Work::TenFiles => command.arg("files.py"),
    };
    // It writes its progress there.
    command.stderr(Stdio::null());
    at_home(command, folder)
}

fn ansible(folder: &Path, work: Work, count: usize) -> Command {
    let program = if work == Work::True { "ansible" } else { "ansible-playbook" };
    let mut command = Command::new(peers().join(program));
    command.args(["-i", &format!("hosts{count}.ini"), "--forks", &count.to_string()]);
    match work {
        Work::True => command.args(["all", "-m", "ansible.builtin.command", "-a", "true"]),
        Work::TenCommands => command.arg("commands.yaml"),
        Work::TenFiles => command.arg("files.yaml"),
    };
    command.env("ANSIBLE_PIPELINING", "1").env("ANSIBLE_HOST_KEY_CHECKING", "1");
    at_home(command, folder)
}
