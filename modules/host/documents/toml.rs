//! TOML: how values are set and removed.
//!
//! Source: TOML 1.0.0.

use std::ops::Range;

use oneex_sdk::{OpError, OpResult, Value};
use toml_edit::{Item, Table, Value as Held};

use super::brackets::{Brackets, Comments, Style};
use super::lines::line_break;
use super::step::{Step, shown};
use super::toml_text::{blocks, inline, name_text, path_text};
use super::toml_tree::{Place, end, entries, find, lines_of, parse, segments, value_of};
use super::tree::{line_end, line_start, own_indent, spliced};
use super::value::Grammar;

/// The grammar of TOML.
pub(crate) struct Toml;

type Edits = Vec<(Range<usize>, String)>;

impl Grammar for Toml {
    const NAME: &'static str = "TOML";
    const EMPTY: &'static str = "";

    fn read(text: &str) -> OpResult<Value> {
        Ok(value_of(&Place::Table(parse(text)?.as_table())))
    }

    fn check(value: &Value) -> OpResult<()> {
        match value {
            Value::Null => {
                Err(OpError::invalid("TOML has no value for `()`").hint("`state: \"absent\"` removes a key"))
            }
            Value::Number(number) if number.as_i64().is_none() && number.is_u64() => {
                Err(OpError::invalid(format!("{number} is too large for TOML")))
            }
            Value::Array(items) => items.iter().try_for_each(Self::check),
            Value::Object(map) => map.values().try_for_each(Self::check),
            _ => Ok(()),
        }
    }

    fn set(text: &str, steps: &[Step], value: &Value) -> OpResult<String> {
        let document = parse(text)?;
        let root = document.as_table();
        let (last, before) = steps.split_last().ok_or_else(|| unusual(steps))?;
        match find(root, steps) {
            Some(Place::Value(old)) => {
                let span = old.span().ok_or_else(|| unusual(steps))?;
                let first = text[span.clone()].chars().next();
                return Ok(spliced(text, vec![(span, inline(value, first))]));
            }
            Some(_) => {
                // A table goes with its lines before something else has its name.
                let without = Self::remove(text, steps)?;
                let is_gone = find(parse(&without)?.as_table(), steps).is_none();
                return if is_gone { Self::set(&without, steps, value) } else { Err(unusual(steps)) };
            }
            None => {}
        }
        let edits = match find(root, before).ok_or_else(|| unusual(steps))? {
            Place::Value(parent) => in_brackets(text, parent, last, value),
            Place::Tables(tables) => {
                let place = tables.iter().last().map(end).zip(value.as_object());
                place.map(|(end, map)| vec![added(text, end, &blocks(before, map, true))])
            }
            Place::Table(table) => {
                let Some(name) = last.name() else { return Err(unusual(steps)) };
                match value.as_object() {
                    Some(map) if !map.is_empty() && !table.is_dotted() => {
                        Some(vec![added(text, end(table), &blocks(steps, map, false))])
                    }
                    _ => line(text, root, table, before, name, value),
                }
            }
        };
        edits.map(|edits| spliced(text, edits)).ok_or_else(|| unusual(steps))
    }

    fn remove(text: &str, steps: &[Step]) -> OpResult<String> {
        let document = parse(text)?;
        let (last, before) = steps.split_last().ok_or_else(|| unusual(steps))?;
        let root = document.as_table();
        let edits = match find(root, before) {
            Some(Place::Value(parent)) => {
                let (span, entries) = parent.span().zip(entries(parent)).ok_or_else(|| unusual(steps))?;
                let at = entries.iter().position(|entry| entry.name.as_deref() == last.name());
                let brackets = Brackets { text, span, entries: &entries, comments: Comments::Hash };
                at.map(|at| brackets.without(at))
            }
            Some(Place::Table(table)) => gone(text, root, table, before, last),
            _ => None,
        };
        edits.map(|edits| spliced(text, edits)).ok_or_else(|| unusual(steps))
    }
}

fn unusual(steps: &[Step]) -> OpError {
    OpError::invalid(format!("`{}` is written in a way that cannot be edited", shown(steps)))
        .hint("write that part of the TOML in a more usual way first")
}

fn in_brackets(text: &str, parent: &Held, last: &Step, value: &Value) -> Option<Edits> {
    let (span, entries) = parent.span().zip(entries(parent))?;
    let style = Style { indent: None, colon: " = ".to_owned(), ending: line_break(text) };
    let brackets = Brackets { text, span, entries: &entries, comments: Comments::Hash };
    Some(brackets.with(&style, |_| match last.name() {
        Some(name) if parent.is_inline_table() => format!("{} = {}", name_text(name), inline(value, None)),
        _ => inline(value, None),
    }))
}

/// Adds lines behind what ends at `end`, with a blank line between.
fn added(text: &str, end: usize, lines: &[String]) -> (Range<usize>, String) {
    let ending = line_break(text);
    let block = lines.join(ending);
    if end == 0 {
        // Nothing but comments is there.
        let start = if text.is_empty() || text.ends_with('\n') { "" } else { ending };
        let last = if start.is_empty() { ending } else { "" };
        return (text.len()..text.len(), format!("{start}{block}{last}"));
    }
    let place = line_end(text, end);
    (place..place, format!("{ending}{ending}{block}"))
}

/// How many of the last steps lead through tables that are no more than dots in a name.
fn dotted(root: &Table, steps: &[Step]) -> usize {
    let is_dotted = |depth: &usize| matches!(find(root, &steps[..*depth]), Some(Place::Table(table)) if table.is_dotted());
    (1..=steps.len()).rev().take_while(is_dotted).count()
}

/// Adds a line with a name and a value to a table.
fn line(text: &str, root: &Table, table: &Table, steps: &[Step], name: &str, value: &Value) -> Option<Edits> {
    let ending = line_break(text);
    let dots = &steps[steps.len() - dotted(root, steps)..];
    let path = [dots, &[Step::Name(name.to_owned())]].concat();
    let line = format!("{} = {}", path_text(&path), inline(value, None));
    let own: Vec<Range<usize>> = lines_of(table);
    if let Some(last) = own.iter().max_by_key(|range| range.end) {
        let place = line_end(text, last.end);
        let indent = own_indent(text, last.start).unwrap_or_default();
        return Some(vec![(place..place, format!("{ending}{indent}{line}"))]);
    }
    if !steps.is_empty() {
        let header = table.span().filter(|_| !table.is_implicit());
        return Some(vec![match header {
            Some(header) => {
                let place = line_end(text, header.end);
                (place..place, format!("{ending}{line}"))
            }
            None => added(text, end(table), &[format!("[{}]", path_text(steps)), line]),
        }]);
    }
    let Some(first) = first_header(table) else { return Some(vec![added(text, 0, &[line])]) };
    // Comments right above the first table are about that.
    let mut place = line_start(text, first);
    while place > 0 && text[line_start(text, place - 1)..place].trim_start().starts_with('#') {
        place = line_start(text, place - 1);
    }
    Some(vec![(place..place, format!("{line}{ending}{ending}"))])
}

/// Where the first table with a heading begins.
fn first_header(table: &Table) -> Option<usize> {
    let below = table.iter().filter_map(|(_, item)| match item {
        Item::Table(table) => {
            let own = table.span().filter(|_| !table.is_implicit()).map(|span| span.start);
            own.into_iter().chain(first_header(table)).min()
        }
        Item::ArrayOfTables(tables) => tables.span().map(|span| span.start),
        _ => None,
    });
    below.min()
}

/// Takes a name of a table out, with all its lines.
fn gone(text: &str, root: &Table, table: &Table, steps: &[Step], last: &Step) -> Option<Edits> {
    let item = table.get(last.name()?)?;
    let key = table.key(last.name()?)?.span()?;
    let mut ranges = Vec::new();
    segments(item, &key, &mut ranges);
    ranges.sort_by_key(|range| range.start);
    let first = ranges.first()?.clone();
    let whole = |range: &Range<usize>| {
        let end = line_end(text, range.end);
        line_start(text, range.start)..text[end..].find('\n').map_or(text.len(), |more| end + more + 1)
    };
    let mut edits: Edits = ranges.iter().map(|range| (whole(range), String::new())).collect();
    // A table that is there only by what is below it would go with that.
    if table.len() == 1 && !steps.is_empty() && (table.is_dotted() || table.is_implicit()) {
        let dots = &steps[steps.len() - dotted(root, steps)..];
        let indent = own_indent(text, line_start(text, first.start)).unwrap_or_default();
        let line = if table.is_dotted() {
            format!("{} = {{}}", path_text(dots))
        } else {
            format!("[{}]", path_text(steps))
        };
        let place = whole(&first);
        let ending = if text[place.clone()].ends_with('\n') { line_break(text) } else { "" };
        edits[0] = (place, format!("{indent}{line}{ending}"));
    }
    Some(edits)
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};
    use proptest::prelude::*;

    use super::Toml;
    use crate::host::documents::step::Step;
    use crate::host::documents::toml_text::{blocks, inline, name_text};
    use crate::host::documents::value::tests::{document, holds, steps_of, value};
    use crate::host::documents::value::{with_value, without_value};

    fn steps(key: &str) -> Vec<Step> {
        key.split('.')
            .map(|name| name.parse().map_or_else(|_| Step::Name(name.to_owned()), Step::Index))
            .collect()
    }

    #[test]
    fn values_are_set_where_they_belong() {
        for (text, key, value, expected) in [
            ("", "a", json!(1), "a = 1\n"),
            ("", "a.b", json!([1, "x"]), "[a]\nb = [1, \"x\"]\n"),
            ("# c\n", "a", json!(1), "# c\na = 1\n"),
            ("a=1 # one\nb = 2", "a", json!(3), "a=3 # one\nb = 2"),
            ("a = 'x'\n", "a", json!("y"), "a = 'y'\n"),
            ("a = 'x'\n", "a", json!("it's"), "a = \"it's\"\n"),
            ("a = 1\r\n[t]\r\nb = 2\r\n", "c", json!(3), "a = 1\r\nc = 3\r\n[t]\r\nb = 2\r\n"),
            (
                "a = 1\n[t]\n  b = 2 # c\n\n[u]",
                "t.c",
                json!(true),
                "a = 1\n[t]\n  b = 2 # c\n  c = true\n\n[u]",
            ),
            ("[t] # c\n[u]\n", "t.a", json!(1.5), "[t] # c\na = 1.5\n[u]\n"),
            ("# top\n\n# about t\n[t]\n", "a", json!(1), "# top\n\na = 1\n\n# about t\n[t]\n"),
            ("[a.b]\nc = 1\n", "a.d", json!(2), "[a.b]\nc = 1\n\n[a]\nd = 2\n"),
            ("[a.b]\nc = 1\n[z]\n", "a.b.d.e", json!(2), "[a.b]\nc = 1\n\n[a.b.d]\ne = 2\n[z]\n"),
            ("a.b = 1\nz = 2\n", "a.c", json!(3), "a.b = 1\na.c = 3\nz = 2\n"),
            ("[t]\na.b.c = 1\n", "t.a.b.d", json!({"x": 1}), "[t]\na.b.c = 1\na.b.d = { x = 1 }\n"),
            ("a = { b = 1 }\n", "a.c", json!("x"), "a = { b = 1, c = \"x\" }\n"),
            ("a = [\n  1, # one\n  2 # two\n]\n", "a.2", json!(3), "a = [\n  1, # one\n  2, # two\n  3\n]\n"),
            ("[[s]]\nn = 1\n[[s]]\nn = 2\n", "s.0.m", json!(3), "[[s]]\nn = 1\nm = 3\n[[s]]\nn = 2\n"),
            ("[[s]]\nn = 1\n", "s.1", json!({"n": 2}), "[[s]]\nn = 1\n\n[[s]]\nn = 2\n"),
            ("[a]\nb = 1\n[a.c]\nd = 1\n[z]\n", "a", json!(5), "a = 5\n\n[z]\n"),
            ("a = 2020-01-01\n", "a", json!("2020-01-01"), "a = \"2020-01-01\"\n"),
            ("s = \"\"\"\r\nx\"\"\"\r\nb = 1\r\n", "b", json!(2), "s = \"\"\"\r\nx\"\"\"\r\nb = 2\r\n"),
            ("\u{feff}a = 1\n", "a", json!(2), "\u{feff}a = 2\n"),
            (
                "[x]\n",
                "a b.größe",
                json!("$(id)\u{7f}\n"),
                "[x]\n\n[\"a b\"]\n\"größe\" = \"$(id)\\u007f\\n\"\n",
            ),
        ] {
            let once = with_value::<Toml>(text, &steps(key), &value);
            let once = once.unwrap_or_else(|error| panic!("{text:?} {key} {value}: {}", error.message));
            assert_eq!(once, expected, "{text:?} {key} {value}");
            assert_eq!(
                with_value::<Toml>(&once, &steps(key), &value).expect("again"),
                once,
                "{text:?} {key}"
            );
        }
    }

    #[test]
    fn values_are_removed_with_their_lines() {
        for (text, key, expected) in [
            ("a = 1\nb = 2 # two\n# end", "b", "a = 1\n# end"),
            ("[t]\na = 1\n", "t.a", "[t]\n"),
            ("x = 1\n\n[t]\na = 1\n# in\nb = 2\n\n[u]\n[t.v]\nc = 1\n[w]\n", "t", "x = 1\n\n\n[u]\n[w]\n"),
            ("[a.b]\nc = 1\n", "a.b", "[a]\n"),
            ("a.b = 1\nc = 2\n", "a.b", "a = {}\nc = 2\n"),
            ("a.b = 1\na.c = 2\n", "a", ""),
            ("a = { b = 1, c = 2 }\n", "a.b", "a = { c = 2 }\n"),
            ("[[s]]\nn = 1\n[x]\n[[s]]\nn = 2\n[s.t]\n", "s", "[x]\n"),
            ("a = \"\"\"\nx\"\"\"\r\nb = 1\r\n", "a", "b = 1\r\n"),
            ("a = 1\n", "b", "a = 1\n"),
        ] {
            let gone = without_value::<Toml>(text, &steps(key));
            let gone = gone.unwrap_or_else(|error| panic!("{text:?} {key}: {}", error.message));
            assert_eq!(gone, expected, "{text:?} {key}");
        }
    }

    #[test]
    fn what_toml_cannot_hold_is_named() {
        for (text, key, value, message) in [
            ("a = ", "a", json!(1), "line 1, column "),
            ("a = 1\nb = 2 c\n", "a", json!(1), "line 2, column "),
            ("", "a", Value::Null, "TOML has no value for `()`"),
            ("", "a", json!([{ "b": null }]), "TOML has no value for `()`"),
            ("", "a", json!(u64::MAX), "is too large for TOML"),
            ("a = 2020-01-01\n", "a.b", json!(1), "`a` is a date or time, not a map"),
            ("a = { b.c = 1 }\n", "a.d", json!(1), "cannot be edited"),
        ] {
            let error = with_value::<Toml>(text, &steps(key), &value).expect_err(message);
            assert!(error.message.contains(message), "{text:?}: {}", error.message);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_edit_of_any_document_touches_nothing_else(
            document in document(),
            value in value(),
            choice in any::<proptest::sample::Index>(),
            noise in proptest::collection::vec(0_u8..6, 1..20),
            ending in proptest::sample::select(vec!["\n", "\r\n"]),
            is_ended: bool,
        ) {
            let map = document.as_object().expect("a map");
            let is_plain = |value: &Value| value.as_object().is_none_or(oneex_sdk::Map::is_empty);
            let (own, tables): (Vec<_>, Vec<_>) = map.iter().partition(|(_, value)| is_plain(value));
            let mut lines: Vec<String> = own.into_iter().map(|(name, value)| format!("{} = {}", name_text(name), inline(value, None))).collect();
            for (name, value) in tables {
                lines.extend(blocks(&[Step::Name(name.clone())], value.as_object().expect("a map"), false));
            }
            let mut noise = noise.iter().cycle();
            let text: String = lines.into_iter().map(|line| match noise.next() {
                Some(0) => format!("# [x] a = {ending}{line}{ending}"),
                Some(1) => format!("{ending}{line}{ending}"),
                Some(2) if !line.is_empty() => format!("  {line} # it's \"{ending}"),
                _ => format!("{line}{ending}"),
            }).collect();
            let text = if is_ended { text } else { text.trim_end().to_owned() };
            let read = <Toml as super::Grammar>::read(&text).expect("a document");
            holds::<Toml>(&text, &read, &steps_of(&document, choice), &value)?;
        }
    }
}
