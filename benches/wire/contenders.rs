//! Who does the work, and by which command.
//!
//! All get the same hosts, the same key, as many hosts at a time as there are, and check host keys against the same
//! file. Ansible runs without gathering facts and without looking for an interpreter: as it comes, and with pipelining,
//! which is its fast way.

use std::process::{Command, Stdio};

use super::field::{Field, Hosts};
use super::reference;
use crate::peers::{at_home, peers};

/// What is done on every host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// W1: the twenty steps.
    Steps,
    /// W2: one `true`.
    True,
    /// W3: a file of 100 MB.
    Large,
    /// W3: a file of 1 MB.
    Small,
    /// W4: fifty operations that find nothing to do the second time.
    Settled,
}

impl Work {
    /// What its files begin with.
    fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::True => "true",
            Self::Large => "large",
            Self::Small => "small",
            Self::Settled => "settled",
        }
    }

    /// Steps on each host.
    pub(crate) fn steps(self) -> usize {
        match self {
            Self::Steps => super::steps::STEPS.len(),
            Self::Settled => super::settled::settled().len(),
            Self::True | Self::Large | Self::Small => 1,
        }
    }

    /// Says whether doing it again finds nothing to change.
    pub(crate) fn converges(self) -> bool {
        self != Self::True
    }
}

/// A program that can do it.
pub(crate) struct Contender {
    /// What the table calls it.
    pub(crate) name: &'static str,
    /// What must be installed among the peers.
    pub(crate) program: Option<&'static str>,
    /// How often it is timed at most, and on how many hosts: some take minutes.
    pub(crate) rounds: usize,
    pub(crate) hosts: usize,
    pub(crate) command: fn(&Field, Work, Hosts) -> Command,
}

/// All of them; the first is what the others are compared with.
pub(crate) const ALL: [Contender; 6] = [
    Contender { name: "oneex", program: None, rounds: usize::MAX, hosts: usize::MAX, command: oneex },
    Contender { name: "bare", program: None, rounds: usize::MAX, hosts: usize::MAX, command: bare },
    Contender { name: "ssh", program: None, rounds: usize::MAX, hosts: usize::MAX, command: ssh },
    Contender { name: "pyinfra", program: Some("pyinfra"), rounds: 2, hosts: usize::MAX, command: pyinfra },
    Contender {
        name: "pipelined",
        program: Some("ansible-playbook"),
        rounds: 1,
        hosts: 10,
        command: pipelined,
    },
    Contender { name: "ansible", program: Some("ansible-playbook"), rounds: 1, hosts: 10, command: ansible },
];

fn oneex(field: &Field, work: Work, hosts: Hosts) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oneex"));
    let (inventory, forks) = (format!("{}.ini", hosts.name()), hosts.count.to_string());
    let book = format!("{}.rhai", work.name());
    let (verb, rest) = if work == Work::True {
        (["exec", "all"], ["--", "true"].as_slice())
    } else {
        (["run", book.as_str()], [].as_slice())
    };
    command.args(verb).args(["-i", &inventory, "--forks", &forks, "--quiet"]).args(rest);
    at_home(command, field.folder())
}

fn bare(field: &Field, work: Work, hosts: Hosts) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the bench itself"));
    command.args([reference::WORD, &format!("{}.list", hosts.name()), field.farm.user()]);
    command.arg(field.farm.client_key()).arg(".ssh/known_hosts");
    match work {
        Work::Large | Work::Small => command.arg(format!("files/{}.bin", work.name())),
        _ => command.arg(work.name()),
    };
    at_home(command, field.folder())
}

/// One `ssh` a host, all at once; the shell that starts them waits for each.
fn ssh(field: &Field, work: Work, hosts: Hosts) -> Command {
    let mut text = String::from("set -- ");
    let config = format!("{}.config", hosts.name());
    let mut starts = String::new();
    for host in field.hosts(hosts) {
        let (name, folder) = (&host.name, host.folder.display());
        let (remote, input) = match work {
            Work::Steps | Work::Settled => ("sh -s".to_owned(), format!("{name}.{}", work.name())),
            Work::True => ("true".to_owned(), "/dev/null".to_owned()),
            Work::Large | Work::Small => {
                (format!("cat >{folder}/file"), format!("files/{}.bin", work.name()))
            }
        };
        starts += &format!("ssh -F {config} {name} '{remote}' <{input} & set -- \"$@\" $!\n");
    }
    text += "\n";
    text += &starts;
    text += "for id in \"$@\"; do wait \"$id\" || exit 1; done\n";
    let mut command = Command::new("sh");
    command.args(["-c", &text]);
    at_home(command, field.folder())
}

fn pyinfra(field: &Field, work: Work, hosts: Hosts) -> Command {
    let mut command = Command::new(peers().join("pyinfra"));
    command.args(["-y", "--parallel", &hosts.count.to_string(), &format!("{}.py", hosts.name())]);
    if work == Work::True {
        command.args(["exec", "--", "true"]);
    } else {
        command.arg(format!("{}.py", work.name()));
    }
    // It writes its progress there.
    command.stderr(Stdio::null());
    at_home(command, field.folder())
}

fn ansible(field: &Field, work: Work, hosts: Hosts) -> Command {
    let program = if work == Work::True { "ansible" } else { "ansible-playbook" };
    let mut command = Command::new(peers().join(program));
    command.args(["-i", &format!("{}.ini", hosts.name()), "--forks", &hosts.count.to_string()]);
    if work == Work::True {
        command.args(["all", "-m", "ansible.builtin.command", "-a", "true"]);
    } else {
        command.arg(format!("{}.yaml", work.name()));
    }
    command.env("ANSIBLE_HOST_KEY_CHECKING", "1");
    at_home(command, field.folder())
}

fn pipelined(field: &Field, work: Work, hosts: Hosts) -> Command {
    let mut command = ansible(field, work, hosts);
    command.env("ANSIBLE_PIPELINING", "1");
    command
}
