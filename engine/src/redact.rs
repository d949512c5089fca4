//! The one place that masks secrets.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};

use aho_corasick::AhoCorasick;
use encodings::encodings;
pub use masker::Masker;
use oneex_sdk::{Change, SecretSink};
use serde_json::Value;

use crate::diag::{Diagnostic, Source};
use crate::run::{Failure, NodeKey, RunEvent};

mod encodings;
mod masker;
#[cfg(test)]
mod properties;

/// What stands where a secret was.
pub const MASK: &str = "•••";

/// Shorter texts are not masked: they would blank out half of every line.
const SHORTEST: usize = 3;

/// Knows every secret of a run, plain and encoded, and masks them.
#[derive(Default)]
pub struct Redactor {
    inner: RwLock<Known>,
}

struct Known {
    /// All forms of all secrets.
    patterns: BTreeSet<Vec<u8>>,
    automaton: Option<AhoCorasick>,
    /// The length of the longest.
    longest: usize,
    /// The bytes that one of them begins with.
    firsts: [bool; 256],
}

impl Default for Known {
    fn default() -> Self {
        Self { patterns: BTreeSet::new(), automaton: None, longest: 0, firsts: [false; 256] }
    }
}

impl SecretSink for Redactor {
    fn register(&self, secret: &str) {
        self.register_all([secret]);
    }

    fn holds_secret(&self, content: &[u8]) -> bool {
        let known = self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.automaton.as_ref().is_some_and(|automaton| automaton.is_match(content))
    }
}

impl Redactor {
    /// Registers many secrets at the cost of one.
    pub fn register_all(&self, secrets: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut known = self.inner.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let before = known.patterns.len();
        for secret in secrets {
            let secret = secret.as_ref();
            if secret.trim().len() < SHORTEST {
                continue;
            }
            let forms = encodings(secret).into_iter().filter(|form| form.len() >= SHORTEST);
            known.patterns.extend(forms.map(String::into_bytes));
            // A key of several lines is shown line by line.
            let lines =
                secret.lines().map(str::trim).filter(|line| line.len() >= 8 && line.len() < secret.len());
            known.patterns.extend(lines.map(|line| line.as_bytes().to_vec()));
        }
        if known.patterns.len() > before {
            known.automaton = AhoCorasick::new(&known.patterns).ok();
            known.longest = known.patterns.iter().map(Vec::len).max().unwrap_or_default();
            let firsts: Vec<u8> = known.patterns.iter().filter_map(|form| form.first().copied()).collect();
            firsts.into_iter().for_each(|first| known.firsts[usize::from(first)] = true);
        }
    }

    /// Masks every secret in a diagnostic, the lines that it shows included.
    pub fn diagnostic(&self, diagnostic: &mut Diagnostic) {
        self.string(&mut diagnostic.message);
        diagnostic.notes.iter_mut().chain(&mut diagnostic.hints).for_each(|text| self.string(text));
        for label in &mut diagnostic.labels {
            self.string(&mut label.text);
            if let Some(source) = label.source.as_mut().filter(|source| self.is_tainted(&source.text)) {
                let masked = Source { name: source.name.clone(), text: self.text(&source.text) };
                *source = Arc::new(masked);
            }
        }
    }

    /// Masks every secret in `text`.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.string(&mut text);
        text
    }

    fn string(&self, text: &mut String) {
        let known = self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(automaton) = known.automaton.as_ref().filter(|automaton| automaton.is_match(&*text)) {
            let mut out = String::with_capacity(text.len());
            let mut from = 0;
            for (start, end) in spans(automaton, text.as_bytes(), 0) {
                out.push_str(&text[from..start]);
                out.push_str(MASK);
                from = end;
            }
            out.push_str(&text[from..]);
            *text = out;
        }
    }

    /// Masks every secret in `value`, keys included.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(map) => {
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(mut key, mut value)| {
                        self.string(&mut key);
                        self.value(&mut value);
                        (key, value)
                    })
                    .collect();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn shared(&self, text: &mut Arc<str>) {
        if self.is_tainted(text) {
            *text = self.text(text).into();
        }
    }

    fn option(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.string(text);
        }
    }

    fn node(&self, node: &mut NodeKey) {
        self.shared(&mut node.task);
        node.host.iter_mut().chain(&mut node.item).for_each(|text| self.shared(text));
    }

    fn change(&self, change: &mut Change) {
        for item in &mut change.items {
            self.string(&mut item.what);
            self.option(&mut item.before);
            self.option(&mut item.after);
            self.option(&mut item.diff);
        }
    }

    /// Masks every secret in a failure.
    pub fn failure(&self, failure: &mut Failure) {
        self.string(&mut failure.message);
        for text in [&mut failure.target, &mut failure.command, &mut failure.stdout, &mut failure.stderr] {
            self.option(text);
        }
        failure.hints.iter_mut().for_each(|hint| self.string(hint));
        failure.extra.values_mut().for_each(|value| self.value(value));
    }

    /// Masks every secret in an event.
    pub fn event(&self, mut event: RunEvent) -> RunEvent {
        let empty = {
            let known = self.inner.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            known.automaton.is_none()
        };
        if empty {
            return event;
        }
        match &mut event {
            RunEvent::RunStarted { name, params, .. } => {
                self.string(name);
                self.value(params);
            }
            RunEvent::TaskExpanded { task, hosts, .. } | RunEvent::BatchStarted { task, hosts, .. } => {
                self.shared(task);
                hosts.iter_mut().for_each(|host| self.shared(host));
            }
            RunEvent::NodeStarted { node, .. } | RunEvent::NodePhase { node, .. } => self.node(node),
            RunEvent::NodeRetry { node, failure, .. } => {
                self.node(node);
                self.failure(failure);
            }
            RunEvent::NodeFinished { node, reason, failure, output, .. } => {
                self.node(node);
                self.option(reason);
                failure.iter_mut().for_each(|failure| self.failure(failure));
                self.value(output);
            }
            RunEvent::OperationStarted { node, target, .. } => {
                self.node(node);
                self.string(target);
            }
            RunEvent::Progress { node, message, .. } => {
                self.node(node);
                self.string(message);
            }
            RunEvent::Output { node, text, .. } => {
                self.node(node);
                self.string(text);
            }
            RunEvent::Operation { node, target, subject, args, change, assumes, failure, output, .. } => {
                self.node(node);
                self.string(target);
                self.string(subject);
                self.value(args);
                change.iter_mut().for_each(|change| self.change(change));
                self.option(assumes);
                failure.iter_mut().for_each(|failure| self.failure(failure));
                self.value(output);
            }
            RunEvent::Notified { node, handler, .. } => {
                self.node(node);
                self.shared(handler);
            }
            RunEvent::HostAdded { node, host, groups } => {
                self.node(node);
                self.shared(host);
                groups.iter_mut().for_each(|group| self.string(group));
            }
            RunEvent::Message { node, text, .. } => {
                node.iter_mut().for_each(|node| self.node(node));
                self.string(text);
            }
            RunEvent::Gate { gate, message, .. } => {
                self.shared(gate);
                self.string(message);
            }
            RunEvent::Interrupted { .. } => {}
            RunEvent::Halted { reason, hint } => {
                self.string(reason);
                self.option(hint);
            }
            RunEvent::LoadFailed { errors } => {
                for mistake in errors {
                    self.string(&mut mistake.message);
                    mistake.hints.iter_mut().for_each(|hint| self.string(hint));
                }
            }
            RunEvent::RunFinished { summary } => {
                self.string(&mut summary.name);
                self.string(&mut summary.summary);
                summary.failed.iter_mut().for_each(|node| self.node(node));
            }
        }
        event
    }
}

/// Where secrets stand: those that overlap are one, so that nothing of either is left. The first `covered` bytes are
/// known to be of one.
fn spans(automaton: &AhoCorasick, text: &[u8], covered: usize) -> Vec<(usize, usize)> {
    let mut spans: Vec<(usize, usize)> = (covered > 0).then_some((0, covered)).into_iter().collect();
    // They come in the order of their ends.
    for found in automaton.find_overlapping_iter(text) {
        let (mut start, mut end) = (found.start(), found.end());
        while let Some((before, until)) = spans.pop_if(|(_, until)| *until > start) {
            (start, end) = (start.min(before), end.max(until));
        }
        spans.push((start, end));
    }
    spans
}

#[cfg(test)]
mod tests {
    use oneex_sdk::SecretSink;

    use super::Redactor;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

    const SECRET: &str = "s3cr3t &\"'é/pass";

    fn redactor() -> Redactor {
        let redactor = Redactor::default();
        redactor.register(SECRET);
        redactor
    }

    #[test]
    fn masks_a_secret_plain_and_encoded() {
        let redactor = redactor();
        let forms = [
            SECRET.to_owned(),
            serde_json::to_string(SECRET).expect("a string"),
            oneex_sdk::quote(SECRET),
            url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect(),
        ];
        for form in forms {
            let masked = redactor.text(&format!("before {form} after"));
            assert!(masked.contains("•••") && !masked.contains("s3cr3t"), "{form} became {masked}");
        }
    }

    #[test]
    fn masks_base64_wherever_the_secret_stands_in_the_encoded_text() {
        let redactor = redactor();
        for prefix in ["", "u", "us", "use", "user:"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{prefix}{SECRET}!"));
            assert!(redactor.text(&encoded).contains("•••"), "{prefix}: {encoded}");
        }
    }

    #[test]
    fn leaves_short_and_unknown_texts_alone() {
        let redactor = redactor();
        redactor.register("a");
        assert_eq!(redactor.text("a plain text"), "a plain text");
    }

    #[test]
    fn masks_what_a_diagnostic_says_and_the_lines_that_it_shows() {
        let sources = crate::diag::SourceMap::default();
        sources.add("a.rhai", format!("let token = {SECRET};\nthrow token;"));
        let place = crate::diag::Position { file: "a.rhai".into(), line: 1, column: 5 };
        let label = sources.label(&place, SECRET, true);
        let mut diagnostic = crate::diag::Diagnostic::error("x", format!("bad {SECRET}"))
            .label(label)
            .note(format!("note {SECRET}"))
            .hint(format!("hint {SECRET}"));
        redactor().diagnostic(&mut diagnostic);
        assert_eq!((diagnostic.message.as_str(), diagnostic.notes[0].as_str()), ("bad •••", "note •••"));
        assert_eq!((diagnostic.hints[0].as_str(), diagnostic.labels[0].text.as_str()), ("hint •••", "•••"));
        let shown = diagnostic.labels[0].source.as_ref().map(|source| source.text.as_str());
        assert_eq!(shown, Some("let token = •••;\nthrow token;"));
    }

    #[test]
    fn many_secrets_are_registered_at_once() {
        let redactor = Redactor::default();
        redactor.register_all((0..500).map(|number| format!("password-{number:03}!")));
        assert_eq!(redactor.text("password-499! password-000! password-500!"), "••• ••• password-500!");
    }

    #[test]
    fn masks_keys_and_values_of_data() {
        let mut value = serde_json::json!({ (SECRET): [SECRET, 1, null] });
        redactor().value(&mut value);
        assert_eq!(value, serde_json::json!({ "•••": ["•••", 1, null] }));
    }
}
