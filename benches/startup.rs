//! Guards: oneex feels like a shell command. Prints the start-up of an empty runbook.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod measure;

use std::process::Command;

use measure::{Summary, measure};

const ROUNDS: usize = 41;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("empty.rhai"), "let nothing = 1;\n").expect("a runbook");
    println!(
        "{:<22} {:>10} {:>11} {:>10} {:>10}",
        "command", "median ms", "fastest ms", "cpu ms", "memory MB"
    );
    for arguments in [&["--version"][..], &["graph", "empty.rhai"], &["run", "--quiet", "empty.rhai"]] {
        let run = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_oneex"));
            command.args(arguments).current_dir(folder.path()).env("HOME", folder.path());
            measure(&mut command)
        };
        let cost = Summary::of(&(0..ROUNDS).map(|_| run()).collect::<Vec<_>>());
        println!(
            "{:<22} {:>10.1} {:>11.1} {:>10.1} {:>10}",
            arguments.join(" "),
            cost.median.as_secs_f64() * 1e3,
            cost.fastest.as_secs_f64() * 1e3,
            cost.cpu.as_secs_f64() * 1e3,
            cost.peak / 1_000_000,
        );
    }
}
