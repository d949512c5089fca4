//! Processes of this machine, by id, as `/proc` shows them.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// All processes below `root`, children of children included, parents first.
pub fn descendants(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = all().filter_map(|process| Some((process, parent(process)?))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&process) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == process).map(|(child, _)| *child));
        next += 1;
    }
    found.split_off(1)
}

/// The short name of a process, as `/proc/PID/comm` has it.
pub fn name(process: u32) -> Option<String> {
    Some(fs::read_to_string(format!("/proc/{process}/comm")).ok()?.trim().to_owned())
}

/// True while the process exists and is not a zombie.
pub fn alive(process: u32) -> bool {
    state(process).is_some_and(|state| state != 'Z')
}

/// The living processes that have `text` in their argument list: mark a command with something
/// unique, such as `sleep 31.4159`, and ask whether it is still there.
pub fn with_argument(text: &str) -> Vec<u32> {
    let has = |process: &u32| {
        fs::read(format!("/proc/{process}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
    };
    all().filter(has).filter(|process| alive(*process)).collect()
}

/// The most memory that a process has had in use so far, in KiB (`VmHWM` in proc(5)).
pub fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
}

/// Waits until no living process has `text` in its argument list; false when 20 seconds pass.
pub fn gone(text: &str) -> bool {
    until(|| with_argument(text).is_empty())
}

/// Waits until a living process has `text` in its argument list; false when 20 seconds pass.
pub fn appeared(text: &str) -> bool {
    until(|| !with_argument(text).is_empty())
}

/// Asks `condition` again and again for at most 20 seconds; its last answer.
pub fn until(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if condition() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    condition()
}

/// Kills one process; nothing happens when it is gone.
pub fn kill(process: u32) {
    if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Stops one process, which can be killed but does nothing more; nothing happens when it is gone.
pub fn freeze(process: u32) {
    if let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::STOP);
    }
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The fields after the name, which is in brackets and may itself hold any character; proc(5).
fn fields(process: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn state(process: u32) -> Option<char> {
    fields(process)?.first()?.chars().next()
}

fn parent(process: u32) -> Option<u32> {
    fields(process)?.get(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{alive, appeared, descendants, gone, kill, name};
    use std::process::Command;

    #[test]
    fn a_process_is_found_named_and_killed() {
        let mut child = Command::new("sleep").arg("41.70831").spawn().expect("sleep starts");
        assert!(appeared("41.70831"));
        assert!(alive(child.id()));
        assert_eq!(name(child.id()).as_deref(), Some("sleep"));
        assert!(descendants(std::process::id()).contains(&child.id()));
        kill(child.id());
        child.wait().expect("it ended");
        assert!(gone("41.70831"));
    }
}
