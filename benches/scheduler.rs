//! Guards: loading and scheduling grow in a straight line, and a trivial node is cheap.
//!
//! Prints time and memory a node for 1,000, 10,000 and 100,000 nodes: as that many tasks, and as one task with
//! that many items, each less what an empty runbook costs. The script's own work (its loop, its names) is in it.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod measure;

use std::path::Path;
use std::process::Command;

use measure::{Summary, measure};

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];
const ROUNDS: usize = 5;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = cost(folder.path(), "let nothing = 1;\n");
    println!(
        "{:<16} {:>10} {:>12} {:>14} {:>12} {:>11}",
        "runbook", "median ms", "median µs/n", "fastest µs/n", "cpu µs/n", "bytes/n"
    );
    println!("{:<16} {:>10.1}", "empty", empty.median.as_secs_f64() * 1e3);
    for size in SIZES {
        let tasks = format!("for number in 0..{size} {{ task(`t${{number}}`).run(|| {{ number }}); }}\n");
        row(&format!("{size} tasks"), size, &empty, &cost(folder.path(), &tasks));
    }
    for size in SIZES {
        // Rhai measures a growing array at every `push`: that would be all there is to see.
        let list = (0..size).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
        std::fs::write(folder.path().join("items.json"), format!("[{list}]")).expect("a list of items");
        let items = "task(\"t\").each(json::read(\"items.json\")).run(|item| { item });\n";
        row(&format!("{size} items"), size, &empty, &cost(folder.path(), items));
    }
}

fn cost(folder: &Path, runbook: &str) -> Summary {
    let path = folder.join("bench.rhai");
    std::fs::write(&path, runbook).expect("a runbook in the temporary folder");
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oneex"));
        command.args(["run", "--quiet", "bench.rhai"]).current_dir(folder).env("HOME", folder);
        measure(&mut command)
    };
    Summary::of(&(0..ROUNDS).map(|_| run()).collect::<Vec<_>>())
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn row(name: &str, nodes: u32, empty: &Summary, cost: &Summary) {
    let each = |value: f64| value / f64::from(nodes);
    println!(
        "{name:<16} {:>10.1} {:>12.2} {:>14.2} {:>12.2} {:>11.0}",
        cost.median.as_secs_f64() * 1e3,
        each(cost.median.saturating_sub(empty.median).as_secs_f64() * 1e6),
        each(cost.fastest.saturating_sub(empty.fastest).as_secs_f64() * 1e6),
        each(cost.cpu.saturating_sub(empty.cpu).as_secs_f64() * 1e6),
        each(cost.peak.saturating_sub(empty.peak) as f64),
    );
}
