//! From TOML with its places to the project file.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use oneex_engine::diag::{Diagnostic, Diagnostics, Source};
use oneex_sdk::{Map, Value, nearest};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{Config, Defaults, EnvConfig, ProjectConfig};
use super::places::{Place, Places};
use super::schema::ModuleSchema;
use super::secret::SOURCES;

type Node<'a> = Spanned<DeValue<'a>>;

/// Reads a project file.
///
/// `source` is how its text is shown: with the values of secrets hidden.
pub(super) fn read(
    source: &Arc<Source>,
    text: &str,
    modules: &[ModuleSchema],
) -> Result<Config, Diagnostics> {
    let places = Places::new(source);
    let mut reader = Reader { source: Arc::clone(source), text, modules, places, mistakes: Vec::new() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reader.wrong(error.span().unwrap_or(0..0), error.message().to_owned(), None);
    }
    if !reader.mistakes.is_empty() {
        return Err(Diagnostics(reader.mistakes));
    }
    let config = reader.root(root.get_ref());
    if reader.mistakes.is_empty() {
        return Ok(Config { places: reader.places, ..config });
    }
    reader.mistakes.sort_by_key(|found| found.labels.first().map(|label| label.position.clone()));
    Err(Diagnostics(reader.mistakes))
}

struct Reader<'a> {
    source: Arc<Source>,
    text: &'a str,
    modules: &'a [ModuleSchema],
    places: Places,
    mistakes: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn wrong(&mut self, span: Range<usize>, message: String, hint: Option<String>) {
        let label = Place::of(&self.source.name, self.text, span).label(&self.source);
        let mut diagnostic = Diagnostic::error("bad-project-file", message).label(label);
        diagnostic.hints.extend(hint);
        self.mistakes.push(diagnostic);
    }

    fn schema(&self, name: &str) -> Option<ModuleSchema> {
        self.modules.iter().find(|module| module.name == name).copied()
    }

    fn root(&mut self, root: &DeTable<'_>) -> Config {
        let mut config = Config::default();
        for (key, node) in root {
            let name = key.get_ref().as_ref();
            match name {
                "defaults" => config.defaults = self.defaults(node),
                "project" => config.project = self.project(node),
                "env" => config.environments = self.environments(node),
                _ if self.schema(name).is_some() => {
                    let value = self.module(name, name, node);
                    config.modules.insert(name.to_owned(), value);
                }
                _ => {
                    let modules = self.modules.iter().map(|module| module.name);
                    let known = ["defaults", "project", "env"].into_iter().chain(modules);
                    let hint = match nearest(name, known.clone()) {
                        Some(right) => format!("did you mean `{right}`?"),
                        None => format!("tables are: {}", known.collect::<Vec<_>>().join(", ")),
                    };
                    self.wrong(key.span(), format!("there is no table `[{name}]`"), Some(hint));
                }
            }
        }
        config
    }

    /// The entries of a table; a mistake and nothing where it is none.
    fn table<'n, 'd>(
        &mut self,
        path: &str,
        node: &'n Node<'d>,
    ) -> Vec<(&'n Spanned<toml::de::DeString<'d>>, &'n Node<'d>)> {
        match node.get_ref().as_table() {
            Some(table) => table.iter().collect(),
            None => {
                let kind = kind(node.get_ref());
                self.wrong(node.span(), format!("`[{path}]` must be a table, and this is {kind}"), None);
                Vec::new()
            }
        }
    }

    fn unknown(&mut self, path: &str, key: &Spanned<toml::de::DeString<'_>>, known: &[&str]) {
        let name = key.get_ref().as_ref();
        let hint = match nearest(name, known.iter().copied()) {
            Some(right) => format!("did you mean `{right}`?"),
            None => format!("keys are: {}", known.join(", ")),
        };
        self.wrong(key.span(), format!("`[{path}]` has no key `{name}`"), Some(hint));
    }

    fn defaults(&mut self, node: &Node<'_>) -> Defaults {
        let mut defaults = Defaults::default();
        for (key, node) in self.table("defaults", node) {
            match key.get_ref().as_ref() {
                "inventory" => defaults.inventory = self.strings("inventory", node),
                "user" => defaults.user = self.string("user", node),
                "forks" => {
                    let forks = integer(node.get_ref()).and_then(|forks| u16::try_from(forks).ok());
                    defaults.forks = forks.filter(|forks| *forks > 0).map(usize::from);
                    if defaults.forks.is_none() {
                        let message = "`forks` must be a whole number from 1 to 65535";
                        self.wrong(node.span(), message.into(), None);
                    }
                }
                _ => self.unknown("defaults", key, &["inventory", "forks", "user"]),
            }
        }
        defaults
    }

    fn project(&mut self, node: &Node<'_>) -> ProjectConfig {
        let mut project = ProjectConfig::default();
        for (key, node) in self.table("project", node) {
            match key.get_ref().as_ref() {
                "roles" => project.roles = self.paths("roles", node),
                "allow" => project.allow = self.paths("allow", node),
                _ => self.unknown("project", key, &["roles", "allow"]),
            }
        }
        project
    }

    fn environments(&mut self, node: &Node<'_>) -> IndexMap<String, EnvConfig> {
        let mut found = IndexMap::new();
        for (key, node) in self.table("env", node) {
            let name = key.get_ref().as_ref();
            let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || !name.chars().all(good) {
                let message = "an environment has a name of letters, digits, `-`, `_` and `.`";
                self.wrong(key.span(), message.into(), None);
            }
            found.insert(name.to_owned(), self.environment(name, node));
        }
        found
    }

    fn environment(&mut self, name: &str, node: &Node<'_>) -> EnvConfig {
        let path = format!("env.{name}");
        let mut environment = EnvConfig { name: name.to_owned(), ..EnvConfig::default() };
        for (key, node) in self.table(&path, node) {
            match key.get_ref().as_ref() {
                "inventory" => environment.inventory = self.strings("inventory", node),
                "params" => environment.params = self.map(&format!("{path}.params"), node),
                "vars" => environment.vars = self.map(&format!("{path}.vars"), node),
                "protected" => match node.get_ref().as_bool() {
                    Some(protected) => environment.protected = protected,
                    None => {
                        let kind = kind(node.get_ref());
                        let message = format!("`protected` must be `true` or `false`, and this is {kind}");
                        self.wrong(node.span(), message, None);
                    }
                },
                module if self.schema(module).is_some() => {
                    let value = self.module(module, &format!("{path}.{module}"), node);
                    environment.modules.insert(module.to_owned(), value);
                }
                _ => {
                    let modules = self.modules.iter().map(|module| module.name);
                    let known: Vec<&str> =
                        ["inventory", "params", "protected", "vars"].into_iter().chain(modules).collect();
                    self.unknown(&path, key, &known);
                }
            }
        }
        environment
    }

    /// The table of a module: its options, and connections with names of their own where it has such.
    fn module(&mut self, module: &str, path: &str, node: &Node<'_>) -> Value {
        let Some(schema) = self.schema(module) else { return Value::Null };
        for (key, node) in self.table(path, node) {
            let name = key.get_ref().as_ref();
            let table = node.get_ref().as_table().filter(|table| !table.keys().any(is_source));
            if schema.options.contains(&name) || table.is_none() {
                self.option(schema, path, key, node);
            } else if schema.named {
                let path = format!("{path}.{name}");
                for (key, node) in self.table(&path, node) {
                    self.option(schema, &path, key, node);
                }
            } else {
                let message =
                    format!("`{module}` has no connections with names of their own, and this is `{name}`");
                let options = schema.options.join(", ");
                let hint = format!("what holds for all of them stands in `[{module}]`: {options}");
                self.wrong(key.span(), message, Some(hint));
            }
        }
        value(node.get_ref())
    }

    /// One option; what its value must be the module knows.
    fn option(
        &mut self,
        schema: ModuleSchema,
        path: &str,
        key: &Spanned<toml::de::DeString<'_>>,
        node: &Node<'_>,
    ) {
        let name = key.get_ref().as_ref();
        if !schema.options.contains(&name) {
            return self.unknown(path, key, schema.options);
        }
        if let Some(table) = node.get_ref().as_table().filter(|table| !table.keys().any(is_source)) {
            let mut keys = table.keys();
            let meant = keys.find_map(|key| nearest(key.get_ref().as_ref(), SOURCES));
            let hint = meant.map(|right| format!("did you mean `{right}`?"));
            let message = format!("`{name}` is a value, or is taken from `env`, `file` or `command`");
            return self.wrong(node.span(), message, hint);
        }
        self.references(node);
        let place = Place::of(&self.source.name, self.text, node.span());
        self.places.note(format!("{path}.{name}"), place);
    }

    fn references(&mut self, node: &Node<'_>) {
        if let Some(items) = node.get_ref().as_array() {
            items.iter().for_each(|item| self.references(item));
        }
        let Some(table) = node.get_ref().as_table() else { return };
        let sources = table.iter().filter(|(key, _)| SOURCES.contains(&key.get_ref().as_ref())).count();
        if sources == 0 {
            table.iter().for_each(|(_, node)| self.references(node));
            return;
        }
        if table.len() > 1 {
            let message = "a value is taken from one place: `env`, `file` or `command`";
            return self.wrong(node.span(), message.into(), None);
        }
        for (key, node) in table {
            let name = key.get_ref().as_ref();
            if name == "command" {
                let argv = node.get_ref().as_array();
                let good = argv
                    .is_some_and(|argv| !argv.is_empty() && argv.iter().all(|word| word.get_ref().is_str()));
                if !good {
                    let message = "`command` must be a list of strings, the program first";
                    self.wrong(node.span(), message.into(), None);
                }
            } else if !node.get_ref().is_str() {
                self.wrong(node.span(), format!("`{name}` must be a string"), None);
            }
        }
    }

    fn string(&mut self, name: &str, node: &Node<'_>) -> Option<String> {
        let text = node.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            let message = format!("`{name}` must be a string, and this is {}", kind(node.get_ref()));
            self.wrong(node.span(), message, None);
        } else if text.as_deref().is_some_and(|text| text.trim().is_empty()) {
            self.wrong(node.span(), format!("`{name}` must not be empty"), None);
        }
        text
    }

    /// A list of strings, or one.
    fn strings(&mut self, name: &str, node: &Node<'_>) -> Vec<String> {
        match node.get_ref().as_array() {
            Some(items) => items.iter().filter_map(|item| self.string(name, item)).collect(),
            None => self.string(name, node).into_iter().collect(),
        }
    }

    /// Paths, or one.
    fn paths(&mut self, name: &str, node: &Node<'_>) -> Vec<PathBuf> {
        self.strings(name, node).into_iter().map(PathBuf::from).collect()
    }

    fn map(&mut self, path: &str, node: &Node<'_>) -> Map<String, Value> {
        let entries = self.table(path, node).into_iter();
        entries.map(|(key, node)| (key.get_ref().to_string(), value(node.get_ref()))).collect()
    }
}

fn is_source(key: &Spanned<toml::de::DeString<'_>>) -> bool {
    SOURCES.contains(&key.get_ref().as_ref())
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a bool",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// Plain data; dates become text.
fn value(node: &DeValue<'_>) -> Value {
    match node {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => integer(node).map_or_else(|| number.as_str().into(), Value::from),
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => items.iter().map(|item| value(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, node)| (key.get_ref().to_string(), value(node.get_ref())));
            Value::Object(entries.collect())
        }
    }
}
