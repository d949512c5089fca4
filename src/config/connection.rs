//! The options of a module's connection.

use oneex_sdk::{Map, Value};

use super::file::{Config, EnvConfig};
use super::secret;

impl Config {
    /// What the file says of a connection: `[env.ENV.MODULE]` over `[MODULE]`, with a name
    /// `[env.ENV.MODULE.NAME]` over `[MODULE.NAME]`. None where it says nothing.
    ///
    /// Values that are taken from elsewhere are still references: see [`Config::resolve`]. In a table
    /// without a name, a table that is no reference is a connection with a name, and left out.
    pub(crate) fn connection(
        &self,
        environment: Option<&EnvConfig>,
        module: &str,
        name: Option<&str>,
    ) -> Option<Map<String, Value>> {
        let tables = [Some(&self.modules), environment.map(|environment| &environment.modules)];
        let mut found: Option<Map<String, Value>> = None;
        for table in tables.into_iter().flatten() {
            let module = table.get(module).and_then(Value::as_object);
            let options = match name {
                None => module,
                Some(name) => module
                    .and_then(|module| module.get(name))
                    .filter(|options| !secret::is_reference(options))
                    .and_then(Value::as_object),
            };
            let Some(options) = options else { continue };
            let into = found.get_or_insert_default();
            for (key, value) in options {
                if name.is_some() || !value.is_object() || secret::is_reference(value) {
                    into.insert(key.clone(), value.clone());
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use oneex_engine::diag::SourceMap;
    use oneex_sdk::{Value, json};

    use super::Config;
    use crate::config::schema::ModuleSchema;

    fn schema(name: &'static str) -> ModuleSchema {
        ModuleSchema { name, options: &["address", "token", "namespace"], named: true }
    }

    #[test]
    fn an_environment_wins_key_by_key() {
        let text = "[vault]\naddress = 'a'\ntoken = { env = 'T' }\n[vault.eu]\naddress = 'eu'\nnamespace = 'n'\n\
                    [env.prod.vault]\naddress = 'p'\n[env.prod.vault.eu]\naddress = 'pe'\n";
        let root = std::path::Path::new(".");
        let config =
            Config::parse(root, "t", text, &[schema("vault"), schema("consul")], &SourceMap::default())
                .expect("a config");
        let prod = config.environment(Some("prod")).expect("an environment");
        let shown = |env, name| config.connection(env, "vault", name).map(Value::Object);
        assert_eq!(shown(None, None), Some(json!({"address": "a", "token": {"env": "T"}})));
        assert_eq!(shown(prod, None), Some(json!({"address": "p", "token": {"env": "T"}})));
        assert_eq!(shown(None, Some("eu")), Some(json!({"address": "eu", "namespace": "n"})));
        assert_eq!(shown(prod, Some("eu")), Some(json!({"address": "pe", "namespace": "n"})));
        assert_eq!(shown(prod, Some("us")), None);
        assert_eq!(shown(prod, Some("token")), None);
        assert_eq!(config.connection(prod, "consul", None), None);
    }
}
