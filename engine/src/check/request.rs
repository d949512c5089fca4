//! What is checked, and the order in which the checks look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use oneex_sdk::Manual;
use rhai::{AST, ASTNode, Engine, Stmt};

use super::body::statements;
use super::calls;
use super::children::walk;
use super::imports::imports;
use super::known::Known;
use super::options;
use super::structure;
use super::turns::turns;
use crate::diag::{Diagnostic, Label, Position, Source};

/// A text of the runbook: itself, or a module that it imports.
pub struct CheckScript<'a> {
    /// The text.
    pub source: &'a Arc<Source>,
    /// What it compiles to, without optimisation: a folded map has no places for its keys.
    pub ast: &'a AST,
    /// Its imports: the alias and which of [`CheckRequest::scripts`] it stands for. An alias that
    /// is missing is not checked.
    pub imports: BTreeMap<String, usize>,
}

/// What is checked.
pub struct CheckRequest<'a> {
    /// The runbook, then all modules that it imports, directly or not.
    pub scripts: &'a [CheckScript<'a>],
    /// The engine, with every word of the language and every operation registered.
    pub engine: &'a Engine,
    /// All operations.
    pub manuals: &'a [&'a Manual],
}

/// Looks for mistakes in what was written, and runs nothing. In case of doubt it says nothing: what
/// a value is, only a run knows.
///
/// Returns the mistakes in the order of the scripts and of their places, none twice.
pub fn check(request: &CheckRequest<'_>) -> Vec<Diagnostic> {
    let bodies: Vec<Vec<Vec<Stmt>>> =
        request.scripts.iter().map(|script| script.ast.iter_fn_def().map(statements).collect()).collect();
    let known = Known::new(request, &bodies);
    let mut found = Vec::new();
    for (index, (script, bodies)) in request.scripts.iter().zip(&bodies).enumerate() {
        let mut report = Report { source: script.source, found: Vec::new() };
        let look = Look::new(request, script, bodies, &known);
        structure::check(&look, index == 0, &mut report);
        look.all(script.ast.statements(), &mut report);
        for body in bodies {
            look.all(body, &mut report);
        }
        for (name, at) in turns(script.ast).shared {
            report.shared_capture(&name, at);
        }
        report.found.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.position.clone()));
        found.append(&mut report.found);
    }
    let mut seen = BTreeSet::new();
    found.retain(|diagnostic| {
        let place = diagnostic.labels.first().map(|label| label.position.clone());
        seen.insert((place, diagnostic.message.clone()))
    });
    found
}

/// What a check looks at.
pub(super) struct Look<'a> {
    pub(super) request: &'a CheckRequest<'a>,
    pub(super) script: &'a CheckScript<'a>,
    /// The bodies of the script's functions and closures.
    pub(super) bodies: &'a [Vec<Stmt>],
    pub(super) known: &'a Known,
    /// What the script imports something as.
    pub(super) aliases: BTreeSet<String>,
    /// The names declared at the top level of the script.
    pub(super) constants: BTreeSet<&'a str>,
}

impl<'a> Look<'a> {
    fn new(
        request: &'a CheckRequest<'a>,
        script: &'a CheckScript<'a>,
        bodies: &'a [Vec<Stmt>],
        known: &'a Known,
    ) -> Self {
        let constants = script.ast.statements().iter().filter_map(|statement| match statement {
            Stmt::Var(variable, ..) => Some(variable.0.name.as_str()),
            _ => None,
        });
        let aliases = imports(script.ast).into_iter().map(|import| import.alias).collect();
        Self { request, script, bodies, known, aliases, constants: constants.collect() }
    }

    fn all(&self, statements: &[Stmt], report: &mut Report<'_>) {
        for statement in statements {
            walk(ASTNode::from(statement), &mut |node| {
                structure::constant(self, node, report);
                if let Some(call) = calls::Call::of(node)
                    && calls::check(self, &call, report)
                {
                    options::check(self, &call, report);
                }
                true
            });
        }
    }
}

/// Collects what is found in one script.
pub(super) struct Report<'a> {
    source: &'a Arc<Source>,
    found: Vec<Diagnostic>,
}

impl Report<'_> {
    /// Warns of a closure that will see a later turn's value.
    fn shared_capture(&mut self, name: &str, at: rhai::Position) {
        let Some(label) = self.label((at, 1), String::new(), true) else { return };
        let message = format!("this closure sees the last value of `{name}`, not that of its own turn");
        let hint = format!("let it capture a variable of the loop: `let own = {name};`");
        self.found.push(Diagnostic::warning("capture", message).label(label).hint(hint));
    }

    /// Reports a mistake at a place of `length` characters, with a hint where there is one.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        place: (rhai::Position, usize),
        message: String,
        hint: Option<String>,
    ) {
        let Some(label) = self.label(place, String::new(), true) else { return };
        let diagnostic = Diagnostic::error(code, message).label(label);
        self.found.push(match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
    }

    /// The place of a key of a map, which may be quoted.
    pub(super) fn key(&self, key: &rhai::Ident) -> (rhai::Position, usize) {
        let line = key.pos.line().and_then(|line| self.source.text.lines().nth(line - 1)).unwrap_or_default();
        let first = key.pos.position().and_then(|column| line.chars().nth(column.saturating_sub(1)));
        let quotes = if first.is_some_and(|first| first == '"' || first == '`') { 2 } else { 0 };
        (key.pos, key.name.chars().count() + quotes)
    }

    /// Adds a place that explains the mistake reported last.
    pub(super) fn explain(&mut self, place: (rhai::Position, usize), text: &str) {
        if let (Some(label), Some(last)) = (self.label(place, text.to_owned(), false), self.found.pop()) {
            self.found.push(last.label(label));
        }
    }

    fn label(
        &self,
        (position, length): (rhai::Position, usize),
        text: String,
        primary: bool,
    ) -> Option<Label> {
        let line = u32::try_from(position.line()?).ok()?;
        let column = position.position().and_then(|column| u32::try_from(column).ok()).unwrap_or(0);
        let position = Position { file: self.source.name.as_str().into(), line, column };
        Some(Label { source: Some(Arc::clone(self.source)), position, length: length.max(1), text, primary })
    }
}
