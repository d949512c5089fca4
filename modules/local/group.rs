//! Ending a process group.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How long a group has between `TERM` and `KILL`.
const GRACE: Duration = Duration::from_secs(2);
/// How long the system may take to remove what was killed.
const REMOVAL: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(5);

/// Ends all processes of the group `leader`: `TERM`, then `KILL` for those that stay.
///
/// The leader must be reaped by someone else meanwhile, or it counts as still there.
pub(super) async fn end(leader: Pid) {
    let _ = kill_process_group(leader, Signal::TERM);
    if gone(leader, GRACE).await {
        return;
    }
    let _ = kill_process_group(leader, Signal::KILL);
    if !gone(leader, REMOVAL).await {
        tracing::warn!(group = leader.as_raw_nonzero().get(), "a process group outlived `KILL`");
    }
}

async fn gone(leader: Pid, limit: Duration) -> bool {
    let asked = tokio::time::timeout(limit, async {
        while test_kill_process_group(leader).is_ok() {
            tokio::time::sleep(PAUSE).await;
        }
    });
    asked.await.is_ok()
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
    use super::signal_name;

    #[test]
    fn signals_have_the_names_of_the_protocol() {
        assert_eq!(signal_name(9), "KILL");
        assert_eq!(signal_name(15), "TERM");
        assert_eq!(signal_name(64), "64");
    }
}
