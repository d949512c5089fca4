//! The one place that masks secrets.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use encodings::forms;
use layers::Layers;
pub use masker::Masker;
use oneex_sdk::SecretSink;
use scan::{Scan, in_order};
use serde_json::Value;

use crate::diag::{Diagnostic, Source};

mod encodings;
mod events;
mod layers;
mod masker;
#[cfg(test)]
mod properties;
mod scan;
mod seen;
mod view;

/// What stands where a secret was.
pub const MASK: &str = "•••";

/// What stands where a text was cut off.
const CUT: &str = "…";
/// A shorter text was not cut off without a word.
const UNCUT: usize = 60;

/// Knows every secret of a run, plain and encoded, and masks them.
#[derive(Default)]
pub struct Redactor {
    inner: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    layers: Arc<Layers>,
    /// Of each secret; two of the same hash in a run are not to be expected.
    hashes: HashSet<u64>,
    hasher: RandomState,
    /// Those that nobody has taken yet, where somebody does.
    new: Option<Vec<String>>,
}

impl SecretSink for Redactor {
    fn register(&self, secret: &str) {
        self.register_all([secret]);
    }

    fn holds_secret(&self, content: &[u8]) -> bool {
        !places(&self.layers(), content, false).is_empty()
    }
}

impl Redactor {
    /// Registers many secrets at the cost of one.
    pub fn register_all(&self, secrets: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut known = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let mut all: [encodings::Forms; view::View::ALL.len()] = Default::default();
        for secret in secrets {
            let hash = known.hasher.hash_one(secret.as_ref());
            if known.hashes.insert(hash) {
                if let Some(new) = &mut known.new {
                    new.push(secret.as_ref().to_owned());
                }
                all.iter_mut().zip(forms(secret.as_ref())).for_each(|(all, forms)| all.extend(forms));
            }
        }
        if all.iter().any(|forms| !forms.is_empty()) {
            Arc::make_mut(&mut known.layers).add(all);
        }
    }

    /// From now on secrets that become known are kept for [`Self::take_new`].
    pub(crate) fn keep_new(&self) {
        self.inner.write().unwrap_or_else(PoisonError::into_inner).new.get_or_insert_default();
    }

    /// The secrets that have become known since the last time.
    pub(crate) fn take_new(&self) -> Vec<String> {
        let is_none = |known: &Known| known.new.as_ref().is_none_or(Vec::is_empty);
        if is_none(&self.inner.read().unwrap_or_else(PoisonError::into_inner)) {
            return Vec::new();
        }
        let mut known = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        known.new.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// How many secrets are known by now: what was masked when there were fewer may hold one of the others.
    pub fn known(&self) -> usize {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).hashes.len()
    }

    /// What is looked for by now.
    fn layers(&self) -> Arc<Layers> {
        Arc::clone(&self.inner.read().unwrap_or_else(PoisonError::into_inner).layers)
    }

    /// Masks every secret in a diagnostic, the lines that it shows included.
    pub fn diagnostic(&self, diagnostic: &mut Diagnostic) {
        self.string(&mut diagnostic.message);
        diagnostic.notes.iter_mut().chain(&mut diagnostic.hints).for_each(|text| self.string(text));
        for label in &mut diagnostic.labels {
            self.string(&mut label.text);
            let source = label.source.as_mut();
            // The lines keep their numbers.
            let masked = source.and_then(|source| Some((self.masked(&source.text, true)?, source)));
            if let Some((text, source)) = masked {
                *source = Arc::new(Source { name: source.name.clone(), text });
            }
        }
    }

    /// Masks every secret in `text`. Where the text is cut off, at a `…` or at its end, what may be most of a secret is
    /// masked as well.
    pub fn text(&self, text: &str) -> String {
        self.masked(text, false).unwrap_or_else(|| text.to_owned())
    }

    fn string(&self, text: &mut String) {
        if let Some(masked) = self.masked(text, false) {
            *text = masked;
        }
    }

    /// None where there is nothing to mask.
    fn masked(&self, text: &str, by_lines: bool) -> Option<String> {
        masked(text, places(&self.layers(), text.as_bytes(), true), by_lines)
    }

    /// Masks every secret in `value`, keys included, and numbers that hold one.
    pub fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                let lines = items.chunk_by_mut(|one, next| one.is_string() && next.is_string());
                lines.for_each(|lines| self.lines(lines));
                items.iter_mut().for_each(|item| self.value(item));
            }
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
            Value::Number(number) => {
                if self.is_tainted(&number.to_string()) {
                    *value = MASK.into();
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

impl Redactor {
    /// Masks what goes over several texts that stand one behind the other, as the lines of an output do.
    fn lines(&self, lines: &mut [Value]) {
        let texts: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        let layers = self.layers();
        if texts.len() < 2 || layers.is_empty() {
            return;
        }
        let places = places(&layers, texts.join("\n").as_bytes(), false);
        let (mut start, mut first) = (0, 0);
        for line in lines.iter_mut().filter(|_| !places.is_empty()) {
            let Value::String(text) = line else { continue };
            let end = start + text.len();
            first += places[first..].iter().take_while(|place| place.end <= start).count();
            let within = places[first..].iter().take_while(|place| place.start < end);
            let within: Vec<_> =
                within.map(|place| place.start.max(start) - start..place.end.min(end) - start).collect();
            if let Some(masked) = masked(text, within, false) {
                *text = masked;
            }
            start = end + 1;
        }
    }
}

/// The text with masks at these places; none where there is no place.
fn masked(text: &str, places: Vec<Range<usize>>, by_lines: bool) -> Option<String> {
    if places.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for place in places {
        out.push_str(text.get(from..place.start)?);
        out.push_str(MASK);
        let breaks =
            text.get(place.clone()).filter(|_| by_lines).map_or(0, |secret| secret.matches('\n').count());
        (0..breaks).for_each(|_| out.extend(["\n", MASK]));
        from = place.end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}

/// Where secrets stand in a text, in order and each apart from the next; with `cut` also what may be most of one where
/// the text is cut off.
fn places(layers: &Arc<Layers>, text: &[u8], cut: bool) -> Vec<Range<usize>> {
    if layers.is_empty() {
        return Vec::new();
    }
    let (mut scan, mut found, mut from) = (Scan::new(Arc::clone(layers), 0), Vec::new(), 0);
    let cuts = memchr::memmem::find_iter(text, CUT).filter(|_| cut);
    for until in cuts.chain((cut && text.len() >= UNCUT).then_some(text.len())) {
        scan.feed(&text[from..until], &mut found);
        found.extend(scan.told().map(|start| start..until));
        from = until;
    }
    scan.feed(&text[from..], &mut found);
    in_order(found)
}

#[cfg(test)]
mod tests {
    use oneex_sdk::SecretSink;

    use super::Redactor;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use serde_json::json;

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
    fn masks_what_goes_over_lines_of_data_and_numbers_that_hold_a_secret() {
        let redactor = redactor();
        redactor.register_all(["one-two-three", "47114711", "abc\ndef\nghi"]);
        for (value, expected) in [
            (
                json!(["x", "a one-", "two-th", "ree b", 1, "one-"]),
                json!(["x", "a •••", "•••", "••• b", 1, "one-"]),
            ),
            (json!(["6162630a", "6465660a676869", "abcdefgh"]), json!(["•••", "•••", "abcdefgh"])),
            (json!(["abc", "def", "ghi", "abc"]), json!(["•••", "•••", "•••", "abc"])),
            (
                json!({ "pin": 47114711, "port": 4711, "x": 1.5 }),
                json!({ "pin": "•••", "port": 4711, "x": 1.5 }),
            ),
            (json!([["one-two-"], ["three"]]), json!([["one-two-"], ["three"]])),
        ] {
            let mut masked = value;
            redactor.value(&mut masked);
            assert_eq!(masked, expected);
        }
    }

    #[test]
    fn lines_that_a_diagnostic_shows_keep_their_numbers() {
        let redactor = Redactor::default();
        redactor.register("first line of it\nand the second\nand more");
        let shown = redactor.masked("a\nfirst line of it\nand the second\nand more\nb", true);
        assert_eq!(shown.as_deref(), Some("a\n•••\n•••\n•••\nb"));
    }

    #[test]
    fn masks_keys_and_values_of_data() {
        let mut value = serde_json::json!({ (SECRET): [SECRET, 1, null] });
        redactor().value(&mut value);
        assert_eq!(value, serde_json::json!({ "•••": ["•••", 1, null] }));
    }
}
