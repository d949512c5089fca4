//! Where in the project file the options of modules stand.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use oneex_engine::diag::{Diagnostic, Label, Position, Source};

/// The places of the keys below modules' tables: `env.prod.http.timeout`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Places {
    labels: HashMap<String, Place>,
    source: Option<Arc<Source>>,
}

/// A place with the length of what stands there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    position: Position,
    length: usize,
}

impl Place {
    /// The place of a part of `text`, the file `name`.
    pub(super) fn of(name: &str, text: &str, span: Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let marked = text.get(span).and_then(|part| part.lines().next()).unwrap_or_default();
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let position = Position { file: name.into(), line: number(line), column: number(column) };
        Self { position, length: marked.chars().count().max(1) }
    }

    /// The place as a diagnostic marks it.
    pub(super) fn label(self, source: &Arc<Source>) -> Label {
        Label {
            source: Some(Arc::clone(source)),
            position: self.position,
            length: self.length,
            text: String::new(),
            primary: true,
        }
    }
}

impl Places {
    /// The places of a file, none yet.
    pub(super) fn new(source: &Arc<Source>) -> Self {
        Self { labels: HashMap::new(), source: Some(Arc::clone(source)) }
    }

    /// Notes where a key's value stands.
    pub(super) fn note(&mut self, path: String, place: Place) {
        self.labels.insert(path, place);
    }

    /// A mistake in the value of the first of these keys that the file has.
    pub(super) fn mistake(&self, paths: &[String], message: String) -> Diagnostic {
        let diagnostic = Diagnostic::error("bad-project-file", message);
        let place = paths.iter().find_map(|path| self.labels.get(path)).cloned();
        match place.zip(self.source.as_ref()) {
            Some((place, source)) => diagnostic.label(place.label(source)),
            None => diagnostic,
        }
    }
}
