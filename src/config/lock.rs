//! `[lock]`: what a run has for itself, how long it waits for it, and where that is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use oneex_engine::diag::Diagnostic;
use oneex_modules::postgres::PostgresSettings;
use oneex_sdk::{Secret, SecretSink};

use super::file::{Config, EnvConfig};
use super::options::OptionTable;
use super::schema::ModuleSchema;
use super::secret::is_reference;
use crate::locks::LockKind;

const NAME: &str = "lock";

/// How long a lock in a database holds after it was renewed.
const TTL: Duration = Duration::from_secs(60);

/// The shortest such time: a third of it must be enough for a renewal.
const SHORTEST: Duration = Duration::from_secs(2);

/// What the table may say. A project has one place for its locks, or one an environment.
pub(super) const SCHEMA: ModuleSchema = ModuleSchema {
    name: NAME,
    options: &["scope", "wait", "url", "password", "ca_file", "project", "ttl"],
    named: false,
};

/// `[env.NAME.lock]` over `[lock]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct LockTable {
    /// What a run has for itself, where the command line does not say.
    pub(crate) scope: Option<LockKind>,
    /// How long a run waits for a lock that another has.
    pub(crate) wait: Option<Duration>,
    /// Where locks are kept that several machines share; without it they are this machine's.
    pub(crate) shared: Option<SharedTable>,
}

/// Where locks are kept that several machines share.
#[derive(Debug, Clone)]
pub(crate) struct SharedTable {
    table: OptionTable,
    /// The name that the project has there.
    pub(crate) project: String,
    /// How long a lock holds after it was renewed.
    pub(crate) ttl: Duration,
}

impl LockTable {
    /// Reads it. What stands elsewhere is left there.
    pub(crate) fn read(config: &Config, environment: Option<&EnvConfig>) -> Result<Self, Diagnostic> {
        let table = OptionTable::of(NAME, config, environment);
        for key in ["scope", "wait", "ca_file", "project", "ttl"] {
            if table.options.get(key).is_some_and(is_reference) {
                return Err(table.mistake(
                    key,
                    format!("`{key}` of `[{NAME}]` is written down, not taken from elsewhere"),
                ));
            }
        }
        Ok(Self {
            scope: table.read("scope", "`\"environment\"`, `\"hosts\"` or `\"none\"`", |value| {
                LockKind::parse(value.as_str()?)
            })?,
            wait: table.duration_or_zero("wait")?,
            shared: SharedTable::read(table)?,
        })
    }
}

impl SharedTable {
    fn read(table: OptionTable) -> Result<Option<Self>, Diagnostic> {
        let Some(url) = table.options.get("url") else {
            let useless = ["password", "ca_file", "project", "ttl"];
            let useless = useless.into_iter().find(|key| table.options.contains_key(*key));
            return match useless {
                Some(key) => Err(table.mistake(key, format!("`{key}` of `[{NAME}]` needs a `url`"))),
                None => Ok(None),
            };
        };
        if !is_reference(url) {
            let settings = PostgresSettings {
                url: Secret::new(table.text("url")?.unwrap_or_default()),
                password: None,
                ca_file: None,
            };
            match settings.password_in_url() {
                Err(error) => return Err(table.mistake("url", error.message)),
                Ok(Some(_)) => {
                    let message = "the password does not stand in the `url`, but apart from it";
                    return Err(table.mistake("url", message.into()).hint(
                        "`password = { env = \"LOCK_PASSWORD\" }`, or `{ file = … }`, `{ command = … }`",
                    ));
                }
                Ok(None) => {}
            }
        }
        if table.options.get("password").is_some_and(|password| !is_reference(password)) {
            let message = "`password` is taken from `env`, `file` or `command`, and not written down";
            return Err(table.mistake("password", message.into()));
        }
        table.text("ca_file")?;
        let Some(project) = table.text("project")? else {
            let message =
                "`[lock]` with a `url` needs a `project`: the name by which other machines know this project";
            return Err(table.mistake("url", message.into()));
        };
        let ttl = table.read("ttl", "a duration of at least `\"2s\"`", |value| {
            let ttl = super::options::duration(value)?;
            (ttl >= SHORTEST).then_some(ttl)
        })?;
        Ok(Some(Self { project, ttl: ttl.unwrap_or(TTL), table }))
    }

    /// The settings of the database, with what stands elsewhere.
    pub(crate) fn settings(
        &self,
        variables: &BTreeMap<String, String>,
        secrets: &dyn SecretSink,
    ) -> Result<PostgresSettings, Diagnostic> {
        let table = &self.table;
        let options = table.config.resolve(table.options.clone(), variables, secrets);
        let options = options.map_err(|error| table.mistake(error.option(), error.to_string()))?;
        let table = table.with(options);
        let settings = PostgresSettings {
            url: Secret::new(table.text("url")?.unwrap_or_default()),
            password: table.text("password")?.map(Secret::new),
            ca_file: table.text("ca_file")?.map(|path| table.config.root.join(PathBuf::from(path))),
        };
        let password = settings.password_in_url().map_err(|error| table.mistake("url", error.message))?;
        password.iter().for_each(|password| secrets.register(password.expose()));
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use oneex_engine::diag::SourceMap;
    use oneex_engine::redact::Redactor;
    use oneex_sdk::SecretSink;

    use super::super::{Config, MODULES};
    use super::LockTable;
    use crate::locks::LockKind;

    fn table(text: &str) -> Result<LockTable, String> {
        let root = std::path::Path::new("/project");
        let config = Config::parse(root, "oneex.toml", text, &MODULES, &SourceMap::default());
        let config = config.map_err(|found| found.0.iter().map(ToString::to_string).collect::<String>())?;
        let environment = config.environment(None).map_err(|error| error.to_string())?;
        LockTable::read(&config, environment).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_and_the_project_are_joined() {
        let text = "[lock]\nscope = 'hosts'\nwait = '10m'\n[env.prod.lock]\nscope = 'environment'\n";
        let table = |text| table(text).map(|table| (table.scope, table.wait, table.shared.is_some()));
        assert_eq!(table(text), Ok((Some(LockKind::Environment), Some(Duration::from_secs(600)), false)));
        assert_eq!(table(""), Ok((None, None, false)));
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, wanted) in [
            ("[lock]\nscope = 'host'\n", "2:9: `scope` must be `\"environment\"`, `\"hosts\"` or `\"none\"`"),
            ("[lock]\nwait = 'long'\n", "2:8: `wait` must be a duration such as `\"30s\"`"),
            (
                "[lock]\nscope = { env = 'X' }\n",
                "2:9: `scope` of `[lock]` is written down, not taken from elsewhere",
            ),
            ("[lock]\nscop = 'x'\n", "2:1: `[lock]` has no key `scop`"),
            ("[lock]\npassword = { env = 'X' }\n", "2:12: `password` of `[lock]` needs a `url`"),
            ("[lock]\nproject = 'shop'\n", "2:11: `project` of `[lock]` needs a `url`"),
            (
                "[lock]\nurl = 'mysql://db'\nproject = 'shop'\n",
                "2:7: the address of the database is wrong: it is no `postgres://` address",
            ),
            (
                "[lock]\nurl = 'postgres://u:hunter2@db/x'\nproject = 'shop'\n",
                "2:7: the password does not stand in the `url`, but apart from it",
            ),
            (
                "[lock]\nurl = 'postgres://u@db/x'\n",
                "2:7: `[lock]` with a `url` needs a `project`: the name by which other machines know this project",
            ),
            (
                "[lock]\nurl = 'postgres://u@db/x'\nproject = 'shop'\npassword = 'hunter2'\n",
                "4:12: `password` is taken from `env`, `file` or `command`, and not written down",
            ),
            (
                "[lock]\nurl = 'postgres://u@db/x'\nproject = 'shop'\nttl = '1s'\n",
                "4:7: `ttl` must be a duration of at least `\"2s\"`",
            ),
        ] {
            assert_eq!(table(text).map(|_| ()), Err(format!("oneex.toml:{wanted}")), "{text}");
        }
    }

    #[test]
    fn what_stands_elsewhere_is_a_secret_and_asked_for_late() {
        let text = "[lock]\nurl = 'postgres://u@db/x'\nproject = 'shop'\npassword = { env = 'P' }\n\
                    ca_file = 'ca.pem'\n[env.prod.lock]\nurl = { env = 'U' }\nttl = '30s'\n";
        let shared = table(text).expect("a table").shared.expect("a database");
        assert_eq!((shared.project.as_str(), shared.ttl), ("shop", Duration::from_secs(30)));
        let redactor = Redactor::default();
        let mut variables = BTreeMap::from([("U".to_owned(), "postgres://v:inside9@other/y".to_owned())]);
        let error = shared.settings(&variables, &redactor).expect_err("there is no password");
        let missing =
            "oneex.toml:4:12: `password` is taken from the environment variable `P`, which is not set";
        assert_eq!(error.to_string(), missing);
        variables.insert("P".to_owned(), "hunter22".to_owned());
        let settings = shared.settings(&variables, &redactor).expect("settings");
        assert_eq!(settings.password.map(|password| password.expose().clone()).as_deref(), Some("hunter22"));
        assert_eq!(settings.ca_file.as_deref(), Some(std::path::Path::new("/project/ca.pem")));
        assert!(redactor.is_tainted("hunter22") && redactor.is_tainted("inside9"));
    }
}
