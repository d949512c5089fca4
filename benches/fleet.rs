//! Guards: reaching many hosts costs little. Prints `true` on 100 loopback sshd hosts, with oneex and with
//! what people would use today, taking turns in one run so that a busy machine is unfair to all alike.
//!
//! Peers are taken from `ONEEX_BENCH_PEERS` (a folder with `ansible` and `pyinfra`; `benches/setup.sh` makes one) and
//! left out, with a note, where they are not there.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod measure;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{Cost, measure, median};
use oneex_testkit::SshFarm;

const HOSTS: usize = 100;
const ROUNDS: usize = 5;

fn main() {
    let farm = SshFarm::start(HOSTS);
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_inventories(&farm, folder.path());
    let mut contenders = vec![("oneex exec", oneex as fn(&Path) -> Command)];
    for (name, program, command) in [
        ("pyinfra exec", "pyinfra", pyinfra as fn(&Path) -> Command),
        ("ansible command", "ansible", ansible),
    ] {
        if peers().join(program).is_file() {
            contenders.push((name, command));
        } else {
            println!("`{program}` is not in {}: left out", peers().display());
        }
    }
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for (at, (_, command)) in contenders.iter().enumerate() {
            costs[at].push(measure(&mut command(folder.path())));
        }
    }
    println!("{:<18} {:>10} {:>8} {:>10} {:>10}", "command", "median s", "ratio", "cpu s", "peak MB");
    let medians: Vec<Cost> = costs.into_iter().map(median).collect();
    for ((name, _), cost) in contenders.iter().zip(&medians) {
        let wall = cost.wall.as_secs_f64();
        println!(
            "{name:<18} {wall:>10.2} {:>8.1} {:>10.2} {:>10}",
            wall / medians[0].wall.as_secs_f64(),
            cost.cpu.as_secs_f64(),
            cost.peak / 1_000_000,
        );
    }
}

fn peers() -> PathBuf {
    std::env::var_os("ONEEX_BENCH_PEERS").map_or_else(|| "target/peers/bin".into(), PathBuf::from)
}

/// One list of hosts in the words of each contender. The home folder holds the known hosts for oneex.
fn write_inventories(farm: &SshFarm, folder: &Path) {
    let (user, key, known) = (farm.user(), farm.client_key(), farm.known_hosts());
    let (key, known) = (key.display(), known.display());
    let mut ini = String::new();
    let mut python = String::from("hosts = [\n");
    for host in farm.hosts() {
        let (name, address, port) = (&host.name, host.address, host.port);
        writeln!(
            ini,
            "{name} ansible_host={address} ansible_port={port} ansible_user={user} ansible_ssh_private_key_file={key} \
             ansible_ssh_common_args='-o UserKnownHostsFile={known}' ansible_python_interpreter=/usr/bin/python3"
        )
        .expect("a line of text");
        writeln!(
            python,
            "    (\"{name}\", {{\"ssh_hostname\": \"{address}\", \"ssh_port\": {port}, \"ssh_user\": \"{user}\", \
             \"ssh_key\": \"{key}\", \"ssh_known_hosts_file\": \"{known}\"}}),"
        )
        .expect("a line of text");
    }
    python.push_str("]\n");
    let ssh = folder.join(".ssh");
    std::fs::create_dir(&ssh).expect("a folder for known hosts");
    std::fs::copy(farm.known_hosts(), ssh.join("known_hosts")).expect("the known hosts");
    std::fs::write(folder.join("hosts.ini"), ini).expect("an inventory");
    std::fs::write(folder.join("hosts.py"), python).expect("an inventory");
}

fn oneex(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oneex"));
    command.args(["exec", "--quiet", "-i", "hosts.ini", "--forks", "100", "all", "--", "true"]);
    in_folder(command, folder)
}

fn pyinfra(folder: &Path) -> Command {
    let mut command = Command::new(peers().join("pyinfra"));
    command.args(["-y", "--parallel", "100", "hosts.py", "exec", "--", "true"]);
    in_folder(command, folder)
}

fn ansible(folder: &Path) -> Command {
    let mut command = Command::new(peers().join("ansible"));
    command.args(["all", "-i", "hosts.ini", "-f", "100", "-m", "command", "-a", "true"]);
    in_folder(command, folder)
}

fn in_folder(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder).env("HOME", folder);
    command
}
