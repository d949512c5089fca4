//! From events to nodes.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value;

use super::node::{Data, Key, Node, Place, YamlError};
use super::scalar::{self, Dialect};

/// Deeper nesting is refused: nobody writes it, and reading it would need the stack.
const DEEPEST: usize = 200;

/// More nodes made by aliases are refused: a few lines could otherwise ask for any amount of memory.
const MOST_ALIASED: usize = 1_000_000;

/// Reads one document as Ansible does. A text without one is null.
pub(crate) fn parse(text: &str) -> Result<Node, YamlError> {
    parse_as(text, Dialect::Ansible)
}

/// Reads one document of a dialect. A text without one is null.
pub(crate) fn parse_as(text: &str, dialect: Dialect) -> Result<Node, YamlError> {
    let mut composer =
        Composer { parser: Parser::new_from_str(text), dialect, anchors: HashMap::new(), aliased: 0 };
    let start = Place { line: 1, column: 1 };
    let mut root = None;
    loop {
        let (event, span) = composer.next()?;
        let place = place(&span);
        match event {
            Event::StreamStart | Event::DocumentEnd => {}
            Event::DocumentStart(..) if root.is_some() => {
                return Err(YamlError::new(place, "a second document begins here, and one is expected"));
            }
            Event::DocumentStart(..) => {}
            Event::StreamEnd => {
                let empty = Node { data: Data::Scalar(Value::Null), place: start };
                return Ok(root.unwrap_or(empty));
            }
            event => root = Some(composer.node(event, place, 0)?),
        }
    }
}

struct Composer<'a> {
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    dialect: Dialect,
    anchors: HashMap<usize, (Node, usize)>,
    aliased: usize,
}

fn place(span: &Span) -> Place {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Place { line: number(span.start.line()).max(1), column: number(span.start.col()).saturating_add(1) }
}

impl<'a> Composer<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        loop {
            match self.parser.next_event() {
                None => return Err(YamlError::new(Place { line: 1, column: 1 }, "the text ends too early")),
                Some(Err(error)) => {
                    let marker = error.marker();
                    let place = place(&Span::empty(*marker));
                    return Err(YamlError::new(place, format!("not YAML: {}", error.info())));
                }
                // Comments and such carry no data.
                Some(Ok((event, span))) if is_data(&event) => return Ok((event, span)),
                Some(Ok(_)) => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<Node, YamlError> {
        if depth > DEEPEST {
            return Err(YamlError::new(place, format!("nested deeper than {DEEPEST} levels")));
        }
        let (anchor, node) = match event {
            Event::Alias(id) => return self.alias(id, place),
            Event::Scalar(text, style, anchor, tag) => (anchor, self.scalar(text, style, tag, place)?),
            Event::SequenceStart(_, anchor, tag) => {
                self.known_tag(tag.as_deref(), place)?;
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    items.push(self.node(event, self::place(&span), depth + 1)?);
                }
                let node = Node { data: Data::List(items), place };
                (anchor, if is_unsafe(tag.as_deref()) { node.distrusted() } else { node })
            }
            Event::MappingStart(_, anchor, tag) => {
                self.known_tag(tag.as_deref(), place)?;
                let node = Node { data: Data::Map(self.entries(depth)?), place };
                (anchor, if is_unsafe(tag.as_deref()) { node.distrusted() } else { node })
            }
            _ => return Err(YamlError::new(place, "not YAML: a value is expected here")),
        };
        if anchor != 0 {
            let size = size(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, place: Place) -> Result<Node, YamlError> {
        let Some((node, size)) = self.anchors.get(&id) else {
            return Err(YamlError::new(place, "an alias stands inside the node that it names"));
        };
        self.aliased = self.aliased.saturating_add(*size);
        if self.aliased > MOST_ALIASED {
            return Err(YamlError::new(place, format!("aliases make more than {MOST_ALIASED} nodes")));
        }
        Ok(node.clone())
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, YamlError> {
        let mut own: indexmap::IndexMap<String, (Place, Node)> = indexmap::IndexMap::new();
        let mut merged: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let place = place(&span);
            if event == Event::MappingEnd {
                break;
            }
            let plain = matches!(&event, Event::Scalar(_, ScalarStyle::Plain, _, _));
            let name = self.key(event, place, depth)?;
            let (event, span) = self.next()?;
            let value = self.node(event, self::place(&span), depth + 1)?;
            if plain && name == "<<" {
                merged.push(value);
                continue;
            }
            if let Some((first, _)) = own.get(&name) {
                let message = format!("`{name}` stands here a second time; first in line {}", first.line);
                return Err(YamlError::new(place, message).hint("remove one, or merge the two"));
            }
            own.insert(name, (place, value));
        }
        if merged.is_empty() {
            return Ok(collect(own));
        }
        let mut all = indexmap::IndexMap::new();
        for source in merged {
            merge(&mut all, source)?;
        }
        all.extend(own);
        Ok(collect(all))
    }

    fn scalar(
        &self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<Cow<'_, Tag>>,
        place: Place,
    ) -> Result<Node, YamlError> {
        let text_value = || Value::String(text.to_string());
        let value = match tag.as_deref() {
            None if style == ScalarStyle::Plain => {
                self.dialect.resolve(&text).map_err(|message| YamlError::new(place, message))?
            }
            None => text_value(),
            Some(tag) => {
                self.known_tag(Some(tag), place)?;
                if is_unsafe(Some(tag)) {
                    return Ok(Node { data: Data::Unsafe(text.into_owned()), place });
                }
                match tag.core_suffix() {
                    Some("int") => scalar::integer(&text)
                        .map(Value::Number)
                        .ok_or_else(|| YamlError::new(place, format!("`{text}` is not an integer")))?,
                    Some("float") => text
                        .parse::<f64>()
                        .ok()
                        .and_then(serde_json::Number::from_f64)
                        .map(Value::Number)
                        .ok_or_else(|| YamlError::new(place, format!("`{text}` is not a number")))?,
                    Some("bool") => match scalar::resolve(&text) {
                        value @ Value::Bool(_) => value,
                        _ => return Err(YamlError::new(place, format!("`{text}` is not a bool"))),
                    },
                    Some("null") => Value::Null,
                    None if style == ScalarStyle::Plain && tag.original() != "!" => {
                        self.dialect.resolve(&text).map_err(|message| YamlError::new(place, message))?
                    }
                    _ => text_value(),
                }
            }
        };
        Ok(Node { data: Data::Scalar(value), place })
    }

    /// Refuses tags that Ansible does not know, and those that hold what cannot be read yet. To a script,
    /// whose documents are anybody's, a tag it does not know says nothing.
    fn known_tag(&self, tag: Option<&Tag>, place: Place) -> Result<(), YamlError> {
        let Some(tag) = tag else { return Ok(()) };
        if tag.is_yaml_core_schema() || self.dialect == Dialect::Script {
            return Ok(());
        }
        match tag.original().as_str() {
            "!" | "!unsafe" => Ok(()),
            "!vault" | "!vault-encrypted" => Err(YamlError::new(
                place,
                "the value is encrypted by ansible-vault, which cannot be read yet",
            )
            .hint("keep the value in a secret store, or decrypt it with `ansible-vault decrypt`")),
            other => {
                Err(YamlError::new(place, format!("unknown tag `{other}`"))
                    .hint("`!unsafe` is the tag known"))
            }
        }
    }

    fn key(&mut self, event: Event<'a>, place: Place, depth: usize) -> Result<String, YamlError> {
        if let Event::Scalar(text, _, 0, _) = event {
            return Ok(text.into_owned());
        }
        match self.node(event, place, depth + 1)?.data {
            Data::Scalar(Value::String(text)) => Ok(text),
            Data::Scalar(value) => Ok(value.to_string()),
            Data::Unsafe(text) => Ok(text),
            Data::List(_) | Data::Map(_) => Err(YamlError::new(place, "a key must be a scalar")),
        }
    }
}

fn is_data(event: &Event<'_>) -> bool {
    event.is_node()
        || event.is_alias()
        || matches!(
            event,
            Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(..)
                | Event::DocumentEnd
                | Event::SequenceEnd
                | Event::MappingEnd
        )
}

fn collect(map: indexmap::IndexMap<String, (Place, Node)>) -> Vec<(Key, Node)> {
    map.into_iter().map(|(name, (place, node))| (Key { name, place }, node)).collect()
}

/// Adds what a `<<` names: a mapping, or a list of them, of which the earlier wins.
fn merge(into: &mut indexmap::IndexMap<String, (Place, Node)>, source: Node) -> Result<(), YamlError> {
    match source.data {
        Data::Map(entries) => {
            for (key, node) in entries {
                into.entry(key.name).or_insert((key.place, node));
            }
            Ok(())
        }
        Data::List(items) => items.into_iter().try_for_each(|item| merge(into, item)),
        Data::Scalar(_) | Data::Unsafe(_) => {
            Err(YamlError::new(source.place, format!("`<<` merges mappings, and this is {}", source.kind())))
        }
    }
}

fn size(node: &Node) -> usize {
    match &node.data {
        Data::Scalar(_) | Data::Unsafe(_) => 1,
        Data::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Data::Map(entries) => 1 + entries.iter().map(|(_, node)| size(node)).sum::<usize>(),
    }
}

/// Says whether a node is marked as no template.
fn is_unsafe(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.original() == "!unsafe")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::parse;

    fn value(text: &str) -> Value {
        parse(text).expect("YAML").into_value()
    }

    fn error(text: &str) -> String {
        let error = parse(text).expect_err("a mistake");
        format!("{}:{}: {}", error.place.line, error.place.column, error.message)
    }

    #[test]
    fn keeps_order_and_reads_every_kind() {
        let text = "z: 1\na: [yes, 'yes', \"0644\", 0644]\nm: {k: ~}\nt: |\n  x\n  y\n";
        assert_eq!(
            value(text),
            json!({"z": 1, "a": [true, "yes", "0644", 420], "m": {"k": null}, "t": "x\ny\n"})
        );
        assert_eq!(value(text).as_object().expect("a map").keys().next().map(String::as_str), Some("z"));
    }

    #[test]
    fn an_empty_text_is_null() {
        assert_eq!(value(""), Value::Null);
        assert_eq!(value("# only a comment\n"), Value::Null);
        assert_eq!(value("---\n"), Value::Null);
    }

    #[test]
    fn merge_keys_give_way_to_what_is_written() {
        let text = "base: &b {a: 1, b: 2}\nmore: &m {b: 3, c: 4}\nall:\n  <<: [*b, *m]\n  a: 9\n";
        assert_eq!(value(text)["all"], json!({"a": 9, "b": 2, "c": 4}));
        assert_eq!(value("a: {\"<<\": 1}"), json!({"a": {"<<": 1}}));
    }

    #[test]
    fn unsafe_is_a_string_and_core_tags_convert() {
        assert_eq!(
            value("a: !unsafe '{{ x }}'\nb: !!str 5\nc: !!int '7'"),
            json!({"a": "{{ x }}", "b": "5", "c": 7})
        );
    }

    #[test]
    fn mistakes_name_their_place() {
        assert_eq!(error("a: 1\nb: 2\na: 3\n"), "3:1: `a` stands here a second time; first in line 1");
        assert_eq!(error("a:\n  b: !foo 1\n"), "2:11: unknown tag `!foo`");
        assert!(error("a: 1\n b: 2\n").starts_with("2:"), "{}", error("a: 1\n b: 2\n"));
        assert_eq!(error("a: 1\n---\nb: 2\n"), "2:1: a second document begins here, and one is expected");
        assert_eq!(error("a: 1\n<<: 2\n"), "2:5: `<<` merges mappings, and this is a number");
        assert!(error("a: !vault |\n  $ANSIBLE_VAULT;1.1\n").contains("ansible-vault"));
    }

    #[test]
    fn aliases_cannot_grow_without_bound() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let names = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{names}]\n"));
        }
        assert!(error(&text).ends_with("aliases make more than 1000000 nodes"), "{}", error(&text));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = "[".repeat(100_000);
        assert!(parse(&text).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[ -~\n]{0,80}") {
            let _ = parse(&text);
        }
    }
}
