//! Files that people wrote, and what is wrong with them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use oneex_sdk::io_reason;

use super::connection::ConnectionError;
use super::yaml::{Place, YamlError};
use crate::conceal::conceal;
use crate::diag::{Diagnostic, Position, SourceMap};
use crate::source_file;

/// A file with its text.
pub(super) struct File {
    /// The name that people know it by.
    pub(super) name: Arc<str>,
    /// The whole text.
    pub(super) text: String,
    /// The text as it is shown.
    shown: OnceLock<String>,
}

impl File {
    /// Reads a file, which `sources` takes note of. What keeps it from being read becomes a mistake.
    pub(super) fn read(path: &Path, sources: &SourceMap, mistakes: &mut Vec<Diagnostic>) -> Option<Self> {
        let name = path.strip_prefix(".").unwrap_or(path).display().to_string();
        // Its lines may hold passwords: what is shown of them goes through `mistake`.
        let text = match source_file::read(path, &name, &SourceMap::default()) {
            Ok(source) => source.text.clone(),
            Err(mistake) => {
                mistakes.push(mistake);
                return None;
            }
        };
        sources.note(&name, &text);
        if text.starts_with("$ANSIBLE_VAULT") {
            mistakes.push(
                Diagnostic::error(
                    "vault-file",
                    format!("`{name}` is encrypted by ansible-vault, which cannot be read yet"),
                )
                .hint("keep its values in a secret store, or decrypt it with `ansible-vault decrypt`"),
            );
            return None;
        }
        Some(Self { name: name.into(), text, shown: OnceLock::new() })
    }

    /// A mistake at a place of the file. Its line is shown with the values of secrets hidden.
    pub(super) fn mistake(
        &self,
        sources: &SourceMap,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
    ) -> Diagnostic {
        let shown = self.shown.get_or_init(|| conceal(&self.text));
        if sources.get(&self.name).is_none_or(|known| known.text != *shown) {
            sources.add(&self.name, shown.clone());
        }
        Diagnostic::error(code, message).label(sources.label(&self.position(place), "", true))
    }

    /// A place of the file.
    pub(super) fn position(&self, place: Place) -> Position {
        Position { file: Arc::clone(&self.name), line: place.line, column: place.column }
    }

    /// A connection variable that is refused.
    pub(super) fn refused(&self, sources: &SourceMap, place: Place, error: &ConnectionError) -> Diagnostic {
        let diagnostic = self.mistake(sources, "bad-connection", place, error.to_string());
        match error.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }

    /// A mistake that the YAML reader found.
    pub(super) fn yaml_error(&self, sources: &SourceMap, error: &YamlError) -> Diagnostic {
        let diagnostic = self.mistake(sources, "bad-yaml", error.place, error.message.clone());
        match &error.hint {
            Some(hint) => diagnostic.hint(hint.clone()),
            None => diagnostic,
        }
    }
}

/// What a folder holds, in the order of the names.
pub(super) fn entries(folder: &Path, mistakes: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()
    });
    match listed {
        Ok(mut paths) => {
            paths.sort();
            paths
        }
        Err(error) => {
            let message = format!("cannot read the folder `{}`: {}", folder.display(), io_reason(&error));
            mistakes.push(Diagnostic::error("unreadable-file", message));
            Vec::new()
        }
    }
}
