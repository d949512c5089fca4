//! Operations as methods of hosts and as functions of namespaces.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use oneex_sdk::{DynOp, Manual, Map, Registry, Value};
use rhai::{
    Dynamic, Engine, EvalAltResult, FnPtr, FuncRegistration, Module, NativeCallContext, RhaiFunc, Shared,
};

use super::current::{Stop, in_branch, node, stop, waited};
use super::error::{Thrown, failure_from};
use super::plain::to_argument;
use super::result::OpResult;
use super::words::hosts::HostRef;
use super::words::options::boolean_of;
use crate::run::{Interrupt, Judge, OpCall, OpOutcome, perform};

/// Registers every operation, for each number of arguments that it can be called with.
pub(super) fn register(engine: &mut Engine, registry: &Registry) {
    let mut namespaces: BTreeMap<&str, Module> = BTreeMap::new();
    for op in registry.ops() {
        let manual = op.manual();
        for given in 0..=manual.positional.len() + 1 {
            let op = Arc::clone(op);
            match manual.namespace {
                None => {
                    let mut types = vec![TypeId::of::<HostRef>()];
                    types.resize(given + 1, TypeId::of::<Dynamic>());
                    engine.register_raw_fn(manual.name, types, move |context, args| {
                        let host = args[0].read_lock::<HostRef>().map(|host| host.clone());
                        let args: Vec<Dynamic> =
                            args[1..].iter_mut().map(|arg| std::mem::take(*arg)).collect();
                        call(&context, &op, host, args)
                    });
                }
                Some(namespace) => {
                    let types = vec![TypeId::of::<Dynamic>(); given];
                    let module = namespaces.entry(namespace).or_default();
                    FuncRegistration::new(manual.name).set_into_module_raw(module, types, function(op));
                }
            }
        }
    }
    for (name, module) in namespaces {
        engine.register_static_module(name, module.into());
    }
}

/// An operation of a namespace as Rhai holds native functions.
fn function(op: Arc<dyn DynOp>) -> RhaiFunc {
    let func = move |context: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| {
        let Some(context) = context else { return Ok(Dynamic::UNIT) };
        let args = args.iter_mut().map(|arg| std::mem::take(*arg)).collect();
        call(&context, &op, None, args).map(Dynamic::from)
    };
    RhaiFunc::Method { func: Shared::new(func), has_context: true, is_pure: true, is_volatile: true }
}

/// Calls an operation: options from the arguments, the world through [`perform`].
fn call(
    context: &NativeCallContext<'_>,
    op: &Arc<dyn DynOp>,
    host: Option<HostRef>,
    args: Vec<Dynamic>,
) -> Result<OpResult, Box<EvalAltResult>> {
    // What a closure of the options threw: the operation fails of it, and it is thrown on.
    let raised = RefCell::new(None);
    let work = || {
        let name = op.manual().full_name();
        let (current, node) = node(&name)?;
        let Options { options, closure } = options_of(op, args)?;
        let position = current.script.position(context);
        let place = current.place();
        let (target, user) = match &host {
            Some(host) => (Some(host.name.clone()), host.user.clone()),
            None => (None, None),
        };
        let judge = |outcome: &OpOutcome| {
            let Some((option, closure)) = &closure else { return Ok(outcome.changed) };
            let given = Dynamic::from(result(&name, outcome.clone(), &place));
            let answer = in_branch(&place, 0, || closure.call_raw(context, None, [given]))
                .and_then(|answer| boolean_of(option, &answer).map_err(|error| error.at(context)));
            waited();
            answer.map_err(|error| {
                let failure = failure_from(&error, &current.script);
                *raised.borrow_mut() = Some(error);
                Interrupt::Failed(Box::new(failure))
            })
        };
        let judge = closure.is_some().then_some(&judge as &Judge<'_>);
        let outcome =
            perform(&node, OpCall { op, host: target, user, options, position, place: &place, judge });
        waited();
        Ok(result(&name, outcome.map_err(thrown)?, &place))
    };
    work().map_err(|error: Thrown| raised.take().unwrap_or_else(|| error.at(context)))
}

fn result(name: &str, outcome: OpOutcome, place: &str) -> OpResult {
    OpResult::new(name.to_owned(), outcome.changed, outcome.change, outcome.fields, outcome.unknown, place)
}

/// What an interrupt is for the script.
pub(crate) fn thrown(interrupt: Interrupt) -> Thrown {
    match interrupt {
        Interrupt::Failed(failure) => Thrown::Failed(failure),
        Interrupt::Skipped(reason) => stop(Stop::Skipped(reason)),
        Interrupt::Cancelled => stop(Stop::Cancelled),
        Interrupt::KnownAfterRun(what) => stop(Stop::KnownAfterRun(what)),
    }
}

/// What a call is given.
struct Options {
    options: Value,
    /// The option that is a closure, and the closure.
    closure: Option<(String, FnPtr)>,
}

/// Positional arguments become options by their names; a map at the end holds the rest.
fn options_of(op: &Arc<dyn DynOp>, mut args: Vec<Dynamic>) -> Result<Options, Thrown> {
    let manual = op.manual();
    let name = manual.full_name();
    let (mut options, mut closure) = (Map::new(), None);
    let last_is_map = args.last().is_some_and(Dynamic::is_map);
    let all_positions_filled = args.len() <= manual.positional.len();
    let takes_map = |index: usize| {
        let schema = manual.positional.get(index).and_then(|name| manual.schema.get("properties")?.get(name));
        schema.is_some_and(|schema| accepts_map(schema, &manual.schema))
    };
    if last_is_map && !(all_positions_filled && takes_map(args.len() - 1)) {
        let mut map = args.pop().unwrap_or_default();
        closure = take_closure(manual, &mut map);
        match to_argument(&map).map_err(|error| Thrown::invalid(format!("`{name}`: {error}")))? {
            Value::Object(map) => options = map,
            _ => return Err(Thrown::invalid(format!("`{name}`: the last argument is not a map of options"))),
        }
    }
    if args.len() > manual.positional.len() {
        let most = manual.positional.len();
        return Err(Thrown::invalid(format!("`{name}` takes at most {most} arguments and a map of options")));
    }
    for (argument, key) in args.iter().zip(manual.positional) {
        let value =
            to_argument(argument).map_err(|error| Thrown::invalid(format!("`{name}`: `{key}`: {error}")))?;
        if options.insert((*key).to_owned(), value).is_some() {
            return Err(Thrown::invalid(format!("`{name}`: `{key}` is given by position and as an option")));
        }
    }
    Ok(Options { options: Value::Object(options), closure })
}

/// Takes the closure out of the options, in whose place stands what it is about to say.
fn take_closure(manual: &Manual, map: &mut Dynamic) -> Option<(String, FnPtr)> {
    let mut map = map.write_lock::<rhai::Map>()?;
    let (option, value) = map.iter_mut().find(|(option, _)| manual.takes_closure(option))?;
    let closure = value.flatten_clone().try_cast::<FnPtr>()?;
    *value = true.into();
    Some((option.to_string(), closure))
}

/// Says whether a JSON schema allows an object.
fn accepts_map(schema: &Value, root: &Value) -> bool {
    let is_object = |value: &Value| value == "object";
    if let Some(kind) = schema.get("type") {
        return is_object(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(is_object));
    }
    if let Some(name) =
        schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"))
    {
        return root
            .get("$defs")
            .and_then(|defs| defs.get(name))
            .is_some_and(|schema| accepts_map(schema, root));
    }
    let any = ["anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    let mut any = any.peekable();
    // A schema that names no type at all allows everything.
    any.peek().is_none() || any.any(|schema| accepts_map(schema, root))
}
