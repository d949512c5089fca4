//! What the plain helpers see of the world: the project's files, the variables, the clock.

use oneex_sdk::{SecretSink, Value};

use super::current::current;
use super::library::World;

/// The world of the script that the present thread runs.
pub(super) struct ScriptWorld;

impl World for ScriptWorld {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let no_script = "files can be read only in a runbook".to_owned();
        let current = current().map_err(|_| no_script)?;
        let script = &current.script;
        let file = script.find_file(path).map_err(|error| match error.hints.first() {
            Some(hint) => format!("{}; {hint}", error.message),
            None => error.message,
        })?;
        let content = std::fs::read(&file).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
        if let Some(node) = &current.node {
            node.run.note_input(&file, &content);
        }
        Ok(content)
    }

    fn variable(&self, name: &str) -> Option<String> {
        let current = current().ok()?;
        let looked_up =
            || Ok(current.script.variables.get(name).map_or(Value::Null, |value| value.as_str().into()));
        let drawn = self.draw("env_var", &mut || looked_up()).ok()?;
        drawn.as_str().map(str::to_owned)
    }

    fn now(&self) -> jiff::Timestamp {
        let now = || Ok(Value::from(jiff::Timestamp::now().to_string()));
        let drawn = self.draw("time::now", &mut || now()).ok();
        drawn.and_then(|time| time.as_str()?.parse().ok()).unwrap_or_else(jiff::Timestamp::now)
    }

    fn draw(&self, name: &str, make: &mut dyn FnMut() -> Result<Value, String>) -> Result<Value, String> {
        let Ok(current) = current() else { return make() };
        match &current.node {
            Some(node) => crate::run::drawn(node, &current.place(), name, make),
            None => current.script.drawn.draw(name, make),
        }
    }

    fn register_secret(&self, secret: &str) {
        if let Ok(current) = current() {
            current.script.redactor.register(secret);
        }
    }
}
