//! `[ssh]`: what holds for all connections of a project.

use std::path::PathBuf;

use oneex_engine::diag::Diagnostic;
use oneex_modules::ssh::{ConfigSource, ProjectSettings, SshSettings, StrictHostKeys};
use oneex_sdk::Value;

use super::file::{Config, EnvConfig};
use super::options::OptionTable;
use super::schema::ModuleSchema;
use super::secret::is_reference;

const NAME: &str = "ssh";

/// What the table may say. Hosts have what is their own in the inventory, so there are no connections by name.
pub(super) const SCHEMA: ModuleSchema = ModuleSchema {
    name: NAME,
    options: &[
        "ssh_config",
        "connect_timeout",
        "keepalive",
        "reconnect",
        "known_hosts",
        "host_key_checking",
        "shells",
    ],
    named: false,
};

/// `[env.NAME.ssh]` over `[ssh]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct SshTable {
    /// The file that is read instead of the usual ones.
    config: Option<PathBuf>,
    project: ProjectSettings,
    shells: Option<usize>,
}

impl SshTable {
    /// Reads it. Nothing of it may stand elsewhere: there is no secret among it.
    pub(crate) fn read(config: &Config, environment: Option<&EnvConfig>) -> Result<Self, Diagnostic> {
        let table = OptionTable::of(NAME, config, environment);
        if let Some((key, _)) = table.options.iter().find(|(_, value)| is_reference(value)) {
            return Err(table
                .mistake(key, format!("`{key}` of `[{NAME}]` is written down, not taken from elsewhere")));
        }
        // Whoever writes `~` means the home folder, as in ssh_config(5).
        let path = |path: String| if path.starts_with("~/") { path.into() } else { config.root.join(path) };
        Ok(Self {
            config: table.text("ssh_config")?.map(path),
            project: ProjectSettings {
                connect_timeout: table.duration("connect_timeout")?,
                keepalive: table.duration_or_zero("keepalive")?,
                reconnect: table.duration_or_zero("reconnect")?,
                known_hosts: table.texts("known_hosts")?.into_iter().flatten().map(path).collect(),
                strict: table.read("host_key_checking", "`\"yes\"`, `\"accept-new\"` or `\"no\"`", strict)?,
            },
            shells: table.read("shells", "a whole number from 1 to 1000", |value| {
                value
                    .as_u64()
                    .filter(|shells| (1..=1000).contains(shells))
                    .and_then(|shells| shells.try_into().ok())
            })?,
        })
    }

    /// Puts it over what holds without it.
    pub(crate) fn over(self, settings: SshSettings) -> SshSettings {
        let source = self.config.map(|path| match (path.strip_prefix("~"), &settings.machine.home) {
            (Ok(below), Some(home)) => ConfigSource::File(home.join(below)),
            _ => ConfigSource::File(path),
        });
        SshSettings {
            config: source.unwrap_or(settings.config),
            project: self.project,
            shells: self.shells.unwrap_or(settings.shells),
            ..settings
        }
    }
}

/// The words of `StrictHostKeyChecking`, and truth.
fn strict(value: &Value) -> Option<StrictHostKeys> {
    match value {
        Value::Bool(true) => Some(StrictHostKeys::Yes),
        Value::Bool(false) => Some(StrictHostKeys::No),
        Value::String(word) => match word.as_str() {
            "yes" => Some(StrictHostKeys::Yes),
            "accept-new" => Some(StrictHostKeys::AcceptNew),
            "no" => Some(StrictHostKeys::No),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oneex_engine::diag::SourceMap;
    use oneex_modules::ssh::{ConfigSource, Machine, ProjectSettings, SshSettings, StrictHostKeys};

    use super::super::{Config, MODULES};
    use super::SshTable;

    fn settings(text: &str) -> Result<SshSettings, String> {
        let root = std::path::Path::new("/project");
        let config = Config::parse(root, "oneex.toml", text, &MODULES, &SourceMap::default());
        let config = config.map_err(|found| {
            let line =
                |found: &oneex_engine::diag::Diagnostic| format!("{found} ({})", found.hints.join("; "));
            found.0.iter().map(line).collect::<String>()
        })?;
        let environment = config.environment(None).map_err(|error| error.to_string())?;
        let table = SshTable::read(&config, environment).map_err(|error| error.to_string())?;
        let machine = Machine { home: Some("/home/ops".into()), ..Machine::default() };
        Ok(table.over(SshSettings { machine, ..SshSettings::default() }))
    }

    #[test]
    fn what_is_written_holds_and_the_environment_wins() {
        let found = settings(
            "[ssh]\nssh_config = 'ssh/config'\nconnect_timeout = '2500ms'\nkeepalive = 9\nreconnect = '5m'\nshells = 2\n\
             known_hosts = ['ssh/known', '~/.ssh/known_hosts', '/etc/known']\nhost_key_checking = 'accept-new'\n\
             [env.lab.ssh]\nssh_config = '~/lab'\nhost_key_checking = false\n",
        );
        let found = found.expect("settings");
        assert_eq!(found.config, ConfigSource::File("/home/ops/lab".into()));
        assert_eq!(found.shells, 2);
        let wanted = ProjectSettings {
            connect_timeout: Some(Duration::from_millis(2500)),
            keepalive: Some(Duration::from_secs(9)),
            reconnect: Some(Duration::from_secs(300)),
            known_hosts: ["/project/ssh/known", "~/.ssh/known_hosts", "/etc/known"].map(Into::into).into(),
            strict: Some(StrictHostKeys::No),
        };
        assert_eq!(found.project, wanted);
        let plain = settings("[ssh]\nssh_config = 'ssh/config'\nkeepalive = 0\n").expect("settings");
        assert_eq!(plain.config, ConfigSource::File("/project/ssh/config".into()));
        assert_eq!(plain.project.keepalive, Some(Duration::ZERO), "it is switched off");
        let (none, usual) = (settings("").expect("settings"), SshSettings::default());
        assert_eq!((none.project, none.shells), (usual.project, usual.shells));
    }

    #[test]
    fn mistakes_have_their_place_and_what_is_right() {
        for (text, wanted) in [
            (
                "[ssh]\nconect_timeout = 1\n",
                "2:1: `[ssh]` has no key `conect_timeout` (did you mean `connect_timeout`?)",
            ),
            ("[ssh]\nconnect_timeout = 0\n", "2:19: `connect_timeout` must be a duration such as `\"30s\"`"),
            ("[ssh]\nkeepalive = 'soon'\n", "2:13: `keepalive` must be a duration such as `\"30s\"`"),
            ("[ssh]\nshells = 0\n", "2:10: `shells` must be a whole number from 1 to 1000"),
            ("[ssh]\nshells = '8'\n", "2:10: `shells` must be a whole number from 1 to 1000"),
            ("[ssh]\nssh_config = ''\n", "2:14: `ssh_config` must be a string that is not empty"),
            (
                "[ssh]\nknown_hosts = []\n",
                "2:15: `known_hosts` must be a string that is not empty, or a list of them",
            ),
            (
                "[ssh]\nknown_hosts = ['a', 1]\n",
                "2:15: `known_hosts` must be a string that is not empty, or a list of them",
            ),
            (
                "[env.lab.ssh]\nhost_key_checking = 'ask'\n",
                "2:21: `host_key_checking` must be `\"yes\"`, `\"accept-new\"` or `\"no\"`",
            ),
            (
                "[ssh]\nssh_config = { env = 'X' }\n",
                "2:14: `ssh_config` of `[ssh]` is written down, not taken from elsewhere",
            ),
        ] {
            let found = settings(text).map(|_| ()).expect_err(text);
            assert_eq!(found, format!("oneex.toml:{wanted}"), "{text}");
        }
    }
}
