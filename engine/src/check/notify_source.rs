//! What one function by itself notifies and calls, with where each name comes from.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, ASTNode, Expr, FnPtr, ScriptFuncDef, Shared, Stmt};

use super::body::statements;
use super::children::walk;

/// The longest path into an argument (`a.b.c`) that is followed, and the longest chain of `let`s.
const LONGEST: usize = 8;

/// Where the argument of a call comes from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    /// A literal.
    Literal(String),
    /// A parameter of the function, captured variables first, and the properties read from it.
    Param(usize, Vec<String>),
    /// Any of these.
    Many(Vec<Source>),
    /// Only a run will know.
    Unknown,
}

/// A call of a function of the script, or the making of a closure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    /// The name, without its namespace.
    pub(super) callee: String,
    args: Vec<Source>,
    /// True when further arguments come later: a closure is made, a function is passed on.
    open: bool,
}

/// What a function notifies.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Summary {
    arity: usize,
    /// Names.
    pub(super) names: BTreeSet<String>,
    /// Parameters, and the properties read from them.
    pub(super) params: BTreeSet<(usize, Vec<String>)>,
    /// Something that only a run will know.
    pub(super) dynamic: bool,
    /// What it calls.
    pub(super) calls: Vec<Call>,
}

impl Summary {
    /// Takes over what `callee` notifies when called as `call` says.
    pub(super) fn absorb(&mut self, call: &Call, callee: &Self) {
        if !call.open && call.args.len() != callee.arity {
            return; // another function of that name
        }
        self.names.extend(callee.names.iter().cloned());
        self.dynamic |= callee.dynamic;
        for (position, path) in &callee.params {
            self.add(call.args.get(*position).unwrap_or(&Source::Unknown), path);
        }
    }

    fn add(&mut self, source: &Source, path: &[String]) {
        match source {
            Source::Literal(name) if path.is_empty() => {
                self.names.insert(name.clone());
            }
            Source::Param(position, inner) if inner.len() + path.len() <= LONGEST => {
                self.params.insert((*position, [inner, path].concat()));
            }
            Source::Many(sources) => sources.iter().for_each(|source| self.add(source, path)),
            Source::Literal(_) | Source::Param(..) | Source::Unknown => self.dynamic = true,
        }
    }
}

/// Summarises every function and closure by itself.
pub(super) fn summarise(asts: &[&AST]) -> Vec<(String, Summary)> {
    let mut constants: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    for ast in asts {
        for statement in ast.statements() {
            if let Stmt::Var(variable, ..) = statement {
                let reader = Reader::default();
                constants.entry(variable.0.name.to_string()).or_default().push(reader.source(&variable.1, 0));
            }
        }
    }
    let functions = asts.iter().flat_map(|ast| ast.iter_fn_def());
    functions.map(|function| (function.name.to_string(), summary(function, &constants))).collect()
}

fn summary(function: &Shared<ScriptFuncDef>, constants: &BTreeMap<String, Vec<Source>>) -> Summary {
    let body = statements(function);
    let mut reader = Reader { constants: Some(constants), ..Reader::default() };
    reader.params = function.params.iter().map(|param| param.as_str()).collect();
    for statement in &body {
        walk(statement.into(), &mut |node| {
            reader.bind(node);
            true
        });
    }
    let mut summary = Summary { arity: function.params.len(), ..Summary::default() };
    for statement in &body {
        walk(statement.into(), &mut |node| reader.read(node, &mut summary));
    }
    summary
}

/// Knows the names in a function.
#[derive(Default)]
struct Reader<'a> {
    params: Vec<&'a str>,
    /// What a local variable is made from; nothing where there are several of the name.
    locals: BTreeMap<&'a str, Option<&'a Expr>>,
    constants: Option<&'a BTreeMap<String, Vec<Source>>>,
}

impl<'a> Reader<'a> {
    fn bind(&mut self, node: ASTNode<'a>) {
        let (name, value) = match node {
            ASTNode::Stmt(Stmt::Var(variable, ..)) => (variable.0.as_str(), Some(&variable.1)),
            ASTNode::Stmt(Stmt::For(parts, ..)) => (parts.0.as_str(), Some(&parts.2.expr)),
            ASTNode::Stmt(Stmt::TryCatch(flow, ..)) => match &flow.expr {
                Expr::Variable(variable, ..) => (variable.1.as_str(), None),
                _ => return,
            },
            ASTNode::Stmt(Stmt::Assignment(assignment)) => match &assignment.1.lhs {
                Expr::Variable(variable, ..) => (variable.1.as_str(), None),
                _ => return,
            },
            _ => return,
        };
        let value = value.filter(|_| !self.locals.contains_key(name) && !self.params.contains(&name));
        self.locals.insert(name, value);
    }

    /// Reads one node; false when what is below it has been read too.
    fn read(&self, node: ASTNode<'a>, summary: &mut Summary) -> bool {
        let (call, is_method) = match node {
            ASTNode::Stmt(Stmt::FnCall(call, _)) | ASTNode::Expr(Expr::FnCall(call, _)) => (call, false),
            ASTNode::Expr(Expr::MethodCall(call, _)) => (call, true),
            ASTNode::Expr(Expr::DynamicConstant(value, _)) => {
                if let Some(closure) = value.read_lock::<FnPtr>() {
                    summary.calls.push(Call {
                        callee: closure.fn_name().into(),
                        args: Vec::new(),
                        open: true,
                    });
                }
                return true;
            }
            // A function passed on by its name alone.
            ASTNode::Expr(Expr::Variable(variable, ..)) => {
                summary.calls.push(Call { callee: variable.1.to_string(), args: Vec::new(), open: true });
                return true;
            }
            _ => return true,
        };
        let args = || call.args.iter().map(|argument| self.source(argument, 0)).collect::<Vec<_>>();
        match (call.name.as_str(), call.args.as_slice()) {
            ("notify", [target]) if is_method => summary.add(&self.source(target, 0), &[]),
            ("notify", [_, target]) if !is_method => summary.add(&self.source(target, 0), &[]),
            ("curry", [Expr::DynamicConstant(value, _), captured @ ..]) => {
                if let Some(closure) = value.read_lock::<FnPtr>() {
                    let args = captured.iter().map(|variable| self.source(variable, 0)).collect();
                    summary.calls.push(Call { callee: closure.fn_name().into(), args, open: true });
                }
                return false;
            }
            ("Fn", [Expr::StringConstant(name, _)]) => {
                summary.calls.push(Call { callee: name.to_string(), args: Vec::new(), open: true });
            }
            (name, _) => summary.calls.push(Call { callee: name.into(), args: args(), open: false }),
        }
        true
    }

    fn source(&self, expression: &Expr, depth: usize) -> Source {
        if depth > LONGEST {
            return Source::Unknown;
        }
        match expression {
            Expr::StringConstant(name, _) => Source::Literal(name.to_string()),
            Expr::Array(items, _) => {
                Source::Many(items.iter().map(|item| self.source(item, depth + 1)).collect())
            }
            Expr::DynamicConstant(value, _) => match value.read_lock::<rhai::Array>() {
                Some(items) if items.iter().all(rhai::Dynamic::is_string) => {
                    Source::Many(items.iter().map(|item| Source::Literal(item.to_string())).collect())
                }
                _ => Source::Unknown,
            },
            Expr::Variable(variable, ..) if !variable.2.is_empty() => self.constant(&variable.1),
            Expr::Variable(variable, ..) => self.variable(&variable.1, depth),
            Expr::Dot(pair, ..) => match (self.source(&pair.lhs, depth + 1), &pair.rhs) {
                (Source::Param(position, mut path), rest) => match properties(rest, &mut path) {
                    true => Source::Param(position, path),
                    false => Source::Unknown,
                },
                _ => Source::Unknown,
            },
            _ => Source::Unknown,
        }
    }

    fn variable(&self, name: &str, depth: usize) -> Source {
        match self.locals.get(name) {
            Some(Some(value)) => self.source(value, depth + 1),
            Some(None) => Source::Unknown,
            None => self
                .params
                .iter()
                .position(|param| *param == name)
                .map_or(Source::Unknown, |position| Source::Param(position, Vec::new())),
        }
    }

    /// A constant of any module: which module an alias means is not looked at.
    fn constant(&self, name: &str) -> Source {
        let found = self.constants.and_then(|constants| constants.get(name));
        found.map_or(Source::Unknown, |sources| Source::Many(sources.clone()))
    }
}

/// Adds the properties of `a.b.c` after `a` to `path`; false when something else is among them.
fn properties(expression: &Expr, path: &mut Vec<String>) -> bool {
    match expression {
        Expr::Property(property, _) => {
            path.push(property.2.to_string());
            true
        }
        Expr::Dot(pair, ..) => properties(&pair.lhs, path) && properties(&pair.rhs, path),
        _ => false,
    }
}
