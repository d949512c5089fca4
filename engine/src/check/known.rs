//! Every function that a call can mean, with the numbers of arguments it takes.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};

use rhai::{ASTNode, Dynamic, Expr, FnAccess, FnNamespace, Map, Stmt};

use super::children::walk;
use super::request::CheckRequest;

/// Functions by name, with their numbers of arguments.
pub(super) type Functions = BTreeMap<String, BTreeSet<usize>>;

/// What the language decides itself; no engine lists them as functions.
pub(super) const KEYWORDS: &[&str] = &[
    "Fn",
    "call",
    "curry",
    "debug",
    "eval",
    "is_def_fn",
    "is_def_var",
    "is_shared",
    "print",
    "this",
    "type_of",
];

/// Every function that a call can mean.
pub(super) struct Known {
    /// Functions without a namespace, and methods: the receiver is the first argument.
    pub(super) natives: Functions,
    /// Functions of a namespace.
    pub(super) namespaces: BTreeMap<String, Functions>,
    /// The functions of each script, by its index.
    pub(super) scripts: Vec<Functions>,
    /// Those of them that others may call.
    pub(super) public: Vec<Functions>,
    /// Names of variables, which may hold closures that are called like functions.
    pub(super) variables: BTreeSet<String>,
    /// Keys of maps, which may hold closures that are called like methods.
    pub(super) keys: BTreeSet<String>,
    /// How many functions there are of a name and a number of arguments …
    kinds: BTreeMap<(String, usize), usize>,
    /// … and how many of them may get a map as the last one.
    kinds_with_map: BTreeMap<(String, usize), usize>,
}

impl Known {
    /// `bodies` are those of the functions and closures of each script.
    pub(super) fn new(request: &CheckRequest<'_>, bodies: &[Vec<Vec<Stmt>>]) -> Self {
        let mut known = Self {
            natives: Functions::new(),
            namespaces: BTreeMap::new(),
            scripts: Vec::new(),
            public: Vec::new(),
            variables: BTreeSet::new(),
            keys: BTreeSet::new(),
            kinds: BTreeMap::new(),
            kinds_with_map: BTreeMap::new(),
        };
        known.add_natives(request);
        for script in request.scripts {
            let mut all = Functions::new();
            let mut public = Functions::new();
            for function in script.ast.iter_functions() {
                all.entry(function.name.to_owned()).or_default().insert(function.params.len());
                if function.access == FnAccess::Public {
                    public.entry(function.name.to_owned()).or_default().insert(function.params.len());
                }
            }
            known.scripts.push(all);
            known.public.push(public);
            for statement in script.ast.statements() {
                walk(statement.into(), &mut |node| known.add_value(node));
            }
            for function in script.ast.iter_functions() {
                known.variables.extend(function.params.iter().map(ToString::to_string));
            }
        }
        for statement in bodies.iter().flatten().flatten() {
            walk(statement.into(), &mut |node| known.add_value(node));
        }
        known
    }

    /// Says whether only one function can be meant by a call whose last argument is a map.
    pub(super) fn one_takes_a_map(&self, name: &str, arguments: usize) -> bool {
        self.kinds_with_map.get(&(name.to_owned(), arguments)) == Some(&1)
    }

    /// Says whether only one function has that name and that number of arguments.
    pub(super) fn is_only(&self, name: &str, arguments: usize) -> bool {
        self.kinds.get(&(name.to_owned(), arguments)) == Some(&1)
    }

    fn add_natives(&mut self, request: &CheckRequest<'_>) {
        let takes_map = |types: &[TypeId]| {
            let last = types.last();
            last.is_some_and(|last| *last == TypeId::of::<Map>() || *last == TypeId::of::<Dynamic>())
        };
        let functions = request.engine.collect_fn_metadata(
            None,
            |info| {
                let function = info.metadata;
                let global = info.namespace.is_empty() || function.namespace == FnNamespace::Global;
                let map = global && takes_map(&function.param_types);
                Some((
                    info.namespace.to_string(),
                    function.name.to_string(),
                    function.num_params,
                    global,
                    map,
                ))
            },
            true,
        );
        for (namespace, name, arguments, global, map) in functions {
            if map {
                *self.kinds_with_map.entry((name.clone(), arguments)).or_default() += 1;
            }
            if global {
                *self.kinds.entry((name.clone(), arguments)).or_default() += 1;
                self.natives.entry(name.clone()).or_default().insert(arguments);
            }
            if !namespace.is_empty() {
                self.namespaces.entry(namespace).or_default().entry(name).or_default().insert(arguments);
            }
        }
    }

    fn add_value(&mut self, node: ASTNode<'_>) -> bool {
        match node {
            ASTNode::Stmt(Stmt::Var(variable, ..)) => {
                self.variables.insert(variable.0.name.to_string());
            }
            ASTNode::Stmt(Stmt::For(parts, ..)) => {
                self.variables.insert(parts.0.name.to_string());
            }
            ASTNode::Expr(Expr::Map(map, _)) => {
                let open = map.0.iter().filter(|(_, value)| may_be_closure(value));
                self.keys.extend(open.map(|(key, _)| key.name.to_string()));
            }
            ASTNode::Stmt(Stmt::Assignment(assignment)) => {
                walk((&assignment.1.lhs).into(), &mut |node| {
                    if let ASTNode::Expr(Expr::Property(property, _)) = node {
                        self.keys.insert(property.2.to_string());
                    }
                    true
                });
            }
            _ => {}
        }
        true
    }
}

/// False for literals that are surely none.
fn may_be_closure(value: &Expr) -> bool {
    !matches!(
        value,
        Expr::BoolConstant(..)
            | Expr::IntegerConstant(..)
            | Expr::FloatConstant(..)
            | Expr::CharConstant(..)
            | Expr::StringConstant(..)
            | Expr::InterpolatedString(..)
            | Expr::Array(..)
            | Expr::Map(..)
            | Expr::Unit(..)
    )
}
