//! What a script imports, without running it.

use rhai::{AST, ASTNode, Expr, Position, Stmt};

use super::children::walk;

/// An `import` at the top level.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// What is imported; nothing where only a run knows.
    pub path: Option<String>,
    /// The name it gets; empty where it gets none.
    pub alias: String,
    /// The place of the word `import`.
    pub position: Position,
}

/// The imports of a script in the order written, those in blocks and conditions included.
pub fn imports(ast: &AST) -> Vec<Import> {
    let mut found = Vec::new();
    for statement in ast.statements() {
        walk(statement.into(), &mut |node| {
            if let ASTNode::Stmt(Stmt::Import(import, position)) = node {
                let path = match &import.0 {
                    Expr::StringConstant(path, _) => Some(path.to_string()),
                    _ => None,
                };
                found.push(Import { path, alias: import.1.name.to_string(), position: *position });
            }
            true
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use rhai::{Engine, OptimizationLevel};

    use super::imports;

    #[test]
    fn literal_and_computed_imports_are_found() {
        let mut engine = Engine::new();
        engine.set_optimization_level(OptimizationLevel::None);
        let code = "import \"roles/nginx\" as nginx;\nif true { import `a${1}` as b; }\nimport \"c\";";
        let ast = engine.compile(code).expect(code);
        let found: Vec<_> = imports(&ast)
            .into_iter()
            .map(|import| (import.path, import.alias, import.position.line()))
            .collect();
        let expected = [
            (Some("roles/nginx".to_owned()), "nginx".to_owned(), Some(1)),
            (None, "b".to_owned(), Some(2)),
            (Some("c".to_owned()), String::new(), Some(3)),
        ];
        assert_eq!(found, expected);
    }
}
