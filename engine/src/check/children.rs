//! The nodes below a node. Unlike Rhai's own walk it hands out references that live as long as the
//! tree, and does not leave out the value of a `break`.

use rhai::{ASTNode, BinaryExpr, Expr, Stmt, StmtBlock};

/// The nodes directly below `node`, in the order written.
pub(super) fn children<'a>(node: ASTNode<'a>) -> Vec<ASTNode<'a>> {
    let mut out = Vec::new();
    match node {
        ASTNode::Stmt(statement) => of_statement(statement, &mut out),
        ASTNode::Expr(expression) => of_expression(expression, &mut out),
        _ => {}
    }
    out
}

/// Calls `visit` for `node` and for everything below it, in the order written; what is below a node
/// for which it returns false is left out.
pub(super) fn walk<'a>(node: ASTNode<'a>, visit: &mut dyn FnMut(ASTNode<'a>) -> bool) {
    let mut stack = vec![node];
    while let Some(node) = stack.pop() {
        if visit(node) {
            stack.extend(children(node).into_iter().rev());
        }
    }
}

fn of_statement<'a>(statement: &'a Stmt, out: &mut Vec<ASTNode<'a>>) {
    match statement {
        Stmt::Var(variable, ..) => out.push((&variable.1).into()),
        Stmt::If(flow, ..) => {
            out.push((&flow.expr).into());
            block(&flow.body, out);
            block(&flow.branch, out);
        }
        Stmt::Switch(switch, ..) => {
            let (subject, cases) = &**switch;
            out.push(subject.into());
            for case in &cases.expressions {
                both(case, out);
            }
        }
        Stmt::While(flow, ..) => {
            out.push((&flow.expr).into());
            block(&flow.body, out);
        }
        Stmt::Do(flow, ..) => {
            block(&flow.body, out);
            out.push((&flow.expr).into());
        }
        Stmt::For(parts, ..) => {
            out.push((&parts.2.expr).into());
            block(&parts.2.body, out);
        }
        Stmt::TryCatch(flow, ..) => {
            block(&flow.body, out);
            block(&flow.branch, out);
        }
        Stmt::Assignment(assignment) => both(&assignment.1, out),
        Stmt::FnCall(call, ..) => out.extend(call.args.iter().map(ASTNode::from)),
        Stmt::Block(inner) => block(inner, out),
        Stmt::Expr(expression) => out.push((&**expression).into()),
        Stmt::Return(Some(value), ..) | Stmt::BreakLoop(Some(value), ..) => out.push((&**value).into()),
        Stmt::Import(import, ..) => out.push((&import.0).into()),
        _ => {}
    }
}

fn of_expression<'a>(expression: &'a Expr, out: &mut Vec<ASTNode<'a>>) {
    match expression {
        Expr::Stmt(inner) => block(inner, out),
        Expr::InterpolatedString(parts, ..) | Expr::Array(parts, ..) => {
            out.extend(parts.iter().map(ASTNode::from));
        }
        Expr::Map(map, ..) => out.extend(map.0.iter().map(|(_, value)| ASTNode::from(value))),
        Expr::Index(pair, ..) | Expr::Dot(pair, ..) => both(pair, out),
        Expr::And(parts, ..) | Expr::Or(parts, ..) | Expr::Coalesce(parts, ..) => {
            out.extend(parts.iter().map(ASTNode::from));
        }
        Expr::FnCall(call, ..) | Expr::MethodCall(call, ..) => {
            out.extend(call.args.iter().map(ASTNode::from))
        }
        Expr::Custom(custom, ..) => out.extend(custom.inputs.iter().map(ASTNode::from)),
        _ => {}
    }
}

fn both<'a>(pair: &'a BinaryExpr, out: &mut Vec<ASTNode<'a>>) {
    out.push((&pair.lhs).into());
    out.push((&pair.rhs).into());
}

fn block<'a>(block: &'a StmtBlock, out: &mut Vec<ASTNode<'a>>) {
    out.extend(block.statements().iter().map(ASTNode::from));
}

#[cfg(test)]
mod tests {
    use rhai::{ASTNode, Engine, Expr, OptimizationLevel};

    use super::walk;

    #[test]
    fn every_construct_is_entered_in_the_order_written() {
        let code = r#"
            let a = f(1);
            if f(2) { f(3) } else { f(4) }
            switch f(5) { 1 if f(6) => f(7), 1..3 => f(8), _ => f(9) }
            while f(10) { break f(11); }
            do { f(12) } while f(13);
            for i in f(14) { f(15); }
            try { f(16) } catch (e) { f(17) }
            a = f(18);
            { f(19) }
            a[f(20)].b(f(21)).c;
            `x${f(22)}` + [f(23)] + #{ k: f(24) };
            f(25) && f(26) || f(27) ?? f(28);
            throw f(29);
        "#;
        let mut engine = Engine::new();
        engine.set_optimization_level(OptimizationLevel::None);
        let ast = engine.compile(code).expect("compiles");
        let mut seen = Vec::new();
        for statement in ast.statements() {
            walk(statement.into(), &mut |node| {
                if let ASTNode::Expr(Expr::IntegerConstant(number, _)) = node {
                    seen.push(*number);
                }
                true
            });
        }
        seen.retain(|number| *number > 0);
        seen.dedup();
        assert_eq!(seen, (1..=29).collect::<Vec<_>>());
    }
}
