//! Runs the script and puts the facts together.

use std::sync::LazyLock;

use oneex_sdk::{BoxFuture, Command, FactSource, OpError, OpResult, Reader, Value};

use super::documented::DOCUMENTED;
use super::parse::facts;
use super::sections::Sections;
use crate::host::packages::PACKAGE_MANAGERS;

static SCRIPT: LazyLock<String> =
    LazyLock::new(|| format!("{PACKAGE_MANAGERS}{}", include_str!("gather.sh")));

/// The facts of any host with a POSIX shell.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostFacts;

impl FactSource for HostFacts {
    fn gather<'a>(&'a self, reader: &'a dyn Reader) -> BoxFuture<'a, OpResult<Value>> {
        Box::pin(async move {
            let mut command = Command::shell(SCRIPT.as_str()).tidy();
            command.timeout = Some(std::time::Duration::from_secs(60));
            let output = reader.query(command).await?;
            if output.code() == 124 {
                return Err(OpError::timeout("gathering the facts took longer than 60 seconds")
                    .hint("a program in `/etc/oneex/facts.d` or a dead file server may hold it up"));
            }
            Ok(facts(&Sections::split(&output.stdout)?))
        })
    }

    fn documented(&self) -> &'static [(&'static str, &'static str)] {
        DOCUMENTED
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use oneex_sdk::Value;

    use super::{DOCUMENTED, SCRIPT, Sections, facts};

    fn of_this_machine() -> Value {
        let output =
            std::process::Command::new("sh").args(["-c", SCRIPT.as_str()]).output().expect("sh runs");
        facts(&Sections::split(&output.stdout).expect("complete"))
    }

    fn names(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) if prefix != "local" => {
                for (key, value) in map {
                    let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    names(value, &name, found);
                }
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                items.iter().for_each(|item| names(item, &format!("{prefix}[]"), found));
            }
            _ => {
                found.insert(prefix.to_owned());
            }
        }
    }

    #[test]
    fn the_table_and_the_facts_of_a_real_host_agree() {
        let mut found = BTreeSet::new();
        let facts = of_this_machine();
        names(&facts, "", &mut found);
        let documented: BTreeSet<_> = DOCUMENTED.iter().map(|(name, _)| (*name).to_owned()).collect();
        let unknown: Vec<_> =
            found.difference(&documented).filter(|name| !facts[name.as_str()].is_array()).collect();
        assert!(unknown.is_empty(), "not documented: {unknown:?}");
        // A list may be empty on a small machine; then its fields cannot be seen.
        let empty = |name: &str| {
            name.split_once("[]").is_some_and(|(list, _)| facts[list] == Value::Array(Vec::new()))
        };
        let missing: Vec<_> = documented.difference(&found).filter(|name| !empty(name)).collect();
        assert!(missing.is_empty(), "documented but not there: {missing:?}");
    }

    #[test]
    fn a_real_host_tells_what_the_kernel_says() {
        let facts = of_this_machine();
        assert_eq!(facts["system"], "Linux");
        assert!(facts["cpu"]["count"].as_u64().is_some_and(|count| count > 0));
        assert!(facts["memory"]["total_mb"].as_u64().is_some_and(|size| size > 16));
        assert!(facts["uptime_seconds"].as_u64().is_some());
        let users = facts["users"].as_array().expect("users");
        assert!(users.iter().any(|user| user["uid"] == 0 && user["home"] == "/root"));
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("boot id");
        assert_eq!(facts["boot_id"], boot.trim());
    }

    #[test]
    fn the_script_runs_in_a_strict_posix_shell() {
        let output =
            std::process::Command::new("sh").args(["-n", "-c", SCRIPT.as_str()]).output().expect("sh runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
