//! `hosts`, `host`, `local`: sets of hosts, and one host.

use std::sync::{Arc, RwLock};

use oneex_sdk::{HostInfo, Map, Value};
use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, NativeCallContext};

use super::options::boolean_of;
use crate::inventory::{HostSet, Inventory};
use crate::script::convert::to_dynamic;
use crate::script::current::{current, node, waited};
use crate::script::error::Thrown;
use crate::script::kind::kind;
use crate::template::{HostVariables, VariableError};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// One host, and the user that operations on it run as.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HostRef {
    /// Its name in the inventory.
    pub(crate) name: Arc<str>,
    /// The user that `.sudo()` chose.
    pub(crate) user: Option<String>,
}

/// A lazy set of hosts.
#[derive(Clone)]
pub(crate) struct Hosts {
    /// The set.
    pub(crate) set: HostSet,
    inventory: Arc<RwLock<Inventory>>,
}

impl Hosts {
    /// Wraps a set for the script.
    pub(crate) fn new(set: HostSet) -> Result<Self, Thrown> {
        Ok(Self { set, inventory: Arc::clone(&current()?.script.inventory) })
    }

    /// The hosts that it holds now.
    pub(crate) fn resolve(&self) -> Vec<Arc<str>> {
        self.set.resolve(&read(&self.inventory))
    }
}

fn read(inventory: &RwLock<Inventory>) -> std::sync::RwLockReadGuard<'_, Inventory> {
    inventory.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl HostRef {
    /// What the inventory knows of it.
    pub(crate) fn info(&self) -> Result<Arc<HostInfo>, Thrown> {
        let current = current()?;
        let inventory = read(&current.script.inventory);
        inventory.host(&self.name).ok_or_else(|| unknown_host(&self.name, &inventory))
    }

    /// What is known of the way to it, with templates rendered.
    fn reached(&self) -> Result<Arc<HostInfo>, Thrown> {
        let inventory = Arc::clone(&current()?.script.inventory);
        match Inventory::reach(&inventory, &self.name) {
            Some(reached) => reached.map_err(|error| hinted(error.to_string(), error.hint())),
            None => self.info(),
        }
    }

    /// Something of its variables, rendered; a body's variables see the facts when they need them.
    fn rendered<T>(&self, wanted: impl Fn(&HostVariables) -> Result<T, VariableError>) -> Result<T, Thrown> {
        let (info, inventory) = (self.info()?, Arc::clone(&current()?.script.inventory));
        let result = match wanted(&HostVariables::new(&inventory, &info, None)) {
            Err(error) if error.needs_facts() && node("facts").is_ok() => {
                let facts = Arc::new(self.facts()?);
                wanted(&HostVariables::new(&inventory, &info, Some(&facts)))
            }
            result => result,
        };
        result.map_err(|error| {
            let hint = if error.needs_facts() {
                Some("facts are known in the body of a task")
            } else {
                error.hint.as_deref()
            };
            hinted(error.to_string(), hint)
        })
    }

    fn facts(&self) -> Result<Value, Thrown> {
        let (here, node) = node("facts")?;
        let facts = crate::run::facts(&node, &self.name, self.user.as_deref(), &here.place());
        waited();
        facts.map(|facts| (*facts).clone()).map_err(crate::script::ops::thrown)
    }

    fn variable(&self, name: &str, fallback: Option<Dynamic>) -> Result<Dynamic, Thrown> {
        let info = self.info()?;
        match (self.rendered(|variables| variables.get(name))?, fallback) {
            (Some(value), _) => Ok(to_dynamic(&value)),
            (None, Some(fallback)) => Ok(fallback),
            (None, None) => {
                let error = Thrown::invalid(format!("host `{}` has no variable `{name}`", self.name));
                Err(match oneex_sdk::nearest(name, info.vars.keys().map(String::as_str)) {
                    Some(right) => error.hint(format!("did you mean `{right}`?")),
                    None => error.hint(format!("for what may be missing: `h.var(\"{name}\", fallback)`")),
                })
            }
        }
    }
}

fn hinted(message: String, hint: Option<&str>) -> Thrown {
    let error = Thrown::invalid(message);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn unknown_host(name: &str, inventory: &Inventory) -> Thrown {
    let names = inventory.names();
    let error = Thrown::invalid(format!("there is no host `{name}` in the inventory"));
    match oneex_sdk::nearest(name, names.iter().map(|name| &**name)) {
        Some(right) => error.hint(format!("did you mean `{right}`?")),
        None => error.hint("a host that a task adds is chosen lazily, by `hosts(\"name\")`"),
    }
}

/// The set that a value stands for: a host, a set, a pattern, an array of them.
pub(crate) fn set_of(value: &Dynamic) -> Result<HostSet, Thrown> {
    if let Some(host) = value.read_lock::<HostRef>() {
        return Ok(HostSet::Names(vec![Arc::clone(&host.name)]));
    }
    if let Some(hosts) = value.read_lock::<Hosts>() {
        return Ok(hosts.set.clone());
    }
    if let Ok(pattern) = value.clone().into_immutable_string() {
        return pattern_of(&pattern);
    }
    if let Some(array) = value.read_lock::<Array>() {
        let mut sets = array.iter().map(set_of);
        let first = sets.next().unwrap_or_else(|| Ok(HostSet::Names(Vec::new())))?;
        return sets.try_fold(first, |all, set| Ok(all + set?));
    }
    Err(Thrown::invalid(format!("expected hosts, found a value of type `{}`", kind(value)))
        .hint("give `hosts(\"pattern\")`, `host(\"name\")`, or an array of them"))
}

fn pattern_of(pattern: &str) -> Result<HostSet, Thrown> {
    HostSet::pattern(pattern).map_err(|error| Thrown::invalid(error.to_string()))
}

fn host(name: &str) -> Result<HostRef, Thrown> {
    let host = HostRef { name: name.into(), user: None };
    host.info()?;
    Ok(host)
}

fn property(host: &HostRef, name: &str) -> Result<Dynamic, Thrown> {
    let text = |text: Option<&str>| text.map_or(Dynamic::UNIT, |text| text.to_owned().into());
    match name {
        "name" => Ok(host.name.to_string().into()),
        "address" => {
            let info = host.reached()?;
            Ok(info.target.address.clone().unwrap_or_else(|| host.name.to_string()).into())
        }
        "port" => Ok(host.reached()?.target.port.map_or(Dynamic::UNIT, |port| i64::from(port).into())),
        "user" => Ok(text(host.user.as_deref().or(host.reached()?.target.user.as_deref()))),
        "groups" => Ok(host.info()?.groups.iter().cloned().map(Dynamic::from).collect::<Array>().into()),
        "vars" => {
            let vars: Map<String, Value> = host.rendered(HostVariables::all)?;
            Ok(to_dynamic(&Value::Object(vars)))
        }
        "facts" => host.facts().map(|facts| to_dynamic(&facts)),
        other => {
            let known = ["name", "address", "port", "user", "groups", "vars", "facts"];
            let error = Thrown::invalid(format!("a host has no property `{other}`"));
            Err(match oneex_sdk::nearest(other, known) {
                Some(right) => error.hint(format!("did you mean `{right}`?")),
                None => error.hint(format!("a variable is `h.var(\"{other}\")`")),
            })
        }
    }
}

/// A set has methods alone; what it was asked for belongs to each of its hosts, or is one of them.
fn no_set_property(name: &str) -> Thrown {
    let methods = ["names", "len", "is_empty", "contains", "filter"];
    let error = Thrown::invalid(format!("a set of hosts has no property `{name}`"));
    match oneex_sdk::nearest(name, methods) {
        Some(right) => error.hint(format!("call it: `.{right}()`")),
        None => error.hint(format!("ask each host: `for h in set {{ h.{name} }}`")),
    }
}

/// `.filter(|h| …)`: at load, on what the inventory knows then.
fn filter(context: &NativeCallContext<'_>, hosts: &Hosts, wanted: &FnPtr) -> Fallible<Hosts> {
    let mut kept = Vec::new();
    for name in hosts.resolve() {
        let host = Dynamic::from(HostRef { name: Arc::clone(&name), user: None });
        let answer = wanted.call_raw(context, None, [host])?;
        if boolean_of("filter", &answer).map_err(|error| error.at(context))? {
            kept.push(name);
        }
    }
    Ok(Hosts { set: HostSet::Names(kept), inventory: Arc::clone(&hosts.inventory) })
}

fn combine(
    context: &NativeCallContext<'_>,
    left: &Dynamic,
    right: &Dynamic,
    join: impl Fn(HostSet, HostSet) -> HostSet,
) -> Fallible<Hosts> {
    let combined = set_of(left).and_then(|left| Ok(join(left, set_of(right)?))).and_then(Hosts::new);
    combined.map_err(|error| error.at(context))
}

/// Registers the words.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<HostRef>("host")
        .register_type_with_name::<Hosts>("hosts")
        .register_fn("hosts", |context: NativeCallContext, pattern: &str| -> Fallible<Hosts> {
            pattern_of(pattern).and_then(Hosts::new).map_err(|error| error.at(&context))
        })
        .register_fn("host", |context: NativeCallContext, name: &str| -> Fallible<HostRef> {
            host(name).map_err(|error| error.at(&context))
        })
        .register_fn("local", |context: NativeCallContext| -> Fallible<HostRef> {
            host("localhost").map_err(|error| error.at(&context))
        });
    register_host(engine);
    register_set(engine);
}

fn register_host(engine: &mut Engine) {
    engine
        .register_indexer_get(
            |context: NativeCallContext, host: &mut HostRef, name: &str| -> Fallible<Dynamic> {
                property(host, name).map_err(|error| error.at(&context))
            },
        )
        .register_fn("sudo", |host: &mut HostRef| HostRef { user: Some("root".into()), ..host.clone() })
        .register_fn("sudo", |host: &mut HostRef, user: &str| HostRef {
            user: Some(user.to_owned()),
            ..host.clone()
        })
        .register_fn(
            "var",
            |context: NativeCallContext, host: &mut HostRef, name: &str| -> Fallible<Dynamic> {
                host.variable(name, None).map_err(|error| error.at(&context))
            },
        )
        .register_fn(
            "var",
            |context: NativeCallContext,
             host: &mut HostRef,
             name: &str,
             fallback: Dynamic|
             -> Fallible<Dynamic> {
                host.variable(name, Some(fallback)).map_err(|error| error.at(&context))
            },
        )
        .register_fn("gather", |context: NativeCallContext, host: &mut HostRef| -> Fallible<Dynamic> {
            let forget = || {
                let (_, node) = node("gather")?;
                crate::run::forget_facts(&node, &host.name);
                property(host, "facts")
            };
            forget().map_err(|error| error.at(&context))
        })
        .register_fn("to_string", |host: &mut HostRef| host.name.to_string())
        .register_fn("to_debug", |host: &mut HostRef| host.name.to_string())
        .register_fn("==", |a: HostRef, b: HostRef| a.name == b.name)
        .register_fn("!=", |a: HostRef, b: HostRef| a.name != b.name);
}

fn register_set(engine: &mut Engine) {
    engine
        .register_fn("names", |hosts: &mut Hosts| -> Array {
            hosts.resolve().iter().map(|name| name.to_string().into()).collect()
        })
        .register_fn("len", |hosts: &mut Hosts| hosts.resolve().len() as i64)
        .register_fn("is_empty", |hosts: &mut Hosts| hosts.resolve().is_empty())
        .register_fn("contains", |hosts: &mut Hosts, name: &str| {
            hosts.resolve().iter().any(|host| &**host == name)
        })
        .register_fn(
            "filter",
            |context: NativeCallContext, hosts: &mut Hosts, wanted: FnPtr| -> Fallible<Hosts> {
                filter(&context, hosts, &wanted)
            },
        )
        .register_fn("to_string", |hosts: &mut Hosts| hosts.resolve().join(","))
        .register_indexer_get(|context: NativeCallContext, _: &mut Hosts, name: &str| -> Fallible<Dynamic> {
            Err(no_set_property(name).at(&context))
        })
        .register_iterator::<Hosts>();
    macro_rules! operators {
        ($($left:ty, $right:ty);*) => {$(
            engine
                .register_fn("+", |context: NativeCallContext, a: $left, b: $right| -> Fallible<Hosts> {
                    combine(&context, &Dynamic::from(a), &Dynamic::from(b), std::ops::Add::add)
                })
                .register_fn("-", |context: NativeCallContext, a: $left, b: $right| -> Fallible<Hosts> {
                    combine(&context, &Dynamic::from(a), &Dynamic::from(b), std::ops::Sub::sub)
                })
                .register_fn("&", |context: NativeCallContext, a: $left, b: $right| -> Fallible<Hosts> {
                    combine(&context, &Dynamic::from(a), &Dynamic::from(b), std::ops::BitAnd::bitand)
                });
        )*};
    }
    operators!(Hosts, Hosts; Hosts, HostRef; HostRef, Hosts; HostRef, HostRef);
}

impl IntoIterator for Hosts {
    type Item = HostRef;
    type IntoIter = std::vec::IntoIter<HostRef>;

    fn into_iter(self) -> Self::IntoIter {
        let hosts: Vec<HostRef> =
            self.resolve().into_iter().map(|name| HostRef { name, user: None }).collect();
        hosts.into_iter()
    }
}
