//! The two hosts of these tests, and what is said of them.

use std::path::Path;

use oneex_sdk::{OpResult, Target, Value};
use oneex_testkit::{SshFarm, WiredHost, laws::Done};

use crate::local::{LocalConnector, LocalSettings};
use crate::ssh::{SshConnector, SshSettings};

/// One host of each kind. Both are this machine, each with a folder of its own.
pub(super) struct Both {
    farm: SshFarm,
    local: (WiredHost, tempfile::TempDir),
    remote: WiredHost,
}

impl Both {
    pub(super) async fn new() -> Self {
        let farm = SshFarm::start(1);
        let folder = tempfile::Builder::new().prefix("oneex-test-").tempdir().expect("a temporary folder");
        let connector = LocalConnector::new(LocalSettings::default());
        let local = WiredHost::connect(&connector, Target { name: "h1".into(), ..Target::default() }).await;
        let connector = SshConnector::new(SshSettings::default());
        let remote = WiredHost::connect(&connector, farm.target(0)).await;
        Self { farm, local: (local, folder), remote }
    }

    /// Both hosts with their folders and names.
    pub(super) fn each(&mut self) -> [(&'static str, &mut WiredHost, &Path); 2] {
        [
            ("local", &mut self.local.0, self.local.1.path()),
            ("ssh", &mut self.remote, self.farm.host(0).folder.as_path()),
        ]
    }
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
