//! From text to a checked syntax tree.

use std::sync::Arc;

use rhai::{AST, Engine};

use super::error::place;
use crate::diag::{Diagnostic, Label, Source};

/// Compiles a source; a `#!` line is taken off, its line break kept.
pub(crate) fn compile(engine: &Engine, source: &Arc<Source>) -> Result<AST, Diagnostic> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let text = match text.strip_prefix("#!") {
        Some(rest) => rest.find('\n').map_or("", |end| &rest[end..]),
        None => text,
    };
    let mut ast = engine.compile(text).map_err(|error| syntax_error(&error, source))?;
    ast.set_source(source.name.as_str());
    Ok(ast)
}

fn syntax_error(error: &rhai::ParseError, source: &Arc<Source>) -> Diagnostic {
    let file: Arc<str> = source.name.as_str().into();
    let text = error.err_type().to_string();
    let mut chars = text.chars();
    let message = match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    };
    let mut diagnostic = Diagnostic::error("syntax", message);
    // Rhai points at the token after the mistake; an end of input has no line of its own.
    let end = source.text.lines().count().max(1);
    let position = place(&file, error.position()).unwrap_or(crate::diag::Position {
        file,
        line: u32::try_from(end).unwrap_or(u32::MAX),
        column: 0,
    });
    if let Some(hint) = hint_for(&text) {
        diagnostic = diagnostic.hint(hint);
    }
    diagnostic.label(Label {
        source: Some(Arc::clone(source)),
        position,
        length: 1,
        text: String::new(),
        primary: true,
    })
}

fn hint_for(text: &str) -> Option<&'static str> {
    if text.contains("expecting ';'") || text.contains("';' to terminate") {
        Some("a `;` is missing at the end of the statement before this place")
    } else if text.contains("'}'") {
        Some("a `{` is not closed")
    } else if text.contains("is a reserved keyword") || text.contains("reserved") {
        Some("the word is reserved by the language: choose another name, or quote it as a map key")
    } else {
        None
    }
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
