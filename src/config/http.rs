//! `[http]`: what holds for all requests.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use oneex_engine::diag::Diagnostic;
use oneex_engine::redact::Redactor;
use oneex_modules::http::{LazySettings, Proxies, Settings};
use oneex_sdk::OpError;

use super::file::{Config, EnvConfig};
use super::options::OptionTable;
use super::schema::ModuleSchema;
use super::secret::is_reference;

const NAME: &str = "http";

/// What the table may say. Requests name their servers themselves, so there are no connections by name.
pub(super) const SCHEMA: ModuleSchema = ModuleSchema {
    name: NAME,
    options: &["ca_file", "timeout", "connect_timeout", "retries", "proxy"],
    named: false,
};

/// `[env.NAME.http]` over `[http]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct HttpTable(OptionTable);

impl HttpTable {
    /// Reads it. Values that are written down are checked; those that stand elsewhere are left where they are.
    pub(crate) fn read(config: &Config, environment: Option<&EnvConfig>) -> Result<Self, Diagnostic> {
        let table = OptionTable::of(NAME, config, environment);
        let written = table.options.iter().filter(|(_, value)| !is_reference(value));
        let written = written.map(|(key, value)| (key.clone(), value.clone())).collect();
        settings(&table.with(written), Proxies::default())?;
        Ok(Self(table))
    }

    /// The settings: at once, or, where a value stands elsewhere, when the first request asks for them.
    pub(crate) fn lazy(
        self,
        environment: Proxies,
        variables: BTreeMap<String, String>,
        redactor: Arc<Redactor>,
    ) -> LazySettings {
        let Self(table) = self;
        LazySettings::new(move || {
            let options = table.config.resolve(table.options.clone(), &variables, &*redactor);
            let settings = options
                .map_err(|error| table.mistake(error.option(), error.to_string()))
                .and_then(|options| settings(&table.with(options), environment.clone()));
            settings.map_err(|diagnostic| OpError::invalid(format!("[{NAME}] of {diagnostic}")))
        })
    }
}

fn settings(table: &OptionTable, environment: Proxies) -> Result<Settings, Diagnostic> {
    let defaults = Settings::default();
    let retries = table.read("retries", "a whole number from 0", |value| {
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        number.and_then(|number| u32::try_from(number).ok())
    })?;
    let proxies = match table.text("proxy")? {
        Some(proxy) => Proxies { http: None, https: None, all: Some(proxy), except: environment.except },
        None => environment,
    };
    let ca_file = table.text("ca_file")?.map(|path| table.config.root.join(PathBuf::from(path)));
    Ok(Settings {
        ca_file: ca_file.or(defaults.ca_file),
        timeout: table.duration("timeout")?.unwrap_or(defaults.timeout),
        connect_timeout: table.duration("connect_timeout")?.unwrap_or(defaults.connect_timeout),
        retries: retries.unwrap_or(defaults.retries),
        proxies,
        ..defaults
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use oneex_engine::diag::SourceMap;
    use oneex_engine::redact::Redactor;
    use oneex_modules::http::Proxies;
    use oneex_sdk::SecretSink;

    use super::super::{Config, MODULES};
    use super::HttpTable;

    fn table(text: &str, environment: Option<&str>) -> Result<HttpTable, String> {
        let root = std::path::Path::new("/project");
        let config = Config::parse(root, "oneex.toml", text, &MODULES, &SourceMap::default());
        let config = config.map_err(|found| found.0.iter().map(ToString::to_string).collect::<String>())?;
        let environment = config.environment(environment).map_err(|error| error.to_string())?;
        HttpTable::read(&config, environment).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_and_the_project_are_joined() {
        let text = "[http]\ntimeout = '5s'\nretries = 0\nca_file = 'ca.pem'\n\
                    [env.prod.http]\nproxy = 'http://p:2'\ntimeout = 7\n[env.test]\n";
        let around =
            Proxies { http: Some("http://a:1".into()), except: Some("b".into()), ..Proxies::default() };
        let settings = |environment| {
            let table = table(text, Some(environment)).expect("a table");
            table.lazy(around.clone(), BTreeMap::new(), Arc::default()).get().expect("settings")
        };
        let (prod, test) = (settings("prod"), settings("test"));
        assert_eq!((prod.timeout.as_secs(), prod.retries, test.timeout.as_secs()), (7, 0, 5));
        assert_eq!(prod.ca_file.as_deref(), Some(std::path::Path::new("/project/ca.pem")));
        let expected =
            Proxies { all: Some("http://p:2".into()), except: Some("b".into()), ..Proxies::default() };
        assert_eq!((prod.proxies, test.proxies), (expected, around.clone()));
    }

    #[test]
    fn what_is_written_down_is_checked_at_once_with_its_place() {
        let table_of = [
            ("[http]\ntimeout = 'soon'\n", "2:11: `timeout` must be a duration such as `\"30s\"`"),
            ("[http]\ntimeout = 0\n", "2:11: `timeout` must be a duration such as `\"30s\"`"),
            ("[http]\nretries = -1\n", "2:11: `retries` must be a whole number from 0"),
            ("[http]\nproxy = ''\n", "2:9: `proxy` must be a string that is not empty"),
            ("[http]\nca_file = 1\n", "2:11: `ca_file` must be a string that is not empty"),
            (
                "[http]\nretries = 1\n[env.e.http]\nretries = []\n",
                "4:11: `retries` must be a whole number from 0",
            ),
        ];
        for (text, wanted) in table_of {
            assert_eq!(table(text, None).err(), Some(format!("oneex.toml:{wanted}")), "{text}");
        }
    }

    #[test]
    fn what_stands_elsewhere_is_asked_for_late_and_is_a_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let mark = folder.path().join("asked");
        let script = format!("echo x >> {}; echo http://u:hunter2@p:1", mark.display());
        let text = format!("[http]\nproxy = {{ command = ['sh', '-c', '{script}'] }}\n");
        let config = Config::parse(folder.path(), "oneex.toml", &text, &MODULES, &SourceMap::default());
        let table = HttpTable::read(&config.expect("a config"), None).expect("a table");
        let redactor = Arc::new(Redactor::default());
        let lazy = table.lazy(Proxies::default(), BTreeMap::new(), Arc::clone(&redactor));
        assert!(!mark.exists() && !redactor.is_tainted("http://u:hunter2@p:1"), "nobody asked yet");
        let proxy = lazy.get().expect("settings").proxies.all;
        assert_eq!((proxy.as_deref(), lazy.get().is_ok()), (Some("http://u:hunter2@p:1"), true));
        assert!(redactor.is_tainted("http://u:hunter2@p:1"));
        assert_eq!(std::fs::read_to_string(&mark).expect("a mark"), "x\n", "it is asked once");
    }

    #[test]
    fn what_cannot_be_had_names_the_key_and_its_place() {
        let table = table("[http]\n\nretries = { env = 'NONE' }\n", None).expect("a table");
        let error = table.lazy(Proxies::default(), BTreeMap::new(), Arc::default()).get().expect_err("none");
        assert_eq!(
            error.message,
            "[http] of oneex.toml:3:11: `retries` is taken from the environment variable `NONE`, which is not set"
        );
    }
}
