//! The variables of a host, rendered when they are asked for, as Ansible does.
//!
//! A value of an inventory may be a template: `"{{ name }}.{{ domain }}"`. It sees the variables of its host, and is
//! rendered each time that something asks for it, never before: a variable that cannot be rendered hurts
//! nobody who does not use it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};

use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, Value as Shown};
use oneex_sdk::{HostInfo, Map, Value};

use super::context::HostNames;
use super::print::with_line_ends;
use super::{environment, failure};
use crate::diag::Position;
use crate::inventory::Inventory;

/// Variables that name each other in a longer chain are refused: the stack has an end.
const DEEPEST: usize = 32;

/// A variable that becomes longer is refused: a few lines could otherwise ask for any amount of memory.
const LONGEST: usize = 16 << 20;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment::of_variables);

/// Says whether a value is a template, or has one in it.
pub(crate) fn is_template(value: &Value) -> bool {
    match value {
        Value::String(text) => ["{{", "{%", "{#"].iter().any(|open| text.contains(open)),
        Value::Array(items) => items.iter().any(is_template),
        Value::Object(map) => map.values().any(is_template),
        _ => false,
    }
}

/// The variable that renders to this very text, whatever it looks like.
pub(crate) fn literal(text: String) -> Value {
    let text = Value::String(text);
    if is_template(&text) { Value::String(format!("{{{{ {text} }}}}")) } else { text }
}

/// Why a variable of a host cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable `{variable}` of host `{host}`{} cannot be rendered: {why}", at(self.place.as_deref()))]
pub struct VariableError {
    host: String,
    variable: String,
    place: Option<Box<Position>>,
    why: Box<str>,
    /// The name that is missing, where that is the cause.
    pub(crate) missing: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl VariableError {
    /// True where the facts of the host are missing, which only a task knows.
    pub fn needs_facts(&self) -> bool {
        let first = self.missing.as_deref().map(|name| name.split(['.', '[']).next().unwrap_or_default());
        matches!(first, Some("facts" | "ansible_facts"))
    }
}

fn at(place: Option<&Position>) -> String {
    place.map_or_else(String::new, |place| format!(" ({place})"))
}

/// What the names of one rendering share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) inventory: Arc<RwLock<Inventory>>,
    /// What was rendered, by host and variable. Failures too: the template engine asks again for all that an
    /// expression names when it has failed, and chains of variables would multiply that.
    rendered: Mutex<HashMap<(String, String), Result<Shown, VariableError>>>,
    /// Why variables are not defined though the inventory has them, by their names.
    undefined: Mutex<HashMap<String, VariableError>>,
}

impl Shared {
    pub(super) fn new(inventory: &Arc<RwLock<Inventory>>) -> Arc<Self> {
        let inventory = Arc::clone(inventory);
        Arc::new(Self { inventory, rendered: Mutex::default(), undefined: Mutex::default() })
    }

    /// Why the variable that an expression ends in is not defined.
    pub(super) fn why_undefined(&self, expression: &str) -> Option<VariableError> {
        let name = expression.trim_end_matches(['\'', '"', ']']);
        let name = name.rsplit(['.', '[', '\'', '"']).next().unwrap_or(name);
        self.undefined.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// A variable that is being rendered, and who asked for it.
#[derive(Debug)]
pub(super) struct Link {
    host: String,
    variable: String,
    asked_by: Option<Arc<Link>>,
}

impl Link {
    fn chain(link: Option<&Arc<Self>>) -> impl Iterator<Item = &Self> {
        std::iter::successors(link.map(AsRef::as_ref), |link| link.asked_by.as_deref())
    }
}

/// A variable of the host that `names` belong to. None where it is made from what is not defined.
pub(super) fn variable(names: &HostNames, name: &str, value: &Value) -> Option<Shown> {
    if !is_template(value) {
        return Some(Shown::from(Serde(value)));
    }
    let shared = &names.shared;
    let key = (names.host.name.clone(), name.to_owned());
    let known = shared.rendered.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
    let rendered = known.unwrap_or_else(|| {
        let rendered = fresh(names, name, value);
        let mut known = shared.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, rendered.clone());
        rendered
    });
    match rendered {
        Ok(rendered) => Some(rendered),
        Err(error) if error.missing.is_some() => {
            let mut undefined = shared.undefined.lock().unwrap_or_else(PoisonError::into_inner);
            undefined.insert(name.to_owned(), error);
            None
        }
        Err(error) => {
            Some(Error::new(ErrorKind::InvalidOperation, error.to_string()).with_source(error).into())
        }
    }
}

fn fresh(names: &HostNames, name: &str, value: &Value) -> Result<Shown, VariableError> {
    let host = &names.host.name;
    let place = || {
        let inventory = names.shared.inventory.read().unwrap_or_else(PoisonError::into_inner);
        inventory.place(host, name).map(Box::new)
    };
    let refuse = |why: String| VariableError {
        host: host.clone(),
        variable: name.to_owned(),
        place: place(),
        why: why.into(),
        missing: None,
        hint: None,
    };
    let chain = || Link::chain(names.asked_by.as_ref());
    if chain().any(|link| link.host == *host && link.variable == name) {
        let mut links: Vec<&Link> =
            chain().take_while(|link| link.host != *host || link.variable != name).collect();
        links.reverse();
        let shown = |link: &&Link| {
            if link.host == *host {
                format!("`{}`", link.variable)
            } else {
                format!("`{}` of `{}`", link.variable, link.host)
            }
        };
        let between: String = links.iter().map(|link| format!("{} → ", shown(link))).collect();
        return Err(refuse(format!("it needs itself: `{name}` → {between}`{name}`")));
    }
    if chain().count() >= DEEPEST {
        return Err(refuse(format!("variables name each other in a chain of more than {DEEPEST}")));
    }
    let link = Link { host: host.clone(), variable: name.to_owned(), asked_by: names.asked_by.clone() };
    let inner = names.asked_by(Arc::new(link));
    render(value, &inner).map_err(|error| match failure::variable_error(&error) {
        // A cycle or an end of the stack is told as it was found.
        Some(cause) => VariableError { place: cause.place.clone().or_else(place), ..cause.clone() },
        None => {
            let explained = failure::explain(&error, &inner);
            VariableError { missing: explained.missing, hint: explained.hint, ..refuse(explained.message) }
        }
    })
}

fn render(value: &Value, names: &Arc<HostNames>) -> Result<Shown, Error> {
    match value {
        Value::String(text) if is_template(value) => {
            let rendered = render_text(text, &Shown::from_dyn_object(Arc::clone(names)))?;
            if rendered.as_str().is_some_and(|text| text.len() > LONGEST) {
                let message = format!("it becomes longer than {} MiB", LONGEST >> 20);
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
            Ok(rendered)
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| render(item, names));
            Ok(items.collect::<Result<Vec<_>, _>>()?.into())
        }
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| Ok((key.clone(), render(value, names)?)));
            Ok(Shown::from_pairs(entries.collect::<Result<Vec<_>, Error>>()?))
        }
        plain => Ok(Shown::from(Serde(plain))),
    }
}

/// One expression alone keeps its type; anything else is a text.
fn render_text(text: &str, names: &Shown) -> Result<Shown, Error> {
    let inner = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    let inner = inner.map(|inner| inner.trim_matches('-'));
    // `{{ a }}-{{ b }}` begins and ends like one expression, and is none.
    if let Some(expression) = inner.and_then(|inner| ENVIRONMENT.compile_expression(inner).ok()) {
        let value = expression.eval(names)?;
        if value.is_undefined() {
            let expression = inner.unwrap_or_default().trim();
            return Err(Error::new(ErrorKind::UndefinedError, format!("`{expression}`")));
        }
        return Ok(value);
    }
    ENVIRONMENT.render_str(text, names).map(|rendered| Shown::from(with_line_ends(text, rendered)))
}

/// The variables of one host, rendered when they are asked for.
#[derive(Debug, Clone)]
pub struct HostVariables {
    names: Arc<HostNames>,
}

impl HostVariables {
    /// The variables of a host. Templates among them see the facts only where they are given.
    pub fn new(inventory: &Arc<RwLock<Inventory>>, host: &Arc<HostInfo>, facts: Option<&Arc<Value>>) -> Self {
        Self { names: Arc::new(HostNames::new(Shared::new(inventory), host, facts, Map::new())) }
    }

    /// A variable. None where the host has none of that name.
    pub fn get(&self, name: &str) -> Result<Option<Value>, VariableError> {
        match self.names.host.vars.get(name) {
            Some(value) if is_template(value) => self.rendered(name, value).map(Some),
            plain => Ok(plain.cloned()),
        }
    }

    /// All variables. Fails with the first that cannot be rendered.
    pub fn all(&self) -> Result<Map<String, Value>, VariableError> {
        let names = self.names.host.vars.keys();
        names
            .filter_map(|name| Some(self.get(name).transpose()?.map(|value| (name.clone(), value))))
            .collect()
    }

    fn rendered(&self, name: &str, value: &Value) -> Result<Value, VariableError> {
        let rendered = fresh(&self.names, name, value)?;
        serde_json::to_value(&rendered).map_err(|error| VariableError {
            host: self.names.host.name.clone(),
            variable: name.to_owned(),
            place: None,
            why: error.to_string().into(),
            missing: None,
            hint: None,
        })
    }
}

#[cfg(test)]
mod tests;
