//! What would have changed so far, so that a plan can say what depends on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use oneex_sdk::Resources;

/// Pending changes by target.
#[derive(Debug, Default)]
pub struct Pending(Mutex<HashMap<Arc<str>, Vec<Change>>>);

/// What would change, and what people call it.
type Change = (Resources, String);

impl Pending {
    /// Notes that `what` on `target` has a pending change; `by` names it for people.
    pub fn add(&self, target: &Arc<str>, what: Resources, by: String) {
        let mut map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        map.entry(Arc::clone(target)).or_default().push((what, by));
    }

    /// The pending change that a look at `what` on `target` would depend on.
    pub fn assumed_by(&self, target: &str, what: &Resources) -> Option<String> {
        let map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let pending = map.get(target)?;
        pending.iter().find(|(changed, _)| overlaps(changed, what)).map(|(_, by)| by.clone())
    }

    /// The pending change that may bring `what`, which a look at `target` did not find: a package
    /// brings files, services, users and groups, and a unit or script that is written is a service.
    pub fn may_bring(&self, target: &str, what: &Resources) -> Option<String> {
        let map = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let pending = map.get(target)?;
        pending.iter().find(|(changed, _)| brings(changed, what)).map(|(_, by)| by.clone())
    }
}

/// Says whether a change of `changed` can be why `missing` is not there yet.
fn brings(changed: &Resources, missing: &Resources) -> bool {
    let all_begin = |names: &[String], kind: &str| names.iter().all(|name| name.starts_with(kind));
    match (changed, missing) {
        (_, Resources::Nothing) => false,
        (Resources::Named(names), Resources::Named(missing)) => {
            all_begin(names, "package:") && !all_begin(missing, "package:")
        }
        (Resources::Named(names), _) => all_begin(names, "package:"),
        (Resources::Paths(paths), Resources::Named(missing)) => {
            let is_unit = |path: &String| SERVICE_FOLDERS.iter().any(|folder| within(path, folder));
            all_begin(missing, "service:") && paths.iter().any(is_unit)
        }
        _ => false,
    }
}

/// Where services are described, systemd.unit(5) and init scripts.
const SERVICE_FOLDERS: &[&str] = &[
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/etc/init.d",
];

/// Says whether a change of `changed` can show in a look at `seen`.
fn overlaps(changed: &Resources, seen: &Resources) -> bool {
    match (changed, seen) {
        (Resources::Nothing, _) | (_, Resources::Nothing) => false,
        (Resources::Host, _) | (_, Resources::Host) => true,
        (Resources::Paths(a), Resources::Paths(b)) => {
            a.iter().any(|a| b.iter().any(|b| within(a, b) || within(b, a)))
        }
        (Resources::Named(a), Resources::Named(b)) => a.iter().any(|name| b.contains(name)),
        (Resources::Paths(_), Resources::Named(_)) | (Resources::Named(_), Resources::Paths(_)) => false,
    }
}

fn within(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use oneex_sdk::Resources;

    use super::Pending;

    fn paths(path: &str) -> Resources {
        Resources::Paths(vec![path.to_owned()])
    }

    #[test]
    fn a_look_depends_on_a_change_above_or_below_it_and_on_no_other() {
        let pending = Pending::default();
        let web: Arc<str> = "web1".into();
        pending.add(&web, paths("/etc/nginx"), "directory /etc/nginx".into());
        for seen in ["/etc/nginx", "/etc/nginx/conf.d/a", "/etc"] {
            assert!(pending.assumed_by("web1", &paths(seen)).is_some(), "{seen}");
        }
        assert_eq!(pending.assumed_by("web1", &paths("/etc/nginx2")), None);
        assert_eq!(pending.assumed_by("web2", &paths("/etc/nginx")), None);
        assert_eq!(pending.assumed_by("web1", &Resources::Host), Some("directory /etc/nginx".into()));
    }

    fn named(name: &str) -> Resources {
        Resources::Named(vec![name.to_owned()])
    }

    #[test]
    fn what_is_missing_may_come_with_a_package_or_a_unit_file() {
        let unit = || paths("/etc/systemd/system/app.service");
        for (changed, missing, may) in [
            (named("package:nginx"), named("service:nginx"), true),
            (named("package:nginx"), named("user:www-data"), true),
            (named("package:nginx"), paths("/etc/nginx/nginx.conf"), true),
            (named("package:nginx"), named("package:curl"), false),
            (named("package:nginx"), Resources::Nothing, false),
            (named("user:ops"), named("service:nginx"), false),
            (named("user:ops"), paths("/home/ops"), false),
            (unit(), named("service:app"), true),
            (unit(), named("user:app"), false),
            (paths("/etc/init.d/app"), named("service:app"), true),
            (paths("/etc/motd"), named("service:app"), false),
        ] {
            let pending = Pending::default();
            pending.add(&"web1".into(), changed.clone(), "it".into());
            let found = pending.may_bring("web1", &missing);
            assert_eq!(found.is_some(), may, "{changed:?} for {missing:?}");
            assert_eq!(pending.may_bring("web2", &missing), None);
        }
    }

    #[test]
    fn named_things_depend_on_their_own_name() {
        let pending = Pending::default();
        let web: Arc<str> = "web1".into();
        pending.add(&web, Resources::Named(vec!["package:curl".into()]), "packages curl".into());
        assert!(pending.assumed_by("web1", &Resources::Named(vec!["package:curl".into()])).is_some());
        assert!(pending.assumed_by("web1", &Resources::Named(vec!["package:vim".into()])).is_none());
        assert!(pending.assumed_by("web1", &Resources::Nothing).is_none());
    }
}
