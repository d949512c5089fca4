//! The places of values in a text of TOML.

use std::ops::Range;

use oneex_sdk::{Map, OpError, OpResult, Value, json};
use toml_edit::{ArrayOfTables, Document, Item, Table, Value as Held};

use super::step::Step;
use super::tree::{Data, Entry, Node, opaque};

/// What a place holds.
pub(super) enum Place<'a> {
    /// A table with lines of its own, or one that only others with longer names make.
    Table(&'a Table),
    /// Tables with one name, each under its own heading in double brackets.
    Tables(&'a ArrayOfTables),
    /// A value behind `=`, or in one.
    Value(&'a Held),
}

/// Reads a document.
pub(super) fn parse(text: &str) -> OpResult<Document<&str>> {
    Document::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let why = error.message().lines().next().unwrap_or_default();
        OpError::invalid(format!("line {line}, column {column}: not TOML: {why}"))
    })
}

fn place(item: &Item) -> Option<Place<'_>> {
    match item {
        Item::None => None,
        Item::Value(value) => Some(Place::Value(value)),
        Item::Table(table) => Some(Place::Table(table)),
        Item::ArrayOfTables(tables) => Some(Place::Tables(tables)),
    }
}

/// What the steps lead to.
pub(super) fn find<'a>(root: &'a Table, steps: &[Step]) -> Option<Place<'a>> {
    steps.iter().try_fold(Place::Table(root), |current, step| match current {
        Place::Table(table) => place(table.get(step.name()?)?),
        Place::Tables(tables) => tables.get(step.position()?).map(Place::Table),
        Place::Value(Held::InlineTable(table)) => table.get(step.name()?).map(Place::Value),
        Place::Value(Held::Array(items)) => items.get(step.position()?).map(Place::Value),
        Place::Value(_) => None,
    })
}

/// The value of a place.
pub(super) fn value_of(place: &Place<'_>) -> Value {
    match place {
        Place::Value(value) => held(value),
        Place::Tables(tables) => tables.iter().map(table_value).collect(),
        Place::Table(table) => table_value(table),
    }
}

fn table_value(table: &Table) -> Value {
    let entries = table.iter().filter_map(|(name, item)| Some((name.to_owned(), value_of(&place(item)?))));
    Value::Object(entries.collect())
}

fn held(value: &Held) -> Value {
    match value {
        Held::String(text) => json!(text.value()),
        Held::Integer(number) => json!(number.value()),
        Held::Float(number) if number.value().is_finite() => json!(number.value()),
        Held::Float(number) => opaque("no finite number", &number.value().to_string()),
        Held::Boolean(truth) => json!(truth.value()),
        Held::Datetime(time) => opaque("a date or time", &time.value().to_string()),
        Held::Array(items) => items.iter().map(held).collect(),
        Held::InlineTable(table) => Value::Object(
            table.iter().map(|(name, value)| (name.to_owned(), held(value))).collect::<Map<_, _>>(),
        ),
    }
}

/// The entries of an array or an inline table; nothing where one has dots in its name.
pub(super) fn entries(value: &Held) -> Option<Vec<Entry>> {
    let entry = |start: Option<usize>, name: Option<&str>, value: &Held| {
        let span = value.span()?;
        let is_dotted = value.as_inline_table().is_some_and(toml_edit::InlineTable::is_dotted);
        let node = Node { span: span.clone(), data: Data::Scalar(Value::Null) };
        let start = start.unwrap_or(span.start);
        (!is_dotted).then(|| Entry { start, name: name.map(str::to_owned), value_from: None, node })
    };
    match value {
        Held::Array(items) => items.iter().map(|item| entry(None, None, item)).collect(),
        Held::InlineTable(table) => table
            .iter()
            .map(|(name, value)| entry(Some(table.key(name)?.span()?.start), Some(name), value))
            .collect(),
        _ => None,
    }
}

/// From the name to the end of its value, for all lines of a table itself, names with dots included.
pub(super) fn lines_of(table: &Table) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for (name, item) in table {
        match item {
            Item::Value(value) => {
                let key = table.key(name).and_then(toml_edit::Key::span);
                ranges.extend(key.zip(value.span()).map(|(key, value)| key.start..value.end));
            }
            Item::Table(inner) if inner.is_dotted() => ranges.extend(lines_of(inner)),
            _ => {}
        }
    }
    ranges
}

/// Where a table ends, with all that is below it; 0 where it has no text.
pub(super) fn end(table: &Table) -> usize {
    let own = lines_of(table).into_iter().map(|range| range.end).max().unwrap_or(0);
    let header =
        table.span().filter(|_| !table.is_implicit() && !table.is_dotted()).map_or(0, |span| span.end);
    let below = table.iter().map(|(_, item)| match item {
        Item::Table(inner) => end(inner),
        Item::ArrayOfTables(tables) => tables.iter().map(end).max().unwrap_or(0),
        _ => 0,
    });
    below.max().unwrap_or(0).max(own).max(header)
}

/// All parts of the text that an item has, each of whole lines; `key` is where its name is.
pub(super) fn segments(item: &Item, key: &Range<usize>, ranges: &mut Vec<Range<usize>>) {
    match item {
        Item::Value(value) => ranges.extend(value.span().map(|span| key.start..span.end)),
        Item::Table(table) => table_segments(table, ranges),
        Item::ArrayOfTables(tables) => tables.iter().for_each(|table| table_segments(table, ranges)),
        Item::None => {}
    }
}

fn table_segments(table: &Table, ranges: &mut Vec<Range<usize>>) {
    let lines = lines_of(table);
    match table.span().filter(|_| !table.is_implicit() && !table.is_dotted()) {
        Some(header) => {
            let end = lines.iter().map(|range| range.end).max().unwrap_or(0);
            ranges.push(header.start..header.end.max(end));
        }
        None => ranges.extend(lines),
    }
    for (name, item) in table {
        let is_below = match item {
            Item::Table(inner) => !inner.is_dotted(),
            Item::ArrayOfTables(_) => true,
            _ => false,
        };
        if is_below && let Some(key) = table.key(name).and_then(toml_edit::Key::span) {
            segments(item, &key, ranges);
        }
    }
}
