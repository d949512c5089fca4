//! Plain data: what a body may return.

use oneex_sdk::Value;
use rhai::{Dynamic, EvalAltResult, Position};

use super::convert::to_value;
use super::result::OpResult;
use super::words::hosts::{HostRef, Hosts};
use crate::run::Returned;

/// A value that is not plain data.
#[derive(Debug)]
pub(crate) struct NotPlain(String);

impl NotPlain {
    /// The error at a place.
    pub(crate) fn placed(self, position: Position) -> Box<EvalAltResult> {
        EvalAltResult::ErrorRuntime(self.0.into(), position).into()
    }
}

impl std::fmt::Display for NotPlain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Makes plain data of what a body returned: results become maps, hosts their names.
pub(crate) fn to_returned(value: Dynamic) -> Result<Returned, NotPlain> {
    let mut unknown = false;
    let value = simplify(value, &mut unknown);
    let value = to_value(&value).map_err(|error| NotPlain(format!("a body returns plain data: {error}")))?;
    Ok(Returned { value, unknown })
}

/// Makes plain data of an argument.
pub(crate) fn to_argument(value: &Dynamic) -> Result<Value, NotPlain> {
    let mut unknown = false;
    let value = simplify(value.clone(), &mut unknown);
    to_value(&value).map_err(|error| NotPlain(error.to_string()))
}

fn simplify(value: Dynamic, unknown: &mut bool) -> Dynamic {
    let value = value.flatten();
    if let Some(result) = value.read_lock::<OpResult>() {
        *unknown |= result.unknown().is_some();
        return result.to_map().into();
    }
    if let Some(host) = value.read_lock::<HostRef>() {
        return host.name.to_string().into();
    }
    if let Some(hosts) = value.read_lock::<Hosts>() {
        let names: rhai::Array = hosts.resolve().iter().map(|name| name.to_string().into()).collect();
        return names.into();
    }
    if value.is_array() {
        let array = value.cast::<rhai::Array>();
        return array.into_iter().map(|item| simplify(item, unknown)).collect::<rhai::Array>().into();
    }
    if value.is_map() {
        let map = value.cast::<rhai::Map>();
        return map
            .into_iter()
            .map(|(key, item)| (key, simplify(item, unknown)))
            .collect::<rhai::Map>()
            .into();
    }
    value
}
