//! `add_host`: a task makes a host that later tasks find.

use rhai::{Engine, EvalAltResult, Map, NativeCallContext};

use super::hosts::HostRef;
use super::options::{self, Options};
use crate::inventory::{NewHost, secrets_of};
use crate::journal::{Entry, sealed};
use crate::run::{Mode, NodeContext, RunEvent, admit};
use crate::script::current::{body, waited};
use crate::script::error::Thrown;
use crate::script::ops::thrown;
use crate::script::plain::to_argument;

const KNOWN: &[&str] = &[
    "name",
    "address",
    "port",
    "user",
    "groups",
    "vars",
    "host_keys",
    "connection",
    "password",
    "private_key_file",
];

fn add_host(map: Map) -> Result<HostRef, Thrown> {
    let (current, node) = body("add_host")?;
    if node.node.host.is_some() {
        return Err(Thrown::invalid("`add_host` is for tasks without `.on`")
            .hint("return what the hosts found, and add the hosts in a task that needs this one"));
    }
    let mut options = Options::new("add_host", KNOWN, map)?;
    let name = options
        .parse("name", options::text)?
        .ok_or_else(|| Thrown::invalid("`add_host` needs the option `name`"))?;
    let port = options.parse("port", |value| options::count(value, 1))?;
    let port = port
        .map(u16::try_from)
        .transpose()
        .map_err(|_| Thrown::invalid("`add_host`: a port is at most 65535"))?;
    let mut vars = match options.take("vars") {
        Some(value) => match to_argument(&value).map_err(|error| Thrown::invalid(error.to_string()))? {
            oneex_sdk::Value::Object(vars) => vars,
            _ => return Err(Thrown::invalid("`add_host`: option `vars`: expected a map")),
        },
        None => oneex_sdk::Map::new(),
    };
    let password = options.parse("password", options::text)?;
    if let Some(password) = &password {
        vars.insert("ansible_password".into(), password.as_str().into());
    }
    current.script.redactor.register_all(secrets_of(&vars));
    if let Some(file) = options.parse("private_key_file", options::text)? {
        vars.insert("ansible_ssh_private_key_file".into(), file.into());
    }
    let groups = options.parse("groups", options::texts)?.unwrap_or_default();
    let connection = options.parse("connection", options::text)?;
    if let Some(wrong) =
        connection.as_deref().filter(|name| node.run.registry.connector_named(name).is_none())
    {
        let known: Vec<&str> = node.run.registry.connector_names().collect();
        return Err(Thrown::invalid(format!("`add_host`: there is no connection `{wrong}`"))
            .hint(format!("connections are: {}", known.join(", "))));
    }
    let new = NewHost {
        name: name.clone(),
        address: options.parse("address", options::text)?,
        port,
        user: options.parse("user", options::text)?,
        groups: groups.clone(),
        vars,
        host_keys: options.parse("host_keys", options::texts)?.unwrap_or_default(),
        connection,
        planned: node.run.mode == Mode::Plan,
    };
    let admitted = admit(&node, &name);
    waited();
    admitted.map_err(thrown)?;
    let told = node.run.chronicle.is_some().then(|| serde_json::to_value(&new).unwrap_or_default());
    let (info, changed) = {
        let mut inventory = node.run.inventory.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        inventory.add_host(new).map_err(|error| Thrown::invalid(error.to_string()))?
    };
    let host: std::sync::Arc<str> = info.name.as_str().into();
    if changed {
        if let Some(told) = told {
            note(&node, told);
        }
        node.run.events.emit(RunEvent::HostAdded { node: node.node.clone(), host: host.clone(), groups });
    }
    Ok(HostRef { name: host, user: None })
}

/// Registers the word.
/// Writes the host down, so that a run that is resumed has it without asking the task again.
fn note(node: &NodeContext, mut host: oneex_sdk::Value) {
    let name = host["name"].as_str().unwrap_or_default().to_owned();
    if node.run.is_hidden(&host) {
        node.run.seal(&sealed::name(sealed::HOST, &node.node, &name), &host);
        node.run.redactor.value(&mut host);
    }
    node.run.note(&Entry::Host { node: node.node.clone(), host });
}

pub(super) fn register(engine: &mut Engine) {
    engine.register_fn(
        "add_host",
        |context: NativeCallContext, host: Map| -> Result<HostRef, Box<EvalAltResult>> {
            add_host(host).map_err(|error| error.at(&context))
        },
    );
}
