//! From text to a checked syntax tree.

use std::sync::Arc;

use rhai::{AST, Engine};

use super::syntax;
use crate::diag::{Diagnostic, Source};

/// Compiles a source; a `#!` line is taken off, its line break kept.
pub(crate) fn compile(engine: &Engine, source: &Arc<Source>) -> Result<AST, Diagnostic> {
    let text = match source.text.strip_prefix("#!") {
        Some(rest) => rest.find('\n').map_or("", |end| &rest[end..]),
        None => &source.text,
    };
    let mut ast = engine.compile(text).map_err(|error| syntax::diagnostic(&error, source, engine))?;
    syntax::refuse_open_comment(source)?;
    ast.set_source(source.name.as_str());
    Ok(ast)
}

/// The runbook's own doc comment: the first lines that begin with `//!`, else with `///` or `//`,
/// directly at the head.
pub(crate) fn doc_comment(text: &str) -> String {
    let lines = text.lines().skip_while(|line| line.starts_with("#!") || line.trim().is_empty());
    let mut doc = Vec::new();
    for line in lines {
        let line = line.trim();
        let Some(rest) = line.strip_prefix("//!").or_else(|| line.strip_prefix("///")) else { break };
        doc.push(rest.strip_prefix(' ').unwrap_or(rest));
    }
    doc.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::doc_comment;

    #[test]
    fn the_doc_comment_is_the_head_of_the_file() {
        assert_eq!(
            doc_comment("#!/usr/bin/env -S oneex run\n//! Rolls out.\n//!\n//! Slowly.\nlet x = 1;"),
            "Rolls out.\n\nSlowly."
        );
        assert_eq!(doc_comment("let x = 1;\n//! late"), "");
    }
}
