//! Closures that are made in a loop, and what they capture of it.
//!
//! Rhai shares a captured variable with all closures that capture it, so that each of them would see
//! the last turn's value. A variable that differs from turn to turn is therefore copied into the
//! closure, unless somebody means to share it: a closure that changes it, or code outside of the loop
//! that changes it after a closure has captured it. The engine knows a captured variable by its name
//! alone, so the answer is one for all variables of a name in a source.

use std::collections::BTreeSet;

use rhai::{AST, ASTNode, Expr, FnPtr, Position, Stmt, StmtBlock};

use super::body::statements;
use super::children::walk;

/// What the closures of a source capture from turn to turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turns {
    /// The variables of which closures take copies.
    pub copied: BTreeSet<String>,
    /// Closures that outlive a turn and see a later turn's value: the variable, and the place.
    pub shared: Vec<(String, Position)>,
}

/// A variable that a closure captures.
struct Capture {
    name: String,
    /// Where the closure is made.
    at: Position,
    /// It differs from turn to turn of a loop that the closure is made in.
    in_turn: bool,
    /// The closure is handed on at once: what keeps it then takes a copy of its own.
    handed_on: bool,
    /// The function that it is.
    function: String,
}

/// Reads which variables differ from turn to turn.
pub fn turns(ast: &AST) -> Turns {
    let mut changed_inside = BTreeSet::new();
    let mut changes: BTreeSet<(String, String)> = BTreeSet::new();
    let mut captures = Vec::new();
    let mut reassigned = BTreeSet::new();
    let mut read = |body: &[Stmt]| {
        let found = captures_in(body);
        let assigned = assigned_in(body, false);
        let kept = found.iter().filter(|capture| !capture.in_turn && assigned.contains(&capture.name));
        reassigned.extend(kept.map(|capture| capture.name.clone()));
        captures.extend(found);
    };
    read(ast.statements());
    for function in ast.iter_fn_def() {
        let body = statements(function);
        read(&body);
        if function.name.starts_with("anon$") {
            let changed = assigned_in(&body, true);
            for name in function.params.iter().filter(|name| changed.contains(name.as_str())) {
                changed_inside.insert(name.to_string());
                changes.insert((function.name.to_string(), name.to_string()));
            }
        }
    }
    let mut out = Turns::default();
    for capture in captures.into_iter().filter(|capture| capture.in_turn) {
        if changed_inside.contains(&capture.name) || reassigned.contains(&capture.name) {
            // A closure that changes it means to share it.
            if !capture.handed_on && !changes.contains(&(capture.function, capture.name.clone())) {
                out.shared.push((capture.name, capture.at));
            }
        } else {
            out.copied.insert(capture.name);
        }
    }
    out.shared.sort_by_key(|(name, at)| (at.line(), at.position(), name.clone()));
    out.shared.dedup();
    out
}

fn captures_in(body: &[Stmt]) -> Vec<Capture> {
    let mut of_turns = BTreeSet::new();
    let mut handed_on = BTreeSet::new();
    let mut all = Vec::new();
    for statement in body {
        walk(statement.into(), &mut |node| {
            match node {
                ASTNode::Stmt(Stmt::FnCall(call, ..))
                | ASTNode::Expr(Expr::FnCall(call, ..) | Expr::MethodCall(call, ..)) => {
                    handed_on.extend(call.args.iter().filter_map(Made::of).map(|made| key(made.at)));
                }
                ASTNode::Stmt(Stmt::For(..) | Stmt::While(..) | Stmt::Do(..)) => {
                    of_turns.extend(captured_of_turn(node));
                }
                ASTNode::Expr(expression) => {
                    all.extend(Made::of(expression));
                }
                _ => {}
            }
            true
        });
    }
    let captures = all.into_iter().flat_map(|Made { at, function, names }| {
        let (of_turns, handed_on) = (&of_turns, handed_on.contains(&key(at)));
        names.into_iter().map(move |name| Capture {
            in_turn: of_turns.contains(&(key(at), name.clone())),
            handed_on,
            function: function.clone(),
            name,
            at,
        })
    });
    captures.collect()
}

/// The captures below a loop of what that loop changes from turn to turn.
fn captured_of_turn(node: ASTNode<'_>) -> Vec<(Key, String)> {
    let (mut names, body) = match node {
        ASTNode::Stmt(Stmt::For(parts, ..)) => {
            let (name, counter, flow) = &**parts;
            let names = [Some(name), counter.as_ref()].into_iter().flatten();
            (names.map(|name| name.name.to_string()).collect(), &flow.body)
        }
        ASTNode::Stmt(Stmt::While(flow, ..) | Stmt::Do(flow, ..)) => (BTreeSet::new(), &flow.body),
        _ => return Vec::new(),
    };
    let own = declared_in(body);
    names.extend(assigned_in(body.statements(), false).into_iter().filter(|name| !own.contains(name)));
    let mut found = Vec::new();
    for statement in body.statements() {
        walk(statement.into(), &mut |node| {
            if let ASTNode::Expr(expression) = node
                && let Some(made) = Made::of(expression)
            {
                let of_turn = made.names.into_iter().filter(|name| names.contains(name));
                found.extend(of_turn.map(|name| (key(made.at), name)));
            }
            true
        });
    }
    found
}

type Key = (Option<usize>, Option<usize>);

fn key(at: Position) -> Key {
    (at.line(), at.position())
}

/// A closure that captures, where it is made.
struct Made {
    at: Position,
    function: String,
    names: Vec<String>,
}

impl Made {
    /// The closure that an expression makes, if it does: Rhai makes a block of it that shares the
    /// variables and then binds them.
    fn of(expression: &Expr) -> Option<Self> {
        let Expr::Stmt(block) = expression else { return None };
        let [Stmt::Share(names), Stmt::Expr(bind)] = block.statements() else { return None };
        let Expr::FnCall(call, ..) = &**bind else { return None };
        let Expr::DynamicConstant(function, at) = call.args.first()? else { return None };
        let function = function.read_lock::<FnPtr>()?.fn_name().to_owned();
        Some(Self { at: *at, function, names: names.iter().map(|(name, _)| name.name.to_string()).collect() })
    }
}

/// The variables that code sets; with `within`, also those of which it sets a part.
fn assigned_in(body: &[Stmt], within: bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in body {
        walk(statement.into(), &mut |node| {
            if let ASTNode::Stmt(Stmt::Assignment(assignment)) = node {
                names.extend(target(&assignment.1.lhs, within));
            }
            true
        });
    }
    names
}

fn target(mut left: &Expr, within: bool) -> Option<String> {
    loop {
        match left {
            Expr::Variable(variable, ..) => return Some(variable.1.to_string()),
            Expr::Index(pair, ..) | Expr::Dot(pair, ..) if within => left = &pair.lhs,
            _ => return None,
        }
    }
}

fn declared_in(block: &StmtBlock) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in block.statements() {
        walk(statement.into(), &mut |node| {
            if let ASTNode::Stmt(Stmt::Var(variable, ..)) = node {
                names.insert(variable.0.name.to_string());
            }
            true
        });
    }
    names
}

/// The loops in which no variable is read: those that the engine can only stop from outside, where
/// Rhai knows no place. Each with the function that it stands in, none at the top level.
pub fn blind_loops(ast: &AST) -> Vec<(Option<String>, Position)> {
    let mut found: Vec<_> = blind_in(ast.statements()).into_iter().map(|at| (None, at)).collect();
    for function in ast.iter_fn_def() {
        let name = function.name.to_string();
        found.extend(blind_in(&statements(function)).into_iter().map(|at| (Some(name.clone()), at)));
    }
    found
}

fn blind_in(body: &[Stmt]) -> Vec<Position> {
    let mut found = Vec::new();
    for statement in body {
        walk(statement.into(), &mut |node| {
            if let ASTNode::Stmt(inner @ (Stmt::While(..) | Stmt::Do(..) | Stmt::For(..))) = node
                && !reads_variables(node)
            {
                found.push(inner.position());
            }
            true
        });
    }
    found
}

fn reads_variables(node: ASTNode<'_>) -> bool {
    let mut reads = false;
    walk(node, &mut |node| {
        reads |= matches!(node, ASTNode::Expr(Expr::Variable(..)));
        !reads
    });
    reads
}

#[cfg(test)]
mod tests {
    use rhai::{Engine, OptimizationLevel};

    use super::{blind_loops, turns};

    fn compile(code: &str) -> rhai::AST {
        let mut engine = Engine::new();
        engine.set_optimization_level(OptimizationLevel::None);
        engine.compile(code).unwrap_or_else(|error| panic!("{code}: {error}"))
    }

    /// What it is, the code, the names that are copied, the closures that share.
    const CASES: [(&str, &str, &str, &str); 13] = [
        ("a loop's variable", "let m = #{}; for i in 0..3 { m.f = || i; }", "i", ""),
        ("and its counter", "let m = #{}; for (x, n) in [1] { m.f = || n + x; }", "n x", ""),
        ("a count", "let m = #{}; let n = 0; while n < 3 { m.f = || n; n += 1; }", "n", ""),
        ("within a function", "fn f(m) { for i in 0..3 { m.f = || i; } m }", "i", ""),
        ("within a closure", "let f = |m| { for i in 0..3 { m.f = || i; } m };", "i", ""),
        ("two loops", "let m = #{}; for a in 0..3 { for b in 0..3 { m.f = || a + b; } }", "a b", ""),
        ("new at each turn", "let m = #{}; for i in 0..3 { let k = i; m.f = || k; k = 7; }", "", ""),
        ("what does not change", "let k = 1; let m = #{}; for i in 0..3 { m.f = || k; }", "", ""),
        ("a sum", "let sum = 0; for x in [1] { let add = |y| sum += y; add.call(x); sum += 1; }", "", ""),
        (
            "shared on purpose",
            "let n = 0; let show = || n; let m = #{}; while n < 3 { m.f = || n; n += 1; }",
            "",
            "n 1:62",
        ),
        (
            "two of one name",
            "let i = 0; let f = |x| i += x; let m = #{}; for i in 0..3 { m.f = || i; }",
            "",
            "i 1:67",
        ),
        (
            "handed on at once",
            "let i = 0; let f = |x| i += x; let m = []; for i in 0..3 { m.push(|| i); }",
            "",
            "",
        ),
        (
            "a part of it",
            "let a = [0]; for x in [1] { let set = || { a[0] = 1; }; a = [x]; set.call(); }",
            "",
            "",
        ),
    ];

    #[test]
    fn what_differs_from_turn_to_turn_is_copied() {
        for (what, code, copied, shared) in CASES {
            let found = turns(&compile(code));
            let places: Vec<String> = found
                .shared
                .iter()
                .map(|(name, at)| format!("{name} {}:{}", at.line().unwrap_or(0), at.position().unwrap_or(0)))
                .collect();
            assert_eq!(found.copied.into_iter().collect::<Vec<_>>().join(" "), copied, "{what}");
            assert_eq!(places.join(" "), shared, "{what}");
        }
    }

    #[test]
    fn loops_that_read_nothing() {
        let code =
            "loop { }\nlet a = 1;\nwhile a < 2 { a += 1; }\nfn f() {\n  loop { f(); }\n}\ndo { } while true;";
        let found: Vec<_> = blind_loops(&compile(code))
            .into_iter()
            .map(|(function, at)| (function, at.line().unwrap_or(0), at.position().unwrap_or(0)))
            .collect();
        assert_eq!(found, [(None, 1, 1), (None, 7, 1), (Some("f".to_owned()), 5, 3)]);
    }
}
