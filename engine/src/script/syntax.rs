//! What a script that does not compile is told: the place, the cause, and what was probably meant.

use std::collections::BTreeSet;
use std::sync::Arc;

use oneex_sdk::nearest;
use rhai::{Engine, LexError, ParseError, ParseErrorType};

use super::error::place;
use super::habits;
use super::scan::{Place, Scan};
use crate::diag::{Diagnostic, Position, Source};

/// The diagnostic of an error of the parser.
pub(super) fn diagnostic(error: &ParseError, source: &Arc<Source>, engine: &Engine) -> Diagnostic {
    let scan = Scan::of(&source.text);
    if let Some(place) = scan.open_comment {
        return open_comment(place, source);
    }
    let mistake = Mistake { kind: error.err_type(), at: at(error, source), scan: &scan, text: &source.text };
    let (message, hint) = mistake.explain(engine);
    let mut diagnostic = Diagnostic::error(mistake.code(), message).label(source.label(
        &position(source, mistake.place()),
        "",
        true,
    ));
    if let Some((bracket, opened)) = scan.unclosed.filter(|_| mistake.may_be_a_bracket()) {
        let text = format!("this `{bracket}` is not closed");
        diagnostic = diagnostic.label(source.label(&position(source, opened), text, false));
    }
    match hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// A comment that hides the rest of the file; the parser lets it pass.
pub(super) fn refuse_open_comment(source: &Arc<Source>) -> Result<(), Diagnostic> {
    if !source.text.contains("/*") {
        return Ok(());
    }
    match Scan::of(&source.text).open_comment {
        Some(place) => Err(open_comment(place, source)),
        None => Ok(()),
    }
}

fn open_comment(place: Place, source: &Arc<Source>) -> Diagnostic {
    let label = source.label(&position(source, place), "", true);
    Diagnostic::error("syntax", "the comment is not closed").label(label).hint("end it with `*/`")
}

/// The place where the parser stopped; the end of the text where it has none.
fn at(error: &ParseError, source: &Source) -> Place {
    let end = || {
        let lines = source.text.lines().count().max(1);
        let columns = source.text.lines().last().map_or(0, |line| line.chars().count());
        (u32::try_from(lines).unwrap_or(u32::MAX), u32::try_from(columns + 1).unwrap_or(u32::MAX))
    };
    place(&source.name.as_str().into(), error.position())
        .map_or_else(end, |position| (position.line, position.column))
}

fn position(source: &Source, (line, column): Place) -> Position {
    Position { file: source.name.as_str().into(), line, column }
}

struct Mistake<'a> {
    kind: &'a ParseErrorType,
    at: Place,
    scan: &'a Scan,
    text: &'a str,
}

impl Mistake<'_> {
    fn code(&self) -> &'static str {
        match self.kind {
            ParseErrorType::VariableUndefined(_) => "unknown-variable",
            ParseErrorType::ModuleUndefined(_) => "unknown-namespace",
            _ => "syntax",
        }
    }

    /// Where the mark stands: what is missing is missing behind what stands before.
    fn place(&self) -> Place {
        match self.kind {
            ParseErrorType::MissingToken(token, _) if token == ";" || token == "," => {
                self.scan.end_before(self.at).unwrap_or(self.at)
            }
            _ => self.at,
        }
    }

    fn may_be_a_bracket(&self) -> bool {
        matches!(
            self.kind,
            ParseErrorType::MissingToken(..)
                | ParseErrorType::UnexpectedEOF
                | ParseErrorType::ExprExpected(_)
                | ParseErrorType::BadInput(LexError::UnexpectedInput(_))
        )
    }

    /// The message, and what to do next.
    fn explain(&self, engine: &Engine) -> (String, Option<String>) {
        match self.kind {
            ParseErrorType::VariableUndefined(name) => self.variable(name, engine),
            ParseErrorType::ModuleUndefined(name) => {
                let known = namespaces(engine);
                let own = self.scan.declared();
                let names = known.iter().map(String::as_str).chain(own.iter().map(|(name, _)| *name));
                let hint = nearest(name, names).map(|right| format!("did you mean `{right}`?"));
                let other = || "import the role that is meant, or see `oneex doc`".to_owned();
                (format!("there is no namespace `{name}`"), hint.or_else(|| Some(other())))
            }
            ParseErrorType::Reserved(word) => self.reserved(word),
            ParseErrorType::MissingToken(token, what) => {
                let block = token == "{" && self.around().1.starts_with(':');
                let hint = block.then(|| "a block stands in braces: `if done { … }`".to_owned());
                (format!("expected `{token}` {}", plain(what)), hint.or_else(|| self.habit()))
            }
            ParseErrorType::DuplicatedProperty(key) => (format!("the map has the key `{key}` twice"), None),
            ParseErrorType::AssignmentToConstant(name) if !name.is_empty() => {
                (format!("`{name}` is a constant"), Some("declare it with `let` to change it".into()))
            }
            ParseErrorType::MismatchedType(wanted, found) => {
                (format!("expected {}, found {}", plain(wanted), plain(found)), None)
            }
            ParseErrorType::ExprTooDeep => {
                let hint = "give parts of it names with `let`, or make them functions";
                ("the expression is nested too deep".into(), Some(hint.into()))
            }
            ParseErrorType::UnexpectedEOF => ("the script ends too early".into(), None),
            ParseErrorType::UnknownOperator(sign) => {
                (plain(&self.kind.to_string()), habits::sign(sign).map(str::to_owned))
            }
            ParseErrorType::BadInput(error) => bad_input(error),
            other => (plain(&other.to_string()), self.habit()),
        }
    }

    /// What is written here in the way of another language. What begins a line is not to blame for
    /// what is missing at the end of the line before.
    fn habit(&self) -> Option<String> {
        let (before, after) = self.around();
        if self.place().0 != self.at.0 {
            return None;
        }
        habits::around(before, after)
    }

    /// Whether a string comes behind the word of the place.
    fn text_follows(&self, word: &str) -> bool {
        let behind = self.around().1.strip_prefix(word);
        behind.is_some_and(|rest| rest.trim_start().starts_with(['"', '`']))
    }

    /// The line of the place, before it and from there on.
    fn around(&self) -> (&str, &str) {
        let (line, column) = self.at;
        let line = self.text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
        let at = line.char_indices().nth(column.saturating_sub(1) as usize).map_or(line.len(), |(at, _)| at);
        line.split_at(at)
    }

    fn variable(&self, name: &str, engine: &Engine) -> (String, Option<String>) {
        let message = format!("variable `{name}` is not defined");
        if self.scan.sign_after(self.at) == Some(':') {
            return (message, Some("a map is written `#{ key: value }`".into()));
        }
        let declared = self.scan.declared();
        let hint = match declared.iter().find(|(other, _)| *other == name) {
            Some((_, (line, _))) => Some(format!(
                "the one of line {line} cannot be seen here: a function sees its own variables and \
                 parameters, and constants as `global::NAME`"
            )),
            None if self.scan.sign_after(self.at) == Some('.') && namespaces(engine).contains(name) => {
                Some(format!("a function of a namespace is called as `{name}::…`"))
            }
            None => self.habit().or_else(|| {
                let near = || nearest(name, declared.iter().map(|(name, _)| *name));
                let host = "a body gets its host where it names it, and its task has `.on`: `.run(|h| …)`";
                match name {
                    "h" => Some(host.to_owned()),
                    _ => near().map(|right| format!("did you mean `{right}`?")),
                }
            }),
        };
        (message, hint)
    }

    fn reserved(&self, word: &str) -> (String, Option<String>) {
        if !rhai::is_valid_identifier(word) {
            return (format!("`{word}` means nothing here"), habits::sign(word).map(str::to_owned));
        }
        let hint = match self.scan.sign_after(self.at) {
            Some(':') => format!("as a key of a map it stands in quotes: `\"{word}\": …`"),
            Some('"' | '`') => format!("a call has parentheses: `{word}(…)`"),
            _ if self.text_follows(word) => format!("a call has parentheses: `{word}(…)`"),
            _ => self.habit().unwrap_or_else(|| "choose another name".to_owned()),
        };
        (format!("`{word}` is a reserved word"), Some(hint))
    }
}

fn bad_input(error: &LexError) -> (String, Option<String>) {
    match error {
        LexError::UnterminatedString => {
            let hint = "a string ends on its line with `\"`; text of several lines stands in back-quotes";
            ("the string is not closed".into(), Some(hint.into()))
        }
        LexError::UnexpectedInput(text) => (format!("unexpected `{text}`"), None),
        LexError::MalformedEscapeSequence(text) => {
            let hint = "a backslash is written `\\\\`; in back-quotes it stands for itself";
            (format!("`{text}` is no escape sequence"), Some(hint.into()))
        }
        LexError::MalformedNumber(text) => (format!("`{text}` is no number"), None),
        LexError::MalformedChar(text) => {
            let hint = format!("a string stands in double quotes: `\"{text}\"`");
            (format!("`'{text}'` is not one character"), Some(hint))
        }
        other if other.to_string().contains("'eval'") => {
            let hint = "write the code itself, or make it a function or a closure";
            ("`eval` is switched off".into(), Some(hint.into()))
        }
        other => (plain(&other.to_string()), None),
    }
}

/// The parser's words as our messages are written.
fn plain(text: &str) -> String {
    let text = text.replace("object map literal", "map").replace("array literal", "array");
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // An apostrophe stands between letters; a quote does not.
        let after = chars.peek().copied().unwrap_or(' ');
        out.push(if c == '\'' && !(before.is_alphabetic() && after.is_alphabetic()) { '`' } else { c });
        before = c;
    }
    super::error::lower_first(&out)
}

fn namespaces(engine: &Engine) -> BTreeSet<String> {
    let names = engine.collect_fn_metadata(None, |info| Some(info.namespace.to_string()), true);
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rhai::Engine;

    use super::{diagnostic, plain};
    use crate::diag::Source;

    /// Line, column, message, and the hint.
    fn mistake(text: &str) -> (u32, u32, String, Option<String>) {
        let mut engine = Engine::new();
        engine.set_strict_variables(true);
        let source = Arc::new(Source { name: "main.rhai".into(), text: text.into() });
        let error = engine.compile(text).expect_err(text);
        let found = diagnostic(&error, &source, &engine);
        let place = &found.labels[0].position;
        (place.line, place.column, found.message, found.hints.into_iter().next())
    }

    #[test]
    fn what_is_missing_is_missing_behind_what_stands_before() {
        let (line, column, message, _) = mistake("let a = 1 // one\n\nlet b = 2;");
        assert_eq!((line, column), (1, 10));
        assert_eq!(message, "expected `;` to terminate this statement");
    }

    #[test]
    fn a_variable_is_explained_by_what_is_declared() {
        let hint = |text: &str| mistake(text).3.unwrap_or_default();
        assert_eq!(hint("let version = 1; verison"), "did you mean `version`?");
        assert_eq!(hint("f({ a: 1 })"), "a map is written `#{ key: value }`");
        assert!(hint("let a = 1;\nfn f() { a }").starts_with("the one of line 1 cannot be seen here"));
    }

    #[test]
    fn a_habit_of_another_language_is_translated_where_it_is_the_cause() {
        let hint = |text: &str| mistake(text).3;
        let told = |hint: &str| Some(hint.to_owned());
        assert_eq!(hint("f(h => 1)"), told("a closure is written `|h| …`"));
        assert!(hint("h.exec(1)").is_some_and(|hint| hint.starts_with("a body gets its host")));
        assert_eq!(hint("print \"a\";"), told("a call has parentheses: `print(…)`"));
        assert_eq!(hint("let print = 1;"), told("choose another name"));
        assert_eq!(hint("let a = 1\nundefined()"), None);
        assert_eq!(hint("\tlet a = \"漢\" and true;\r\n"), told("“and” is written `&&`"));
    }

    #[test]
    fn quotes_become_back_quotes_and_apostrophes_stay() {
        assert_eq!(plain("Don't write 'x' here"), "don't write `x` here");
    }
}
