//! Ending a process group.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::becoming::Ender;

/// How long a group has between `TERM` and `KILL`.
const GRACE: Duration = Duration::from_secs(2);
/// How long the system may take to remove what was killed.
const REMOVAL: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Ends all processes of the group `leader`, and of the groups that its descendants made: `TERM`, then `KILL` for
/// those that stay. Where they are another user's, `ender` does it.
///
/// The leader must be reaped by someone else meanwhile, or it counts as still there.
pub(super) async fn end(leader: Pid, ender: Option<&Ender>) {
    let groups = groups(leader);
    for group in &groups {
        let _ = kill_process_group(*group, Signal::TERM);
    }
    if let Some(ender) = ender {
        ender.end(&groups).await;
    }
    let mut left = false;
    for group in groups {
        if !gone(group, GRACE).await {
            let _ = kill_process_group(group, Signal::KILL);
            left |= !gone(group, REMOVAL).await;
        }
    }
    if left {
        tracing::warn!(group = leader.as_raw_nonzero().get(), "a process group outlived `KILL`");
    }
}

/// The group of the leader, and those of all that descend from it: `sudo` with `use_pty` makes another, as a shell with
/// job control does. See proc(5).
fn groups(leader: Pid) -> Vec<Pid> {
    let stats = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let all: Vec<[i32; 3]> = stats.filter_map(|stat| family(&stat)).collect();
    let own = leader.as_raw_nonzero().get();
    let (mut found, mut groups) = (vec![own], vec![leader]);
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        next += 1;
        for [id, _, group] in all.iter().filter(|[id, of, _]| *of == parent && *id != parent) {
            found.push(*id);
            groups.extend(Pid::from_raw(*group).filter(|group| !groups.contains(group)));
        }
    }
    groups
}

/// The id of a process, of its parent, and of its group.
fn family(stat: &str) -> Option<[i32; 3]> {
    let (id, _) = stat.split_once(' ')?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
    let parent = fields.next()?.parse().ok()?;
    Some([id.parse().ok()?, parent, fields.next()?.parse().ok()?])
}

async fn gone(leader: Pid, limit: Duration) -> bool {
    let asked = tokio::time::timeout(limit, async {
        let mut pause = PAUSE;
        // Twice: while the first look was taken, a process may have left another behind.
        while test_kill_process_group(leader).is_ok() && !(only_zombies(leader) && only_zombies(leader)) {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    });
    asked.await.is_ok()
}

/// Whether nothing of the group runs any more. What it left behind is reaped by the first process
/// of the system, and in a container that may be late in it or never come to it; see proc(5).
fn only_zombies(leader: Pid) -> bool {
    let Ok(entries) = std::fs::read_dir("/proc") else { return false };
    let stats = entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let states = stats.filter_map(|stat| state_in(&stat, leader));
    states.fold(None, |all: Option<bool>, state| Some(all.unwrap_or(true) && matches!(state, 'Z' | 'X')))
        == Some(true)
}

/// The state of a process, where it is of the group: the fields behind the name, which stands in
/// brackets and may itself hold any character.
fn state_in(stat: &str, group: Pid) -> Option<char> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let own = fields.nth(1)?.parse::<i32>().ok()?;
    (own == group.as_raw_nonzero().get()).then_some(state)
}

/// The name of a signal without `SIG`, as RFC 4254, section 6.10, has it.
pub(super) fn signal_name(number: i32) -> String {
    let known = [
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::QUIT, "QUIT"),
        (Signal::ILL, "ILL"),
        (Signal::TRAP, "TRAP"),
        (Signal::ABORT, "ABRT"),
        (Signal::BUS, "BUS"),
        (Signal::FPE, "FPE"),
        (Signal::KILL, "KILL"),
        (Signal::USR1, "USR1"),
        (Signal::SEGV, "SEGV"),
        (Signal::USR2, "USR2"),
        (Signal::PIPE, "PIPE"),
        (Signal::ALARM, "ALRM"),
        (Signal::TERM, "TERM"),
        (Signal::XCPU, "XCPU"),
        (Signal::XFSZ, "XFSZ"),
        (Signal::SYS, "SYS"),
    ];
    let found = known.iter().find(|(signal, _)| signal.as_raw() == number);
    found.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process_group};

    use super::{family, gone, groups, signal_name, state_in};

    #[tokio::test]
    async fn what_is_dead_and_not_reaped_is_gone() {
        let mut child = Command::new("sleep").arg("3600").process_group(0).spawn().expect("sleep starts");
        let leader = Pid::from_child(&child);
        assert!(!gone(leader, Duration::from_millis(20)).await, "it runs");
        kill_process_group(leader, Signal::KILL).expect("it can be killed");
        assert!(gone(leader, Duration::from_secs(60)).await, "nobody has reaped it yet");
        child.wait().expect("it is reaped now");
    }

    #[test]
    fn the_name_of_a_process_may_hold_anything() {
        let group = Pid::from_raw(7).expect("a number above 0");
        for (stat, state) in [
            ("9 (sleep) S 1 7 7 0", Some('S')),
            ("9 (a) R 1 7) Z 1 7 7 0", Some('Z')),
            ("9 (sleep) S 1 8 8 0", None),
            ("9 (sleep", None),
            ("", None),
        ] {
            assert_eq!(state_in(stat, group), state, "{stat}");
        }
    }

    #[test]
    fn groups_are_those_of_all_that_descend() {
        let script = "setsid sh -c 'sleep 3600 & echo up; wait' & wait";
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", script]).stdout(std::process::Stdio::piped()).process_group(0).spawn();
        let mut shell = shell.expect("it starts");
        let mut up = [0; 3];
        std::io::Read::read_exact(shell.stdout.as_mut().expect("a pipe"), &mut up).expect("it is up");
        let leader = Pid::from_child(&shell);
        let found = groups(leader);
        for group in &found {
            kill_process_group(*group, Signal::KILL).expect("it can be killed");
        }
        shell.wait().expect("it is reaped");
        assert_eq!((found.len(), found[0]), (2, leader), "{found:?}");
        assert_eq!(family("9 (a) b) S 1 7 7 0"), Some([9, 1, 7]));
        assert_eq!(family("9 (a"), None);
    }

    #[test]
    fn signals_have_the_names_of_the_protocol() {
        assert_eq!(signal_name(9), "KILL");
        assert_eq!(signal_name(15), "TERM");
        assert_eq!(signal_name(64), "64");
    }
}
