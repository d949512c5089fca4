//! Who holds a lock, and who broke one.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Scope;

/// The shortest part of a run's id that stands for it.
const SHORTEST_ID: usize = 8;

/// Who holds a lock. The times are for people; nothing is decided by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The run's id.
    pub run: String,
    /// Tells a run from itself where it is resumed while it goes on: another word for each process and lock.
    pub owner: String,
    /// What runs: the runbook's name, or `exec`.
    pub name: String,
    /// The person's name.
    pub user: String,
    /// The machine that it runs on.
    pub machine: String,
    /// The process on that machine.
    pub process: u32,
    /// Where people see the job of a CI that it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Since when, by that machine's clock.
    pub since: Timestamp,
    /// What it holds.
    pub scope: Scope,
    /// When the lock is free if nobody renews it, by the store's clock; none where that does not depend on time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Holder {
    /// A lock is called by its environment, by one of its hosts, and by its run.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let Self { run, scope, .. } = self;
        scope.environment.as_deref() == Some(name)
            || scope.hosts.as_ref().is_some_and(|hosts| hosts.contains(name))
            || (name.len() >= SHORTEST_ID && run.starts_with(name))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, name, user, machine, process, since, .. } = self;
        write!(f, "{user} on {machine} runs `{name}` since {since:.0} (process {process}, run {run}")?;
        if let Some(job) = &self.job {
            write!(f, ", {job}")?;
        }
        f.write_str(")")
    }
}

/// A lock that a person took from its holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// Who had it.
    pub holder: Holder,
    /// The number of the lease.
    pub fence: u64,
    /// Who broke it: `ada on ops1`.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, by that machine's clock.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::Holder;
    use crate::lock::Scope;

    #[test]
    fn a_holder_is_shown_in_one_line() {
        let mut holder = Holder {
            run: "0197".into(),
            owner: "0198".into(),
            name: "deploy".into(),
            user: "ada".into(),
            machine: "ops1".into(),
            process: 7,
            job: None,
            since: "2026-03-01T10:00:00.25Z".parse().expect("a time"),
            scope: Scope::environment(None),
            expires: None,
        };
        let start = "ada on ops1 runs `deploy` since 2026-03-01T10:00:00Z (process 7, run 0197";
        assert_eq!(holder.to_string(), format!("{start})"));
        holder.job = Some("https://ci/1".into());
        assert_eq!(holder.to_string(), format!("{start}, https://ci/1)"));
        let text = serde_json::to_string(&holder).expect("JSON");
        assert_eq!(serde_json::from_str::<Holder>(&text).expect("a holder"), holder);
    }
}
