//! The memory of a program with all its children, which is more than its largest process has.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How often the processes are looked at.
const PERIOD: Duration = Duration::from_millis(100);

/// Runs a program to its end and gives the most memory, in bytes, that it and its descendants were
/// seen to hold at once. What they share counts once (`Pss`, see proc(5)). Looking costs time, so a
/// run that is timed is another one.
///
/// # Panics
/// When it cannot be started or does not end well.
pub(crate) fn peak_of_all(command: &mut Command) -> u64 {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    let mut peak = 0;
    loop {
        if let Some(status) = child.try_wait().expect("the state of a child") {
            assert!(status.success(), "{shown}: {status}");
            return peak;
        }
        peak = peak.max(family(child.id()).into_iter().map(share_of).sum());
        std::thread::sleep(PERIOD);
    }
}

/// A process and all that descend from it.
fn family(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some((id, parent)) = id.and_then(|id| Some((id, parent_of(id)?))) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut all = vec![root];
    let mut at = 0;
    while let Some(id) = all.get(at) {
        all.extend(children.remove(id).unwrap_or_default());
        at += 1;
    }
    all
}

/// The fourth field of `/proc/ID/stat`; the second is a name that may hold anything.
fn parent_of(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// A process's share of memory in bytes; nothing once it has ended.
fn share_of(id: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
    let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kibibytes = pss.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
