//! From an error of the template engine to a diagnostic.

use std::error::Error as _;
use std::sync::Arc;

use minijinja::{Error, ErrorKind};
use oneex_sdk::nearest;

use super::context::{HostNames, TemplateContext};
use super::variables::VariableError;
use crate::diag::{Diagnostic, Label, Position, Source};

/// What an error says, in our words.
pub(super) struct Explained {
    /// A lower-case fragment.
    pub(super) message: String,
    /// The name that is not defined, where that is it.
    pub(super) missing: Option<String>,
    /// What to do next.
    pub(super) hint: Option<String>,
}

/// The error of a host's variable among the causes of an error.
pub(super) fn variable_error(error: &Error) -> Option<&VariableError> {
    let mut found = None;
    let mut cause = error.source();
    while let Some(inner) = cause {
        found = inner.downcast_ref().or(found);
        cause = inner.source();
    }
    found
}

/// What the error says that a host's variable caused while it was rendered with `names`.
pub(super) fn explain(error: &Error, names: &HostNames) -> Explained {
    let error = innermost(error);
    let part = error.template_source().zip(error.range()).and_then(|(text, range)| text.get(range));
    let all = names.all();
    say(error, part, |name| names.shared.why_undefined(name), |name| nearest(name, all.iter().copied()))
}

fn say<'a>(
    error: &Error,
    part: Option<&str>,
    why: impl Fn(&str) -> Option<VariableError>,
    nearest: impl Fn(&str) -> Option<&'a str>,
) -> Explained {
    if let Some(cause) = variable_error(error) {
        return Explained { message: cause.to_string(), missing: None, hint: cause.hint.clone() };
    }
    if error.kind() == ErrorKind::UndefinedError
        && let Some(name) = undefined_name(error, part)
    {
        if let Some(cause) = why(&name) {
            return Explained { message: cause.to_string(), missing: cause.missing, hint: cause.hint };
        }
        let first = name.split(['.', '[']).next().unwrap_or_default();
        let hint = match nearest(first).filter(|right| first == name && *right != name) {
            Some(right) => format!("did you mean `{right}`?"),
            None => "give it a value, or write `| default(…)`".to_owned(),
        };
        return Explained {
            message: format!("`{name}` is not defined"),
            missing: Some(name),
            hint: Some(hint),
        };
    }
    let message = error.detail().map_or_else(|| error.kind().to_string(), plain);
    Explained { message, missing: None, hint: None }
}

/// The diagnostic of an error while `name` was rendered; `text` is its source, where it was no file.
pub(super) fn diagnostic(
    error: &Error,
    name: &str,
    text: Option<&str>,
    context: &TemplateContext,
) -> Diagnostic {
    let error = innermost(error);
    let file = error.name().unwrap_or(name);
    let text = match error.template_source().or_else(|| text.filter(|_| file == name)) {
        Some(text) => Some(text.to_owned()),
        None => std::fs::read_to_string(file).ok(),
    };
    let part = text.as_deref().zip(error.range()).and_then(|(text, range)| text.get(range));
    let names = context.names();
    let near = |name: &str| nearest(name, names.iter().map(String::as_str));
    let explained = say(error, part, |name| context.why_undefined(name), near);
    let mut diagnostic = Diagnostic::error(code(error.kind()), explained.message);
    if let Some(line) = error.line() {
        let (column, length) = text
            .as_deref()
            .zip(error.range())
            .map_or((0, 1), |(text, range)| (column(text, range.start), length(text, range)));
        let position = Position { file: file.into(), line: u32::try_from(line).unwrap_or(u32::MAX), column };
        let source = text.map(|text| Arc::new(Source { name: file.to_owned(), text }));
        diagnostic = diagnostic.label(Label { source, position, length, text: String::new(), primary: true });
    }
    diagnostic.hints.extend(explained.hint);
    diagnostic
}

/// What the template engine says, as our messages are written: `filter x is unknown`.
fn plain(detail: &str) -> String {
    let words: Vec<&str> = detail.split(' ').collect();
    match words.as_slice() {
        [what @ ("filter" | "test" | "function" | "method"), name, "is", "unknown"] => {
            format!("there is no {what} `{name}`")
        }
        [name, "is", "unknown"] => format!("there is no function `{name}`"),
        _ => detail.to_owned(),
    }
}

/// An include wraps the error of what it includes.
fn innermost(error: &Error) -> &Error {
    let mut inner = error;
    while let Some(source) = inner.source().and_then(|source| source.downcast_ref::<Error>()) {
        inner = source;
    }
    inner
}

/// The undefined expression: what the error marks, where that reads like one.
fn undefined_name(error: &Error, part: Option<&str>) -> Option<String> {
    let expression = |text: &&str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '\'' | '"' | '-'))
    };
    let marked = part.map(|part| part.split('|').next().unwrap_or_default().trim());
    marked.filter(expression).map(str::to_owned).or_else(|| {
        let detail = error.detail()?;
        detail.split(['`', '\'']).nth(1).filter(expression).map(str::to_owned)
    })
}

fn column(text: &str, at: usize) -> u32 {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    u32::try_from(line.chars().count() + 1).unwrap_or(0)
}

fn length(text: &str, range: std::ops::Range<usize>) -> usize {
    text.get(range).and_then(|part| part.lines().next()).map_or(1, |line| line.chars().count().max(1))
}

fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::SyntaxError | ErrorKind::BadEscape => "template-syntax",
        ErrorKind::TemplateNotFound => "template-not-found",
        ErrorKind::UndefinedError => "template-undefined",
        ErrorKind::UnknownFilter
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownFunction
        | ErrorKind::UnknownMethod => "template-unknown",
        _ => "template-failed",
    }
}
