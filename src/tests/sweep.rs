//! Whatever a text says, the program answers: no crash, no endless wait, and a place that is true.

use std::time::{Duration, Instant};

use oneex_testkit::mutate::mutate;

use super::material::{self, Material};
use super::stage::Stage;

/// How many spoiled texts of each material are tried; many more with a number in this variable.
const COUNT: &str = "ONEEX_SWEEP";
const DEFAULT_COUNT: u64 = 12;
/// Where the seeds begin; with the number that a failure names, that one comes first.
const FIRST: &str = "ONEEX_SWEEP_SEED";
/// Complaints that are shown; the rest would say the same.
const SHOWN: usize = 12;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn sweep(materials: &[Material]) {
    let first = number(FIRST).unwrap_or(0);
    let count = number(COUNT).unwrap_or(DEFAULT_COUNT);
    let mut complaints = Vec::new();
    for material in materials {
        let stage = Stage::new(material);
        for seed in first..first + count {
            let bytes = mutate(&material.text, seed);
            let begun = Instant::now();
            for complaint in stage.complaints(material, &bytes) {
                let text = String::from_utf8_lossy(&bytes);
                let text: String = text.chars().take(4_000).collect();
                complaints
                    .push(format!("==== {}, seed {seed}: {complaint}\n---- the text\n{text}", material.name));
            }
            if begun.elapsed() > Duration::from_secs(5) {
                eprintln!("{}, seed {seed}: {:?}", material.name, begun.elapsed());
            }
        }
    }
    let total = complaints.len();
    complaints.truncate(SHOWN);
    assert!(total == 0, "{}\n{total} complaints", complaints.join("\n\n"));
}

#[test]
fn spoiled_runbooks_and_roles_get_true_answers() {
    let mut materials = material::all();
    materials.retain(|material| material.path.extension().is_some_and(|ending| ending == "rhai"));
    assert!(materials.len() > 12, "{} runbooks", materials.len());
    sweep(&materials);
}

#[test]
fn spoiled_files_beside_a_runbook_get_true_answers() {
    let mut materials = material::all();
    materials.retain(|material| material.path.extension().is_none_or(|ending| ending != "rhai"));
    assert!(materials.len() > 8, "{} files", materials.len());
    sweep(&materials);
}

/// What is spoiled must be good first: a sweep over texts that fail anyway would show nothing.
#[test]
fn every_material_is_good() {
    for material in material::all() {
        if !material.name.contains(" block ") {
            let stage = Stage::new(&material);
            let said = stage.outcome(&material);
            assert_eq!(said, [""; 0], "{}", material.name);
        }
    }
}
