//! What the project file says.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use oneex_engine::conceal::conceal;
use oneex_engine::diag::{Diagnostics, SourceMap};
use oneex_sdk::{Map, Value, nearest};

use super::places::Places;
use super::reader;
use super::schema::ModuleSchema;
use crate::context::PROJECT_FILE;

/// The project file. Without one, everything has its default.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Config {
    /// The folder of the file; what paths in it are relative to.
    pub(crate) root: PathBuf,
    /// `[defaults]`
    pub(crate) defaults: Defaults,
    /// `[project]`
    pub(crate) project: ProjectConfig,
    /// `[env.NAME]`, in the order of their names.
    pub(crate) environments: IndexMap<String, EnvConfig>,
    /// `[MODULE]` and `[MODULE.NAME]` as they are written.
    pub(crate) modules: Map<String, Value>,
    /// Where the options of modules stand.
    pub(crate) places: Places,
}

/// What holds where the command line says nothing else.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Defaults {
    /// Files, folders and lists of hosts, as `-i` takes them.
    pub(crate) inventory: Vec<String>,
    /// How many nodes run at a time.
    pub(crate) forks: Option<usize>,
    /// The user of connections, where the inventory names none.
    pub(crate) user: Option<String>,
}

/// What belongs to the project.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ProjectConfig {
    /// Folders of roles, searched in this order; `roles` when left out.
    pub(crate) roles: Vec<PathBuf>,
    /// What scripts and templates may read outside of the project.
    pub(crate) allow: Vec<PathBuf>,
}

/// One environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EnvConfig {
    /// Its name.
    pub(crate) name: String,
    /// Its inventory, in place of the default one.
    pub(crate) inventory: Vec<String>,
    /// Values of parameters, below the command line's.
    pub(crate) params: Map<String, Value>,
    /// A run that changes something asks first.
    pub(crate) protected: bool,
    /// What `environment().vars` holds.
    pub(crate) vars: Map<String, Value>,
    /// `[env.NAME.MODULE]` and `[env.NAME.MODULE.CONN]` as they are written.
    pub(crate) modules: Map<String, Value>,
}

/// Why no environment can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EnvironmentError {
    /// `--env` names one that the file does not have.
    #[error("`{PROJECT_FILE}` has no environment `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest right name, or all of them.
        hint: String,
    },
    /// There are several, and none was chosen.
    #[error("there are several environments, and none is chosen")]
    NotChosen {
        /// All of them.
        hint: String,
    },
}

impl EnvironmentError {
    /// What to do next.
    pub(crate) fn hint(&self) -> &str {
        match self {
            Self::Unknown { hint, .. } | Self::NotChosen { hint } => hint,
        }
    }
}

impl Config {
    /// Reads the text of a project file that people know as `name`.
    pub(crate) fn parse(
        root: &Path,
        name: &str,
        text: &str,
        modules: &[ModuleSchema],
        sources: &SourceMap,
    ) -> Result<Self, Diagnostics> {
        reader::read(&sources.add(name, conceal(text)), text, modules)
            .map(|config| Self { root: root.to_path_buf(), ..config })
    }

    /// The environment that `--env` names; without it the first there is, for what shows a runbook and
    /// runs nothing.
    pub(crate) fn any_environment(
        &self,
        chosen: Option<&str>,
    ) -> Result<Option<&EnvConfig>, EnvironmentError> {
        match self.environment(chosen) {
            Err(EnvironmentError::NotChosen { .. }) => Ok(self.environments.first().map(|(_, first)| first)),
            other => other,
        }
    }

    /// The environment that `--env` names; without it the only one there is, or none.
    pub(crate) fn environment(&self, chosen: Option<&str>) -> Result<Option<&EnvConfig>, EnvironmentError> {
        let names =
            || self.environments.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match chosen {
            Some(name) => self.environments.get(name).map(Some).ok_or_else(|| {
                let hint = match nearest(name, self.environments.keys().map(String::as_str)) {
                    Some(right) => format!("did you mean `{right}`?"),
                    None if self.environments.is_empty() => format!("add `[env.{name}]` to it"),
                    None => format!("environments are: {}", names()),
                };
                EnvironmentError::Unknown { name: name.to_owned(), hint }
            }),
            None if self.environments.len() > 1 => {
                Err(EnvironmentError::NotChosen { hint: format!("choose one with `--env`: {}", names()) })
            }
            None => Ok(self.environments.first().map(|(_, environment)| environment)),
        }
    }
}

#[cfg(test)]
mod tests {
    use oneex_engine::diag::SourceMap;
    use oneex_sdk::json;

    use super::{Config, EnvironmentError, ModuleSchema};

    const MODULES: [ModuleSchema; 3] = [
        ModuleSchema { name: "vault", options: &["address", "token"], named: true },
        ModuleSchema { name: "proxmox", options: &["url"], named: true },
        ModuleSchema { name: "http", options: &["timeout", "retries"], named: false },
    ];

    fn parse(text: &str) -> Result<Config, Vec<String>> {
        let sources = SourceMap::default();
        Config::parse(std::path::Path::new("/p"), "oneex.toml", text, &MODULES, &sources).map_err(|found| {
            let line = |diagnostic: &oneex_engine::diag::Diagnostic| {
                format!("{diagnostic} ({})", diagnostic.hints.join("; "))
            };
            found.0.iter().map(line).collect()
        })
    }

    #[test]
    fn reads_everything_that_it_knows() {
        let config = parse(
            "[defaults]\ninventory = 'hosts.ini'\nforks = 8\nuser = 'ops'\n\
             [project]\nroles = ['roles', '../r']\nallow = ['../x']\n\
             [env.prod]\ninventory = ['a', 'b,c']\nprotected = true\nparams = { v = 1 }\nvars.d = 'x'\n\
             [vault]\naddress = 'u'\ntoken = { env = 'T' }\n[vault.eu]\naddress = 'e'\n[env.prod.vault]\naddress = 'p'\n",
        )
        .expect("a config");
        assert_eq!(config.defaults.inventory, ["hosts.ini"]);
        assert_eq!((config.defaults.forks, config.defaults.user.as_deref()), (Some(8), Some("ops")));
        assert_eq!(config.project.roles.len(), 2);
        let prod = config.environment(None).expect("one").expect("prod");
        assert!(prod.protected && prod.name == "prod");
        assert_eq!(prod.inventory, ["a", "b,c"]);
        assert_eq!((json!(prod.params), json!(prod.vars)), (json!({"v": 1}), json!({"d": "x"})));
        assert_eq!(
            json!(config.modules),
            json!({"vault": {"address": "u", "token": {"env": "T"}, "eu": {"address": "e"}}})
        );
    }

    #[test]
    fn mistakes_have_their_place_and_the_nearest_name() {
        let table = [
            (
                "[defaults]\nfork = 8\n",
                "oneex.toml:2:1: `[defaults]` has no key `fork` (did you mean `forks`?)",
            ),
            ("[valt]\na = 1\n", "oneex.toml:1:2: there is no table `[valt]` (did you mean `vault`?)"),
            (
                "[env.prod]\nprotect = true\n",
                "oneex.toml:2:1: `[env.prod]` has no key `protect` (did you mean `protected`?)",
            ),
            ("[defaults]\nforks = 0\n", "oneex.toml:2:9: `forks` must be a whole number from 1 to 65535 ()"),
            (
                "[defaults]\nforks = 'x'\n",
                "oneex.toml:2:9: `forks` must be a whole number from 1 to 65535 ()",
            ),
            (
                "[defaults]\nforks = 70000\n",
                "oneex.toml:2:9: `forks` must be a whole number from 1 to 65535 ()",
            ),
            ("[defaults]\nuser = ' '\n", "oneex.toml:2:8: `user` must not be empty ()"),
            ("[project]\nroles = ['a', '']\n", "oneex.toml:2:15: `roles` must not be empty ()"),
            (
                "[env.'']\n",
                "oneex.toml:1:6: an environment has a name of letters, digits, `-`, `_` and `.` ()",
            ),
            ("[vault]\ntokn = 'x'\n", "oneex.toml:2:1: `[vault]` has no key `tokn` (did you mean `token`?)"),
            (
                "[vault.eu]\nurl = 'x'\n",
                "oneex.toml:2:1: `[vault.eu]` has no key `url` (keys are: address, token)",
            ),
            (
                "[env.p.vault.eu]\nadress = 'x'\n",
                "oneex.toml:2:1: `[env.p.vault.eu]` has no key `adress` (did you mean `address`?)",
            ),
            (
                "[http.registry]\ntimeout = '1s'\n",
                "oneex.toml:1:7: `http` has no connections with names of their own, and this is `registry` \
                 (what holds for all of them stands in `[http]`: timeout, retries)",
            ),
            (
                "[env.p.http.registry]\n",
                "oneex.toml:1:13: `http` has no connections with names of their own, and this is `registry` \
                 (what holds for all of them stands in `[http]`: timeout, retries)",
            ),
            (
                "[vault]\ntoken = { evn = 'T' }\n",
                "oneex.toml:2:9: `token` is a value, or is taken from `env`, `file` or `command` (did you mean `env`?)",
            ),
            (
                "[http]\ntimeout = {}\n",
                "oneex.toml:2:11: `timeout` is a value, or is taken from `env`, `file` or `command` ()",
            ),
            ("http = 3\n", "oneex.toml:1:8: `[http]` must be a table, and this is an integer ()"),
            ("[[http]]\n", "oneex.toml:1:1: `[http]` must be a table, and this is a list ()"),
            (
                "[env.prod]\nprotected = 'yes'\n",
                "oneex.toml:2:13: `protected` must be `true` or `false`, and this is a string ()",
            ),
            ("env = 1\n", "oneex.toml:1:7: `[env]` must be a table, and this is an integer ()"),
            ("[vault]\ntoken = { env = 1 }\n", "oneex.toml:2:17: `env` must be a string ()"),
            (
                "[vault]\ntoken = { env = 'A', file = 'b' }\n",
                "oneex.toml:2:9: a value is taken from one place: `env`, `file` or `command` ()",
            ),
            (
                "[vault]\ntoken = { command = [] }\n",
                "oneex.toml:2:21: `command` must be a list of strings, the program first ()",
            ),
        ];
        for (text, wanted) in table {
            assert_eq!(parse(text), Err(vec![wanted.to_owned()]), "{text}");
        }
        let syntax = parse("[defaults]\nforks = = 2\n").expect_err("a mistake");
        assert!(syntax[0].starts_with("oneex.toml:2:9: "), "{syntax:?}");
        assert_eq!(parse("a = 1\nb = 2\n").expect_err("mistakes").len(), 2);
    }

    #[test]
    fn several_environments_must_be_chosen_from() {
        let config = parse("[env.prod]\n[env.test]\n").expect("a config");
        assert_eq!(config.environment(Some("test")).expect("one").map(|env| env.name.as_str()), Some("test"));
        let error = config.environment(None).expect_err("none is chosen");
        assert_eq!(error.hint(), "choose one with `--env`: `prod`, `test`");
        let error = config.environment(Some("prd")).expect_err("unknown");
        assert_eq!(
            error,
            EnvironmentError::Unknown { name: "prd".into(), hint: "did you mean `prod`?".into() }
        );
        assert_eq!(parse("").expect("a config").environment(None), Ok(None));
        let any = config.any_environment(None).expect("one");
        assert_eq!(any.map(|env| env.name.as_str()), Some("prod"), "help needs no choice");
        assert!(config.any_environment(Some("prd")).is_err());
    }
}
