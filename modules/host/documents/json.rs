//! JSON, with the comments and trailing commas that files of settings have in it.
//!
//! Source: RFC 8259.

use oneex_sdk::{OpError, OpResult, Value};

use super::brackets::{Brackets, Comments, Style, indentation};
use super::lines::line_break;
use super::step::Step;
use super::tree::{Data, Entry, Form, Node, own_indent, spliced};
use super::value::Grammar;

/// The grammar of JSON.
pub(crate) struct Json;

/// Deeper nesting is refused: nobody writes it, and reading it would need the stack.
const DEEPEST: usize = 120;

impl Grammar for Json {
    const NAME: &'static str = "JSON";
    const EMPTY: &'static str = "{}\n";

    fn read(text: &str) -> OpResult<Value> {
        parse(text).map(|root| root.value())
    }

    fn check(_: &Value) -> OpResult<()> {
        Ok(())
    }

    fn set(text: &str, steps: &[Step], value: &Value) -> OpResult<String> {
        let root = parse(text)?;
        let style = style(text, &root);
        let (parent, last) = root.parent(steps)?;
        if let Some(at) = parent.position(last) {
            let span = parent.entries()[at].node.span.clone();
            let new = rendered(value, indentation(text, span.start), &style);
            return Ok(spliced(text, vec![(span, new)]));
        }
        let brackets = Brackets {
            text,
            span: parent.span.clone(),
            entries: parent.entries(),
            comments: Comments::Slashes,
        };
        let edits = brackets.with(&style, |indent| {
            let value = rendered(value, indent, &style);
            match (&parent.data, last.name()) {
                (Data::Map(..), Some(name)) => format!("{}{}{value}", Value::from(name), style.colon),
                _ => value,
            }
        });
        Ok(spliced(text, edits))
    }

    fn remove(text: &str, steps: &[Step]) -> OpResult<String> {
        let mut text = text.to_owned();
        // A name may be there several times.
        loop {
            let root = parse(&text)?;
            let (parent, last) = root.parent(steps)?;
            let Some(at) = parent.position(last) else { return Ok(text) };
            let (span, entries) = (parent.span.clone(), parent.entries());
            let brackets = Brackets { text: &text, span, entries, comments: Comments::Slashes };
            text = spliced(&text, brackets.without(at));
        }
    }
}

/// How the document is written.
fn style(text: &str, root: &Node) -> Style {
    let first = root.entries().first();
    let indent = match first {
        Some(first) => own_indent(text, first.start).filter(|indent| !indent.is_empty()).map(str::to_owned),
        None => Some("  ".to_owned()),
    };
    let colon = first.filter(|first| first.name.is_some()).and_then(|first| {
        let between = &text[first.start..first.node.span.start];
        let colon = &between[between.rfind(':')?..];
        (!colon.contains(['\n', '/'])).then(|| colon.to_owned())
    });
    Style { indent, colon: colon.unwrap_or_else(|| ": ".to_owned()), ending: line_break(text) }
}

/// A value as text; `indent` is what the line that it begins on is indented by.
pub(super) fn rendered(value: &Value, indent: &str, style: &Style) -> String {
    let inner = style.indent.as_ref().map(|unit| format!("{indent}{unit}"));
    let below = inner.as_deref().unwrap_or(indent);
    let (open, close, parts): (_, _, Vec<String>) = match value {
        Value::Array(items) => ('[', ']', items.iter().map(|item| rendered(item, below, style)).collect()),
        Value::Object(map) => {
            let entry = |(name, value): (&String, &Value)| {
                format!("{}{}{}", Value::from(name.as_str()), style.colon, rendered(value, below, style))
            };
            ('{', '}', map.iter().map(entry).collect())
        }
        scalar => return scalar.to_string(),
    };
    match inner {
        _ if parts.is_empty() => format!("{open}{close}"),
        Some(inner) => {
            let ending = style.ending;
            let lines = parts.join(&format!(",{ending}{inner}"));
            format!("{open}{ending}{inner}{lines}{ending}{indent}{close}")
        }
        None => format!("{open}{}{close}", parts.join(if style.colon.ends_with(' ') { ", " } else { "," })),
    }
}

fn parse(text: &str) -> OpResult<Node> {
    let mut reader = Reader { text, at: 0 };
    reader.skip();
    let root = reader.node(0)?;
    reader.skip();
    if reader.at < text.len() { Err(reader.wrong("the end")) } else { Ok(root) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn skip(&mut self) {
        self.at = Comments::Slashes.skip(self.text, self.at);
    }

    fn wrong(&self, wanted: &str) -> OpError {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        OpError::invalid(format!("line {line}, column {column}: not JSON: {wanted} is expected here"))
    }

    fn takes(&mut self, c: char) -> bool {
        let is_there = self.text[self.at..].starts_with(c);
        self.at += if is_there { c.len_utf8() } else { 0 };
        is_there
    }

    fn node(&mut self, depth: usize) -> OpResult<Node> {
        if depth > DEEPEST {
            return Err(OpError::invalid(format!("the JSON is nested deeper than {DEEPEST} levels")));
        }
        let start = self.at;
        let data = match self.text[start..].chars().next() {
            Some('{') => Data::Map(Form::Brackets, self.entries('}', depth)?),
            Some('[') => Data::List(Form::Brackets, self.entries(']', depth)?),
            _ => Data::Scalar(self.scalar()?),
        };
        Ok(Node { span: start..self.at, data })
    }

    fn entries(&mut self, close: char, depth: usize) -> OpResult<Vec<Entry>> {
        self.at += 1;
        let mut entries = Vec::new();
        loop {
            self.skip();
            if self.takes(close) {
                return Ok(entries);
            }
            let start = self.at;
            let mut name = None;
            if close == '}' {
                match self.scalar() {
                    Ok(Value::String(text)) => name = Some(text),
                    _ => {
                        self.at = start;
                        return Err(self.wrong("a name in `\"`"));
                    }
                }
                self.skip();
                if !self.takes(':') {
                    return Err(self.wrong("`:`"));
                }
                self.skip();
            }
            entries.push(Entry { start, name, value_from: None, node: self.node(depth + 1)? });
            self.skip();
            if !self.takes(',') && !self.text[self.at..].starts_with(close) {
                return Err(self.wrong(&format!("`,` or `{close}`")));
            }
        }
    }

    fn scalar(&mut self) -> OpResult<Value> {
        let rest = &self.text[self.at..];
        let length = if let Some(inside) = rest.strip_prefix('"') {
            let mut is_escaped = false;
            let end = inside.find(|c| {
                let ends = c == '"' && !is_escaped;
                is_escaped = c == '\\' && !is_escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        } else {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len())
        };
        let value = serde_json::from_str(&rest[..length]).map_err(|_| self.wrong("a value"))?;
        self.at += length;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::{Value, json};
    use proptest::prelude::*;

    use super::Json;
    use crate::host::documents::step::Step;
    use crate::host::documents::value::tests::{holds, steps_of};
    use crate::host::documents::value::{with_value, without_value};

    fn steps(key: &str) -> Vec<Step> {
        key.split('.')
            .map(|name| name.parse().map_or_else(|_| Step::Name(name.to_owned()), Step::Index))
            .collect()
    }

    #[test]
    fn values_are_set_where_they_belong() {
        for (text, key, value, expected) in [
            ("", "a", json!(1), "{\n  \"a\": 1\n}\n"),
            ("{}", "a.b", json!(1), "{\n  \"a\": {\n    \"b\": 1\n  }\n}"),
            ("{ }\n", "a", json!([1, {}]), "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n"),
            (r#"{"a":1}"#, "a", json!("x"), r#"{"a":"x"}"#),
            (r#"{"a":1}"#, "b", json!([1, 2]), r#"{"a":1, "b":[1,2]}"#),
            (
                r#"{"a": 1,  "b": 2}"#,
                "c",
                json!({"d": 1, "e": 2}),
                r#"{"a": 1,  "b": 2,  "c": {"d": 1, "e": 2}}"#,
            ),
            ("{\n\t\"a\": 1\n}", "b", json!({"c": 2}), "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": 2\n\t}\n}"),
            ("{\r\n  \"a\": 1\r\n}\r\n", "b", json!(2), "{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}\r\n"),
            (
                "{\n  \"a\": 1, // one\n  // end\n}",
                "b",
                json!(2),
                "{\n  \"a\": 1, // one\n  \"b\": 2,\n  // end\n}",
            ),
            ("{\n  \"a\": 1 // one\n}", "b", json!(2), "{\n  \"a\": 1, // one\n  \"b\": 2\n}"),
            ("{\n  \"a\": 1 /* x\n y */\n}", "b", json!(2), "{\n  \"a\": 1, /* x\n y */\n  \"b\": 2\n}"),
            ("{\n  \"a\": 1}", "b", json!(2), "{\n  \"a\": 1,\n  \"b\": 2}"),
            ("{\n  // none yet\n}", "a", json!(1), "{\n  \"a\": 1\n  // none yet\n}"),
            ("[1,2,]", "2", json!(3), "[1,2,3,]"),
            ("[\n  1,\n  2\n]", "2", json!(3), "[\n  1,\n  2,\n  3\n]"),
            ("{\"a\": null}", "a.b", json!(1), "{\"a\": {\"b\": 1}}"),
            ("{\"a\": 1, \"a\": 2}", "a", json!(3), "{\"a\": 1, \"a\": 3}"),
            ("\u{feff}{\"a\": 1}", "a", json!(2), "\u{feff}{\"a\": 2}"),
            (r#"{"\u0061 é\"": {"x": 1}}"#, "a é\".x", json!(2), r#"{"\u0061 é\"": {"x": 2}}"#),
            ("{\"a\": 1e2}", "a", json!(100.0), "{\"a\": 1e2}"),
            ("{\"a\": {\"b\": 1, /* c */ \"d\": 2}}", "a", json!({"d": 3}), "{\"a\": {/* c */ \"d\": 3}}"),
        ] {
            let once = with_value::<Json>(text, &steps(key), &value).expect("it is set");
            assert_eq!(once, expected, "{text:?} {key} {value}");
            assert_eq!(
                with_value::<Json>(&once, &steps(key), &value).expect("again"),
                once,
                "{text:?} {key}"
            );
        }
    }

    #[test]
    fn values_are_removed_with_their_lines() {
        for (text, key, expected) in [
            (r#"{"a": 1, "b": 2, "c": 3}"#, "a", r#"{"b": 2, "c": 3}"#),
            (r#"{"a": 1, "b": 2, "c": 3}"#, "b", r#"{"a": 1, "c": 3}"#),
            (r#"{"a": 1, "b": 2, "c": 3}"#, "c", r#"{"a": 1, "b": 2}"#),
            (r#"{"a": 1}"#, "a", "{}"),
            ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "b", "{\n  \"a\": 1\n}\n"),
            ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", "a", "{\n  \"b\": 2\n}\n"),
            ("{\n  // one\n  \"a\": 1, // is\n  \"b\": 2,\n}\n", "a", "{\n  // one\n  \"b\": 2,\n}\n"),
            ("{\n  \"a\": 1,\n  // two\n  \"b\": 2\n}\n", "b", "{\n  \"a\": 1\n  // two\n}\n"),
            ("{\r\n  \"a\": {\r\n  },\r\n  \"b\": 2\r\n}", "a", "{\r\n  \"b\": 2\r\n}"),
            ("{\n  \"a\": 1\n  , \"b\": 2\n}", "a", "{\n  \n  \"b\": 2\n}"),
            ("{\"a\": 1, \"b\": 1, \"a\": 2}", "a", "{\"b\": 1}"),
            ("{\"a\": 1}", "b", "{\"a\": 1}"),
            ("", "a", ""),
        ] {
            let gone = without_value::<Json>(text, &steps(key)).expect("it is removed");
            assert_eq!(gone, expected, "{text:?} {key}");
        }
    }

    #[test]
    fn what_is_no_json_is_named_with_its_place() {
        for (text, place) in [
            ("{", "line 1, column 2"),
            ("{\"a\": 1} x", "line 1, column 10"),
            ("{\n\"ä\": tru}", "line 2, column 6"),
            ("{a: 1}", "line 1, column 2"),
            ("[1 2]", "line 1, column 4"),
            ("[\"x]", "line 1, column 2"),
            ("/* x", "line 1, column 5"),
            ("[,]", "line 1, column 2"),
            ("nul", "line 1, column 1"),
        ] {
            let error = with_value::<Json>(text, &steps("a"), &json!(1)).expect_err(text);
            assert!(error.message.starts_with(place), "{text}: {}", error.message);
        }
        let deep = "[".repeat(100_000);
        let error = with_value::<Json>(&deep, &steps("a"), &json!(1)).expect_err("too deep");
        assert!(error.message.contains("nested deeper than"), "{}", error.message);
    }

    /// Any text of a value, in any layout, with comments.
    fn text_of(value: &Value, blanks: &mut dyn Iterator<Item = &'static str>) -> String {
        let mut entry = |at: usize, name: Option<&String>, value: &Value| {
            let mut blank = |before: &str| before.to_owned() + blanks.next().unwrap_or_default();
            let name = name.map_or_else(String::new, |name| {
                Value::from(name.as_str()).to_string() + &blank("") + &blank(":")
            });
            let before = blank(if at > 0 { "," } else { "" });
            before + &name + &text_of(value, blanks) + blanks.next().unwrap_or_default()
        };
        match value {
            Value::Array(items) => {
                let items: Vec<_> =
                    items.iter().enumerate().map(|(at, item)| entry(at, None, item)).collect();
                format!("[{}]", items.concat())
            }
            Value::Object(map) => {
                let entries = map.iter().enumerate();
                let entries: Vec<_> =
                    entries.map(|(at, (name, value))| entry(at, Some(name), value)).collect();
                format!("{{{}}}", entries.concat())
            }
            scalar => scalar.to_string(),
        }
    }

    const BLANKS: [&str; 10] =
        ["", " ", "", " ", "\n", "\n  ", "\r\n\t", " // c, \"x\": [\n", " /* } */ ", "\n\n    "];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_edit_of_any_document_touches_nothing_else(
            document in crate::host::documents::value::tests::document(),
            value in crate::host::documents::value::tests::value(),
            choice in any::<proptest::sample::Index>(),
            blanks in proptest::collection::vec(0..BLANKS.len(), 1..40),
        ) {
            let mut blanks = blanks.into_iter().cycle().map(|at| BLANKS[at]);
            let text = text_of(&document, &mut blanks);
            holds::<Json>(&text, &document, &steps_of(&document, choice), &value)?;
        }
    }
}
