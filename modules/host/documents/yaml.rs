//! YAML: where values are, and how they are set and removed.
//!
//! Source: YAML 1.2.2; what readers of YAML 1.1 take for something else is never written without quotes.

use oneex_sdk::{OpError, OpResult, Value};

use super::brackets::{Brackets, Comments, Style};
use super::json::rendered;
use super::lines::line_break;
use super::step::{Step, shown};
use super::tree::{Data, Entry, Form, Node, line_end, line_start, own_indent, spliced};
use super::value::Grammar;
use super::yaml_scalar::{lines, name_text, scalar_text};
use super::yaml_tree::{Tree, parse};

/// The grammar of YAML.
pub(crate) struct Yaml;

/// How blocks are written.
struct Layout {
    /// One level of indentation.
    unit: String,
    /// Whether the items of an array stand deeper than the name of the array.
    is_list_deeper: bool,
    ending: &'static str,
}

impl Grammar for Yaml {
    const NAME: &'static str = "YAML";
    const EMPTY: &'static str = "";

    fn read(text: &str) -> OpResult<Value> {
        Ok(parse(text)?.root.value())
    }

    fn check(_: &Value) -> OpResult<()> {
        Ok(())
    }

    fn set(text: &str, steps: &[Step], value: &Value) -> OpResult<String> {
        let tree = parse(text)?;
        let (parent, last) = tree.root.parent(steps)?;
        let layout = layout(text, &tree.root);
        if form(parent) == Form::Brackets {
            return Ok(in_brackets(text, parent, last, value, layout.ending));
        }
        match parent.position(last) {
            Some(at) => {
                replaced(text, parent, &parent.entries()[at], value, &layout).ok_or_else(|| unusual(steps))
            }
            None => added(text, &tree, parent, last, value, &layout).ok_or_else(|| unusual(steps)),
        }
    }

    fn remove(text: &str, steps: &[Step]) -> OpResult<String> {
        let tree = parse(text)?;
        let (parent, last) = tree.root.parent(steps)?;
        let at = parent.position(last).ok_or_else(|| unusual(steps))?;
        if form(parent) == Form::Brackets {
            let brackets = brackets(text, parent);
            return Ok(spliced(text, brackets.without(at)));
        }
        if parent.entries().len() == 1 && steps.len() > 1 {
            // Without its last entry a block would be nothing, and not an empty map.
            let empty = Value::Object(oneex_sdk::Map::new());
            return Self::set(text, &steps[..steps.len() - 1], &empty);
        }
        let entries = parent.entries();
        let entry = &entries[at];
        let end = line_end(text, entry.range().end);
        let range = match (own_indent(text, entry.start), entries.get(at + 1)) {
            (Some(_), _) => {
                line_start(text, entry.start)
                    ..text[end..].find('\n').map_or(text.len(), |more| end + more + 1)
            }
            (None, Some(next)) => entry.start..next.start,
            (None, None) => return Err(unusual(steps)),
        };
        Ok(spliced(text, vec![(range, String::new())]))
    }
}

fn unusual(steps: &[Step]) -> OpError {
    OpError::invalid(format!("`{}` is written in a way that cannot be edited", shown(steps)))
        .hint("write that part of the YAML in a more usual way first")
}

fn form(node: &Node) -> Form {
    match node.data {
        Data::List(form, _) | Data::Map(form, _) => form,
        Data::Scalar(_) => Form::Lines,
    }
}

fn brackets<'a>(text: &'a str, node: &'a Node) -> Brackets<'a> {
    Brackets { text, span: node.span.clone(), entries: node.entries(), comments: Comments::Hash }
}

/// In brackets YAML is written as JSON, which it holds.
fn in_brackets(text: &str, parent: &Node, last: &Step, value: &Value, ending: &'static str) -> String {
    let style = Style { indent: None, colon: ": ".to_owned(), ending };
    let new = |value: &Value| rendered(value, "", &style);
    if let Some(at) = parent.position(last) {
        let span = parent.entries()[at].node.span.clone();
        let blank = if span.is_empty() { " " } else { "" };
        return spliced(text, vec![(span, format!("{blank}{}", new(value)))]);
    }
    let edits = brackets(text, parent).with(&style, |_| match (&parent.data, last.name()) {
        (Data::Map(..), Some(name)) => format!("{}: {}", Value::from(name), new(value)),
        _ => new(value),
    });
    spliced(text, edits)
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => false,
    }
}

/// The blanks that an entry stands behind, where `- ` before it counts as such.
fn indent(text: &str, start: usize) -> Option<String> {
    let before = &text[line_start(text, start)..start];
    let blank = before.replace('-', " ");
    blank.chars().all(|c| c == ' ').then_some(blank)
}

/// The lines of a block value, behind a name at `base`.
fn block(value: &Value, base: &str, layout: &Layout) -> String {
    let is_list = matches!(value, Value::Array(_));
    let unit = if is_list && !layout.is_list_deeper { "" } else { &layout.unit };
    let lines = lines(value, &layout.unit, layout.is_list_deeper);
    lines.iter().map(|line| format!("{}{base}{unit}{line}", layout.ending)).collect()
}

/// Replaces a value in a block.
fn replaced(text: &str, parent: &Node, entry: &Entry, value: &Value, layout: &Layout) -> Option<String> {
    let base = indent(text, entry.start)?;
    let node = &entry.node;
    let span = node.span.clone();
    let is_map = matches!(parent.data, Data::Map(..));
    let was_block = form(node) == Form::Lines && !node.entries().is_empty();
    let has_own_lines = was_block && line_start(text, span.start) > entry.start;
    let old = &text[span.clone()];
    if is_block(value) && is_map {
        if has_own_lines {
            let start = line_start(text, span.start);
            let new = block(value, &base, layout);
            return Some(spliced(text, vec![(start..span.end, new.strip_prefix(layout.ending)?.to_owned())]));
        }
        let begin = text[..span.start].trim_end_matches(' ').len();
        let place = line_end(text, span.end);
        return Some(spliced(
            text,
            vec![(begin..span.end, String::new()), (place..place, block(value, &base, layout))],
        ));
    }
    if is_block(value) {
        // The item of an array: what follows its dash stands two columns deeper.
        let lines = lines(value, &layout.unit, layout.is_list_deeper);
        let new = lines.join(&format!("{}{base}  ", layout.ending));
        if has_own_lines {
            return Some(spliced(text, vec![(entry.start + 1..span.end, format!(" {new}"))]));
        }
        let blank = if span.is_empty() { " " } else { "" };
        return Some(spliced(text, vec![(span, format!("{blank}{new}"))]));
    }
    let new = scalar_text(value, old.chars().next());
    if has_own_lines {
        let after = text[..line_start(text, span.start)].trim_end().len();
        let place = name_end(text, entry).min(after);
        let end = line_end(text, span.end);
        let gone =
            line_start(text, span.start)..text[end..].find('\n').map_or(text.len(), |more| end + more + 1);
        let before_gone = text[..gone.start].trim_end_matches(['\r', '\n']).len();
        // Where the block ends the text without a line break, none is left before it either.
        let gone = if gone.end == text.len() && !text.ends_with('\n') { before_gone..gone.end } else { gone };
        return Some(spliced(text, vec![(place..place, format!(" {new}")), (gone, String::new())]));
    }
    let blank = if span.is_empty() { " " } else { "" };
    Some(spliced(text, vec![(span, format!("{blank}{new}"))]))
}

/// Behind the colon of a name, or the dash of an item.
fn name_end(text: &str, entry: &Entry) -> usize {
    entry.value_from.unwrap_or_else(|| line_end(text, entry.start))
}

/// Adds an entry at the end of a block.
fn added(
    text: &str,
    tree: &Tree,
    parent: &Node,
    last: &Step,
    value: &Value,
    layout: &Layout,
) -> Option<String> {
    let is_map = matches!(parent.data, Data::Map(..));
    let entry = |base: &str| {
        let lines = match (is_map, last.name()) {
            (true, Some(name)) if is_block(value) => {
                return format!("{base}{}:{}", name_text(name), block(value, base, layout));
            }
            (true, Some(name)) => vec![format!("{}: {}", name_text(name), scalar_text(value, None))],
            _ => lines(&Value::Array(vec![value.clone()]), &layout.unit, layout.is_list_deeper),
        };
        lines.iter().map(|line| format!("{base}{line}")).collect::<Vec<_>>().join(layout.ending)
    };
    let Some(previous) = parent.entries().last() else {
        // The document has nothing in it but comments.
        let start = if text.is_empty() || text.ends_with('\n') { "" } else { layout.ending };
        let end = if start.is_empty() { layout.ending } else { "" };
        return tree.is_empty.then(|| format!("{text}{start}{}{end}", entry("")));
    };
    let place = line_end(text, previous.range().end);
    let base = indent(text, previous.start)?;
    Some(spliced(text, vec![(place..place, format!("{}{}", layout.ending, entry(&base)))]))
}

/// How the document is written: as its first block in a block is.
fn layout(text: &str, root: &Node) -> Layout {
    let mut layout = Layout { unit: "  ".to_owned(), is_list_deeper: true, ending: line_break(text) };
    let (mut has_unit, mut has_list) = (false, false);
    let mut left = vec![root];
    while let Some(node) = left.pop() {
        for entry in node.entries() {
            left.push(&entry.node);
            let Some(first) = entry.node.entries().first() else { continue };
            let columns = (own_indent(text, entry.start), own_indent(text, first.start));
            let (Some(outer), Some(inner)) = columns else { continue };
            match (&entry.node.data, &node.data) {
                (Data::List(Form::Lines, _), Data::Map(..)) if !has_list => {
                    has_list = true;
                    layout.is_list_deeper = inner.len() > outer.len();
                }
                (Data::Map(Form::Lines, _), Data::Map(..)) if !has_unit && inner.len() > outer.len() => {
                    has_unit = true;
                    layout.unit = " ".repeat(inner.len() - outer.len());
                }
                _ => {}
            }
        }
    }
    layout
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};
    use proptest::prelude::*;

    use super::Yaml;
    use crate::host::documents::step::Step;
    use crate::host::documents::value::tests::{document, holds, steps_of, value};
    use crate::host::documents::value::{with_value, without_value};
    use crate::host::documents::yaml_scalar::lines;

    fn steps(key: &str) -> Vec<Step> {
        key.split('.')
            .map(|name| name.parse().map_or_else(|_| Step::Name(name.to_owned()), Step::Index))
            .collect()
    }

    #[test]
    fn values_are_set_where_they_belong() {
        for (text, key, value, expected) in [
            ("", "a.b", json!(1), "a:\n  b: 1\n"),
            ("# only\n", "a", json!(1), "# only\na: 1\n"),
            ("---\n", "a", json!(1), "---\na: 1\n"),
            ("a: 1 # one\nb: 2\n", "a", json!(3), "a: 3 # one\nb: 2\n"),
            ("a: 'x'\nb: \"y\"\n", "a", json!("it's"), "a: 'it''s'\nb: \"y\"\n"),
            ("a: 1\r\nb: 2", "c", json!("x"), "a: 1\r\nb: 2\r\nc: x"),
            (
                "a:\n    b: 1\n# end\n",
                "a.c",
                json!({"d": [1]}),
                "a:\n    b: 1\n    c:\n        d:\n            - 1\n# end\n",
            ),
            (
                "a:\n- x\n- y: 1\n  z: 2\n",
                "a.1.w",
                json!([1, 2]),
                "a:\n- x\n- y: 1\n  z: 2\n  w:\n  - 1\n  - 2\n",
            ),
            ("a:\n  - x # c\n", "a.1", json!({"k": 1, "l": 2}), "a:\n  - x # c\n  - k: 1\n    l: 2\n"),
            ("a: [1, {b: 2}] # c\n", "a.1.b", json!("x y"), "a: [1, {b: \"x y\"}] # c\n"),
            ("a: {b: 1}\n", "a.c", json!([true]), "a: {b: 1, \"c\": [true]}\n"),
            ("a: {}\n", "a.b", json!(1), "a: {\"b\": 1}\n"),
            ("a:\nb: ~\n", "a", json!(1), "a: 1\nb: ~\n"),
            ("a: # nothing yet\nb: 2\n", "a.x", json!(1), "a: # nothing yet\n  x: 1\nb: 2\n"),
            ("a: |\n  one\n  two\nb: 2\n", "a", json!("x"), "a: x\nb: 2\n"),
            ("a: >-\n  one\n  two\n# c\nb: 2\n", "c", json!(3), "a: >-\n  one\n  two\n# c\nb: 2\nc: 3\n"),
            ("a:\n  b: 1 # x\n  c: 2\nd: 3\n", "a", json!("x"), "a: x\nd: 3\n"),
            ("a: x # c\nb: 1\n", "a", json!({"k": [1]}), "a: # c\n  k:\n    - 1\nb: 1\n"),
            ("a: yes\n", "a", json!("yes"), "a: \"yes\"\n"),
            ("a: yes\n", "a", json!(true), "a: true\n"),
            ("a: 0x10\n", "a", json!(16), "a: 0x10\n"),
            ("a: &x 1\nb: *x\n", "b", json!(2), "a: &x 1\nb: 2\n"),
            ("a: &x\n  k: 1\nb: *x\n", "a.k", json!(2), "a: &x\n  k: 2\nb: *x\n"),
            ("a: one\n  two\nb: 1\n", "a", json!("x"), "a: x\nb: 1\n"),
            ("- - a\n  - b\n- c\n", "0.1", json!("x"), "- - a\n  - x\n- c\n"),
            ("- a: 1\n  b: 2\n", "0.a", json!({"x": 1}), "- a:\n    x: 1\n  b: 2\n"),
            ("\u{feff}a: 1\n", "a", json!(2), "\u{feff}a: 2\n"),
            ("größe: {\"ü\": 1}\n", "größe.ü", json!("ß"), "größe: {\"ü\": \"ß\"}\n"),
        ] {
            let once = with_value::<Yaml>(text, &steps(key), &value);
            let once = once.unwrap_or_else(|error| panic!("{text:?} {key} {value}: {}", error.message));
            assert_eq!(once, expected, "{text:?} {key} {value}");
            assert_eq!(
                with_value::<Yaml>(&once, &steps(key), &value).expect("again"),
                once,
                "{text:?} {key}"
            );
        }
    }

    #[test]
    fn values_are_removed_with_their_lines() {
        for (text, key, expected) in [
            ("a: 1\nb: 2 # two\n# end\n", "b", "a: 1\n# end\n"),
            ("# one\na:\n  b: 1\n  c: 2\nd: 3\n", "a", "# one\nd: 3\n"),
            ("a:\n  b: 1\n", "a.b", "a: {}\n"),
            ("a:\n  k: 1 # c\nb: 2", "a.k", "a: {}\nb: 2"),
            ("a: 1\n", "a", ""),
            ("a: 1\r\nb: 2\r\n", "a", "b: 2\r\n"),
            ("- a: 1\n  b: 2\n", "0.a", "- b: 2\n"),
            ("a: {b: 1, c: 2}\n", "a.b", "a: {c: 2}\n"),
            ("a: |\n  text\n\nb: 1\n", "a", "\nb: 1\n"),
            ("a: 1\n", "b", "a: 1\n"),
        ] {
            let gone = without_value::<Yaml>(text, &steps(key));
            let gone = gone.unwrap_or_else(|error| panic!("{text:?} {key}: {}", error.message));
            assert_eq!(gone, expected, "{text:?} {key}");
        }
    }

    #[test]
    fn what_cannot_be_edited_is_named() {
        for (text, key, message) in [
            ("a: [1", "a", "line 1, column 4: not YAML: "),
            ("a: 1\n---\nb: 2\n", "a", "several YAML documents"),
            ("a: &x 1\nb: *x\n", "b.c", "`b` is an alias, not a map"),
            ("a: !vault x\n", "a", "cannot be edited without touching what is around it"),
            ("- 1\n", "a", "the document is an array, not a map"),
        ] {
            let error = with_value::<Yaml>(text, &steps(key), &json!(5)).expect_err(text);
            assert!(error.message.contains(message), "{text:?}: {}", error.message);
        }
        let deep = "[".repeat(100_000);
        assert!(with_value::<Yaml>(&deep, &steps("a"), &json!(1)).is_err());
    }

    /// A document in blocks, with comments and blank lines, as people write it.
    fn text_of(document: &Value, unit: &str, is_list_deeper: bool, noise: &[u8], ending: &str) -> String {
        let mut noise = noise.iter().cycle();
        let is_empty = document.as_object().is_some_and(oneex_sdk::Map::is_empty);
        let all = if is_empty { Vec::new() } else { lines(document, unit, is_list_deeper) };
        let line = |line: String| match noise.next() {
            Some(0) => format!("# a: {{ - {ending}{line}{ending}"),
            Some(1) => format!("{ending}{line}{ending}"),
            Some(2) => format!("{line} # it's \"{ending}"),
            Some(3) => format!("{line}  {ending}"),
            _ => format!("{line}{ending}"),
        };
        all.into_iter().map(line).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_edit_of_any_document_touches_nothing_else(
            document in document(),
            value in value(),
            choice in any::<proptest::sample::Index>(),
            unit in proptest::sample::select(vec!["  ", "    ", " "]),
            is_list_deeper: bool,
            noise in proptest::collection::vec(0_u8..8, 1..20),
            ending in proptest::sample::select(vec!["\n", "\r\n"]),
            is_ended: bool,
        ) {
            let text = text_of(&document, unit, is_list_deeper, &noise, ending);
            let text = if is_ended { text } else { text.trim_end().to_owned() };
            holds::<Yaml>(&text, &document, &steps_of(&document, choice), &value)?;
            // In brackets it is JSON, which YAML holds.
            let text = format!("# c{ending}{document} # c{ending}");
            holds::<Yaml>(&text, &document, &steps_of(&document, choice), &value)?;
        }
    }
}
