//! Calls of functions that do not exist, and with a wrong number of arguments.

use std::collections::BTreeSet;

use oneex_sdk::nearest;
use rhai::{ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::known::{Functions, KEYWORDS};
use super::request::{Look, Report};

/// A call as it is written.
pub(super) struct Call<'a> {
    /// The place of the name.
    pub(super) position: Position,
    /// The name, the namespace and the arguments.
    pub(super) expression: &'a FnCallExpr,
    /// True for `x.name(…)`.
    pub(super) is_method: bool,
}

impl<'a> Call<'a> {
    /// The call that `node` is. Operators and what the parser adds are none.
    pub(super) fn of(node: ASTNode<'a>) -> Option<Self> {
        let (expression, position, is_method) = match node {
            ASTNode::Stmt(Stmt::FnCall(call, position)) | ASTNode::Expr(Expr::FnCall(call, position)) => {
                (call, *position, false)
            }
            ASTNode::Expr(Expr::MethodCall(call, position)) => (call, *position, true),
            _ => return None,
        };
        let is_word = rhai::is_valid_identifier(&expression.name);
        (is_word && !expression.is_operator_call()).then_some(Self { position, expression, is_method })
    }

    /// The place of the name and its length.
    pub(super) fn place(&self) -> (Position, usize) {
        (self.position, self.expression.name.chars().count())
    }

    /// The namespace, where there is one of a single word.
    pub(super) fn namespace(&self) -> Option<&str> {
        match self.expression.namespace.path.as_slice() {
            [only] => Some(only.name.as_str()),
            _ => None,
        }
    }

    /// The name as it is written: `json::parse`.
    pub(super) fn full_name(&self) -> String {
        match self.namespace() {
            Some(namespace) => format!("{namespace}::{}", self.expression.name),
            None => self.expression.name.to_string(),
        }
    }
}

/// Checks name and number of arguments; true when nothing is wrong with them.
pub(super) fn check(look: &Look<'_>, call: &Call<'_>, report: &mut Report<'_>) -> bool {
    let name = call.expression.name.as_str();
    match call.expression.namespace.path.as_slice() {
        [] if name == "eval" => {
            let hint = "write the code itself, or make it a function or a closure";
            report.error("eval", call.place(), "`eval` is switched off".into(), Some(hint.into()));
            false
        }
        [] if KEYWORDS.contains(&name) => true,
        [] if call.is_method => method(look, call, report),
        [] => function(look, call, report),
        [_] => namespaced(look, call, report),
        _ => true,
    }
}

/// The functions of the script that is looked at.
fn own<'a>(look: &'a Look<'_>) -> Option<&'a Functions> {
    let index = look.request.scripts.iter().position(|script| std::ptr::eq(script, look.script))?;
    look.known.scripts.get(index)
}

fn function(look: &Look<'_>, call: &Call<'_>, report: &mut Report<'_>) -> bool {
    let name = call.expression.name.as_str();
    let given = call.expression.args.len();
    if look.known.variables.contains(name) {
        return true;
    }
    let natives = &look.known.natives;
    let mut right: BTreeSet<usize> = natives.get(name).cloned().unwrap_or_default();
    right.extend(own(look).and_then(|own| own.get(name)).into_iter().flatten());
    if right.is_empty() {
        let names = natives.keys().chain(own(look).into_iter().flat_map(|own| own.keys()));
        let hint = suggestion(name, names.map(String::as_str));
        report.error("unknown-function", call.place(), format!("there is no function `{name}`"), hint);
        return false;
    }
    right.contains(&given) || wrong_count(call, &right, report)
}

fn method(look: &Look<'_>, call: &Call<'_>, report: &mut Report<'_>) -> bool {
    let name = call.expression.name.as_str();
    // A map may hold a closure under that name.
    if look.known.keys.contains(name) {
        return true;
    }
    let natives = look.known.natives.get(name).into_iter().flatten();
    let mut right: BTreeSet<usize> = natives.filter(|count| **count > 0).map(|count| count - 1).collect();
    // Functions of any script take what is before the dot as `this`.
    right.extend(look.known.scripts.iter().filter_map(|functions| functions.get(name)).flatten());
    if right.is_empty() {
        let methods = look.known.natives.iter().filter(|(_, counts)| counts.iter().any(|count| *count > 0));
        let hint = suggestion(name, methods.map(|(name, _)| name.as_str()));
        report.error("unknown-method", call.place(), format!("nothing has a method `{name}`"), hint);
        return false;
    }
    right.contains(&call.expression.args.len()) || wrong_count(call, &right, report)
}

fn namespaced(look: &Look<'_>, call: &Call<'_>, report: &mut Report<'_>) -> bool {
    let (Some(namespace), name) = (call.namespace(), call.expression.name.as_str()) else { return true };
    let functions = match look.script.imports.get(namespace) {
        Some(index) => look.known.public.get(*index),
        // An alias that could not be followed hides what the engine has under that name.
        None if look.aliases.contains(namespace) => None,
        None => look.known.namespaces.get(namespace),
    };
    let Some(functions) = functions else { return true };
    let Some(right) = functions.get(name) else {
        let hint = suggestion(name, functions.keys().map(String::as_str));
        let hint = hint.map(|hint| hint.replacen('`', &format!("`{namespace}::"), 1));
        let message = format!("there is no function `{namespace}::{name}`");
        report.error("unknown-function", call.place(), message, hint);
        return false;
    };
    right.contains(&call.expression.args.len()) || wrong_count(call, right, report)
}

fn suggestion<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let words = names.filter(|name| rhai::is_valid_identifier(name));
    nearest(name, words).map(|right| format!("did you mean `{right}`?"))
}

fn wrong_count(call: &Call<'_>, right: &BTreeSet<usize>, report: &mut Report<'_>) -> bool {
    let counts: Vec<usize> = right.iter().copied().collect();
    let takes = match counts.as_slice() {
        [0] => "no arguments".to_owned(),
        [1] => "1 argument".to_owned(),
        [only] => format!("{only} arguments"),
        [first, .., last] if last - first + 1 == counts.len() && counts.len() > 2 => {
            format!("{first} to {last} arguments")
        }
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(ToString::to_string).collect();
            format!("{} or {last} arguments", rest.join(", "))
        }
        [] => return true,
    };
    let given = call.expression.args.len();
    let message = format!("`{}` takes {takes}, not {given}", call.full_name());
    report.error("argument-count", call.place(), message, None);
    false
}
