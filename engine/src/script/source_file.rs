//! Reading the text of a script.

use std::path::Path;
use std::sync::Arc;

use oneex_sdk::io_reason;

use crate::diag::{Diagnostic, Position, Source, SourceMap};

/// Reads a script that people know as `name`, and enters it into `sources`. A byte order mark is left
/// out, so that columns stay true.
pub(super) fn read(path: &Path, name: &str, sources: &SourceMap) -> Result<Arc<Source>, Diagnostic> {
    let bytes = std::fs::read(path).map_err(|error| {
        Diagnostic::error("read", format!("`{name}` cannot be read: {}", io_reason(&error)))
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(sources.add(name, text.strip_prefix('\u{feff}').unwrap_or(&text))),
        Err(error) => Err(not_utf8(&error, name, sources)),
    }
}

fn not_utf8(error: &std::string::FromUtf8Error, name: &str, sources: &SourceMap) -> Diagnostic {
    let bytes = error.as_bytes();
    let before = String::from_utf8_lossy(bytes.get(..error.utf8_error().valid_up_to()).unwrap_or_default());
    let count = |number: usize| u32::try_from(number + 1).unwrap_or(u32::MAX);
    let position = Position {
        file: name.into(),
        line: count(before.matches('\n').count()),
        column: count(before.rsplit('\n').next().unwrap_or_default().chars().count()),
    };
    let source = sources.add(name, String::from_utf8_lossy(bytes));
    Diagnostic::error("read", format!("`{name}` is not a text in UTF-8"))
        .label(source.label(&position, "", true))
        .hint("save the file as UTF-8")
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::diag::SourceMap;

    #[test]
    fn what_is_no_text_is_refused_at_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.rhai");
        std::fs::write(&file, b"let a;\nb\xc3\xbc\xff").expect("a file");
        let error = read(&file, "a.rhai", &SourceMap::default()).expect_err("no UTF-8");
        assert_eq!(error.to_string(), "a.rhai:2:3: `a.rhai` is not a text in UTF-8");
    }

    #[test]
    fn a_byte_order_mark_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.rhai");
        std::fs::write(&file, "\u{feff}let a;").expect("a file");
        assert_eq!(read(&file, "a.rhai", &SourceMap::default()).expect("a text").text, "let a;");
    }
}
