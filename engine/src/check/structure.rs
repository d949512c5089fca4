//! What stands where it must not, or twice.

use std::collections::BTreeMap;

use oneex_sdk::nearest;
use rhai::{ASTNode, Expr, Position, Stmt};

use super::calls::Call;
use super::children::walk;
use super::request::{CheckScript, Look, Report};

/// Checks a whole script; `is_main` for the runbook itself.
pub(super) fn check(look: &Look<'_>, is_main: bool, report: &mut Report<'_>) {
    for statement in look.bodies.iter().flatten() {
        walk(statement.into(), &mut |node| {
            if let ASTNode::Stmt(Stmt::Import(_, position)) = node {
                let message = "`import` stands at the top level only".to_owned();
                let hint = "move it to the head of the file; bodies and functions see it there";
                report.error("import-place", (*position, "import".len()), message, Some(hint.into()));
            }
            true
        });
    }
    if is_main {
        declared_twice(look.script, report);
    }
}

/// Two tasks of one name. Only what surely runs, and once: not what stands in a condition, a loop,
/// a function or a block.
fn declared_twice(script: &CheckScript<'_>, report: &mut Report<'_>) {
    let mut first: BTreeMap<String, (Position, usize)> = BTreeMap::new();
    for statement in script.ast.statements() {
        walk(statement.into(), &mut |node| {
            if matches!(
                node,
                ASTNode::Stmt(
                    Stmt::If(..)
                        | Stmt::Switch(..)
                        | Stmt::While(..)
                        | Stmt::Do(..)
                        | Stmt::For(..)
                        | Stmt::TryCatch(..)
                ) | ASTNode::Expr(Expr::And(..) | Expr::Or(..) | Expr::Coalesce(..))
            ) {
                return false;
            }
            let Some(call) = Call::of(node) else { return true };
            let declares = matches!(call.expression.name.as_str(), "task" | "handler" | "gate");
            let is_plain = !call.is_method && call.expression.namespace.path.is_empty();
            if let (true, Some(Expr::StringConstant(name, position))) =
                (declares && is_plain, call.expression.args.first())
            {
                let place = (*position, name.chars().count() + 2);
                if let Some(earlier) = first.get(name.as_str()) {
                    report.error("task-twice", place, format!("task `{name}` is declared twice"), None);
                    report.explain(*earlier, "first declared here");
                } else {
                    first.insert(name.to_string(), place);
                }
            }
            true
        });
    }
}

/// `global::NAME` where the script has no constant of that name.
pub(super) fn constant(look: &Look<'_>, node: ASTNode<'_>, report: &mut Report<'_>) {
    let ASTNode::Expr(Expr::Variable(variable, _, position)) = node else { return };
    if !matches!(variable.2.path.as_slice(), [only] if only.name == "global") {
        return;
    }
    let name = variable.1.as_str();
    if !look.constants.contains(name) {
        let hint = nearest(name, look.constants.iter().copied())
            .map(|right| format!("did you mean `global::{right}`?"));
        let message = format!("there is no constant `{name}`");
        report.error("unknown-constant", (*position, name.chars().count()), message, hint);
    }
}
