//! Looking for mistakes before anything runs: the runbook with all that it imports.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use oneex_sdk::{Manual, Registry};
use rhai::{AST, Engine};

use super::error::place;
use super::load::Script;
use crate::check::{CheckRequest, CheckScript, Import, check, imports};
use crate::diag::{Diagnostic, Source};

/// A source with the imports that stand in it: alias, path and place.
struct Text {
    source: Arc<Source>,
    ast: AST,
    imports: BTreeMap<String, usize>,
}

/// Reads the runbook and everything that it imports by a literal name, and checks all of it.
pub(super) fn check_script(engine: &Engine, script: &Script, registry: &Registry) -> Vec<Diagnostic> {
    let mut mistakes = Vec::new();
    let texts = read_all(engine, script, &mut mistakes);
    let scripts: Vec<CheckScript<'_>> = texts
        .iter()
        .map(|text| CheckScript { source: &text.source, ast: &text.ast, imports: text.imports.clone() })
        .collect();
    let manuals: Vec<&Manual> = registry.ops().iter().map(|op| op.manual()).collect();
    mistakes.extend(check(&CheckRequest { scripts: &scripts, engine, manuals: &manuals }));
    mistakes
}

fn read_all(engine: &Engine, script: &Script, mistakes: &mut Vec<Diagnostic>) -> Vec<Text> {
    let (Some(source), Some(ast)) = (script.sources.get(&script.name), script.reading.main.get()) else {
        return Vec::new();
    };
    let mut texts = vec![Text { source, ast: ast.clone(), imports: BTreeMap::new() }];
    let mut queue = VecDeque::from([0]);
    while let Some(index) = queue.pop_front() {
        let from: Arc<str> = texts[index].source.name.as_str().into();
        for Import { path, alias, position } in imports(&texts[index].ast) {
            let Some(path) = path else { continue };
            match script.import(engine, &from, &path) {
                Ok((source, ast)) => {
                    let known = texts.iter().position(|text| text.source.name == source.name);
                    let target = known.unwrap_or_else(|| {
                        texts.push(Text { source, ast, imports: BTreeMap::new() });
                        queue.push_back(texts.len() - 1);
                        texts.len() - 1
                    });
                    texts[index].imports.insert(alias, target);
                }
                Err(mut error) => {
                    if let (true, Some(position)) = (error.labels.is_empty(), place(&from, position)) {
                        error = error.label(script.sources.label(&position, "", true));
                    }
                    mistakes.push(error);
                }
            }
        }
    }
    texts
}
