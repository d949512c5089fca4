//! Signals as a person's shell leaves them.

use std::sync::OnceLock;

use tokio::signal::unix::{SignalKind, signal};

/// What a person's shell leaves alone, and a script's `&` or nohup(1) ignores.
const KINDS: [fn() -> SignalKind; 4] =
    [SignalKind::interrupt, SignalKind::quit, SignalKind::hangup, SignalKind::terminate];

/// Lets the programs that this process starts hear signals, though this process may have been
/// started to ignore them, as everything that a script starts with `&` ignores Ctrl-C.
///
/// What is ignored stays so in a program that is started, but what is caught does not (execve(2)):
/// so each signal that is ignored here is caught instead, to no effect.
pub(crate) fn heard_by_programs() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").expect("the state of this process");
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("the ignored signals");
        let ignored = u64::from_str_radix(mask.trim(), 16).expect("a mask of signals");
        // A thread of its own: the caller may be within a runtime, where none may end.
        let catching = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
            let _within = runtime.enter();
            for kind in KINDS.map(|kind| kind()).into_iter().filter(|kind| ignored & bit(*kind) != 0) {
                // The handler outlives the runtime.
                drop(signal(kind).expect("a signal that can be caught"));
            }
        });
        catching.join().expect("signals are caught");
    });
}

/// The place of a signal in a mask of proc_pid_status(5).
fn bit(kind: SignalKind) -> u64 {
    1 << (kind.as_raw_value() - 1)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use crate::project::TestProject;

    /// Set where this test runs once more, started to ignore signals.
    const DEAF: &str = "ONEEX_TESTKIT_DEAF";

    #[test]
    fn a_program_hears_what_its_test_was_started_to_ignore() {
        if std::env::var_os(DEAF).is_none() {
            let again = ["-c", "trap '' INT QUIT HUP TERM; exec \"$0\" \"$1\""];
            let mut deaf = Command::new("/bin/sh");
            deaf.args(again).arg(std::env::current_exe().unwrap()).arg("a_program_hears").env(DEAF, "1");
            let output = deaf.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        for (signal, code) in [("INT", 130), ("QUIT", 131), ("HUP", 129), ("TERM", 143)] {
            let script = format!("kill -{signal} $$; echo deaf");
            let terminal = TestProject::new("/bin/sh").terminal(24, 80, ["-c", &script]).finish();
            let piped = TestProject::new("/bin/sh").oneex(["-c", &script]).run();
            assert_eq!((terminal.code, piped.code), (code, code), "{signal}");
        }
    }
}
