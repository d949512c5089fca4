//! A node's failure as people see it: where in the script, by which calls, which command, what it
//! said, and what to do next.

use oneex_engine::diag::{Diagnostic, SourceMap};
use oneex_engine::run::{Failure, NodeKey};

use super::cut;

/// So many of the last lines of a command's output are shown; `-vv` shows all.
const LINES: usize = 30;

/// The failure as a diagnostic that points into the script.
pub(crate) fn diagnostic(failure: &Failure, sources: &SourceMap, all: bool) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(failure.kind.as_str(), &failure.message);
    if let Some(position) = &failure.position {
        diagnostic =
            diagnostic.label(sources.label(position, failure.operation.clone().unwrap_or_default(), true));
    }
    for (position, text) in &failure.frames {
        diagnostic = diagnostic.label(sources.label(position, text, false));
    }
    if let Some(target) = &failure.target {
        diagnostic = diagnostic.note(format!("target: {target}"));
    }
    match (&failure.command, failure.code) {
        (Some(command), Some(code)) => {
            diagnostic = diagnostic.note(format!("command (status {code}): {command}"))
        }
        (Some(command), None) => diagnostic = diagnostic.note(format!("command: {command}")),
        (None, Some(code)) => diagnostic = diagnostic.note(format!("status: {code}")),
        (None, None) => {}
    }
    for (name, text) in [("stdout", &failure.stdout), ("stderr", &failure.stderr)] {
        if let Some(text) = text.as_deref().filter(|text| !text.trim().is_empty()) {
            diagnostic = diagnostic.note(format!("{name}:\n{}", last_lines(text, all)));
        }
    }
    for note in cut::notes(|name| failure.extra.get(name)) {
        diagnostic = diagnostic.note(note);
    }
    for (name, value) in failure.extra.iter().filter(|(name, _)| !cut::is_field(name)) {
        diagnostic = diagnostic.note(format!("{name}: {value}"));
    }
    for hint in &failure.hints {
        diagnostic = diagnostic.hint(hint);
    }
    diagnostic
}

/// The failure in one line.
pub(crate) fn line(failure: &Failure) -> String {
    failure.message.lines().next().unwrap_or_default().to_owned()
}

/// The node and its failure in plain text, for reports that hold text.
pub(crate) fn text(node: &NodeKey, failure: &Failure, sources: &SourceMap) -> String {
    let mut diagnostic = diagnostic(failure, sources, true);
    diagnostic.notes.insert(0, format!("node: {node}"));
    super::diagnostic::render(&diagnostic, false)
}

fn last_lines(text: &str, all: bool) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let hidden = if all { 0 } else { lines.len().saturating_sub(LINES) };
    let shown = lines.get(hidden..).unwrap_or_default().join("\n");
    if hidden == 0 { shown } else { format!("… {hidden} lines above (`-vv` shows them)\n{shown}") }
}

#[cfg(test)]
mod tests {
    use super::{LINES, diagnostic, last_lines};
    use crate::report::{diagnostic::render, samples};

    #[test]
    fn shows_position_calls_command_output_and_hints() {
        let (failure, sources) = samples::failure();
        insta::assert_snapshot!(render(&diagnostic(&failure, &sources, false), false));
    }

    #[test]
    fn keeps_the_last_lines_of_a_long_output() {
        let text = (1..=LINES + 5).map(|n| format!("line {n}\n")).collect::<String>();
        let cut = last_lines(&text, false);
        assert!(cut.starts_with("… 5 lines above (`-vv` shows them)\nline 6\n"), "{cut}");
        assert_eq!(last_lines(&text, true), text.trim_end());
    }
}
