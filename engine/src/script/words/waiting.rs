//! `sleep`, `wait_until`, `retry`, `parallel`: code that waits, and code side by side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oneex_sdk::ErrorKind;
use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, Map, NativeCallContext, Position};

use super::options::{self, Options, boolean_of};
use crate::run::{Branch, Failure, Mode, NodeContext, drawn};
use crate::script::closure::freeze_captured;
use crate::script::current::{Current, Stop, current, enter, in_branch, node, stop, waited};
use crate::script::error::Thrown;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Waits, unless the node is cancelled meanwhile. A plan does not wait.
/// Waits; not again where a run that is resumed has waited at this place before.
fn pause(here: &Current, node: &NodeContext, wait: Duration) -> Result<(), Thrown> {
    drawn(node, &here.place(), "sleep", || waited_for(node, wait).map(|()| oneex_sdk::Value::Null))
        .map(|_| ())
}

fn waited_for(node: &NodeContext, wait: Duration) -> Result<(), Thrown> {
    if node.run.mode == Mode::Plan {
        return Ok(());
    }
    let cancelled = node.run.runtime.block_on(async {
        tokio::select! {
            biased;
            () = node.cancel.cancelled() => true,
            () = tokio::time::sleep(wait) => false,
        }
    });
    waited();
    if cancelled { Err(stop(Stop::Cancelled)) } else { Ok(()) }
}

fn sleep(context: &NativeCallContext<'_>, wait: &Dynamic) -> Fallible<()> {
    let wait = || {
        let (here, node) = node("sleep")?;
        pause(&here, &node, options::duration(wait)?)
    };
    wait().map_err(|error: Thrown| error.at(context))
}

fn wait_until(context: &NativeCallContext<'_>, limit: &Dynamic, map: Map, condition: &FnPtr) -> Fallible<()> {
    let place = |error: Thrown| error.at(context);
    let (here, node) = node("wait_until").map_err(place)?;
    let own = here.place();
    let limit = options::duration(limit).map_err(place)?;
    let mut map = Options::new("wait_until", &["every"], map).map_err(place)?;
    let every = map.parse("every", options::duration).map_err(place)?.unwrap_or(Duration::from_secs(1));
    let begun = Instant::now();
    for turn in 0.. {
        let answer = in_branch(&own, turn, || condition.call_raw(context, None, []))?;
        let answer = boolean_of("wait_until", &answer).map_err(place)?;
        if answer {
            return Ok(());
        }
        if node.run.mode == Mode::Plan {
            return Err(place(stop(Stop::KnownAfterRun("a wait that is not over now".into()))));
        }
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            let message = format!("the condition was not true within {}", seconds(limit));
            return Err(place(Failure::new(ErrorKind::Timeout, message).into()));
        }
        // The last look is at the limit itself, however long the pauses are.
        pause(&here.clone().within(Branch::below(&own, turn)), &node, every.min(left)).map_err(place)?;
    }
    Ok(())
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

fn retry(
    context: &NativeCallContext<'_>,
    times: &Dynamic,
    wait: &Dynamic,
    body: &FnPtr,
) -> Fallible<Dynamic> {
    let place = |error: Thrown| error.at(context);
    let (here, node) = node("retry").map_err(place)?;
    let own = here.place();
    let times = options::count(times, 1).map_err(place)?;
    let wait = options::duration(wait).map_err(place)?;
    let mut tried = 0;
    loop {
        match in_branch(&own, tried, || body.call_raw(context, None, [])) {
            Ok(value) => return Ok(value),
            Err(error) if tried == times || current().is_ok_and(|current| current.stop.is_some()) => {
                return Err(error);
            }
            Err(_) => {
                pause(&here.clone().within(Branch::below(&own, tried)), &node, wait).map_err(place)?;
                tried += 1;
            }
        }
    }
}

/// Runs closures on threads of their own. Each sees a copy of what it captured; the first failure
/// is thrown when all have ended.
fn parallel(context: &NativeCallContext<'_>, branches: Array) -> Fallible<Array> {
    let here = current().map_err(|error| error.at(context))?;
    node("parallel").map_err(|error| error.at(context))?;
    let own = here.place();
    let mut functions = Vec::with_capacity(branches.len());
    for branch in branches {
        let mut function = branch.try_cast_result::<FnPtr>().map_err(|value| {
            let found = crate::script::kind::kind(&value);
            Thrown::invalid(format!("`parallel` takes an array of closures, found a value of type `{found}`"))
                .at(context)
        })?;
        freeze_captured(&mut function).map_err(|error| error.at(context))?;
        functions.push(function);
    }
    let (engine, global) = (context.engine(), context.global_runtime_state());
    let position = context.call_position();
    let results: Vec<_> = std::thread::scope(|scope| {
        let spawn = |(index, function): (usize, &FnPtr)| {
            let here = Current::new(Arc::clone(&here.script), here.node.clone());
            let here = here.within(Branch::below(&own, index));
            let function = function.clone();
            std::thread::Builder::new().name("parallel".into()).stack_size(16 << 20).spawn_scoped(
                scope,
                move || {
                    enter(here, || {
                        let context = NativeCallContext::new_with_all_fields(
                            engine,
                            function.fn_name(),
                            global.source(),
                            global,
                            position,
                        );
                        function.call_raw(&context, None, [])
                    })
                },
            )
        };
        let threads: Vec<_> = functions.iter().enumerate().map(spawn).collect();
        threads.into_iter().map(|thread| thread.map(std::thread::ScopedJoinHandle::join)).collect()
    });
    waited();
    let broken = || -> Box<EvalAltResult> {
        EvalAltResult::ErrorRuntime("a branch of `parallel` could not run".into(), Position::NONE).into()
    };
    let mut values = Array::new();
    let mut first_error = None;
    for result in results {
        let (value, stopped) = result.map_err(|_| broken())?.map_err(|_| broken())?;
        match (stopped, value) {
            // What had too much of something says itself where that was.
            (Some(reason @ Stop::Excess(_)), Err(error)) => {
                stop(reason);
                first_error = first_error.or(Some(error));
            }
            (Some(reason), _) => return Err(stop(reason).at(context)),
            (None, Ok(value)) => values.push(value),
            (None, Err(error)) => first_error = first_error.or(Some(error)),
        }
    }
    first_error.map_or(Ok(values), Err)
}

/// Registers the words.
pub(super) fn register(engine: &mut Engine) {
    engine
        // Rhai has a `sleep` of its own for numbers, which nothing could interrupt.
        .register_fn("sleep", |context: NativeCallContext, seconds: i64| sleep(&context, &seconds.into()))
        .register_fn("sleep", |context: NativeCallContext, seconds: f64| sleep(&context, &seconds.into()))
        .register_fn("sleep", |context: NativeCallContext, wait: Dynamic| sleep(&context, &wait))
        .register_fn(
            "wait_until",
            |context: NativeCallContext, limit: Dynamic, options: Map, condition: FnPtr| {
                wait_until(&context, &limit, options, &condition)
            },
        )
        .register_fn("wait_until", |context: NativeCallContext, limit: Dynamic, condition: FnPtr| {
            wait_until(&context, &limit, Map::new(), &condition)
        })
        .register_fn("retry", |context: NativeCallContext, times: Dynamic, wait: Dynamic, body: FnPtr| {
            retry(&context, &times, &wait, &body)
        })
        .register_fn("retry", |context: NativeCallContext, times: Dynamic, body: FnPtr| {
            retry(&context, &times, &Dynamic::from(0_i64), &body)
        })
        .register_fn("parallel", |context: NativeCallContext, branches: Array| parallel(&context, branches));
}
