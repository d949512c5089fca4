//! Runs programs and says what they cost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What one run of a program cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) wall: Duration,
    /// User and system time of the program and of the children it waited for.
    pub(crate) cpu: Duration,
    /// The most memory that one of its processes held at once, in bytes.
    pub(crate) peak: u64,
}

/// What several runs of the same cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Summary {
    /// The middle one by wall time.
    pub(crate) median: Duration,
    /// The shortest wall time: what a busy machine disturbs least.
    pub(crate) fastest: Duration,
    /// The least CPU time.
    pub(crate) cpu: Duration,
    /// The most memory.
    pub(crate) peak: u64,
}

impl Summary {
    /// Sums up costs.
    ///
    /// # Panics
    /// When there are none.
    pub(crate) fn of(costs: &[Cost]) -> Self {
        let mut walls: Vec<Duration> = costs.iter().map(|cost| cost.wall).collect();
        walls.sort_unstable();
        Self {
            median: walls[walls.len() / 2],
            fastest: walls[0],
            cpu: costs.iter().map(|cost| cost.cpu).min().unwrap_or_default(),
            peak: costs.iter().map(|cost| cost.peak).max().unwrap_or_default(),
        }
    }
}

/// Runs a program to its end.
///
/// # Panics
/// When it cannot be started or does not end well: a number of something broken is worth nothing.
pub(crate) fn measure(command: &mut Command) -> Cost {
    let shown = format!("{command:?}");
    let log = tempfile::NamedTempFile::new().expect("a file for what it says");
    let stderr = log.reopen().expect("the same file again");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    let start = Instant::now();
    let child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
    let used = child.wait4().expect("the end of a child");
    let wall = start.elapsed();
    let said = || std::fs::read_to_string(log.path()).unwrap_or_default();
    assert!(used.status.success(), "{shown}: {}\n{}", used.status, said());
    Cost { wall, cpu: used.rusage.utime + used.rusage.stime, peak: used.rusage.maxrss }
}
