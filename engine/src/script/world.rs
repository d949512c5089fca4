//! What the plain helpers see of the world: the project's files, the variables, the clock.

use oneex_sdk::SecretSink;

use super::current::current;
use super::library::World;

/// The world of the script that the present thread runs.
pub(super) struct ScriptWorld;

impl World for ScriptWorld {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let no_script = "files can be read only in a runbook".to_owned();
        let script = current().map_err(|_| no_script)?.script;
        let file = script.find_file(path).map_err(|error| match error.hints.first() {
            Some(hint) => format!("{}; {hint}", error.message),
            None => error.message,
        })?;
        std::fs::read(&file).map_err(|error| format!("`{path}` cannot be read: {error}"))
    }

    fn variable(&self, name: &str) -> Option<String> {
        current().ok()?.script.variables.get(name).cloned()
    }

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn register_secret(&self, secret: &str) {
        if let Ok(current) = current() {
            current.script.redactor.register(secret);
        }
    }
}
