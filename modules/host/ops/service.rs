//! `service`: whether it runs, and whether it is started with the host.

use oneex_sdk::{
    Change, Command, Example, Kind, Op, OpError, OpResult, Output, Proof, Reader, Resources, Writer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::services::{ACT_OPENRC, ACT_SYSTEMD, ACT_SYSV, Found, InitSystem, LOOK, check_name, parse};

/// Which state is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    /// Runs.
    Started,
    /// Does not run.
    Stopped,
    /// Is stopped and started, always.
    Restarted,
    /// Reads its configuration again, always; is started where it does not run.
    Reloaded,
}

/// The options.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    /// The service's name; with systemd any unit, where `.service` may be left out.
    pub name: String,
    /// `started`, `stopped`, `restarted` or `reloaded`; left as it is when left out.
    pub state: Option<Wanted>,
    /// Whether it is started with the host; left as it is when left out.
    pub enabled: Option<bool>,
    /// Whether starting it is forbidden altogether; systemd only.
    pub masked: Option<bool>,
    /// Makes systemd read its unit files again first; that alone does not count as a change.
    #[serde(default)]
    pub daemon_reload: bool,
    /// The run level of OpenRC that `enabled` is about; other managers have none.
    #[serde(default = "usual")]
    pub runlevel: String,
}

fn usual() -> String {
    "default".to_owned()
}

/// See [`Op::MANUAL`].
pub(super) struct Service;

impl Op for Service {
    type Params = Params;
    type State = Found;
    const NAME: &'static str = "service";
    const KIND: Kind = Kind::Ensure;
    const MANUAL: &'static str = "\
Starts, stops and restarts a service, and says whether it is started with the host.

Driven are systemd, OpenRC and, where neither runs, the scripts of `/etc/init.d` with `update-rc.d`.
`started` and `stopped` act only where the service is not so already; `restarted` and `reloaded` act every
time, so they belong in handlers. `masked` comes before everything else when it is taken away, and after
everything else when it is set.

Sources: systemctl(1), rc-service(8), rc-update(8), service(8), update-rc.d(8).";
    const POSITIONAL: &'static [&'static str] = &["name"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            about: "runs now and after every start",
            code: "h.service(\"nginx\", #{ state: \"started\", enabled: true });",
            proof: Proof::Check,
        },
        Example {
            about: "reads its configuration again",
            code: "h.service(\"nginx\", #{ state: \"reloaded\" });",
            proof: Proof::Check,
        },
    ];

    fn resources(&self, params: &Params) -> Resources {
        Resources::Named(vec![format!("service:{}", params.name)])
    }

    async fn read(&self, reader: &dyn Reader, params: &Params) -> OpResult<Found> {
        check_name(&params.name)?;
        if check_name(&params.runlevel).is_err() {
            let message = format!("`runlevel`: `{}` cannot be the name of one", params.runlevel);
            return Err(OpError::invalid(message));
        }
        let printed =
            reader.query(Command::script(LOOK, [&params.name, &params.runlevel]).tidy()).await?.stdout_text();
        let found = parse(&printed)
            .ok_or_else(|| OpError::failed("the host has neither systemd nor `/etc/init.d`"))?;
        if params.masked.is_some() && !found.is_systemd() {
            return Err(OpError::invalid("`masked` needs systemd, which does not run on the host"));
        }
        let harmless =
            params.state.is_none_or(|state| state == Wanted::Stopped) && params.enabled != Some(true);
        if found.exists || found.masked || (harmless && params.masked != Some(false)) || params.daemon_reload
        {
            return Ok(found);
        }
        Err(OpError::failed(format!("there is no service `{}`", params.name))
            .hint("is its package installed? under `plan`, it may come with a package that is not yet"))
    }

    fn diff(&self, params: &Params, found: &Found) -> Change {
        let mut change = Change::none();
        let word = |yes: bool, one: &str, other: &str| Some(if yes { one } else { other }.to_owned());
        if let Some(masked) = params.masked {
            change.property("masked", word(found.masked, "yes", "no"), word(masked, "yes", "no"));
        }
        // A unit that is neither enabled nor disabled (`static`) is started by others: there is nothing to set.
        if let (Some(wanted), Some(enabled)) = (params.enabled, found.enabled) {
            change.property("enabled", word(enabled, "yes", "no"), word(wanted, "yes", "no"));
        }
        let running = word(found.running, "started", "stopped");
        match params.state {
            Some(Wanted::Started) => change.property("state", running, Some("started".to_owned())),
            Some(Wanted::Stopped) => change.property("state", running, Some("stopped".to_owned())),
            Some(Wanted::Restarted) => change.property("state", running, Some("restarted".to_owned())),
            Some(Wanted::Reloaded) => change.property("state", running, Some("reloaded".to_owned())),
            None => &mut change,
        };
        if params.daemon_reload && found.stale {
            change.property("unit files", Some("changed on disk".to_owned()), Some("read".to_owned()));
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
        let verbs = verbs(params, found, change);
        let (text, level) = match found.init {
            InitSystem::Systemd => (ACT_SYSTEMD, None),
            InitSystem::OpenRc => (ACT_OPENRC, Some(params.runlevel.as_str())),
            InitSystem::SysV => (ACT_SYSV, None),
        };
        let words = std::iter::once(params.name.as_str()).chain(level).chain(verbs.iter().copied());
        writer.progress(&format!("{} {}", verbs.join(", "), params.name));
        let output = writer.run(Command::script(text, words)).await?;
        if output.ok() {
            return Ok(Output::none());
        }
        let said = output.stderr_text();
        let hint = if said.contains("ermission denied") || said.contains("authentication required") {
            "services need root: use `h.sudo().service(…)`".to_owned()
        } else if found.is_systemd() {
            format!("`journalctl -u {}` on the host says why", params.name)
        } else {
            "the output says why".to_owned()
        };
        Err(OpError::failed(format!("cannot {} `{}`", verbs.join(" and "), params.name))
            .hint(hint)
            .command(format!("{} {}", verbs.join(" "), params.name), output))
    }
}

/// The verbs of `systemctl`, or of an init script, in the order in which they are done.
fn verbs(params: &Params, found: &Found, change: &Change) -> Vec<&'static str> {
    let mut verbs = Vec::new();
    if params.daemon_reload && found.is_systemd() {
        verbs.push("daemon-reload");
    }
    if change.has("masked") && params.masked == Some(false) {
        verbs.push("unmask");
    }
    if change.has("enabled") {
        verbs.push(if params.enabled == Some(true) { "enable" } else { "disable" });
    }
    match params.state.filter(|_| change.has("state")) {
        Some(Wanted::Started) => verbs.push("start"),
        Some(Wanted::Stopped) => verbs.push("stop"),
        Some(Wanted::Restarted) => verbs.push("restart"),
        Some(Wanted::Reloaded) if !found.running => verbs.push("start"),
        Some(Wanted::Reloaded) => verbs.push("reload"),
        None => {}
    }
    if change.has("masked") && params.masked == Some(true) {
        verbs.push("mask");
    }
    verbs
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Op, Value, json};

    use super::{ACT_SYSTEMD, Found, InitSystem, LOOK, Params, Service, check_name, parse, verbs};

    const RUNNING: &str =
        "systemd\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n";
    const STOPPED: &str =
        "systemd\nLoadState=loaded\nActiveState=failed\nUnitFileState=disabled\nNeedDaemonReload=yes\n";
    const MASKED: &str =
        "systemd\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked\nNeedDaemonReload=no\n";
    const STATIC: &str =
        "systemd\nLoadState=loaded\nActiveState=active\nUnitFileState=static\nNeedDaemonReload=no\n";
    const SYSV: &str = "sysvinit\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n";

    fn decide(options: Value, printed: &str) -> (String, Vec<&'static str>) {
        let params: Params = serde_json::from_value(options).expect("options");
        let found = parse(printed).expect("a service manager");
        let change = Service.diff(&params, &found);
        (change.to_text(), if change.is_empty() { Vec::new() } else { verbs(&params, &found, &change) })
    }

    #[test]
    fn what_is_as_wanted_is_no_change() {
        for (options, printed) in [
            (json!({ "name": "x", "state": "started", "enabled": true }), RUNNING),
            (json!({ "name": "x", "state": "stopped", "enabled": false }), STOPPED),
            (json!({ "name": "x", "masked": true, "state": "stopped" }), MASKED),
            (json!({ "name": "x", "enabled": true }), STATIC),
            (json!({ "name": "x", "daemon_reload": true }), RUNNING),
            (json!({ "name": "x" }), SYSV),
        ] {
            assert_eq!(decide(options.clone(), printed), (String::new(), Vec::new()), "{options}");
        }
    }

    #[test]
    fn what_differs_becomes_verbs_in_order() {
        for (options, printed, expected) in [
            (json!({ "name": "x", "state": "started", "enabled": true }), STOPPED, vec!["enable", "start"]),
            (
                json!({ "name": "x", "state": "started", "daemon_reload": true }),
                STOPPED,
                vec!["daemon-reload", "start"],
            ),
            (json!({ "name": "x", "daemon_reload": true }), STOPPED, vec!["daemon-reload"]),
            (json!({ "name": "x", "state": "restarted" }), RUNNING, vec!["restart"]),
            (json!({ "name": "x", "state": "reloaded" }), RUNNING, vec!["reload"]),
            (json!({ "name": "x", "state": "reloaded" }), STOPPED, vec!["start"]),
            (json!({ "name": "x", "masked": false, "state": "started" }), MASKED, vec!["unmask", "start"]),
            (json!({ "name": "x", "masked": true, "state": "stopped" }), RUNNING, vec!["stop", "mask"]),
            (json!({ "name": "x", "state": "started", "enabled": true }), SYSV, vec!["enable", "start"]),
        ] {
            assert_eq!(decide(options.clone(), printed).1, expected, "{options}");
        }
        let (text, _) = decide(json!({ "name": "x", "state": "started", "enabled": true }), STOPPED);
        assert_eq!(text, "enabled: no → yes\nstate: stopped → started\n");
    }

    #[test]
    fn a_service_that_is_not_there_is_seen() {
        let gone =
            "systemd\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n";
        assert_eq!(parse(gone), Some(Found { init: InitSystem::Systemd, ..Found::default() }));
        assert_eq!(parse("sysvinit\n"), Some(Found::default()));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn names_cannot_leave_their_folder_or_be_options() {
        for good in ["nginx", "getty@tty1.service", "dev-disk-by\\x2duuid.swap"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for wrong in ["", "-f", "../x", "a/b", "a b", "$(id)", ".hidden"] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_look_runs_on_a_real_host() {
        let output = std::process::Command::new("sh")
            .args(["-c", LOOK, "sh", "oneex-none"])
            .output()
            .expect("sh runs");
        let found = parse(&String::from_utf8_lossy(&output.stdout)).expect("a service manager");
        assert!(!found.exists && !found.running);
    }

    #[test]
    fn the_verbs_reach_systemctl_one_by_one_and_stop_at_a_failure() {
        let folder = tempfile::tempdir().expect("a folder");
        let stand_in = folder.path().join("systemctl");
        std::fs::write(&stand_in, "#!/bin/sh\necho \"$*\"\n[ \"$1\" != start ]\n").expect("written");
        std::fs::set_permissions(&stand_in, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("executable");
        let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").expect("a path"));
        let words = ["-c", ACT_SYSTEMD, "sh", "nginx", "daemon-reload", "enable", "start", "mask"];
        let output =
            std::process::Command::new("sh").args(words).env("PATH", path).output().expect("sh runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "daemon-reload\nenable -- nginx\nstart -- nginx\n"
        );
        assert!(!output.status.success());
    }
}
