//! What a script may have too much of, and where it is told so.
//!
//! Rhai has limits of its own, and forgets on the way out of a function where it met one. An error
//! at a variable keeps its place and the calls that led there; so variables are where the limits
//! are met, and Rhai's own lie behind them for code that reads none.

use std::time::Duration;

use rhai::{Dynamic, Engine, EvalAltResult, EvalContext, ImmutableString, Map, Position};

use super::closure;
use super::current::{self, Stop};
use super::error::{Thrown, error_map};

/// How long the script itself may run between two things that it waits for: what needs longer is an
/// endless loop. Steps alone do not say it, since a step can be long: Rhai measures a growing array
/// at each.
const LONGEST: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 60 });
/// Steps of one call of code: some ten seconds of an endless loop.
const STEPS: u64 = 200_000_000;
/// Calls within calls. A debug build needs most of 1 MiB of stack for each eight.
const CALLS: usize = 64;
/// Expressions within expressions.
const DEPTH: usize = 128;
/// Bytes of a string, elements of an array, keys of a map; those inside included, twice as many.
const STRING: usize = 64 << 20;
pub(super) const ELEMENTS: usize = 2_000_000;
/// Variables alive at a time, and imports.
const VARIABLES: usize = 10_000;
const MODULES: usize = 1_000;

/// What a script had too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    /// Steps, or time, without waiting for anything.
    Steps,
    /// Calls within calls.
    Calls,
    /// Data; the word says what.
    Data(&'static str),
}

impl Excess {
    /// What people are told.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Steps => "the code ran too many steps without an end: an endless loop?".to_owned(),
            Self::Calls => "functions call each other too deep: an endless recursion?".to_owned(),
            Self::Data(what) => format!("{what} grew beyond what a runbook may hold: an endless loop?"),
        }
    }
}

/// Says whether code that has run for so long without a wait, or so many steps, must end.
pub(super) fn is_overdue(time: Duration, steps: u64) -> bool {
    time > LONGEST || steps > STEPS
}

/// Sets the limits.
pub(super) fn register(engine: &mut Engine) {
    engine
        .set_max_operations(STEPS + STEPS / 10)
        .set_max_call_levels(CALLS + 1)
        .set_max_expr_depths(DEPTH, DEPTH)
        .set_max_string_size(2 * STRING)
        .set_max_array_size(2 * ELEMENTS)
        .set_max_map_size(2 * ELEMENTS)
        .set_max_variables(VARIABLES)
        .set_max_modules(MODULES);
    engine.on_progress(|steps| current::must_end(steps).then_some(Dynamic::UNIT));
    #[expect(deprecated, reason = "volatile, not going away: the one place that Rhai places errors of")]
    engine.on_var(|name, _, mut context| match excess(name, &context) {
        None => {
            closure::take_copy(name, &mut context);
            Ok(None)
        }
        Some(excess) => Err(too_much(excess)),
    });
}

fn excess(name: &str, context: &EvalContext<'_, '_, '_, '_, '_, '_>) -> Option<Excess> {
    if current::is_overdue() {
        return Some(Excess::Steps);
    }
    if context.call_level() > CALLS {
        return Some(Excess::Calls);
    }
    let value = context.scope().get(name)?;
    let (size, most, what) = if value.is_string() {
        (value.read_lock::<ImmutableString>()?.len(), STRING, "a string")
    } else if value.is_array() {
        (value.read_lock::<rhai::Array>()?.len(), ELEMENTS, "an array")
    } else if value.is_map() {
        (value.read_lock::<Map>()?.len(), ELEMENTS, "a map")
    } else {
        return None;
    };
    (size > most).then_some(Excess::Data(what))
}

/// An error that `catch` may see and that ends the code all the same.
fn too_much(excess: Excess) -> Box<EvalAltResult> {
    current::stop(Stop::Excess(excess));
    let map = match Thrown::invalid(excess.message()) {
        Thrown::Failed(failure) => error_map(&failure).into(),
        Thrown::Stopped => Dynamic::UNIT,
    };
    EvalAltResult::ErrorRuntime(map, Position::NONE).into()
}
