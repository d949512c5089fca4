//! The places of values in a text of YAML.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use oneex_sdk::{OpError, OpResult, Value};

use super::brackets::Comments;
use super::tree::{Data, Entry, Form, Node, line_end, opaque};
use super::yaml_scalar::resolved;

/// Deeper nesting is refused: nobody writes it, and reading it would need the stack.
const DEEPEST: usize = 100;

/// A document.
pub(super) struct Tree {
    pub(super) root: Node,
    /// It has nothing in it but comments.
    pub(super) is_empty: bool,
}

/// Reads one document. One without anything in it is an empty map.
pub(super) fn parse(text: &str) -> OpResult<Tree> {
    let mut composer = Composer { text, parser: Parser::new_from_str(text) };
    let empty = Node { span: text.len()..text.len(), data: Data::Map(Form::Lines, Vec::new()) };
    let mut tree = Tree { root: empty, is_empty: true };
    let mut from = 0;
    let mut documents = 0;
    loop {
        let (event, span) = composer.next()?;
        match event {
            Event::StreamStart | Event::DocumentEnd => {}
            Event::DocumentStart(is_explicit, _) => {
                documents += 1;
                if documents > 1 {
                    return Err(OpError::invalid(
                        "the file holds several YAML documents, and one is expected",
                    ));
                }
                from = if is_explicit { composer.range(&span)?.end } else { 0 };
            }
            Event::StreamEnd => return Ok(tree),
            event => {
                let node = composer.node(event, &span, from, 0)?;
                if !node.span.is_empty() {
                    tree = Tree { root: node, is_empty: false };
                }
            }
        }
    }
}

struct Composer<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> OpResult<(Event<'a>, Span)> {
        loop {
            match self.parser.next_event() {
                None => return Err(OpError::invalid("not YAML: the text ends too early")),
                Some(Err(error)) => {
                    let marker = error.marker();
                    let (line, column) = (marker.line(), marker.col() + 1);
                    return Err(OpError::invalid(format!(
                        "line {line}, column {column}: not YAML: {}",
                        error.info()
                    )));
                }
                Some(Ok((event, span))) if is_data(&event) => return Ok((event, span)),
                Some(Ok(_)) => {}
            }
        }
    }

    fn range(&self, span: &Span) -> OpResult<Range<usize>> {
        let range = span.byte_range().filter(|range| self.text.get(range.clone()).is_some());
        range.ok_or_else(|| OpError::failed("the places of the YAML's values are not known"))
    }

    /// The first byte behind blanks, comments, tags and anchors; `from` itself where nothing but those is on its line.
    fn content(&self, from: usize) -> usize {
        let mut at = from;
        loop {
            let next = Comments::Hash.skip(self.text, at);
            if !self.text[next..].starts_with(['&', '!']) {
                return if next < line_end(self.text, at).max(at) || at == from { next } else { at };
            }
            at = self.text[next..].find(char::is_whitespace).map_or(self.text.len(), |length| next + length);
        }
    }

    /// Reads a node, which stands behind `from`.
    fn node(&mut self, event: Event<'a>, span: &Span, from: usize, depth: usize) -> OpResult<Node> {
        if depth > DEEPEST {
            return Err(OpError::invalid(format!("the YAML is nested deeper than {DEEPEST} levels")));
        }
        let range = self.range(span)?;
        match event {
            Event::Alias(_) => {
                Ok(Node { data: Data::Scalar(opaque("an alias", &self.text[range.clone()])), span: range })
            }
            Event::Scalar(value, style, anchor, tag) => {
                let is_tagged = tag.is_some();
                let span = self.scalar_span(range, style, from, anchor != 0 || is_tagged);
                let value = match style {
                    _ if is_tagged => opaque("a tagged value", &value),
                    ScalarStyle::Plain => resolved(&value),
                    _ => Value::String(value.into_owned()),
                };
                Ok(Node { span, data: Data::Scalar(value) })
            }
            Event::SequenceStart(_, _, tag) => {
                let is_flow = self.text[range.clone()].starts_with('[');
                let (entries, end) = self.items(is_flow, from, depth)?;
                Ok(collection(range.start, is_flow, entries, end, tag.is_some(), Data::List))
            }
            Event::MappingStart(_, _, tag) => {
                let is_flow = self.text[range.clone()].starts_with('{');
                let (entries, end) = self.entries(is_flow, depth)?;
                Ok(collection(range.start, is_flow, entries, end, tag.is_some(), Data::Map))
            }
            _ => Err(OpError::invalid("not YAML: a value is expected")),
        }
    }

    fn scalar_span(
        &self,
        range: Range<usize>,
        style: ScalarStyle,
        from: usize,
        has_properties: bool,
    ) -> Range<usize> {
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                // The parser leaves out the heading, and takes in blanks behind.
                let start = self.content(from);
                let heading = line_end(self.text, start);
                let end = range.end.max(heading);
                start..heading.max(start + self.text[start..end].trim_end().len())
            }
            _ if range.is_empty() && has_properties => {
                let first = Comments::Hash.skip(self.text, from);
                let line = &self.text[first..line_end(self.text, first)];
                let length = line.find(" #").unwrap_or(line.len());
                let end = first + line[..length].trim_end().len();
                end..end
            }
            _ if range.is_empty() => from..from,
            _ => range,
        }
    }

    fn items(&mut self, is_flow: bool, from: usize, depth: usize) -> OpResult<(Vec<Entry>, usize)> {
        let (mut entries, mut at) = (Vec::<Entry>::new(), from);
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok((entries, self.range(&span)?.end));
            }
            let start = match (is_flow, entries.is_empty()) {
                (true, _) => self.range(&span)?.start,
                (false, true) => self.content(at),
                (false, false) => Comments::Hash.skip(self.text, at),
            };
            let value_from = if is_flow { start } else { (start + 1).min(self.text.len()) };
            let node = self.node(event, &span, value_from, depth + 1)?;
            at = node.span.end;
            entries.push(Entry { start, name: None, value_from: Some(value_from), node });
        }
    }

    fn entries(&mut self, is_flow: bool, depth: usize) -> OpResult<(Vec<Entry>, usize)> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok((entries, self.range(&span)?.end));
            }
            let start = self.range(&span)?.start;
            let name = match &event {
                Event::Scalar(name, _, _, None) => Some(name.clone().into_owned()),
                _ => None,
            };
            let key = self.node(event, &span, start, depth + 1)?;
            let colon = Comments::Hash.skip(self.text, key.span.end);
            let is_colon = self.text[colon..].starts_with(':');
            let value_from = if is_colon { colon + 1 } else { key.span.end };
            let (event, span) = self.next()?;
            let node = self.node(event, &span, value_from, depth + 1)?;
            // In brackets a name may stand alone, and has no place for a value.
            let name = name.filter(|_| is_colon || !is_flow);
            entries.push(Entry { start, name, value_from: Some(value_from), node });
        }
    }
}

fn collection(
    start: usize,
    is_flow: bool,
    entries: Vec<Entry>,
    end: usize,
    is_tagged: bool,
    data: fn(Form, Vec<Entry>) -> Data,
) -> Node {
    let form = if is_flow { Form::Brackets } else { Form::Lines };
    let first = if is_flow { start } else { entries.first().map_or(start, |entry| entry.start) };
    let last = if is_flow { end } else { entries.last().map_or(end, |entry| entry.range().end) };
    let node = Node { span: first..last, data: data(form, entries) };
    if is_tagged {
        let value = opaque("a tagged value", &node.value().to_string());
        return Node { data: Data::Scalar(value), ..node };
    }
    node
}

/// Comments and such carry no data.
fn is_data(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd
    )
}
