//! The places of elements and attributes in a text of XML.

use std::ops::Range;

use oneex_sdk::{OpError, OpResult};
use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, Event};

/// Deeper nesting is refused: nobody writes it, and walking it would need the stack.
const DEEPEST: usize = 200;

/// An element and where it stands.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    /// The start tag; the whole element where it has no end tag.
    pub(super) tag: Range<usize>,
    /// What is between the tags; nothing for an element of one tag.
    pub(super) inner: Option<Range<usize>>,
    pub(super) whole: Range<usize>,
    pub(super) attributes: Vec<Attribute>,
    pub(super) children: Vec<Element>,
    /// Its own text; nothing where an entity of the document is in it.
    pub(super) text: Option<String>,
}

/// An attribute and where it stands.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: String,
    /// From the name to the closing quote.
    pub(super) whole: Range<usize>,
    /// What is between the quotes.
    pub(super) inner: Range<usize>,
    /// Nothing where an entity of the document is in it.
    pub(super) value: Option<String>,
}

/// Reads a document.
pub(super) fn parse(text: &str) -> OpResult<Element> {
    let wrong = |at: usize, why: &str| {
        let before = text.get(..at.min(text.len())).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        OpError::invalid(format!("line {line}: not XML: {why}"))
    };
    let mut reader = Reader::from_str(text);
    let (mut open, mut root): (Vec<Element>, Option<Element>) = (Vec::new(), None);
    loop {
        let start = position(&reader);
        let event = reader.read_event().map_err(|error| wrong(position(&reader), &error.to_string()))?;
        let range = start..position(&reader);
        let closed = match event {
            Event::Start(_) | Event::Empty(_) => {
                if open.len() > DEEPEST {
                    return Err(OpError::invalid(format!("the XML is nested deeper than {DEEPEST} levels")));
                }
                let is_empty = matches!(event, Event::Empty(_));
                let mut element = element(text, range).ok_or_else(|| wrong(start, "a tag is not closed"))?;
                if is_empty {
                    Some(element)
                } else {
                    element.inner = Some(element.tag.end..element.tag.end);
                    open.push(element);
                    None
                }
            }
            Event::End(_) => {
                let mut element = open.pop().ok_or_else(|| wrong(start, "nothing is open here"))?;
                element.inner = Some(element.tag.end..range.start);
                element.whole.end = range.end;
                Some(element)
            }
            Event::Text(bytes) => {
                add(&mut open, Some(&String::from_utf8_lossy(&bytes)));
                None
            }
            Event::CData(bytes) => {
                add(&mut open, Some(&String::from_utf8_lossy(&bytes)));
                None
            }
            Event::GeneralRef(reference) => {
                add(&mut open, referred(&reference).as_deref());
                None
            }
            Event::Eof => break,
            _ => None,
        };
        match (closed, open.last_mut()) {
            (Some(element), Some(parent)) => parent.children.push(element),
            (Some(element), None) if root.is_none() => root = Some(element),
            (Some(element), None) => {
                return Err(wrong(element.whole.start, "a second root element begins here"));
            }
            (None, _) => {}
        }
    }
    match (open.last(), root) {
        (Some(element), _) => Err(wrong(element.whole.start, &format!("`{}` is not closed", element.name))),
        (None, None) => Err(wrong(text.len(), "there is no element")),
        (None, Some(root)) => Ok(root),
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn add(open: &mut [Element], more: Option<&str>) {
    if let Some(element) = open.last_mut() {
        match (&mut element.text, more) {
            (Some(text), Some(more)) => text.push_str(more),
            (text, None) => *text = None,
            (None, _) => {}
        }
    }
}

fn referred(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Some(character.to_string()),
        Ok(None) => resolve_predefined_entity(&String::from_utf8_lossy(reference)).map(str::to_owned),
        Err(_) => None,
    }
}

/// Reads the start tag in `range`.
fn element(text: &str, range: Range<usize>) -> Option<Element> {
    let tag = text.get(range.clone())?;
    let body = tag.strip_prefix('<')?.strip_suffix('>')?;
    let body = body.strip_suffix('/').unwrap_or(body);
    let length = body.find(char::is_whitespace).unwrap_or(body.len());
    let mut attributes = Vec::new();
    let mut at = range.start + 1 + length;
    let end = range.start + 1 + body.len();
    loop {
        let rest = text.get(at..end)?;
        at += rest.len() - rest.trim_start().len();
        let rest = text.get(at..end)?;
        if rest.is_empty() {
            break;
        }
        let (name, _) = rest.split_once('=')?;
        let value = at + name.len() + 1;
        let value = value + text.get(value..end)?.len() - text.get(value..end)?.trim_start().len();
        let quote = text.get(value..end)?.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let length = text.get(value + 1..end)?.find(quote)?;
        let inner = value + 1..value + 1 + length;
        let held = unescape(&text[inner.clone()]).ok().map(std::borrow::Cow::into_owned);
        let whole = at..inner.end + 1;
        at = whole.end;
        attributes.push(Attribute { name: name.trim().to_owned(), whole, inner, value: held });
    }
    let name = body[..length].to_owned();
    Some(Element {
        name,
        tag: range.clone(),
        inner: None,
        whole: range,
        attributes,
        children: Vec::new(),
        text: Some(String::new()),
    })
}
