//! Decisions of the scheduler as functions of plain data.

use std::time::Duration;

use oneex_sdk::ErrorKind;

use super::{NodeStatus, RunStatus};
use crate::graph::{Amount, Retry};

/// How long to wait before the attempt after `attempt`; nothing where there is none.
pub(super) fn wait_after(retry: &Retry, attempt: u32, kind: ErrorKind) -> Option<Duration> {
    let retried = retry.on.is_empty() || retry.on.iter().any(|on| on == kind.as_str());
    if attempt > retry.times || !retried || kind == ErrorKind::Cancelled {
        return None;
    }
    let factor = retry.backoff.max(0.0).powi(i32::try_from(attempt - 1).unwrap_or(i32::MAX));
    let wait = Duration::try_from_secs_f64(retry.wait.as_secs_f64() * factor).unwrap_or(Duration::MAX);
    Some(wait.min(retry.max_wait))
}

/// The size of a batch, `number` from 1, out of `all` hosts.
pub(super) fn batch_size(ladder: &[Amount], number: usize, all: usize) -> usize {
    let step = ladder.get(number.saturating_sub(1)).or(ladder.last());
    step.map_or(all, |step| step.of(all)).max(1)
}

/// The time as people write it: `5m`, `1m 30s`, `250ms`.
pub(super) fn shown(time: Duration) -> String {
    jiff::SignedDuration::try_from(time)
        .map_or_else(|_| format!("{}s", time.as_secs()), |time| format!("{time:#}"))
}

/// How a failure of this kind ends a node.
pub(super) fn status_of(kind: ErrorKind) -> NodeStatus {
    if kind == ErrorKind::Unreachable { NodeStatus::Unreachable } else { NodeStatus::Failed }
}

/// What of a run decides how it ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Verdicts {
    /// It was interrupted before everything had ended.
    pub(super) interrupted: bool,
    /// A guard stopped it.
    pub(super) halted: bool,
    /// A node failed at all.
    pub(super) failed: bool,
    /// A node was unreachable at all.
    pub(super) unreachable: bool,
    /// A task had more failed nodes than its `max_fail` allows, one of them `failed`.
    pub(super) failed_too_often: bool,
    /// A task had more failed nodes than its `max_fail` allows, all of them unreachable.
    pub(super) unreachable_too_often: bool,
    /// Something was blocked.
    pub(super) blocked: bool,
    /// A gate waits.
    pub(super) waiting: bool,
}

/// How a run ended. Failures within a task's `max_fail` are well, unless something was blocked:
/// then something needed what failed.
pub(super) fn run_status(verdicts: Verdicts) -> RunStatus {
    let failed =
        verdicts.failed_too_often || (verdicts.blocked && (verdicts.failed || !verdicts.unreachable));
    if verdicts.halted {
        RunStatus::Failed
    } else if verdicts.interrupted {
        RunStatus::Interrupted
    } else if failed {
        RunStatus::Failed
    } else if verdicts.unreachable_too_often || verdicts.blocked {
        RunStatus::Unreachable
    } else if verdicts.waiting {
        RunStatus::Waiting
    } else {
        RunStatus::Ok
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oneex_sdk::ErrorKind;

    use super::{Verdicts, batch_size, run_status, shown, wait_after};
    use crate::graph::{Amount, Retry};
    use crate::run::RunStatus;

    #[test]
    fn waits_grow_up_to_the_longest() {
        let retry = Retry {
            times: 4,
            wait: Duration::from_secs(2),
            backoff: 3.0,
            max_wait: Duration::from_secs(10),
            on: Vec::new(),
        };
        let waits: Vec<_> = (1..=5).map(|attempt| wait_after(&retry, attempt, ErrorKind::Failed)).collect();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(waits, [seconds(2), seconds(6), seconds(10), seconds(10), None]);
    }

    #[test]
    fn only_the_named_kinds_are_retried() {
        let retry = Retry { times: 1, on: vec!["unreachable".into()], ..Retry::default() };
        assert_eq!(wait_after(&retry, 1, ErrorKind::Failed), None);
        assert_eq!(wait_after(&retry, 1, ErrorKind::Unreachable), Some(Duration::ZERO));
        let any = Retry { times: 1, ..Retry::default() };
        assert_eq!(wait_after(&any, 1, ErrorKind::Cancelled), None);
    }

    #[test]
    fn a_huge_backoff_is_bounded() {
        let retry =
            Retry { times: u32::MAX, wait: Duration::from_secs(1), backoff: 1e300, ..Retry::default() };
        assert_eq!(wait_after(&retry, 3, ErrorKind::Failed), Some(retry.max_wait));
    }

    #[test]
    fn the_last_step_of_a_ladder_repeats_and_a_batch_is_never_empty() {
        let ladder = [Amount::Count(1), Amount::Percent(25.0)];
        let sizes: Vec<_> = (1..=3).map(|number| batch_size(&ladder, number, 10)).collect();
        assert_eq!(sizes, [1, 2, 2]);
        assert_eq!(batch_size(&[Amount::Percent(1.0)], 1, 10), 1);
        assert_eq!(batch_size(&[], 1, 10), 10);
    }

    #[test]
    fn a_share_is_the_whole_number_below_it() {
        // 29 % of 100 is 29, whatever binary fractions make of it.
        for all in [0, 1, 3, 7, 10, 99, 100, 1000, 1999] {
            for tenths in 0..=1000_usize {
                let percent: f64 = format!("{}.{}", tenths / 10, tenths % 10).parse().expect("a number");
                assert_eq!(Amount::Percent(percent).of(all), all * tenths / 1000, "{percent} % of {all}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn a_ladder_reaches_everybody_in_steps_that_are_its_own(
            steps in proptest::collection::vec((proptest::prelude::any::<bool>(), 0..=100_usize), 0..5), all in 1..200_usize
        ) {
            let amount = |(share, number): &(bool, usize)| {
                if *share { Amount::Percent(*number as f64) } else { Amount::Count(*number) }
            };
            let ladder: Vec<Amount> = steps.iter().map(amount).collect();
            let mut done = 0;
            for number in 1.. {
                let size = batch_size(&ladder, number, all);
                let step = steps.get(number - 1).or(steps.last());
                let wanted = step.map_or(all, |(share, number)| if *share { all * number / 100 } else { *number });
                proptest::prop_assert_eq!(size, wanted.max(1));
                done += size;
                if done >= all {
                    break;
                }
            }
        }
    }

    #[test]
    fn times_are_shown_as_people_write_them() {
        assert_eq!(shown(Duration::from_secs(300)), "5m");
        assert_eq!(shown(Duration::from_millis(250)), "250ms");
    }

    #[test]
    fn failures_within_max_fail_are_well_unless_something_needed_them() {
        let none = Verdicts::default();
        let cases = [
            (none, RunStatus::Ok),
            (Verdicts { failed: true, ..none }, RunStatus::Ok),
            (Verdicts { failed: true, blocked: true, ..none }, RunStatus::Failed),
            (Verdicts { failed: true, failed_too_often: true, ..none }, RunStatus::Failed),
            (Verdicts { unreachable: true, unreachable_too_often: true, ..none }, RunStatus::Unreachable),
            (Verdicts { unreachable: true, blocked: true, ..none }, RunStatus::Unreachable),
            (Verdicts { blocked: true, ..none }, RunStatus::Failed),
            (Verdicts { waiting: true, ..none }, RunStatus::Waiting),
            (Verdicts { waiting: true, failed: true, failed_too_often: true, ..none }, RunStatus::Failed),
            (Verdicts { interrupted: true, failed_too_often: true, ..none }, RunStatus::Interrupted),
            (Verdicts { interrupted: true, halted: true, ..none }, RunStatus::Failed),
        ];
        for (verdicts, expected) in cases {
            assert_eq!(run_status(verdicts), expected, "{verdicts:?}");
        }
    }
}
