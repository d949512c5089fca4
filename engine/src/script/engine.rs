//! The Rhai engine: what is switched off, and every word of the language.

use std::sync::Arc;

use oneex_sdk::Registry;
use rhai::{Engine, Token};

use super::{library, limits, load, ops, resolver, words};
use crate::run::Level;

/// Builds the engine for one runbook.
pub(super) fn build(registry: &Registry) -> Engine {
    let mut engine = Engine::new();
    syntax(&mut engine);
    limits::register(&mut engine);
    engine.set_module_resolver(resolver::Resolver);
    engine.on_print(|text| words::flow::message(Level::Info, text, None));
    engine.on_debug(|text, _, _| words::flow::message(Level::Info, text, None));
    let world: Arc<dyn library::World> = Arc::new(super::world::ScriptWorld);
    library::register(&mut engine, &world);
    words::register(&mut engine);
    ops::register(&mut engine, registry);
    engine
}

fn syntax(engine: &mut Engine) {
    engine
        .set_optimization_level(load::OPTIMIZATION)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true);
    engine.disable_symbol("eval");
    // Rhai reserves `var` without a use for it; a host's variables are `h.var("name")`.
    #[expect(deprecated, reason = "volatile, not going away: the one way to free a reserved word")]
    engine.on_parse_token(|token, _, _| match token {
        Token::Reserved(word) if *word == "var" => Token::Identifier(word),
        other => other,
    });
}
