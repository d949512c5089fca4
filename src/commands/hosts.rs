//! `oneex hosts`: the hosts of the inventory.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use oneex_engine::diag::Position;
use oneex_engine::inventory::{GroupTree, Inventory, Origin, is_secret_variable, secrets_of};
use oneex_engine::redact::{MASK, Redactor};
use oneex_engine::template::HostVariables;
use oneex_sdk::{Map, Value, json, visible};

use super::examples;
use super::inputs::{OutputFormat, SiteArgs};
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::report::json::escape;
use crate::site::Site;
use crate::term::{CYAN, DIM};
use anstyle::Style;

/// List the hosts of the inventory
#[derive(Debug, clap::Args)]
#[command(after_help = examples::HOSTS)]
pub(crate) struct Args {
    /// Hosts, by Ansible's patterns: `web:&prod:!web3`
    #[arg(default_value = "all")]
    pattern: String,
    #[command(flatten)]
    site: SiteArgs,
    /// Draw the groups and what is in them
    #[arg(long, conflicts_with_all = ["vars", "output"])]
    graph: bool,
    /// Show each host's variables, and where each comes from
    #[arg(long)]
    vars: bool,
    /// What standard output has
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output: OutputFormat,
}

/// Lists them.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let site = Site::open(context, &context.cwd, &args.site)?;
    let hosts = site.hosts(&args.pattern)?.resolve(&site.inventory);
    if args.graph {
        let mut out = String::new();
        tree(&site.inventory.group_tree(), &hosts, 0, &mut out, &|name| context.stdout.paint(CYAN, name));
        context.stdout.write(&out);
        return Ok(Exit::Ok);
    }
    let inventory = Arc::new(RwLock::new(site.inventory));
    for host in &hosts {
        let origin = |name: &str| {
            let origin = read(&inventory).origin(host, name)?;
            Some(Found::of(origin, host, context))
        };
        let line = match args.output {
            OutputFormat::Json => {
                let mut described = described(&inventory, host, &site.redactor);
                if args.vars {
                    described["origins"] = origins(&origin, &described["vars"]);
                }
                site.redactor.value(&mut described);
                escape(&described.to_string())
            }
            OutputFormat::Human if args.vars => {
                let mut vars = shown(&variables(&inventory, host, &site.redactor));
                site.redactor.value(&mut vars);
                listed(host, &vars, &origin, &|style, text| context.stdout.paint(style, text))
            }
            OutputFormat::Human => visible(host).into_owned(),
        };
        context.stdout.line(&line);
    }
    Ok(Exit::Ok)
}

fn read(inventory: &RwLock<Inventory>) -> RwLockReadGuard<'_, Inventory> {
    inventory.read().unwrap_or_else(PoisonError::into_inner)
}

/// Where a variable was found.
struct Found {
    /// `group` or `host`.
    kind: &'static str,
    owner: String,
    /// As people write it, from the current folder; nothing where no file gives the variable.
    position: Option<Position>,
}

impl Found {
    fn of(origin: Origin, host: &str, context: &Context) -> Self {
        let kind = if origin.group.is_some() { "group" } else { "host" };
        let owner = origin.group.as_deref().unwrap_or(host).to_owned();
        let shown = |position: Position| Position {
            file: context.shown(Path::new(&*position.file)).into(),
            ..position
        };
        Self { kind, owner, position: origin.position.map(shown) }
    }
}

/// Where the variables come from, as data; what nobody wrote has no place.
fn origins(origin: &dyn Fn(&str) -> Option<Found>, vars: &Value) -> Value {
    let places = vars.as_object().into_iter().flatten().filter_map(|(name, _)| {
        let found = origin(name)?;
        let mut place = Map::from_iter([(found.kind.to_owned(), json!(found.owner))]);
        if let Some(Value::Object(position)) = found.position.map(|position| json!(position)) {
            place.extend(position);
        }
        Some((name.clone(), Value::Object(place)))
    });
    Value::Object(places.collect())
}

/// The widest entry beside which the places of the others stand in one column.
const WIDEST: usize = 48;

/// A host's variables as people read them, which is YAML: each with the place that it comes from.
fn listed(
    host: &str,
    vars: &Value,
    origin: &dyn Fn(&str) -> Option<Found>,
    paint: &dyn Fn(Style, &str) -> String,
) -> String {
    let host = paint(CYAN, &visible(host));
    let mut entries: Vec<(&String, String)> = vars
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name, escape(&format!("{}: {value}", visible(name)))))
        .collect();
    entries.sort();
    if entries.is_empty() {
        return format!("{host}: {{}}");
    }
    let widths = entries.iter().map(|(_, entry)| console::measure_text_width(entry));
    let column = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let lines = entries.iter().map(|(name, entry)| {
        let place = origin(name).map_or_else(
            || "implied".to_owned(),
            |found| {
                let place = found.position.map(|position| format!(", {position}")).unwrap_or_default();
                format!("{} {}{place}", found.kind, found.owner)
            },
        );
        let gap = column.saturating_sub(console::measure_text_width(entry));
        format!("\n  {entry}{:gap$}  {}", "", paint(DIM, &format!("# {}", visible(&place))))
    });
    format!("{host}:{}", lines.collect::<String>())
}

/// A host as data.
fn described(inventory: &Arc<RwLock<Inventory>>, name: &str, redactor: &Redactor) -> Value {
    let Some(info) = read(inventory).host(name) else { return json!({ "name": name }) };
    // Where a template has no value yet, nothing is said of the way to the host.
    let info = Inventory::reach(inventory, name).and_then(Result::ok).unwrap_or(info);
    json!({
        "name": info.name,
        "groups": info.groups,
        "connection": info.target.connection,
        "address": info.target.address,
        "port": info.target.port,
        "user": info.target.user,
        "vars": shown(&variables(inventory, name, redactor)),
    })
}

/// The variables of a host, rendered; one that cannot be, as with facts, stays the template that it is.
fn variables(inventory: &Arc<RwLock<Inventory>>, host: &str, redactor: &Redactor) -> Map<String, Value> {
    let info = read(inventory).host(host);
    let Some(info) = info else { return Map::new() };
    let rendered = HostVariables::new(inventory, &info, None);
    let value = |name: &String, written: &Value| match rendered.get(name) {
        Ok(Some(value)) => value,
        _ => written.clone(),
    };
    let vars: Map<_, _> =
        info.vars.iter().map(|(name, written)| (name.clone(), value(name, written))).collect();
    redactor.register_all(secrets_of(&vars));
    vars
}

/// Variables as they are shown: those with a secret's name are masked, however short they are.
fn shown(vars: &Map<String, Value>) -> Value {
    let shown = vars.iter().map(|(name, value)| {
        let masked = is_secret_variable(name) && !value.is_null();
        (name.clone(), if masked { MASK.into() } else { value.clone() })
    });
    Value::Object(shown.collect())
}

/// Draws a group, the chosen hosts in it, and the groups below.
fn tree(
    group: &GroupTree,
    hosts: &[std::sync::Arc<str>],
    level: usize,
    out: &mut String,
    paint: &dyn Fn(&str) -> String,
) {
    let indent = "  ".repeat(level);
    out.push_str(&format!("{indent}{}\n", paint(&format!("@{}", visible(&group.name)))));
    for child in &group.children {
        tree(child, hosts, level + 1, out, paint);
    }
    for host in group.hosts.iter().filter(|host| hosts.contains(host)) {
        out.push_str(&format!("{indent}  {}\n", visible(host)));
    }
}

#[cfg(test)]
mod tests {
    use oneex_engine::inventory::GroupTree;

    use super::tree;

    #[test]
    fn groups_are_drawn_with_the_chosen_hosts() {
        let web =
            GroupTree { name: "web".into(), children: vec![], hosts: vec!["web1".into(), "web2".into()] };
        let all = GroupTree { name: "all".into(), children: vec![web], hosts: vec!["db1".into()] };
        let mut out = String::new();
        tree(&all, &["web2".into(), "db1".into()], 0, &mut out, &str::to_owned);
        assert_eq!(out, "@all\n  @web\n    web2\n  db1\n");
    }
}
