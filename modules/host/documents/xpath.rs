//! Paths to elements and attributes: the part of XPath 1.0 that names places.
//!
//! Source: XML Path Language (XPath) 1.0, section 2.5.

use oneex_sdk::{OpError, OpResult};

use super::xml_tree::Element;

/// A path from the root element on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct XPath {
    pub(super) steps: Vec<XStep>,
    /// The attribute of the last element that it is about.
    pub(super) attribute: Option<String>,
}

/// One element of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct XStep {
    /// The name with its prefix, or `*`.
    pub(super) name: String,
    pub(super) predicates: Vec<Predicate>,
}

/// What stands in brackets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Predicate {
    /// The position among those that fit so far, from 1.
    Position(usize),
    /// `@name='value'`.
    Attribute(String, String),
    /// `name='value'`, of an element in it.
    Child(String, String),
}

fn wrong(text: &str) -> OpError {
    OpError::invalid(format!("`xpath`: `{text}` is not understood"))
        .hint("write for example `/config/server[@id='a']/port` or `/config/server[2]/@name`")
}

/// The text up to a separator that is in no quotes and no brackets, and what is behind it.
fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    let (mut quote, mut depth) = (None, 0_u32);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c == separator && depth == 0 => {
                return (&text[..at], Some(&text[at + c.len_utf8()..]));
            }
            (None, '[') => depth += 1,
            (None, ']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (text, None)
}

fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(is_part)
}

impl XPath {
    /// Reads a path.
    pub(super) fn parse(text: &str) -> OpResult<Self> {
        let mut rest = Some(text.strip_prefix('/').ok_or_else(|| wrong(text))?);
        let mut path = Self { steps: Vec::new(), attribute: None };
        while let Some(left) = rest {
            let (step, after) = split(left, '/');
            rest = after;
            match step.strip_prefix('@') {
                Some(name) if is_name(name) && after.is_none() => path.attribute = Some(name.to_owned()),
                Some(_) => return Err(wrong(text)),
                None => path.steps.push(XStep::parse(step).ok_or_else(|| wrong(text))?),
            }
        }
        if path.steps.is_empty() { Err(wrong(text)) } else { Ok(path) }
    }
}

impl XStep {
    fn parse(text: &str) -> Option<Self> {
        let (name, mut rest) = match text.find('[') {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let mut predicates = Vec::new();
        while !rest.is_empty() {
            let (predicate, after) = split(rest.strip_prefix('[')?, ']');
            predicates.push(Predicate::parse(predicate.trim())?);
            rest = after?;
        }
        (name == "*" || is_name(name)).then(|| Self { name: name.to_owned(), predicates })
    }

    /// The elements among `all` that it leads to.
    pub(super) fn select<'a>(&self, all: &'a [Element]) -> Vec<&'a Element> {
        let named = all.iter().filter(|element| self.name == "*" || element.name == self.name).collect();
        self.predicates.iter().fold(named, |found: Vec<&Element>, predicate| match predicate {
            Predicate::Position(at) => {
                at.checked_sub(1).and_then(|at| found.get(at).copied()).into_iter().collect()
            }
            Predicate::Attribute(name, value) => {
                let fits = |element: &&Element| {
                    element
                        .attributes
                        .iter()
                        .any(|one| one.name == *name && one.value.as_ref() == Some(value))
                };
                found.into_iter().filter(fits).collect()
            }
            Predicate::Child(name, value) => {
                let fits = |element: &&Element| {
                    element.children.iter().any(|one| one.name == *name && one.text.as_ref() == Some(value))
                };
                found.into_iter().filter(fits).collect()
            }
        })
    }
}

impl Predicate {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(position) = text.parse::<usize>() {
            return (position > 0).then_some(Self::Position(position));
        }
        let (name, value) = text.split_once('=')?;
        let value = value.trim();
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let value =
            value.strip_prefix(quote)?.strip_suffix(quote).filter(|value| !value.contains(quote))?.to_owned();
        match name.trim().strip_prefix('@') {
            Some(name) => is_name(name).then(|| Self::Attribute(name.to_owned(), value)),
            None => is_name(name.trim()).then(|| Self::Child(name.trim().to_owned(), value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Predicate, XPath};

    #[test]
    fn paths_are_read() {
        let path = XPath::parse("/a/x:b[2][@id='/ ]'][c = \"it's\"]/@n").expect("a path");
        assert_eq!(path.attribute.as_deref(), Some("n"));
        assert_eq!(path.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), ["a", "x:b"]);
        let predicates = [
            Predicate::Position(2),
            Predicate::Attribute("id".to_owned(), "/ ]".to_owned()),
            Predicate::Child("c".to_owned(), "it's".to_owned()),
        ];
        assert_eq!(path.steps[1].predicates, predicates);
        for text in [
            "", "a", "/", "//a", "/a/", "/@a", "/a/@b/c", "/a[0]", "/a[b]", "/a[@b=c]", "/a[1", "/a b",
            "/a[1]x", "/1",
        ] {
            let error = XPath::parse(text).expect_err(text);
            assert_eq!(error.message, format!("`xpath`: `{text}` is not understood"));
        }
    }
}
