//! What a run wants for itself.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How many hosts are named where a scope is shown.
const NAMED: usize = 5;

/// What of a project a run has for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The environment; none in a project without any.
    pub environment: Option<String>,
    /// Only these hosts of it, so that runs on others go side by side; without them, all of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<BTreeSet<String>>,
}

impl Scope {
    /// All of an environment.
    pub fn environment(name: Option<&str>) -> Self {
        Self { environment: name.map(str::to_owned), hosts: None }
    }

    /// Hosts of an environment.
    pub fn hosts(environment: Option<&str>, hosts: impl IntoIterator<Item = String>) -> Self {
        Self { hosts: Some(hosts.into_iter().collect()), ..Self::environment(environment) }
    }

    /// Says whether two runs with these scopes would be in each other's way. Hosts are the same by their names,
    /// whatever environment they are found in.
    pub fn meets(&self, other: &Self) -> bool {
        match (&self.hosts, &other.hosts) {
            (Some(own), Some(others)) => !own.is_disjoint(others),
            _ => self.environment == other.environment,
        }
    }

    /// Both together: of the same run, so of the same environment and kind.
    pub(super) fn join(&mut self, other: &Self) {
        match (&mut self.hosts, &other.hosts) {
            (Some(own), Some(others)) => own.extend(others.iter().cloned()),
            _ => self.hosts = None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let environment = match &self.environment {
            Some(name) => format!("the environment `{name}`"),
            None => "the project".to_owned(),
        };
        let Some(hosts) = &self.hosts else { return f.write_str(&environment) };
        let named: Vec<&str> = hosts.iter().take(NAMED).map(String::as_str).collect();
        let more = hosts.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        write!(f, "hosts of {environment}: {}{more}", named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    fn hosts(environment: &str, names: &str) -> Scope {
        Scope::hosts(Some(environment), names.split_terminator(',').map(str::to_owned))
    }

    #[test]
    fn scopes_meet_where_both_could_change_the_same() {
        let all = |name| Scope::environment(Some(name));
        let project = Scope::environment(None);
        for (one, other, meet) in [
            (all("prod"), all("prod"), true),
            (all("prod"), all("test"), false),
            (project.clone(), project.clone(), true),
            (project, all("prod"), false),
            (all("prod"), hosts("prod", "a"), true),
            (all("prod"), hosts("test", "a"), false),
            (hosts("prod", "a,b"), hosts("prod", "c"), false),
            (hosts("prod", "a,b"), hosts("prod", "b,c"), true),
            (hosts("prod", "a"), hosts("test", "a"), true),
            (hosts("prod", ""), hosts("prod", "a"), false),
            (hosts("prod", ""), all("prod"), true),
        ] {
            assert_eq!((one.meets(&other), other.meets(&one)), (meet, meet), "{one} and {other}");
        }
    }

    #[test]
    fn a_scope_is_shown_with_its_first_hosts() {
        assert_eq!(Scope::environment(None).to_string(), "the project");
        assert_eq!(Scope::environment(Some("prod")).to_string(), "the environment `prod`");
        assert_eq!(hosts("prod", "b,a").to_string(), "hosts of the environment `prod`: a, b");
        let many = hosts("x", "a,b,c,d,e,f,g").to_string();
        assert_eq!(many, "hosts of the environment `x`: a, b, c, d, e and 2 more");
    }
}
