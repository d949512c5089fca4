//! The body of a function of the script.

use rhai::{AST, ASTNode, Module, ScriptFuncDef, Shared, Stmt};

/// A copy of its statements.
///
/// The type of [`ScriptFuncDef::body`] cannot be named outside rhai (1.27), so that its variants
/// cannot be matched on; what a walk over a tree with this function alone visits first are the
/// statements of its body.
pub(super) fn statements(function: &Shared<ScriptFuncDef>) -> Vec<Stmt> {
    let mut module = Module::new();
    module.set_script_fn(Shared::clone(function));
    let mut statements = Vec::new();
    AST::new_from_module(module).walk(&mut |path| {
        if let [ASTNode::Stmt(statement)] = path {
            statements.push((*statement).clone());
        }
        true
    });
    statements
}
