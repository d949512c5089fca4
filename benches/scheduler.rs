//! Guards: loading and scheduling grow in a straight line, and a trivial node is cheap.
//!
//! Prints time and memory a node for 1,000, 10,000 and 100,000 nodes, once as that many tasks and once as one
//! task with that many items, each less an empty runbook's share.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod measure;

use std::path::Path;
use std::process::Command;

use measure::{Cost, measure, median};

const SIZES: [u32; 3] = [1_000, 10_000, 100_000];
const ROUNDS: usize = 3;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = cost(folder.path(), "let nothing = 1;\n");
    println!(
        "{:<22} {:>10} {:>12} {:>12} {:>12}",
        "runbook", "wall ms", "wall µs/node", "cpu µs/node", "bytes/node"
    );
    println!("{:<22} {:>10.1}", "empty", empty.wall.as_secs_f64() * 1e3);
    for size in SIZES {
        let tasks = format!("for number in 0..{size} {{ task(`t${{number}}`).run(|| {{ number }}); }}\n");
        row(&format!("{size} tasks"), size, empty, cost(folder.path(), &tasks));
    }
    for size in SIZES {
        let items = format!(
            "let items = []; for number in 0..{size} {{ items.push(number); }}\ntask(\"t\").each(items).run(|item| {{ item }});\n"
        );
        row(&format!("{size} items"), size, empty, cost(folder.path(), &items));
    }
}

fn cost(folder: &Path, runbook: &str) -> Cost {
    let path = folder.join("bench.rhai");
    std::fs::write(&path, runbook).expect("a runbook in the temporary folder");
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oneex"));
        command.args(["run", "--quiet", "bench.rhai"]).current_dir(folder).env("HOME", folder);
        measure(&mut command)
    };
    median((0..ROUNDS).map(|_| run()).collect())
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn row(name: &str, nodes: u32, empty: Cost, cost: Cost) {
    let each = |value: f64| value / f64::from(nodes);
    println!(
        "{name:<22} {:>10.1} {:>12.2} {:>12.2} {:>12.0}",
        cost.wall.as_secs_f64() * 1e3,
        each(cost.wall.saturating_sub(empty.wall).as_secs_f64() * 1e6),
        each(cost.cpu.saturating_sub(empty.cpu).as_secs_f64() * 1e6),
        each(cost.peak.saturating_sub(empty.peak) as f64),
    );
}
