//! XML: how elements and attributes are set and removed.

use std::ops::Range;

use oneex_sdk::{OpError, OpResult};
use quick_xml::escape::partial_escape;

use super::lines::{line_break, split_mark};
use super::tree::{line_start, own_indent, spliced};
use super::xml_tree::{Element, parse};
use super::xpath::{Predicate, XPath, XStep};

type Edits = Vec<(Range<usize>, String)>;

/// Makes sure that the place is there, with the value where one is given.
pub(crate) fn with_node(text: &str, xpath: &str, value: Option<&str>) -> OpResult<String> {
    let path = XPath::parse(xpath)?;
    let (mark, text) = split_mark(text);
    check_value(text, value)?;
    let root = parse(text)?;
    let new = match found(&root, &path.steps).as_slice() {
        [] => spliced(text, made(text, &root, &path, xpath, value)?),
        elements => {
            let mut edits = Edits::new();
            for element in elements {
                match &path.attribute {
                    Some(name) => {
                        attribute(text, element, name, value.unwrap_or_default(), value.is_some(), &mut edits)
                    }
                    None => content(text, element, value, xpath, &mut edits)?,
                }
            }
            spliced(text, edits)
        }
    };
    let again = parse(&new)?;
    let is_right = |element: &&Element| match (&path.attribute, value) {
        (Some(name), value) => element
            .attributes
            .iter()
            .any(|one| one.name == *name && value.is_none_or(|value| one.value.as_deref() == Some(value))),
        (None, Some(value)) => element.text.as_deref() == Some(value),
        (None, None) => true,
    };
    let elements = found(&again, &path.steps);
    if elements.is_empty() || !elements.iter().all(is_right) {
        return Err(OpError::invalid(format!(
            "`{xpath}` cannot be set: its predicates do not hold afterwards"
        )));
    }
    Ok([mark, &new].concat())
}

/// Takes all that the path leads to out.
pub(crate) fn without_node(text: &str, xpath: &str) -> OpResult<String> {
    let path = XPath::parse(xpath)?;
    if path.attribute.is_none() && path.steps.len() == 1 {
        return Err(OpError::invalid("`xpath` is the root element, without which there is no document"));
    }
    let (mark, text) = split_mark(text);
    if text.trim().is_empty() {
        return Ok([mark, text].concat());
    }
    let root = parse(text)?;
    let mut edits = Edits::new();
    for element in found(&root, &path.steps) {
        match &path.attribute {
            Some(name) => {
                edits.extend(element.attributes.iter().filter(|one| one.name == *name).map(|one| {
                    let start = text[..one.whole.start].trim_end().len();
                    (start..one.whole.end, String::new())
                }))
            }
            None => edits.push((lines_of(text, &element.whole), String::new())),
        }
    }
    Ok([mark, &spliced(text, edits)].concat())
}

/// The element with its line, where it has that for itself.
fn lines_of(text: &str, whole: &Range<usize>) -> Range<usize> {
    let rest = &text[whole.end..];
    let end = rest.find('\n').map(|length| (length, whole.end + length + 1));
    match (own_indent(text, whole.start), end) {
        (Some(_), Some((length, end))) if rest[..length].trim().is_empty() => {
            line_start(text, whole.start)..end
        }
        _ => whole.clone(),
    }
}

fn found<'a>(root: &'a Element, steps: &[XStep]) -> Vec<&'a Element> {
    let Some((first, rest)) = steps.split_first() else { return Vec::new() };
    let start = first.select(std::slice::from_ref(root));
    rest.iter().fold(start, |elements, step| {
        elements.into_iter().flat_map(|one| step.select(&one.children)).collect()
    })
}

fn check_value(text: &str, value: Option<&str>) -> OpResult<()> {
    let Some(value) = value else { return Ok(()) };
    // The characters of XML 1.0, section 2.2.
    let is_held =
        |c: char| c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}') || matches!(c, '\t' | '\n' | '\r');
    if let Some(c) = value.chars().find(|c| !is_held(*c)) {
        return Err(OpError::invalid(format!("`value` holds U+{:04X}, which XML cannot", u32::from(c))));
    }
    let heading =
        text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).map_or("", |(heading, _)| heading);
    let heading = heading.to_ascii_lowercase();
    if heading.contains("encoding") && !heading.contains("utf-8") && !value.is_ascii() {
        return Err(OpError::invalid("the file says that it is not UTF-8, and `value` is not ASCII"));
    }
    Ok(())
}

fn escaped(value: &str) -> String {
    partial_escape(value).replace('\r', "&#13;")
}

fn escaped_attribute(value: &str, quote: char) -> String {
    let text = escaped(value).replace('\n', "&#10;").replace('\t', "&#9;");
    if quote == '\'' { text.replace('\'', "&apos;") } else { text.replace('"', "&quot;") }
}

fn attribute(text: &str, element: &Element, name: &str, value: &str, is_given: bool, edits: &mut Edits) {
    match element.attributes.iter().find(|one| one.name == name) {
        Some(_) if !is_given => {}
        Some(one) if one.value.as_deref() == Some(value) => {}
        Some(one) => {
            let quote = text[..one.inner.start].chars().next_back().unwrap_or('"');
            edits.push((one.inner.clone(), escaped_attribute(value, quote)));
        }
        None => {
            let name_end = element.tag.start + 1 + element.name.len();
            let place = element.attributes.last().map_or(name_end, |last| last.whole.end);
            edits.push((place..place, format!(" {name}=\"{}\"", escaped_attribute(value, '"'))));
        }
    }
}

fn content(
    text: &str,
    element: &Element,
    value: Option<&str>,
    xpath: &str,
    edits: &mut Edits,
) -> OpResult<()> {
    let Some(value) = value.filter(|value| element.text.as_deref() != Some(*value)) else { return Ok(()) };
    if !element.children.is_empty() {
        return Err(OpError::invalid(format!("`{xpath}` holds elements, which a text would replace"))
            .hint("name the element that holds the text"));
    }
    fill(text, element, &escaped(value), edits);
    Ok(())
}

/// Puts something between the tags.
fn fill(text: &str, element: &Element, new: &str, edits: &mut Edits) {
    match &element.inner {
        Some(inner) => edits.push((inner.clone(), new.to_owned())),
        None => {
            let tag = &text[element.tag.clone()];
            let start = element.tag.start + tag.trim_end_matches('>').trim_end_matches('/').trim_end().len();
            edits.push((start..element.tag.end, format!(">{new}</{}>", element.name)));
        }
    }
}

/// Makes what is missing of the path.
fn made(text: &str, root: &Element, path: &XPath, xpath: &str, value: Option<&str>) -> OpResult<Edits> {
    let depth =
        (0..path.steps.len()).rev().find(|depth| !found(root, &path.steps[..*depth]).is_empty()).unwrap_or(0);
    let parents = found(root, &path.steps[..depth]);
    let parent = match parents.as_slice() {
        [parent] => *parent,
        [] => {
            let error = OpError::invalid(format!(
                "the root element is `{}`, which `{xpath}` does not begin with",
                root.name
            ));
            return Err(error);
        }
        several => {
            let message = format!("`{xpath}` could be made in {} elements", several.len());
            return Err(OpError::invalid(message).hint("say in which one, as with `[1]`"));
        }
    };
    let missing = &path.steps[depth..];
    if missing.iter().any(|step| {
        step.name == "*" || step.predicates.iter().any(|one| matches!(one, Predicate::Position(_)))
    }) {
        return Err(OpError::invalid(format!("`{xpath}` leads to nothing, and does not say what to make")));
    }
    let ending = line_break(text);
    let indent = own_indent(text, parent.whole.start);
    let unit = root
        .children
        .first()
        .and_then(|child| own_indent(text, child.whole.start))
        .filter(|unit| !unit.is_empty());
    let unit = unit.unwrap_or("  ");
    let base = format!("{}{unit}", indent.unwrap_or_default());
    let render = |base: &str| {
        lines(missing, path, value, unit)
            .iter()
            .map(|line| format!("{base}{line}"))
            .collect::<Vec<_>>()
            .join(ending)
    };
    let mut edits = Edits::new();
    match parent.children.last() {
        Some(last) => {
            let place = last.whole.end;
            let new = match own_indent(text, last.whole.start) {
                Some(own) => format!("{ending}{}", render(own)),
                None => lines(missing, path, value, "").concat(),
            };
            edits.push((place..place, new));
        }
        None if parent.text.as_deref().is_some_and(|text| text.trim().is_empty())
            && !has_comment(text, parent) =>
        {
            let new = format!("{ending}{}{ending}{}", render(&base), indent.unwrap_or_default());
            fill(text, parent, &new, &mut edits);
        }
        None => {
            let place = parent.inner.clone().map_or(parent.tag.end, |inner| inner.end);
            edits.push((place..place, lines(missing, path, value, "").concat()));
        }
    }
    Ok(edits)
}

fn has_comment(text: &str, element: &Element) -> bool {
    element.inner.clone().is_some_and(|inner| !text[inner].trim().is_empty())
}

/// New elements, one in the other.
fn lines(steps: &[XStep], path: &XPath, value: Option<&str>, unit: &str) -> Vec<String> {
    let Some((step, rest)) = steps.split_first() else { return Vec::new() };
    let mut tag = step.name.clone();
    let mut inner: Vec<String> = Vec::new();
    for predicate in &step.predicates {
        match predicate {
            Predicate::Attribute(name, value) => {
                tag.push_str(&format!(" {name}=\"{}\"", escaped_attribute(value, '"')))
            }
            Predicate::Child(name, value) => inner.push(format!("<{name}>{}</{name}>", escaped(value))),
            Predicate::Position(_) => {}
        }
    }
    inner.extend(lines(rest, path, value, unit));
    let mut own = String::new();
    if rest.is_empty() {
        match (&path.attribute, value) {
            (Some(name), value) => {
                tag.push_str(&format!(" {name}=\"{}\"", escaped_attribute(value.unwrap_or_default(), '"')))
            }
            (None, Some(value)) => own = escaped(value),
            (None, None) => {}
        }
    }
    if inner.is_empty() {
        return vec![if own.is_empty() {
            format!("<{tag}/>")
        } else {
            format!("<{tag}>{own}</{}>", step.name)
        }];
    }
    let inner = inner.into_iter().map(|line| format!("{unit}{line}"));
    let end = format!("{own}</{}>", step.name);
    std::iter::once(format!("<{tag}>")).chain(inner).chain(std::iter::once(end)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{with_node, without_node};

    #[test]
    fn elements_and_attributes_are_set() {
        for (text, xpath, value, expected) in [
            ("<a/>", "/a", Some("x"), "<a>x</a>"),
            ("<a />\n", "/a/@b", Some("1"), "<a b=\"1\" />\n"),
            ("<a b='1' c=\"2\"/>", "/a/@b", Some("it's <&>"), "<a b='it&apos;s &lt;&amp;&gt;' c=\"2\"/>"),
            (
                "<a><!-- c --><b>1</b></a>",
                "/a/b",
                Some("2 < 3 & é"),
                "<a><!-- c --><b>2 &lt; 3 &amp; é</b></a>",
            ),
            ("<a><b>1 &lt; 2</b></a>", "/a/b", Some("1 < 2"), "<a><b>1 &lt; 2</b></a>"),
            ("<a><b><![CDATA[1 < 2]]></b></a>", "/a/b", Some("1 < 2"), "<a><b><![CDATA[1 < 2]]></b></a>"),
            ("<a><b>&own;</b></a>", "/a/b", Some("&own;"), "<a><b>&amp;own;</b></a>"),
            (
                "<?xml version=\"1.0\"?>\r\n<a>\r\n\t<b>1</b> <!-- one -->\r\n</a>\r\n",
                "/a/c/d",
                Some("2"),
                "<?xml version=\"1.0\"?>\r\n<a>\r\n\t<b>1</b>\r\n\t<c>\r\n\t\t<d>2</d>\r\n\t</c> <!-- one -->\r\n</a>\r\n",
            ),
            ("<a>\n</a>", "/a/b[@id='1']/@n", Some("x"), "<a>\n  <b id=\"1\" n=\"x\"/>\n</a>"),
            ("<a/>", "/a/b[c='k']/v", Some("x"), "<a>\n  <b>\n    <c>k</c>\n    <v>x</v>\n  </b>\n</a>"),
            ("<a><b/></a>", "/a/c", None, "<a><b/><c/></a>"),
            ("<a><b>1</b><b>2</b></a>", "/a/b[2]", Some("3"), "<a><b>1</b><b>3</b></a>"),
            ("<a><b>1</b><b>2</b></a>", "/a/b", Some("3"), "<a><b>3</b><b>3</b></a>"),
            (
                "<a><b i='1'/><b i='2'/></a>",
                "/a/b[@i=\"2\"]/@j",
                Some("x"),
                "<a><b i='1'/><b i='2' j=\"x\"/></a>",
            ),
            ("<x:a xmlns:x='u'><x:b/></x:a>", "/x:a/x:b", Some("1"), "<x:a xmlns:x='u'><x:b>1</x:b></x:a>"),
            ("<a><!-- only --></a>", "/a/b", Some("1"), "<a><!-- only --><b>1</b></a>"),
            ("\u{feff}<a\n  b = '1'\n/>", "/a/@b", Some("2"), "\u{feff}<a\n  b = '2'\n/>"),
            ("<a b='>'><c>1</c></a>", "/a/c", Some("$(id)\n\t\r"), "<a b='>'><c>$(id)\n\t&#13;</c></a>"),
        ] {
            let once = with_node(text, xpath, value)
                .unwrap_or_else(|error| panic!("{text:?} {xpath}: {}", error.message));
            assert_eq!(once, expected, "{text:?} {xpath}");
            assert_eq!(with_node(&once, xpath, value).expect("again"), once, "{text:?} {xpath}");
        }
    }

    #[test]
    fn elements_and_attributes_are_removed() {
        for (text, xpath, expected) in [
            ("<a>\n  <b>1</b>\n  <!-- c -->\n  <c/>\n</a>\n", "/a/b", "<a>\n  <!-- c -->\n  <c/>\n</a>\n"),
            ("<a><b/><c/><b/></a>", "/a/b", "<a><c/></a>"),
            ("<a><b/><c/><b/></a>", "/a/b[2]", "<a><b/><c/></a>"),
            ("<a b='1'  c='2' />", "/a/@c", "<a b='1' />"),
            ("<a b='1'/>", "/a/@x", "<a b='1'/>"),
            ("<a>\r\n  <b>\r\n  </b>\r\n</a>", "/a/b", "<a>\r\n</a>"),
            ("<a/>", "/a/b/c", "<a/>"),
            ("", "/a/b", ""),
        ] {
            assert_eq!(without_node(text, xpath).expect(xpath), expected, "{text:?} {xpath}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        for (text, xpath, value, message) in [
            ("<a>\n<b></a>", "/a", None, "line 2: not XML: "),
            ("<a>", "/a", None, "`a` is not closed"),
            ("", "/a", None, "there is no element"),
            ("<a/><b/>", "/a", None, "a second root element"),
            ("<a><b/></a>", "/a", Some("x"), "`/a` holds elements"),
            ("<a/>", "/b", Some("x"), "the root element is `a`"),
            ("<a/>", "/a/b[2]", Some("x"), "does not say what to make"),
            ("<a/>", "/a/*", Some("x"), "does not say what to make"),
            ("<a><b/><b/></a>", "/a/b/c", Some("x"), "could be made in 2 elements"),
            ("<a/>", "/a", Some("\u{1}"), "`value` holds U+0001, which XML cannot"),
            ("<?xml version='1.0' encoding='latin1'?><a/>", "/a", Some("é"), "`value` is not ASCII"),
            ("<a><b i='1'/></a>", "/a/b[@i='1']/@i", Some("2"), "its predicates do not hold afterwards"),
            ("<a/>", "a", Some("x"), "`xpath`: `a` is not understood"),
        ] {
            let error = with_node(text, xpath, value).expect_err(message);
            assert!(error.message.contains(message), "{text:?}: {}", error.message);
        }
        assert!(without_node("<a/>", "/a").expect_err("the root").message.contains("is the root element"));
        assert!(
            with_node(&"<a>".repeat(100_000), "/a", None)
                .expect_err("deep")
                .message
                .contains("nested deeper")
        );
    }

    /// An element as text, with comments and blanks, of the names `a`, `b` and `c`.
    fn element() -> impl Strategy<Value = String> {
        let attributes = proptest::collection::vec((0_usize..3, "[a-z<>é ]{0,4}"), 0..3);
        let attributes = attributes.prop_map(|all| {
            let mut seen = std::collections::BTreeMap::new();
            for (name, value) in all {
                seen.insert(["x", "y", "z"][name], value.replace('<', "&lt;"));
            }
            seen.into_iter().map(|(name, value)| format!("  {name} = '{value}'")).collect::<String>()
        });
        let name = proptest::sample::select(vec!["a", "b", "c"]);
        let leaf = (
            name.clone(),
            attributes.clone(),
            "[a-z ]{0,4}(&amp;|&#65;|<!-- <a> -->|<!\\[CDATA\\[<b>\\]\\]>)?",
        )
            .prop_map(|(name, attributes, text)| format!("<{name}{attributes}>{text}</{name}>"));
        leaf.prop_recursive(3, 24, 4, move |inner| {
            let blank =
                proptest::sample::select(vec!["", "\n  ", " ", "\r\n\t", "<!-- c -->", "\n<?p q?>\n"]);
            let children = proptest::collection::vec((blank, inner), 0..4);
            (name.clone(), attributes.clone(), children).prop_map(|(name, attributes, children)| {
                let inner: String =
                    children.into_iter().flat_map(|(blank, child)| [blank.to_owned(), child]).collect();
                if inner.is_empty() {
                    format!("<{name}{attributes}/>")
                } else {
                    format!("<{name}{attributes}>{inner}\n</{name}>")
                }
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_edit_of_any_document_touches_nothing_else(
            inner in element(),
            steps in proptest::collection::vec("[a-d](\\[1\\])?", 0..3),
            is_attribute: bool,
            value in "[ -~é\n\t]{0,6}",
        ) {
            let text = format!("<?xml version='1.0'?>\n<!-- top -->\n<r>{inner}</r>\n<!-- end -->");
            let path: String = steps.iter().map(|step| format!("/{step}")).collect();
            let path = format!("/r{path}{}", if is_attribute { "/@n" } else { "/new" });
            if let Ok(once) = with_node(&text, &path, Some(&value)) {
                prop_assert_eq!(with_node(&once, &path, Some(&value)).expect("again"), once.clone());
                // All that was there is there still, in its order; only a tag that was closed at once is opened.
                let mut rest = once.chars();
                let is_kept = |c: &char| !c.is_whitespace() && *c != '/';
                prop_assert!(text.chars().filter(is_kept).all(|c| rest.any(|other| other == c)), "{:?} of {:?}", once, text);
                let gone = without_node(&once, &path).expect("it is removed");
                prop_assert_eq!(without_node(&gone, &path).expect("again"), gone.clone());
                // Where only the last step was missing, what is left says what the text said.
                let blank = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                if is_attribute && text.matches('<').count() == once.matches('<').count() {
                    prop_assert_eq!(gone, text);
                } else if gone.matches('<').count() == text.matches('<').count() {
                    prop_assert_eq!(blank(&gone), blank(&text));
                }
            }
        }
    }
}
