//! An operation in a report for people: a line, its diff, and with `-vv` its arguments and output.

use oneex_engine::run::{NodeKey, OpStatus, RunEvent};
use oneex_sdk::{Value, visible};

use super::look::{Look, seconds};
use super::{cut, diff, failure};
use crate::context::Verbosity;
use crate::term::{DIM, GREEN, RED, YELLOW, indent};

/// Renders the event `Operation` of a run; nothing for other events. `told` says that its output was shown already.
pub(crate) fn render(event: &RunEvent, look: Look, told: bool) -> String {
    let RunEvent::Operation {
        node,
        name,
        target,
        subject,
        args,
        status,
        change,
        failure,
        output,
        duration,
        ..
    } = event
    else {
        return String::new();
    };
    let (style, word, from) = match status {
        OpStatus::Changed | OpStatus::WillChange => (YELLOW, "changed", Verbosity::default()),
        OpStatus::Done | OpStatus::Action => (YELLOW, "done", Verbosity::default()),
        OpStatus::Ok | OpStatus::NoChange => (GREEN, "ok", Verbosity::STEPS),
        // One that the script catches is no failure of the run; one that it does not is shown with
        // its node.
        OpStatus::Failed => (RED, "op failed", Verbosity::STEPS),
    };
    if !look.shows(from) {
        return String::new();
    }
    let mut rest = format!("{node}  {}", what(node, name, target, subject));
    if let Some(failure) = failure {
        rest.push_str(&format!(": {}", failure::line(failure)));
    }
    rest.push_str(&seconds(*duration));
    let mut out = look.line(style, word, &rest);
    if let (true, Some(change)) = (look.diff, change) {
        out.push_str(&indent(&diff::render(change, look.color, look.shows(Verbosity::DETAILS)), 2));
    }
    for note in cut::notes(|name| output.get(name)) {
        out.push_str(&indent(&look.paint(YELLOW, &visible(&note)), 2));
    }
    if look.shows(Verbosity::DETAILS) {
        out.push_str(&details(args, output, look, told));
    }
    out
}

/// What an operation is about: its name, subject, and its target where that is not the node's host.
pub(crate) fn what(node: &NodeKey, name: &str, target: &str, subject: &str) -> String {
    let elsewhere = !target.is_empty() && node.host.as_deref() != Some(target) && target != subject;
    let place = if elsewhere { format!(" on {target}") } else { String::new() };
    if subject.is_empty() { format!("{name}{place}") } else { format!("{name} {subject}{place}") }
}

fn details(args: &Value, output: &Value, look: Look, told: bool) -> String {
    let mut out = String::new();
    if args.as_object().is_none_or(|map| !map.is_empty()) && !args.is_null() {
        out.push_str(&indent(&look.paint(DIM, &visible(&format!("arguments: {args}"))), 2));
    }
    let Some(fields) = output.as_object() else { return out };
    let is_told = |name: &str| told && matches!(name, "stdout" | "stderr" | "raw" | "lines");
    for (name, value) in fields.iter().filter(|(name, _)| !is_told(name)) {
        let shown = match value {
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) if text.contains('\n') => format!("{name}:\n{}", indent(text.trim_end(), 1)),
            Value::String(text) => format!("{name}: {text}"),
            other => format!("{name}: {other}"),
        };
        for line in visible(&shown).lines() {
            out.push_str(&indent(&look.paint(DIM, line), 2));
        }
    }
    out
}
