//! Values that stand elsewhere: `{ env = … }`, `{ file = … }`, `{ command = […] }`.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use oneex_sdk::{Map, SecretSink, Value, io_reason};

use super::file::Config;

/// Where a value may be taken from.
pub(super) const SOURCES: [&str; 3] = ["env", "file", "command"];

/// Why a value cannot be taken from where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    /// The variable is not in the environment.
    #[error("`{option}` is taken from the environment variable `{variable}`, which is not set")]
    Variable {
        /// The option.
        option: String,
        /// The variable.
        variable: String,
    },
    /// The file cannot be read.
    #[error("`{option}` is taken from the file `{path}`, which cannot be read: {why}")]
    File {
        /// The option.
        option: String,
        /// The file.
        path: String,
        /// The cause.
        why: String,
    },
    /// The command failed.
    #[error("`{option}` is taken from the command `{program}`, which failed: {why}")]
    Command {
        /// The option.
        option: String,
        /// The program, without its arguments.
        program: String,
        /// The cause.
        why: String,
    },
}

impl ResolveError {
    /// The option.
    pub(super) fn option(&self) -> &str {
        match self {
            Self::Variable { option, .. } | Self::File { option, .. } | Self::Command { option, .. } => {
                option
            }
        }
    }
}

/// Says whether a value stands elsewhere.
pub(super) fn is_reference(value: &Value) -> bool {
    let Some(map) = value.as_object() else { return false };
    map.len() == 1 && map.keys().all(|key| SOURCES.contains(&key.as_str()))
}

impl Config {
    /// Takes each value from where it stands, and makes it known as a secret. Files are relative to the
    /// project's root, commands run there; a last line break is dropped.
    ///
    /// Fails on the first that cannot be had; the message has no value in it.
    pub(crate) fn resolve(
        &self,
        options: Map<String, Value>,
        variables: &BTreeMap<String, String>,
        secrets: &dyn SecretSink,
    ) -> Result<Map<String, Value>, ResolveError> {
        let world = World { config: self, variables, secrets };
        options.into_iter().map(|(name, value)| Ok((name.clone(), world.value(&name, value)?))).collect()
    }
}

struct World<'a> {
    config: &'a Config,
    variables: &'a BTreeMap<String, String>,
    secrets: &'a dyn SecretSink,
}

impl World<'_> {
    fn value(&self, option: &str, value: Value) -> Result<Value, ResolveError> {
        if is_reference(&value) {
            let text = self.reference(option, &value)?;
            let text =
                text.strip_suffix('\n').map_or(text.as_str(), |text| text.trim_end_matches('\r')).to_owned();
            self.secrets.register(&text);
            return Ok(Value::String(text));
        }
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.value(option, item)).collect(),
            Value::Object(map) => {
                let entries = map.into_iter().map(|(key, value)| {
                    let option = format!("{option}.{key}");
                    Ok((key, self.value(&option, value)?))
                });
                entries.collect::<Result<_, _>>().map(Value::Object)
            }
            plain => Ok(plain),
        }
    }

    fn reference(&self, option: &str, value: &Value) -> Result<String, ResolveError> {
        if let Some(variable) = value.get("env").and_then(Value::as_str) {
            return self.variables.get(variable).cloned().ok_or_else(|| ResolveError::Variable {
                option: option.to_owned(),
                variable: variable.to_owned(),
            });
        }
        if let Some(path) = value.get("file").and_then(Value::as_str) {
            return std::fs::read_to_string(self.config.root.join(path)).map_err(|error| {
                ResolveError::File {
                    option: option.to_owned(),
                    path: path.to_owned(),
                    why: io_reason(&error),
                }
            });
        }
        let argv: Vec<&str> = value
            .get("command")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let program = argv.first().copied().unwrap_or_default();
        let failed = |why: String| ResolveError::Command {
            option: option.to_owned(),
            program: program.to_owned(),
            why,
        };
        let output = Command::new(program)
            .args(argv.get(1..).unwrap_or_default())
            .current_dir(&self.config.root)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(io_reason(&error)))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().last().map(|line| format!(": {line}")).unwrap_or_default();
            return Err(failed(format!("{}{said}", output.status)));
        }
        String::from_utf8(output.stdout).map_err(|_| failed("what it printed is not UTF-8".into()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use oneex_engine::redact::Redactor;
    use oneex_sdk::{Map, SecretSink, Value, json};

    use super::{Config, ResolveError};

    fn resolve(options: &Value) -> (Result<Value, ResolveError>, Redactor) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("token"), "from-file\n").expect("a file");
        let config = Config { root: folder.path().to_path_buf(), ..Config::default() };
        let variables = BTreeMap::from([("TOKEN".to_owned(), "from-env".to_owned())]);
        let redactor = Redactor::default();
        let options: Map<String, Value> = options.as_object().cloned().expect("a map");
        (config.resolve(options, &variables, &redactor).map(Value::Object), redactor)
    }

    #[test]
    fn values_are_taken_and_made_secret() {
        let (found, redactor) = resolve(&json!({
            "a": {"env": "TOKEN"}, "b": {"file": "token"}, "c": {"command": ["printf", "from-%s\\n", "command"]},
            "d": "plain", "e": {"x": {"env": "TOKEN"}},
        }));
        let wanted = json!({
            "a": "from-env", "b": "from-file", "c": "from-command", "d": "plain", "e": {"x": "from-env"},
        });
        assert_eq!(found, Ok(wanted));
        for secret in ["from-env", "from-file", "from-command"] {
            assert!(redactor.is_tainted(secret), "{secret}");
        }
        assert!(!redactor.is_tainted("plain"));
    }

    #[test]
    fn what_cannot_be_had_is_named() {
        let error = |options: Value| resolve(&options).0.expect_err("a failure").to_string();
        assert_eq!(
            error(json!({"t": {"env": "NONE"}})),
            "`t` is taken from the environment variable `NONE`, which is not set"
        );
        assert!(error(json!({"t": {"file": "none"}})).starts_with("`t` is taken from the file `none`"));
        assert!(
            error(json!({"t": {"command": ["sh", "-c", "echo no >&2; exit 3"]}}))
                .ends_with("exit status: 3: no")
        );
    }
}
