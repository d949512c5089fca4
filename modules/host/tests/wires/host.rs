//! The hosts of these tests, and what is said of them.

use std::path::Path;

use oneex_sdk::{OpResult, Target, Value};
use oneex_testkit::{FarmOptions, SshFarm, WiredHost, laws::Done};

use crate::local::{LocalConnector, LocalSettings};
use crate::ssh::{SshConnector, SshSettings};

/// The name of the host that has BusyBox alone.
pub(super) const BUSYBOX: &str = "busybox";

/// One host of each kind. All are this machine, each with a folder of its own.
pub(super) struct Wires {
    farms: Vec<SshFarm>,
    local: (WiredHost, tempfile::TempDir),
    remote: Vec<WiredHost>,
}

impl Wires {
    /// The controller, and a host over SSH.
    pub(super) async fn both() -> Self {
        Self::over(vec![SshFarm::start(1)]).await
    }

    /// The same, and a host over SSH that has BusyBox alone, as shell and as login shell too, and so no `sudo`.
    pub(super) async fn all() -> Self {
        let options = FarmOptions { busybox: true, ..FarmOptions::default() };
        Self::over(vec![SshFarm::start(1), SshFarm::start_with(1, &options)]).await
    }

    async fn over(farms: Vec<SshFarm>) -> Self {
        let folder = tempfile::Builder::new().prefix("oneex-test-").tempdir().expect("a temporary folder");
        let connector = LocalConnector::new(LocalSettings::default());
        let local = WiredHost::connect(&connector, Target { name: "h1".into(), ..Target::default() }).await;
        let connector = SshConnector::new(SshSettings::default());
        let mut remote = Vec::new();
        for farm in &farms {
            remote.push(WiredHost::connect(&connector, farm.target(0)).await);
        }
        Self { farms, local: (local, folder), remote }
    }

    /// The hosts with their names and folders.
    pub(super) fn each(&mut self) -> Vec<(&'static str, &mut WiredHost, &Path)> {
        let remote = ["ssh", BUSYBOX].into_iter().zip(&mut self.remote).zip(&self.farms);
        let remote = remote.map(|((name, host), farm)| (name, host, farm.host(0).folder.as_path()));
        std::iter::once(("local", &mut self.local.0, self.local.1.path())).chain(remote).collect()
    }
}

/// What is told of a case, in the words that the host named `name` has for it.
pub(super) fn worded(name: &str, told: &str) -> String {
    let mut told = told.to_owned();
    if name == BUSYBOX {
        for (dash, ash) in [
            ("sh: 1: Syntax error: Unterminated", "sh: line 0: syntax error: unterminated"),
            ("sh: 1: ", "sh: line 0: "),
        ] {
            told = told.replace(dash, ash);
        }
    }
    told
}

/// The options with `DIR` as the host's folder.
pub(super) fn options(text: &Value, folder: &Path) -> Value {
    let folder = folder.to_str().expect("a UTF-8 path");
    serde_json::from_str(&text.to_string().replace("DIR", folder)).expect("JSON")
}

/// What came of it in one text, with the folder as `DIR`: the fields that are named, or the error's kind, its message,
/// its hint and what the command wrote.
pub(super) fn told(result: &OpResult<Done>, fields: &[&str], folder: &Path) -> String {
    let text = match result {
        Ok(done) => {
            let field = |name: &&str| match done.output.fields.get(*name) {
                Some(Value::String(text)) => format!("{name} {text:?}"),
                Some(other) => format!("{name} {other}"),
                None => format!("no {name}"),
            };
            let changed = if done.changed { "changed" } else { "ok" };
            std::iter::once(changed.to_owned()).chain(fields.iter().map(field)).collect::<Vec<_>>().join(", ")
        }
        Err(error) => {
            let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let output = error.command.as_ref().map(|failed| &failed.output);
            let wrote = output
                .map(|output| format!("{}{}", output.stdout_text(), output.stderr_text()))
                .filter(|text| !text.is_empty())
                .map(|text| format!(" wrote {text:?}"))
                .unwrap_or_default();
            format!("{}: {}{hint}{wrote}", error.kind.as_str(), error.message)
        }
    };
    text.replace(folder.to_str().expect("a UTF-8 path"), "DIR")
}
