//! Reading what people wrote: scripts, inventories, parameters, the project file.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use oneex_sdk::io_reason;

use crate::conceal::conceal;
use crate::diag::{Diagnostic, Position, Source, SourceMap};

/// The most bytes that a text may have.
const LARGEST: u64 = 64 << 20;

/// Reads a text that people know as `name`, and enters it into `sources`. A byte order mark is left out, so that
/// columns stay true. What is no text in UTF-8 is an error that shows the first wrong byte; texts larger than 64 MiB
/// are refused.
pub fn read(path: &Path, name: &str, sources: &SourceMap) -> Result<Arc<Source>, Diagnostic> {
    let bytes = bytes(path).map_err(|error| {
        Diagnostic::error("read", format!("`{name}` cannot be read: {}", io_reason(&error)))
    })?;
    let Some(bytes) = bytes else {
        return Err(Diagnostic::error("read", format!("`{name}` is larger than {} MiB", LARGEST >> 20)));
    };
    match String::from_utf8(bytes) {
        Ok(text) => Ok(sources.add(name, text.strip_prefix('\u{feff}').unwrap_or(&text))),
        Err(error) => Err(not_utf8(&error, name, sources)),
    }
}

/// The bytes of a file; nothing where there are too many. A pipe is read to its end, and has no size before.
fn bytes(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= LARGEST).then_some(bytes))
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
    // The line may hold a password, and nothing has been read of it yet.
    let source = sources.add(name, conceal(&String::from_utf8_lossy(bytes)));
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
        std::fs::write(&file, b"web1 ansible_password=geheim note=\xff").expect("a file");
        let error = read(&file, "a.ini", &SourceMap::default()).expect_err("no UTF-8");
        let shown = format!("{error:?}");
        assert!(shown.contains("ansible_password") && !shown.contains("geheim"), "{shown}");
    }

    #[test]
    fn an_enormous_file_is_refused_before_it_fills_the_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.rhai");
        let file = std::fs::File::create(&path).expect("a file");
        file.set_len(super::LARGEST + 1).expect("a file with a hole");
        let error = read(&path, "a.rhai", &SourceMap::default()).expect_err("too large");
        assert_eq!(error.to_string(), "`a.rhai` is larger than 64 MiB");
    }

    #[test]
    fn a_byte_order_mark_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.rhai");
        std::fs::write(&file, "\u{feff}let a;").expect("a file");
        assert_eq!(read(&file, "a.rhai", &SourceMap::default()).expect("a text").text, "let a;");
    }
}
