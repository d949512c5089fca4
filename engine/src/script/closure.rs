//! A closure of the script, kept to be called later from other threads.

use std::cell::RefCell;
use std::sync::Arc;

use oneex_sdk::ErrorKind;
use rhai::{
    Dynamic, Engine, EvalAltResult, EvalContext, FnPtr, GlobalRuntimeState, NativeCallContext, Position,
};
use serde_json::Value;

use super::convert::{DEEPEST, to_dynamic};
use super::current::{Current, Stop, current, enter};
use super::error::{Thrown, error_map, failure_in, stopped_from_outside, within_the_call};
use super::load::Script;
use super::plain::to_returned;
use super::words::hosts::HostRef;
use crate::run::{Arg, CancelledAt, Code, Failure, Interrupt, NodeContext, Phase, Returned};

thread_local! {
    /// The engine of the load that runs on this thread: closures keep it.
    static ENGINE: RefCell<Option<Arc<Engine>>> = const { RefCell::new(None) };
}

/// Makes the engine known to the closures that this thread declares.
pub(crate) fn set_engine(engine: &Arc<Engine>) {
    ENGINE.with(|slot| *slot.borrow_mut() = Some(Arc::clone(engine)));
}

/// Forgets the engine again.
pub(crate) fn clear_engine() {
    ENGINE.with(|slot| *slot.borrow_mut() = None);
}

/// A closure with everything that it needs to run on another thread: a copy of what it captured,
/// the functions, imports and constants it sees, and its place.
#[derive(Clone)]
pub(crate) struct Closure {
    function: FnPtr,
    params: usize,
    global: Arc<GlobalRuntimeState>,
    position: Position,
    engine: Arc<Engine>,
    script: Arc<Script>,
}

impl std::fmt::Debug for Closure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "closure at {}", self.position)
    }
}

impl Closure {
    /// Keeps a closure of the present load.
    pub(crate) fn keep(context: &NativeCallContext<'_>, mut function: FnPtr) -> Result<Self, Thrown> {
        let script = current()?.script;
        let engine = ENGINE.with(|slot| slot.borrow().clone()).ok_or_else(|| {
            Thrown::invalid("tasks are declared at the top level of a runbook, not in bodies")
        })?;
        let params = params_of(context, &function);
        freeze_captured(&mut function)?;
        Ok(Self {
            function,
            params,
            global: Arc::new(context.global_runtime_state().clone()),
            position: context.call_position(),
            engine,
            script,
        })
    }

    /// The function that it is, with copies of what it captured.
    pub(crate) fn function(&self) -> &FnPtr {
        &self.function
    }

    fn failure(&self, error: &EvalAltResult) -> Failure {
        let from = self.global.source().map_or_else(|| Arc::clone(&self.script.name), Into::into);
        failure_in(error, &self.script, &from)
    }

    fn evaluate(&self, args: Vec<Dynamic>) -> Result<Dynamic, Box<EvalAltResult>> {
        let context = NativeCallContext::new_with_all_fields(
            &self.engine,
            self.function.fn_name(),
            self.global.source(),
            &self.global,
            self.position,
        );
        if self.params > args.len() {
            let (takes, gets) = (self.params, args.len());
            let s = if takes == 1 { "" } else { "s" };
            let message = format!("the closure takes {takes} argument{s}, and it gets {gets}");
            return Err(Thrown::invalid(message)
                .hint("a body gets its host where the task has `.on`, and its item where it has `.each`")
                .at(&context));
        }
        let wanted = self.params.min(args.len());
        self.function.call_raw(&context, None, args.into_iter().take(wanted).collect::<Vec<_>>())
    }
}

/// How many arguments a function takes beside what it captured. A closure may take fewer than it is
/// given; Rhai itself insists on the exact number.
pub(crate) fn params_of(context: &NativeCallContext<'_>, function: &FnPtr) -> usize {
    const MOST: usize = 4;
    let captured = function.curry().len();
    let libraries = &context.global_runtime_state().lib;
    (0..=MOST)
        .rev()
        .find(|count| {
            libraries
                .iter()
                .any(|module| module.get_script_fn(function.fn_name(), captured + count).is_some())
        })
        .unwrap_or(MOST)
}

/// How many values a closure may capture, those inside of others included.
const MOST: usize = 2_000_000;

/// Takes a copy of a captured value, closures within it included: bodies run in parallel, and each
/// sees what it captured as it was.
///
/// # Errors
///
/// The value holds itself by way of a closure in it, or is nested too deep to be copied.
pub(crate) fn freeze(value: &mut Dynamic) -> Result<(), Thrown> {
    copy(value, DEEPEST, &mut 0)
}

/// Takes copies of everything that a function captured.
pub(crate) fn freeze_captured(function: &mut FnPtr) -> Result<(), Thrown> {
    function.iter_curry_mut().try_for_each(freeze)
}

fn copy(value: &mut Dynamic, deep: usize, copied: &mut usize) -> Result<(), Thrown> {
    *copied += 1;
    if deep == 0 || *copied > MOST {
        return Err(Thrown::invalid("a captured value is nested without an end")
            .hint("a closure in it captures the value that it stands in: give the closure a copy"));
    }
    *value = std::mem::take(value).flatten_clone();
    let mut inner = |value: &mut Dynamic| copy(value, deep - 1, copied);
    if let Some(mut array) = value.write_lock::<rhai::Array>() {
        return array.iter_mut().try_for_each(inner);
    }
    if let Some(mut map) = value.write_lock::<rhai::Map>() {
        return map.values_mut().try_for_each(inner);
    }
    if let Some(mut function) = value.write_lock::<FnPtr>() {
        return function.iter_curry_mut().try_for_each(&mut inner);
    }
    Ok(())
}

/// Makes a variable its own again that a closure of a loop has just captured, so that the closure gets
/// a copy: Rhai shares a captured variable first, and then reads it to bind its value.
pub(super) fn take_copy(name: &str, context: &mut EvalContext<'_, '_, '_, '_, '_, '_>) {
    if !context.scope().get(name).is_some_and(Dynamic::is_shared) {
        return;
    }
    let Ok(current) = current() else { return };
    let copied = context.source().is_some_and(|source| current.script.is_copied(source, name));
    if copied && let Some(value) = context.scope_mut().get_mut(name) {
        *value = value.flatten_clone();
    }
}

impl Code for Closure {
    fn call(&self, context: &Arc<NodeContext>, args: &[Arg<'_>]) -> Result<Returned, Interrupt> {
        let current = Current::new(Arc::clone(&self.script), Some(Arc::clone(context)));
        let (result, stop) = enter(current, || {
            let args = args.iter().map(|arg| argument(arg, context)).collect();
            self.evaluate(args)
                .and_then(|value| to_returned(value).map_err(|error| error.placed(self.position)))
        });
        match (stop, result) {
            (Some(Stop::Skipped(reason)), _) => Err(Interrupt::Skipped(reason)),
            (Some(Stop::Cancelled | Stop::ParamsReached), result) => {
                let failure = result.err().map(|error| self.failure(&error));
                if let Some(Failure { position: Some(position), frames, .. }) = failure {
                    context.cancelled_at.get_or_init(|| CancelledAt { position, frames });
                }
                Err(Interrupt::Cancelled)
            }
            (Some(Stop::KnownAfterRun(what)), _) => Err(Interrupt::KnownAfterRun(what)),
            (Some(Stop::Excess(excess)), result) => {
                let mut failure = match result {
                    Err(error) => {
                        let mut failure = self.failure(&error);
                        if stopped_from_outside(&error) {
                            let from = self.global.source().unwrap_or(&self.script.name);
                            let at = self.script.blind_loop(from, Some(self.function.fn_name()));
                            within_the_call(&mut failure, at, "in the closure given here");
                        }
                        failure
                    }
                    Ok(_) => Failure::new(ErrorKind::Invalid, String::new()),
                };
                // Code that caught the error ended by another one, or by none.
                failure.message = excess.message();
                Err(Interrupt::Failed(Box::new(failure)))
            }
            (None, Ok(returned)) => match does_not_exist_yet(context) {
                Some(reason) => Err(Interrupt::KnownAfterRun(reason)),
                None => Ok(returned),
            },
            (None, Err(error)) => Err(Interrupt::Failed(Box::new(self.failure(&error)))),
        }
    }
}

/// Under `plan`: a body on a host that the run is to make cannot be known to its end, whether it
/// asks that host for something or not.
fn does_not_exist_yet(context: &NodeContext) -> Option<String> {
    let host = context.node.host.as_deref().filter(|_| context.phase == Phase::Body)?;
    let inventory = context.run.inventory.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    inventory.is_planned(host).then(|| format!("`{host}` does not exist yet"))
}

fn argument(arg: &Arg<'_>, context: &NodeContext) -> Dynamic {
    match arg {
        Arg::Host(name) => Dynamic::from(HostRef { name: (*name).into(), user: context.sudo.clone() }),
        Arg::Item(item) => to_dynamic(item),
        Arg::Failure(failure) => error_map(failure).into(),
        Arg::Run(summary) => {
            let mut value = serde_json::to_value(summary).unwrap_or_default();
            if let Some(map) = value.as_object_mut() {
                map.insert("url".into(), Value::Null);
                let names = summary.failed.iter().map(|node| Value::String(node.to_string())).collect();
                map.insert("failed".into(), Value::Array(names));
            }
            to_dynamic(&value)
        }
    }
}
