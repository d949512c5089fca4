//! MiniJinja with the filters that Jinja2 and Ansible have.

use std::path::Path;

use minijinja::{Environment, UndefinedBehavior};
use oneex_sdk::{HostInfo, Map, Value};

use crate::diag::Diagnostic;
use crate::inventory::Inventory;

/// Templates and their engine.
pub struct Templates {
    environment: Environment<'static>,
}

impl Default for Templates {
    fn default() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        Self { environment }
    }
}

impl Templates {
    /// What a template of a host sees: its variables, `facts`, `inventory_hostname`, and `vars` over them.
    pub fn host_context(
        &self,
        _: &Inventory,
        host: &HostInfo,
        facts: &Value,
        vars: &Map<String, Value>,
    ) -> Value {
        let mut context = host.vars.clone();
        context.insert("facts".into(), facts.clone());
        context.insert("inventory_hostname".into(), host.name.clone().into());
        context.extend(vars.clone());
        Value::Object(context)
    }

    /// Renders a file.
    pub fn render_file(&self, path: &Path, vars: Value) -> Result<String, Box<Diagnostic>> {
        let wrong = |error: String| Box::new(Diagnostic::error("template", error));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        self.environment.render_str(&text, plain(&vars)).map_err(|error| wrong(error.to_string()))
    }
}

fn plain(value: &Value) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => match number.as_i64() {
            Some(int) => int.into(),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().into(),
        Value::Object(map) => {
            minijinja::Value::from_pairs(map.iter().map(|(key, value)| (key.clone(), plain(value))))
        }
    }
}
