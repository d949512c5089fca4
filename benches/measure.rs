//! Runs a program and says what it cost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What a program cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) wall: Duration,
    /// User and system time of the program and of the children it waited for.
    pub(crate) cpu: Duration,
    /// The most memory it held at once, in bytes.
    pub(crate) peak: u64,
}

/// Runs a program to its end.
///
/// # Panics
/// When it cannot be started or does not end well: a number of something broken is worth nothing.
pub(crate) fn measure(command: &mut Command) -> Cost {
    let shown = format!("{command:?}");
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    let start = Instant::now();
    let used = child.wait4().expect("the end of a child");
    let wall = start.elapsed();
    assert!(used.status.success(), "{shown}: {}", used.status);
    Cost { wall, cpu: used.rusage.utime + used.rusage.stime, peak: used.rusage.maxrss }
}

/// The middle one by wall time.
///
/// # Panics
/// When there is none.
pub(crate) fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by_key(|cost| cost.wall);
    costs[costs.len() / 2]
}
