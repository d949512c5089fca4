//! Who takes a lock, and who breaks one.

use std::collections::BTreeMap;

use oneex_engine::journal::Origin;

use crate::chronicle::origin;
use crate::context::Context;

/// Whoever runs the program.
pub(crate) struct Who {
    /// The person's name.
    pub(crate) user: String,
    /// The machine's name.
    pub(crate) machine: String,
    /// The process on it.
    pub(crate) process: u32,
    /// Where people see the job of a CI that it is part of.
    pub(crate) job: Option<String>,
}

impl Who {
    /// Whoever runs it now.
    pub(crate) fn of(context: &Context) -> Self {
        let Origin { user, machine, process, ci, .. } = origin(context);
        Self {
            user: user.unwrap_or_else(|| format!("uid {}", context.uid)),
            machine: machine.unwrap_or_default(),
            process,
            job: job(&ci),
        }
    }

    /// As people say it: `ada on ops1`.
    pub(crate) fn shown(&self) -> String {
        format!("{} on {}", self.user, self.machine)
    }
}

/// The job's address, or what else the CI says of it.
fn job(ci: &BTreeMap<String, String>) -> Option<String> {
    let named = || Some(format!("job {} of {}", ci.get("job")?, ci.get("system")?));
    ci.get("url").filter(|url| url.contains("://")).cloned().or_else(named)
}

#[cfg(test)]
mod tests {
    use super::Who;
    use crate::context::Context;

    #[test]
    fn a_lock_is_a_persons_on_a_machine_or_a_jobs() {
        for (variables, user, job) in [
            ("USER=ada", "ada", None),
            ("", "uid 4294967295", None),
            ("USER=r GITLAB_CI=1 CI_JOB_ID=7 CI_JOB_URL=https://git/7", "r", Some("https://git/7")),
            ("USER=r GITHUB_ACTIONS=true GITHUB_RUN_ID=8 GITHUB_JOB=build", "r", Some("job 8 of github")),
        ] {
            let (mut context, _) = Context::for_test("/".as_ref());
            let pairs = variables.split_whitespace().filter_map(|pair| pair.split_once('='));
            context.variables.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            let who = Who::of(&context);
            assert_eq!((who.user.as_str(), who.job.as_deref()), (user, job), "{variables}");
            assert_eq!(who.process, std::process::id());
            assert_eq!(who.shown(), format!("{user} on {}", who.machine));
        }
    }
}
