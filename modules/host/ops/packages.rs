//! `packages`: what is installed.

use oneex_sdk::{
    Change, Duration, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::packages::{
    Act, Need, PackageManager, PackageName, Policy, Snapshot, hint, lock_holder, named, probe,
};

/// One name, or several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected the name of a package, or an array of names")]
pub(super) enum Names {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// Which state is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Installed, in whichever version, or in the one that the name gives.
    #[default]
    Present,
    /// Not installed.
    Absent,
    /// Installed, in the newest version that the host's sources have.
    Latest,
}

/// The options.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// One name or several; `name=version` for exactly that version.
    pub names: Names,
    /// `present` (the default), `absent` or `latest`.
    #[serde(default)]
    pub state: State,
    /// Fetches the lists of packages before something is installed.
    #[serde(default)]
    pub update_cache: bool,
    /// With `update_cache`: lists younger than this are not fetched again.
    pub cache_valid_time: Option<Duration>,
    /// Whether packages that are only recommended are installed as well; the host's own setting when left out.
    pub recommends: Option<bool>,
    /// Removes what only the removed packages needed; only when something else is to be done.
    #[serde(default)]
    pub autoremove: bool,
    /// With `absent`: removes configuration files too; with apt also those left by an earlier removal.
    #[serde(default)]
    pub purge: bool,
    /// Whether the packages keep their version, whatever else is updated; left as it is when left out.
    pub hold: Option<bool>,
    /// Lets `name=version` replace a newer version.
    #[serde(default)]
    pub allow_downgrade: bool,
    /// How long to wait for another package manager to end; 5 minutes.
    pub lock_timeout: Option<Duration>,
}

impl Params {
    fn packages(&self) -> OpResult<Vec<PackageName>> {
        match &self.names {
            Names::One(name) => Ok(vec![PackageName::parse(name)?]),
            Names::Several(names) => names.iter().map(|name| PackageName::parse(name)).collect(),
        }
    }
}

/// What `read` found.
pub(super) struct Found {
    driver: &'static dyn PackageManager,
    /// Its program on the host.
    program: String,
    packages: Vec<PackageName>,
    snapshot: Snapshot,
}

/// See [`Op::MANUAL`].
pub(super) struct Packages;

impl Op for Packages {
    type Params = Params;
    type State = Found;
    const NAME: &'static str = "packages";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Installs, updates or removes packages with the package manager of the host.

Driven are apt, dnf (yum where that is all there is), zypper, apk and pacman; of several, the one that the distribution
stands on. Nothing is asked: configuration files that were changed on the host are kept, licences are agreed to. A package
that stands in for a name counts as that name. `name=version` may leave out the epoch and the release where versions have
them, except with apt. `latest` compares with the lists that the host has: with `update_cache` they are fetched when
something is installed, not to find out whether something is. A package that is held is not updated by `latest`.

What a package manager cannot do is refused: dnf and zypper do not purge, apk and pacman have neither holds nor packages
that are only recommended. `autoremove` takes what nothing needs any more with apt and dnf, and what the removed packages
alone needed with zypper and pacman; apk does so always. dnf needs its plugin `versionlock` for `hold`, yum its `repoquery`
for `latest`. With pacman, new lists and a single package are a partial upgrade, which Arch advises against.

Sources: apt-get(8), dpkg-query(1), apt-cache(8), apt-mark(8), dnf(8), rpm(8), zypper(8), apk(8), pacman(8).";
    const POSITIONAL: &'static [&'static str] = &["names"];
    const LOCK: Option<&'static str> = Some("packages");
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "installs two packages",
            code: "h.packages([\"nginx\", \"curl\"], #{ update_cache: true, cache_valid_time: \"1h\" });",
            proof: Proof::Check,
        },
        Example {
            about: "removes one with its configuration",
            code: "h.packages(\"telnetd\", #{ state: \"absent\", purge: true });",
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        let packages = params.packages().unwrap_or_default();
        Resources::Named(packages.iter().map(|package| format!("package:{}", package.name)).collect())
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Found> {
        let packages = params.packages()?;
        let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        if names.is_empty() {
            return Err(OpError::invalid("`packages` was given no name"));
        }
        let need = match params.state {
            State::Absent => Need::Nothing,
            State::Present => Need::Missing,
            State::Latest => Need::All,
        };
        let printed = reader.query(probe(need, &names)).await?.stdout_text();
        let (name, rest) = printed.split_once('\n').unwrap_or((printed.as_str(), ""));
        let (name, program) = name.split_once(' ').unwrap_or((name, ""));
        let driver = named(name)?;
        for (option, why) in driver.lacks() {
            let is_asked = match *option {
                "purge" => params.purge,
                "hold" => params.hold.is_some(),
                _ => params.recommends == Some(true),
            };
            if is_asked {
                return Err(OpError::invalid(format!("`{option}`: {why}")));
            }
        }
        let snapshot = driver.parse(rest);
        let is_compared = |package: &PackageName| {
            package.version.is_none() && snapshot.installed.contains_key(&package.name)
        };
        if let Some(trouble) = snapshot.trouble.as_ref().filter(|_| params.state == State::Latest)
            && packages.iter().any(is_compared)
        {
            let message = format!("`{program}` could not say which versions are the newest: {trouble}");
            return Err(
                OpError::failed(message).hint("`latest` needs lists that were fetched on the host before")
            );
        }
        Ok(Found { driver, program: program.to_owned(), packages, snapshot })
    }

    fn diff(&self, params: &Params, found: &Found) -> Change {
        let mut change = Change::none();
        for package in &found.packages {
            let (before, after) = difference(params, package, found);
            change.property(&format!("package {}", package.name), before, after);
            if let Some(hold) = params.hold.filter(|_| params.state != State::Absent) {
                let word = |held| Some(if held { "held" } else { "free" }.to_owned());
                let is_held = found.snapshot.held.contains(&package.name);
                change.property(&format!("version of {}", package.name), word(is_held), word(hold));
            }
        }
        change
    }

    async fn apply(
        &self,
        writer: &dyn Writer,
        params: &Params,
        found: &Found,
        change: &Change,
    ) -> OpResult<Output> {
        let differs = |package: &&PackageName| change.has(&format!("package {}", package.name));
        let packages: Vec<PackageName> = found.packages.iter().filter(differs).cloned().collect();
        let act = if params.state == State::Absent { Act::Remove } else { Act::Install };
        let others = |package: &&PackageName| change.has(&format!("version of {}", package.name));
        let holds: Vec<String> =
            found.packages.iter().filter(others).map(|package| package.name.clone()).collect();
        let touched = if packages.is_empty() { &found.packages } else { &packages };
        let names = touched.iter().map(|package| package.name.as_str()).collect::<Vec<_>>().join(", ");
        let program = &found.program;
        writer.progress(&format!("{} {names}", if act == Act::Install { "installing" } else { "removing" }));
        let mut policy = policy(params, &found.snapshot);
        policy.hold = params.hold.filter(|_| !holds.is_empty()).map(|hold| (hold, holds));
        policy.update_cache &= !packages.is_empty();
        let command = found.driver.act(act, &packages, &policy);
        let output = writer.run(command).await?;
        if output.ok() {
            writer.forget_facts();
            return Ok(Output::none()
                .with("packages", packages.iter().map(|package| package.name.clone()).collect::<Vec<_>>()));
        }
        let said = output.stderr_text();
        let shown = format!("{} ({names})", program);
        if let Some(holder) = lock_holder(&output.stdout_text(), &said) {
            let limit = params.lock_timeout.map_or(LOCK_TIMEOUT, |limit| limit.0);
            let message = format!(
                "{holder} holds the lock of `{program}`, and did not let it go within {}",
                Duration(limit)
            );
            let hint = "let it end, or wait longer with `lock_timeout`";
            return Err(OpError::timeout(message).hint(hint).command(shown, output));
        }
        let error = OpError::failed(format!("`{program}` failed for {names}"));
        let hint = hint(&format!("{}{said}", output.stdout_text()));
        Err(error.hint(hint).command(shown, output))
    }
}

/// How long another package manager is waited for unless said otherwise.
const LOCK_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(300);

/// The present and the wanted version, equal where nothing is to be done.
fn difference(params: &Params, package: &PackageName, found: &Found) -> (Option<String>, Option<String>) {
    let snapshot = &found.snapshot;
    let installed = snapshot.installed.get(&package.name).cloned();
    let candidate = snapshot.candidates.get(&package.name);
    let newest = || candidate.cloned().unwrap_or_else(|| "installed".to_owned());
    let wanted = match (params.state, &package.version) {
        (State::Absent, _)
            if params.purge && installed.is_none() && snapshot.leftover.contains(&package.name) =>
        {
            return (Some("configuration".to_owned()), None);
        }
        (State::Absent, _) => None,
        (_, Some(version)) => match &installed {
            Some(installed) if found.driver.is_version(installed, version) => Some(installed.clone()),
            _ => Some(version.clone()),
        },
        (State::Latest, None)
            if installed.is_some() && params.hold != Some(false) && snapshot.held.contains(&package.name) =>
        {
            installed.clone()
        }
        (State::Latest, None) => candidate.cloned().or_else(|| installed.clone()).or_else(|| Some(newest())),
        (State::Present, None) if installed.is_some() => installed.clone(),
        (State::Present, None) if snapshot.provided.contains(&package.name) => None,
        (State::Present, None) => Some(newest()),
    };
    (installed, wanted)
}

fn policy(params: &Params, snapshot: &Snapshot) -> Policy {
    let valid = params
        .cache_valid_time
        .is_some_and(|limit| snapshot.cache_age.is_some_and(|age| age < limit.0.as_secs()));
    Policy {
        update_cache: params.update_cache && !valid && params.state != State::Absent,
        recommends: params.recommends,
        autoremove: params.autoremove,
        purge: params.purge,
        allow_downgrade: params.allow_downgrade,
        lock_timeout: params.lock_timeout.map_or(LOCK_TIMEOUT, |limit| limit.0).as_secs(),
        hold: None,
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Change, Op, Value, json};

    use super::{Found, Need, Packages, Params, Snapshot, named, policy, probe};

    fn params(options: Value) -> Params {
        serde_json::from_value(options).expect("options")
    }

    fn snapshot() -> Snapshot {
        Snapshot {
            installed: [("curl".into(), "8.5".into()), ("nano".into(), "2:7.2-1".into())].into(),
            leftover: ["old".into()].into(),
            provided: ["awk".into()].into(),
            held: ["nano".into()].into(),
            candidates: [
                ("curl".into(), "8.6".into()),
                ("nginx".into(), "1.24".into()),
                ("nano".into(), "2:7.3-1".into()),
            ]
            .into(),
            cache_age: Some(600),
            trouble: None,
        }
    }

    fn diff(options: Value) -> Change {
        diff_with("apt", options)
    }

    fn diff_with(driver: &str, options: Value) -> Change {
        let params = params(options);
        let packages = params.packages().expect("names");
        let driver = named(driver).expect("a package manager");
        Packages.diff(
            &params,
            &Found { driver, program: driver.name().to_owned(), packages, snapshot: snapshot() },
        )
    }

    #[test]
    fn what_is_as_wanted_is_no_change() {
        for options in [
            json!({ "names": "curl" }),
            json!({ "names": ["curl", "awk"] }),
            json!({ "names": "curl=8.5" }),
            json!({ "names": "nginx", "state": "absent" }),
            json!({ "names": "old", "state": "absent" }),
            json!({ "names": "curl=8.5", "state": "latest" }),
            json!({ "names": "nano", "state": "latest" }),
            json!({ "names": "nano", "hold": true }),
            json!({ "names": "curl", "hold": false }),
            json!({ "names": "nginx", "state": "absent", "hold": true }),
        ] {
            assert!(diff(options.clone()).is_empty(), "{options}");
        }
    }

    #[test]
    fn versions_in_parts_may_leave_some_out() {
        for driver in ["dnf", "zypper", "apk", "pacman"] {
            assert!(
                diff_with(driver, json!({ "names": ["nano=7.2", "nano=2:7.2-1"] })).is_empty(),
                "{driver}"
            );
            assert!(!diff_with(driver, json!({ "names": "nano=7.1" })).is_empty(), "{driver}");
        }
    }

    #[test]
    fn what_differs_is_named_with_its_versions() {
        for (options, text) in [
            (json!({ "names": ["curl", "nginx"] }), "package nginx: + 1.24\n"),
            (json!({ "names": "unknown" }), "package unknown: + installed\n"),
            (json!({ "names": "curl=8.4" }), "package curl: 8.5 → 8.4\n"),
            (json!({ "names": "curl", "state": "latest" }), "package curl: 8.5 → 8.6\n"),
            (json!({ "names": "curl", "state": "absent" }), "package curl: - 8.5\n"),
            (json!({ "names": "curl", "hold": true }), "version of curl: free → held\n"),
            (json!({ "names": "nano", "hold": false }), "version of nano: held → free\n"),
            (json!({ "names": "nano=7.2" }), "package nano: 2:7.2-1 → 7.2\n"),
            (json!({ "names": "old", "state": "absent", "purge": true }), "package old: - configuration\n"),
        ] {
            assert_eq!(diff(options.clone()).to_text(), text, "{options}");
        }
    }

    #[test]
    fn lists_are_fetched_when_they_are_too_old() {
        let fetched = |options| policy(&params(options), &snapshot()).update_cache;
        assert!(!fetched(json!({ "names": "x" })));
        assert!(fetched(json!({ "names": "x", "update_cache": true })));
        assert!(fetched(json!({ "names": "x", "update_cache": true, "cache_valid_time": "5m" })));
        assert!(!fetched(json!({ "names": "x", "update_cache": true, "cache_valid_time": "1h" })));
        assert!(!fetched(json!({ "names": "x", "update_cache": true, "state": "absent" })));
    }

    #[test]
    fn a_real_host_says_what_it_has() {
        let line = probe(Need::Missing, &["dpkg", "oneex-no-such-package"]).line();
        let output = std::process::Command::new("sh").args(["-c", &line]).output().expect("sh runs");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let (name, rest) = printed.split_once('\n').expect("a name");
        assert_eq!(name, "apt apt-get");
        let snapshot = named("apt").expect("apt").parse(rest);
        assert!(snapshot.installed.contains_key("dpkg"), "{printed}");
        assert!(!snapshot.installed.contains_key("oneex-no-such-package"));
        assert!(snapshot.provided.contains("awk"), "the stand-ins are listed for a name that is not there");
    }
}
