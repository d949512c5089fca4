//! The clock that leases are timed by.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A clock that nobody sets, and that goes on while the machine sleeps.
pub trait Clock: Send + Sync {
    /// The time since some moment before the program began.
    fn now(&self) -> Duration;
}

/// The machine's time since it was booted: `CLOCK_BOOTTIME` of clock_gettime(2).
#[derive(Debug, Clone, Copy, Default)]
pub struct BootClock;

impl Clock for BootClock {
    fn now(&self) -> Duration {
        let time = clock_gettime(ClockId::Boottime);
        // Both are never negative.
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::{BootClock, Clock};

    #[test]
    fn the_boot_clock_goes_on() {
        let uptime = std::fs::read_to_string("/proc/uptime").expect("proc(5)");
        let uptime: f64 = uptime.split(' ').next().expect("a word").parse().expect("a number");
        let now = BootClock.now();
        assert!(now.as_secs_f64() >= uptime && BootClock.now() >= now);
    }
}
