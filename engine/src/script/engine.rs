//! The Rhai engine: its limits, what is switched off, and every word of the language.

use std::sync::Arc;

use oneex_sdk::Registry;
use rhai::{Dynamic, Engine, Token};

use super::{current, library, load, ops, resolver, words};
use crate::run::Level;

/// Steps of one call of code: some ten seconds of an endless loop.
const STEPS: u64 = 200_000_000;
/// Calls within calls. A debug build needs most of 1 MiB of stack for each eight.
const CALLS: usize = 64;
/// Expressions within expressions.
const DEPTH: usize = 128;
/// Bytes of a string, elements of an array, keys of a map, those inside included.
const STRING: usize = 64 << 20;
const ELEMENTS: usize = 2_000_000;
/// Variables alive at a time, and imports.
const VARIABLES: usize = 10_000;
const MODULES: usize = 1_000;

/// Builds the engine for one runbook.
pub(super) fn build(registry: &Registry) -> Engine {
    let mut engine = Engine::new();
    limit(&mut engine);
    engine.set_module_resolver(resolver::Resolver);
    engine.on_progress(|steps| current::must_end(steps).then_some(Dynamic::UNIT));
    engine.on_print(|text| words::flow::message(Level::Info, text, None));
    engine.on_debug(|text, _, _| words::flow::message(Level::Info, text, None));
    let world: Arc<dyn library::World> = Arc::new(super::world::ScriptWorld);
    library::register(&mut engine, &world);
    words::register(&mut engine);
    ops::register(&mut engine, registry);
    engine
}

fn limit(engine: &mut Engine) {
    engine
        .set_optimization_level(load::OPTIMIZATION)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        .set_max_operations(STEPS)
        .set_max_call_levels(CALLS)
        .set_max_expr_depths(DEPTH, DEPTH)
        .set_max_string_size(STRING)
        .set_max_array_size(ELEMENTS)
        .set_max_map_size(ELEMENTS)
        .set_max_variables(VARIABLES)
        .set_max_modules(MODULES);
    engine.disable_symbol("eval");
    // Rhai reserves `var` without a use for it; a host's variables are `h.var("name")`.
    #[expect(deprecated, reason = "volatile, not going away: the one way to free a reserved word")]
    engine.on_parse_token(|token, _, _| match token {
        Token::Reserved(word) if *word == "var" => Token::Identifier(word),
        other => other,
    });
}
