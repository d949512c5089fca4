//! Guards: the work on hosts costs little more than the wire. Prints what typical work over SSH costs with oneex,
//! with a bare client of the same library, with plain `ssh` and with what people would use today, near and 10 ms
//! away, taking turns in one run so that a busy machine is unfair to all alike.
//!
//! Arguments select: `cargo bench --bench ssh -- 'W1, 10 hosts' oneex,bare 5` runs the rows whose name contains the
//! first, with the contenders of the second, in so many rounds. Peers are taken from `ONEEX_BENCH_PEERS`, see the
//! bench `fleet`.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod inventories;
mod measure;
mod memory;
mod peers;
mod wire;

use measure::{Cost, Summary, measure};
use wire::contenders::{self, Contender, Work};
use wire::field::{Field, Hosts, ONE_WAY};
use wire::{delay, reference};

/// What is compared: its name, on how many hosts, by the long way or not, how often it is timed.
const ROWS: [(&str, Work, usize, bool, usize); 13] = [
    ("W1, 1 host", Work::Steps, 1, false, 9),
    ("W1, 10 hosts", Work::Steps, 10, false, 9),
    ("W1, 50 hosts", Work::Steps, 50, false, 3),
    ("W1, 1 host, 10 ms", Work::Steps, 1, true, 7),
    ("W1, 10 hosts, 10 ms", Work::Steps, 10, true, 5),
    ("W1, 50 hosts, 10 ms", Work::Steps, 50, true, 3),
    ("W2, 10 hosts", Work::True, 10, false, 9),
    ("W2, 100 hosts", Work::True, 100, false, 7),
    ("W3, 100 MB to 1 host", Work::Large, 1, false, 7),
    ("W3, 1 MB to 50 hosts", Work::Small, 50, false, 3),
    ("W4, 1 host", Work::Settled, 1, false, 7),
    ("W4, 10 hosts", Work::Settled, 10, false, 5),
    ("W4, 50 hosts", Work::Settled, 50, false, 3),
];

/// What a contender's runs of one row cost: the first time, and again with nothing to change.
#[derive(Default)]
struct Runs {
    costs: [Vec<Cost>; 2],
    turns: [u64; 2],
    peak: u64,
}

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == reference::WORD) {
        return reference::run(&arguments.split_off(1));
    }
    // Cargo adds an option of its own.
    arguments.retain(|argument| !argument.starts_with('-'));
    let mut arguments = arguments.into_iter();
    let (wanted, who) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let rounds: Option<usize> = arguments.next().map(|number| number.parse().expect("a number of rounds"));
    let rows: Vec<_> = ROWS.into_iter().filter(|(name, ..)| name.contains(&wanted)).collect();
    let is_wanted = |name: &str| who.is_empty() || who.split(',').any(|one| one == name);
    let contenders: Vec<&Contender> = contenders::ALL
        .iter()
        .filter(|contender| is_wanted(contender.name) && contender.program.is_none_or(peers::is_here))
        .collect();
    let sets: Vec<Hosts> =
        rows.iter().map(|(_, _, count, far, _)| Hosts { count: *count, far: *far }).collect();
    let field = Field::prepare(&sets);
    let (far, near) = delay::measured(ONE_WAY);
    println!("the long way takes {far:.1?} there and back, the short one {near:.1?}");
    println!(
        "{:<34} {:<7} {:>8} {:>9} {:>6} {:>11} {:>9} {:>11}",
        "work", "run", "median s", "fastest s", "ratio", "cpu ms/host", "memory MB", "trips/step"
    );
    for ((name, work, _, _, default), hosts) in rows.into_iter().zip(sets) {
        let rounds = rounds.unwrap_or(default);
        let here: Vec<&Contender> =
            contenders.iter().copied().filter(|contender| contender.hosts >= hosts.count).collect();
        let runs = take_turns(&field, &here, work, hosts, rounds);
        for (contender, run) in here.iter().zip(&runs) {
            for again in [false, true].into_iter().filter(|again| !again || work.converges()) {
                let title = format!("{name}: {}", contender.name);
                println!("{title:<34} {}", line(run, &runs[0], usize::from(again), work, hosts));
            }
        }
    }
}

/// Memory comes first, in a run that warms the caches too and is not timed.
fn take_turns(
    field: &Field,
    contenders: &[&Contender],
    work: Work,
    hosts: Hosts,
    rounds: usize,
) -> Vec<Runs> {
    let mut runs: Vec<Runs> = contenders.iter().map(|_| Runs::default()).collect();
    for (contender, runs) in contenders.iter().zip(&mut runs) {
        field.clean(hosts);
        runs.peak = memory::peak_of_all(&mut (contender.command)(field, work, hosts));
        peers::clean_up(field.folder());
    }
    for round in 0..rounds {
        let turn = contenders.iter().zip(&mut runs).filter(|(contender, _)| contender.rounds > round);
        for (contender, runs) in turn {
            field.clean(hosts);
            for again in 0..=usize::from(work.converges()) {
                let before = field.delay.turns();
                runs.costs[again].push(measure(&mut (contender.command)(field, work, hosts)));
                runs.turns[again] = field.delay.turns() - before;
                peers::clean_up(field.folder());
            }
        }
    }
    runs
}

/// The ratio is the middle one of those within a round.
#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn line(runs: &Runs, first: &Runs, again: usize, work: Work, hosts: Hosts) -> String {
    let cost = Summary::of(&runs.costs[again]);
    let pairs = runs.costs[again].iter().zip(&first.costs[again]);
    let mut ratios: Vec<f64> =
        pairs.map(|(cost, first)| cost.wall.as_secs_f64() / first.wall.as_secs_f64()).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let trips = if hosts.far {
        format!("{:.2}", runs.turns[again] as f64 / (hosts.count * work.steps()) as f64)
    } else {
        "-".to_owned()
    };
    format!(
        "{:<7} {:>8.3} {:>9.3} {:>6.2} {:>11.1} {:>9.0} {trips:>11}",
        if again == 0 { "first" } else { "second" },
        cost.median.as_secs_f64(),
        cost.fastest.as_secs_f64(),
        ratios[ratios.len() / 2],
        cost.cpu.as_secs_f64() * 1e3 / hosts.count as f64,
        runs.peak.max(cost.peak) as f64 / 1e6,
    )
}
