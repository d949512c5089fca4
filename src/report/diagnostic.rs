//! A diagnostic as people see it: the message, the place in the script with a mark, facts, hints.

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Snippet};
use oneex_engine::diag::{Diagnostic, Label, Severity};
use oneex_sdk::visible;

/// Renders a diagnostic, with a line break at its end. Nothing in it can control a terminal.
pub(crate) fn render(diagnostic: &Diagnostic, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut title = level.primary_title(visible(&diagnostic.message).into_owned());
    if !diagnostic.code.is_empty() {
        title = title.id(diagnostic.code);
    }
    let mut group = Group::with_title(title);
    for snippet in snippets(&diagnostic.labels) {
        group = snippet.add_to(group);
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(visible(note.trim_end()).into_owned()));
    }
    for hint in &diagnostic.hints {
        group = group.element(Level::HELP.message(visible(hint).into_owned()));
    }
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

/// The marks in one source, or a place whose text is not known.
enum Place<'a> {
    Source { name: &'a str, text: String, marks: Vec<Annotation<'a>> },
    Unknown(&'a Label),
}

impl<'a> Place<'a> {
    fn add_to(self, group: Group<'a>) -> Group<'a> {
        match self {
            Self::Source { name, text, marks } => {
                group.element(Snippet::source(text).path(visible(name).into_owned()).annotations(marks))
            }
            Self::Unknown(label) => {
                let mut origin = Origin::path(visible(&label.position.file).into_owned());
                if label.position.line > 0 {
                    origin = origin.line(label.position.line as usize);
                    if label.position.column > 0 {
                        origin = origin.char_column(label.position.column as usize);
                    }
                }
                let group = group.element(origin);
                if label.text.is_empty() {
                    return group;
                }
                group.element(Level::NOTE.message(visible(&label.text).into_owned()))
            }
        }
    }
}

/// One snippet a source, in the order in which the sources are first marked.
fn snippets(labels: &[Label]) -> Vec<Place<'_>> {
    let mut places: Vec<Place<'_>> = Vec::new();
    for label in labels {
        let Some(source) = label.source.as_deref() else {
            places.push(Place::Unknown(label));
            continue;
        };
        let known = places
            .iter()
            .position(|place| matches!(place, Place::Source { name, .. } if *name == source.name.as_str()));
        let index = known.unwrap_or_else(|| {
            places.push(Place::Source {
                name: &source.name,
                text: source.text.chars().map(harmless).collect(),
                marks: Vec::new(),
            });
            places.len() - 1
        });
        if let Some(Place::Source { text, marks, .. }) = places.get_mut(index) {
            let kind = if label.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let mut mark = kind.span(span(text, label));
            if !label.text.is_empty() {
                mark = mark.label(visible(&label.text).into_owned());
            }
            marks.push(mark);
        }
    }
    places
}

/// A character that cannot control a terminal, one for one so that columns stay true.
fn harmless(c: char) -> char {
    let mut buffer = [0; 4];
    match visible(c.encode_utf8(&mut buffer)) {
        std::borrow::Cow::Borrowed(_) => c,
        std::borrow::Cow::Owned(_) if c == '\r' => ' ',
        std::borrow::Cow::Owned(_) => char::REPLACEMENT_CHARACTER,
    }
}

/// The bytes of `text` that a label marks: the whole line when its column is not known.
fn span(text: &str, label: &Label) -> std::ops::Range<usize> {
    let line_number = (label.position.line as usize).saturating_sub(1);
    let Some((start, line)) = line_at(text, line_number) else {
        return text.len()..text.len();
    };
    let offset = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset);
    if label.position.column == 0 {
        let blank = line.len() - line.trim_start().len();
        return start + blank..start + line.trim_end().len().max(blank);
    }
    let column = (label.position.column as usize) - 1;
    start + offset(column)..start + offset(column + label.length.max(1))
}

/// The line of that number, from 0, without its break, and where it begins.
fn line_at(text: &str, number: usize) -> Option<(usize, &str)> {
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index == number {
            return Some((start, line.trim_end_matches('\n')));
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use oneex_engine::diag::{Diagnostic, Label, Position, SourceMap};

    use super::render;

    fn position(file: &str, line: u32, column: u32) -> Position {
        Position { file: file.into(), line, column }
    }

    #[test]
    fn shows_the_line_with_the_place_marked() {
        let sources = SourceMap::default();
        sources
            .add("shop.rhai", "let web = hosts(\"web\");\ntask(\"a\").run(|h| {\n    h.fiel(\"/x\");\n});\n");
        let diagnostic = Diagnostic::error("unknown-operation", "a host has no operation `fiel`")
            .label(sources.label(&position("shop.rhai", 3, 7), "not known", true))
            .label(sources.label(&position("shop.rhai", 2, 1), "in this task", false))
            .note("operations are: file, exec")
            .hint("did you mean `file`?");
        insta::assert_snapshot!(render(&diagnostic, false));
    }

    #[test]
    fn shows_places_in_several_sources() {
        let sources = SourceMap::default();
        sources.add("main.rhai", "import \"roles/web\" as web;\nweb::install();\n");
        sources.add("roles/web/role.rhai", "fn install() {\n\tthrow \"no\";\n}\n");
        let diagnostic = Diagnostic::error("throw", "no")
            .label(sources.label(&position("roles/web/role.rhai", 2, 2), "", true))
            .label(sources.label(&position("main.rhai", 2, 6), "called here", false));
        insta::assert_snapshot!(render(&diagnostic, false));
    }

    #[test]
    fn a_place_without_a_text_is_shown_by_its_name() {
        let label = Label {
            source: None,
            position: position("hosts.yaml", 4, 0),
            length: 1,
            text: "said here".into(),
            primary: true,
        };
        let diagnostic = Diagnostic::warning("inventory", "the host `a` is in no group").label(label);
        insta::assert_snapshot!(render(&diagnostic, false));
    }

    #[test]
    fn places_outside_the_text_do_no_harm() {
        let sources = SourceMap::default();
        for text in ["", "x", "x\n", "ünï\r\n"] {
            sources.add("a", text);
            for (line, column) in [(0, 0), (1, 0), (1, 9), (2, 1), (99, 99)] {
                let label = sources.label(&position("a", line, column), "here", true);
                assert!(render(&Diagnostic::error("x", "m").label(label), false).starts_with("error[x]: m"));
            }
        }
    }

    #[test]
    fn nothing_in_it_controls_a_terminal() {
        let sources = SourceMap::default();
        sources.add("a\x1b", "let x = \"\x1b[2J\u{9b}31m\u{202e}\";\n");
        let diagnostic = Diagnostic::error("x", "bad \x1b[2J")
            .label(sources.label(&position("a\x1b", 1, 9), "\x07", true))
            .note("\u{9b}2J")
            .hint("\r");
        let text = render(&diagnostic, false);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert!(!text.contains('\u{202e}'), "{text:?}");
    }
}
