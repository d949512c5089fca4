//! A diagnostic: what is wrong, where, and what to do. The command line renders it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, RwLock};

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing can go on.
    Error,
    /// It goes on, and may not do what was meant.
    Warning,
}

/// A text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The name people know it by: a path relative to where they stand, `std/motd`, `<params>`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// The position, or the nearest one of the text: parsers place what is missing behind the end of a line or of
    /// the text, and a reader's eye must find it.
    fn within(&self, position: &Position) -> Position {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let lines = number(self.text.lines().count()).max(1);
        let line = position.line.clamp(1, lines);
        let length = self.text.lines().nth(line as usize - 1).map_or(0, |line| number(line.chars().count()));
        let column = if position.line > lines { length + 1 } else { position.column.min(length + 1) };
        Position { file: Arc::clone(&position.file), line, column }
    }

    /// A label at a position in it; its length is that of the word there.
    pub fn label(self: &Arc<Self>, position: &Position, text: impl Into<String>, primary: bool) -> Label {
        let position = past_dot(&self.text, &self.within(position));
        let length = word_length(&self.text, &position);
        Label { source: Some(Arc::clone(self)), position, length, text: text.into(), primary }
    }
}

/// A place in a source, for events and records.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub struct Position {
    /// The source's name.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1; 0 when only the line is known.
    pub column: u32,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if self.column > 0 { write!(f, ":{}", self.column) } else { Ok(()) }
    }
}

/// A marked place with what there is to say of it.
#[derive(Debug, Clone)]
pub struct Label {
    /// The text it points into, where that is known.
    pub source: Option<Arc<Source>>,
    /// The place.
    pub position: Position,
    /// How many characters are marked, at least 1.
    pub length: usize,
    /// What is said beside the mark; may be empty.
    pub text: String,
    /// The place of the mistake itself, as opposed to places that explain it.
    pub primary: bool,
}

/// What is wrong, where, and what to do.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code for the book and for tests: `unknown-option`.
    pub code: &'static str,
    /// A lower-case fragment with literals in back-quotes.
    pub message: String,
    /// The marked places, the primary one first.
    pub labels: Vec<Label>,
    /// Further facts: the cause, a command's output.
    pub notes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Marks a place.
    #[must_use]
    pub fn label(mut self, label: Label) -> Self {
        self.labels.push(label);
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(label) = self.labels.first() {
            write!(f, "{}: ", label.position)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// Several diagnostics of one step; the result of everything that reads what people wrote.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

/// All sources of a run by name, so that a position can be shown with its line.
#[derive(Default)]
pub struct SourceMap {
    sources: RwLock<BTreeMap<Arc<str>, Arc<Source>>>,
    /// Digests of what was read and is not shown as it is.
    noted: RwLock<BTreeMap<String, String>>,
    mask: OnceLock<Mask>,
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Gives a text without the secrets that are known by then.
type Mask = Box<dyn Fn(&str) -> String + Send + Sync>;

impl std::fmt::Debug for SourceMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SourceMap").field(&self.sources).finish()
    }
}

impl SourceMap {
    /// Adds a source and returns it.
    pub fn add(&self, name: &str, text: impl Into<String>) -> Arc<Source> {
        let source = Arc::new(Source { name: name.to_owned(), text: text.into() });
        if let Ok(mut map) = self.sources.write() {
            map.insert(name.into(), Arc::clone(&source));
        }
        source
    }

    /// The source of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Source>> {
        self.sources.read().ok()?.get(name).cloned()
    }

    /// SHA-256 of each source, in hexadecimal, by its name.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let (Ok(sources), Ok(noted)) = (self.sources.read(), self.noted.read()) else {
            return BTreeMap::new();
        };
        let read = sources.iter().map(|(name, source)| (name.to_string(), digest(source.text.as_bytes())));
        read.chain(noted.clone()).collect()
    }

    /// Takes note of a text that was read and is not shown as it is, as one with passwords.
    pub fn note(&self, name: &str, text: &str) {
        if let Ok(mut noted) = self.noted.write() {
            noted.insert(name.to_owned(), digest(text.as_bytes()));
        }
    }

    /// From now on the lines that labels show go through `mask`: a script may hold a secret itself.
    pub fn mask_by(&self, mask: impl Fn(&str) -> String + Send + Sync + 'static) {
        // The first one stays: a map belongs to one run.
        let _ = self.mask.set(Box::new(mask));
    }

    /// A label at a position; its length is that of the word there.
    pub fn label(&self, position: &Position, text: impl Into<String>, primary: bool) -> Label {
        match self.get(&position.file) {
            Some(source) => {
                let mut label = source.label(position, text, primary);
                if let Some(masked) = self.mask.get().map(|mask| mask(&source.text))
                    && masked != source.text
                {
                    label.source = Some(Arc::new(Source { name: source.name.clone(), text: masked }));
                }
                label
            }
            None => Label { source: None, position: position.clone(), length: 1, text: text.into(), primary },
        }
    }
}

/// The place of the name, where `position` is that of the dot before it.
fn past_dot(text: &str, position: &Position) -> Position {
    let line = text.lines().nth((position.line as usize).saturating_sub(1)).unwrap_or_default();
    let mut rest = line.chars().skip((position.column as usize).saturating_sub(1));
    let is_dot = position.column > 0 && rest.next() == Some('.');
    let moves = is_dot && rest.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    Position { column: position.column + u32::from(moves), ..position.clone() }
}

/// The length of the word, string or operator that begins at `position`.
fn word_length(text: &str, position: &Position) -> usize {
    let line = text.lines().nth((position.line as usize).saturating_sub(1)).unwrap_or_default();
    let rest: Vec<char> = line.chars().skip((position.column as usize).saturating_sub(1)).collect();
    match rest.first() {
        Some(quote @ ('"' | '`' | '\'')) => {
            rest.iter().skip(1).position(|c| c == quote).map_or(1, |end| end + 2)
        }
        Some(c) if c.is_alphanumeric() || *c == '_' => {
            rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count()
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, SourceMap};

    #[test]
    fn a_label_stands_in_its_text() {
        let sources = SourceMap::default();
        for (text, given, expected) in [
            ("ab\nc", (1, 2), (1, 2)),
            ("ab\nc", (1, 0), (1, 0)),
            ("ab\nc", (1, 3), (1, 3)),
            ("ab\nc", (1, 9), (1, 3)),
            ("ab\nc", (0, 1), (1, 1)),
            ("ab\nc", (7, 1), (2, 2)),
            ("ab\nc\n", (3, 1), (2, 2)),
            ("日本\n", (1, 5), (1, 3)),
            ("a.b", (1, 2), (1, 3)),
            ("", (1, 1), (1, 1)),
            ("", (5, 5), (1, 1)),
        ] {
            sources.add("a", text);
            let position = Position { file: "a".into(), line: given.0, column: given.1 };
            let label = sources.label(&position, "", true);
            assert_eq!((label.position.line, label.position.column), expected, "{text:?} {given:?}");
        }
    }
}
