//! Guards: reaching many hosts costs little. Prints what work on loopback sshd hosts costs with oneex and with
//! what people would use today, taking turns in one run so that a busy machine is unfair to all alike.
//!
//! Peers are taken from `ONEEX_BENCH_PEERS` (a folder with `ansible`, `ansible-playbook` and `pyinfra`;
//! `benches/setup.sh` makes one) and left out, with a note, where they are not there. An argument selects the rows
//! whose name contains it: `cargo bench --bench fleet -- 'one host'`.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod contenders;
mod inventories;
mod measure;
mod memory;
mod peers;

use std::path::Path;

use contenders::{Contender, Work};
use measure::{Cost, Summary, measure};
use oneex_testkit::SshFarm;

/// What is compared: its name, on how many hosts, how often it is timed.
const ROWS: [(&str, Work, usize, usize); 4] = [
    ("`true` on one host", Work::True, 1, 9),
    ("`true` on 100 hosts", Work::True, 100, 5),
    ("ten commands on 10 hosts", Work::TenCommands, 10, 3),
    ("ten unchanged files on 10 hosts", Work::TenFiles, 10, 3),
];

fn main() {
    // Cargo adds an option of its own.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let farm = SshFarm::start(ROWS.iter().map(|(_, _, hosts, _)| *hosts).max().unwrap_or(0));
    let folder = tempfile::tempdir().expect("a temporary folder");
    contenders::prepare(&farm, folder.path(), &ROWS.map(|(_, _, hosts, _)| hosts));
    let contenders: Vec<&Contender> =
        contenders::ALL.iter().filter(|contender| contender.program.is_none_or(peers::is_here)).collect();
    println!(
        "{:<44} {:>9} {:>6} {:>9} {:>6} {:>9} {:>6} {:>9} {:>6}",
        "work", "median s", "ratio", "fastest s", "ratio", "cpu s", "ratio", "memory MB", "ratio"
    );
    for (name, work, hosts, rounds) in ROWS.into_iter().filter(|(name, ..)| name.contains(&wanted)) {
        let summaries = take_turns(&contenders, folder.path(), work, hosts, rounds);
        for (contender, summary) in contenders.iter().zip(&summaries) {
            println!("{:<44} {}", format!("{name}: {}", contender.name), row(summary, &summaries[0]));
        }
    }
}

/// Memory comes first, in a run that warms the caches too and is not timed.
fn take_turns(
    contenders: &[&Contender],
    folder: &Path,
    work: Work,
    hosts: usize,
    rounds: usize,
) -> Vec<Summary> {
    let command = |contender: &Contender| (contender.command)(folder, work, hosts);
    let peaks = contenders.iter().map(|contender| {
        let peak = memory::peak_of_all(&mut command(contender));
        peers::clean_up(folder);
        peak
    });
    let peaks: Vec<u64> = peaks.collect();
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            costs.push(measure(&mut command(contender)));
            peers::clean_up(folder);
        }
    }
    let summaries = costs.iter().zip(peaks).map(|(costs, peak)| Summary { peak, ..Summary::of(costs) });
    summaries.collect()
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn row(cost: &Summary, first: &Summary) -> String {
    let figure = |of: fn(&Summary) -> f64, digits: usize| {
        format!("{:>9.digits$} {:>6.1}", of(cost), of(cost) / of(first))
    };
    [
        figure(|cost| cost.median.as_secs_f64(), 2),
        figure(|cost| cost.fastest.as_secs_f64(), 2),
        figure(|cost| cost.cpu.as_secs_f64(), 2),
        figure(|cost| cost.peak as f64 / 1e6, 0),
    ]
    .join(" ")
}
