//! A document of maps and arrays as a tree of places in its text.

use std::ops::Range;

use oneex_sdk::{Map, OpError, OpResult, Value, json};

use super::step::{Step, shown};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// All of it, with brackets or quotes, without tags, anchors and comments.
    pub(super) span: Range<usize>,
    pub(super) data: Data,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum Data {
    /// A text, a number, a truth value, nothing, or what [`opaque`] stands for.
    Scalar(Value),
    /// An array.
    List(Form, Vec<Entry>),
    /// A map.
    Map(Form, Vec<Entry>),
}

/// How an array or a map is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In brackets, with commas.
    Brackets,
    /// By indentation, an entry a line or more.
    Lines,
}

/// An item of an array, or a value of a map with its name.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Where it begins: at the name, or at the item with its tag or anchor.
    pub(super) start: usize,
    /// The name; nothing for an item of an array, and for a name that is no text.
    pub(super) name: Option<String>,
    /// Where its value may begin, behind the colon or the dash, where the grammar needs to know.
    pub(super) value_from: Option<usize>,
    pub(super) node: Node,
}

impl Entry {
    /// All of it.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.node.span.end.max(self.start)
    }
}

/// A value that the language has none for: a date, an alias, a tag. It is equal to nothing that a call can ask for.
pub(super) fn opaque(kind: &str, text: &str) -> Value {
    json!(["\0opaque", kind, text])
}

fn opaque_kind(value: &Value) -> Option<&str> {
    match value.as_array()?.as_slice() {
        [mark, kind, _] if *mark == "\0opaque" => kind.as_str(),
        _ => None,
    }
}

impl Node {
    /// The value; of several entries with a name the last counts.
    pub(super) fn value(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(_, items) => items.iter().map(|item| item.node.value()).collect(),
            Data::Map(_, entries) => {
                let mut map = Map::new();
                for (at, entry) in entries.iter().enumerate() {
                    // A name that is no text keeps its place, under one that nobody asks for.
                    let name = entry.name.clone().unwrap_or_else(|| format!("\0{at}"));
                    map.insert(name, entry.node.value());
                }
                Value::Object(map)
            }
        }
    }

    /// The position of the entry that a step leads to.
    pub(super) fn position(&self, step: &Step) -> Option<usize> {
        match &self.data {
            Data::Scalar(_) => None,
            Data::List(_, items) => step.position().filter(|at| *at < items.len()),
            Data::Map(_, entries) => {
                entries.iter().rposition(|entry| entry.name.as_deref() == step.name() && entry.name.is_some())
            }
        }
    }

    /// Its entries; none where it is no array and no map.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Scalar(_) => &[],
            Data::List(_, entries) | Data::Map(_, entries) => entries,
        }
    }

    /// The node that the steps lead to.
    pub(super) fn find(&self, steps: &[Step]) -> Option<&Self> {
        steps.iter().try_fold(self, |node, step| Some(&node.entries().get(node.position(step)?)?.node))
    }

    /// The one that holds what the steps lead to, which is there.
    pub(super) fn parent<'a, 'b>(&'a self, steps: &'b [Step]) -> OpResult<(&'a Self, &'b Step)> {
        let missing = || OpError::failed(format!("`{}` is not in the document", shown(steps)));
        let (last, before) = steps.split_last().ok_or_else(missing)?;
        Ok((self.find(before).ok_or_else(missing)?, last))
    }
}

/// What a value is, as a message says it.
pub(super) fn kind(value: &Value) -> &str {
    match value {
        _ if opaque_kind(value).is_some() => opaque_kind(value).unwrap_or_default(),
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "a map",
    }
}

/// Puts replacements into a text; what they overlap is replaced once.
pub(super) fn spliced(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut out, mut at) = (String::with_capacity(text.len() + 64), 0);
    for (range, new) in edits {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(&new);
        at = at.max(range.end);
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The beginning of the line of a position.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}

/// The end of the line of a position, before its break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    if end > at && text[..end].ends_with('\r') && end < text.len() { end - 1 } else { end }
}

/// The blanks before a position where nothing else is before it on its line.
pub(super) fn own_indent(text: &str, at: usize) -> Option<&str> {
    let before = &text[line_start(text, at)..at];
    before.chars().all(|c| c == ' ' || c == '\t').then_some(before)
}
