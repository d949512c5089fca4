//! Who begins a run, and where: the person, the machine, the job of a CI.

use std::collections::BTreeMap;

use oneex_engine::journal::Origin;

use crate::context::Context;

/// Variables that a CI sets: that which says that it is one, what it is called, and where it tells its job, the job's
/// address, the commit, the branch and the person.
///
/// Sources: GitLab's "Predefined CI/CD variables", GitHub's "Variables reference", Jenkins' "Using environment
/// variables", Forgejo's and Gitea's Actions, which set GitHub's.
const SYSTEMS: &[(&str, &str, [&str; 5])] = &[
    (
        "GITLAB_CI",
        "gitlab",
        ["CI_JOB_ID", "CI_JOB_URL", "CI_COMMIT_SHA", "CI_COMMIT_REF_NAME", "GITLAB_USER_LOGIN"],
    ),
    (
        "GITHUB_ACTIONS",
        "github",
        ["GITHUB_RUN_ID", "GITHUB_JOB", "GITHUB_SHA", "GITHUB_REF_NAME", "GITHUB_ACTOR"],
    ),
    ("JENKINS_URL", "jenkins", ["BUILD_TAG", "BUILD_URL", "GIT_COMMIT", "GIT_BRANCH", "BUILD_USER_ID"]),
];

const NAMES: [&str; 5] = ["job", "url", "commit", "branch", "actor"];

/// Who begins a run now.
pub(crate) fn origin(context: &Context) -> Origin {
    Origin {
        user: context.user(),
        machine: Some(rustix::system::uname().nodename().to_string_lossy().into_owned()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        process: std::process::id(),
        ci: ci(&context.variables),
    }
}

fn ci(variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let given = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let Some((_, system, told)) = SYSTEMS.iter().find(|(sign, ..)| given(sign).is_some()) else {
        return BTreeMap::new();
    };
    let told =
        NAMES.into_iter().zip(told).filter_map(|(name, from)| Some((name.to_owned(), given(from)?.clone())));
    std::iter::once(("system".to_owned(), (*system).to_owned())).chain(told).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::ci;

    fn of(pairs: &[(&str, &str)]) -> String {
        let variables: BTreeMap<String, String> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let told: Vec<String> =
            ci(&variables).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        told.join(" ")
    }

    #[test]
    fn a_job_says_where_it_runs() {
        assert_eq!(of(&[("CI_JOB_ID", "7")]), "", "a variable that somebody left");
        let gitlab =
            [("GITLAB_CI", "true"), ("CI_JOB_ID", "7"), ("CI_COMMIT_SHA", "abc"), ("CI_JOB_URL", "")];
        assert_eq!(of(&gitlab), "commit=abc job=7 system=gitlab");
        assert_eq!(of(&[("GITHUB_ACTIONS", "true"), ("GITHUB_ACTOR", "ada")]), "actor=ada system=github");
        assert_eq!(of(&[("JENKINS_URL", "http://x"), ("BUILD_TAG", "j-1")]), "job=j-1 system=jenkins");
    }
}
