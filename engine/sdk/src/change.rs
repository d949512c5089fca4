//! The difference between what is and what is wanted.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use similar::TextDiff;

/// One property that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeItem {
    /// What differs: `mode`, `content`, `state`, `package curl`.
    pub what: String,
    /// The present value, as a person reads it; nothing where there is none.
    pub before: Option<String>,
    /// The wanted value; nothing where it is to be removed.
    pub after: Option<String>,
    /// For text, a unified diff with three lines of context.
    pub diff: Option<String>,
    /// What is replaced, as a whole. It is for nobody's eyes, and no event has it.
    #[serde(skip)]
    pub image: Option<Arc<Image>>,
}

/// What was there before a change, so that it can be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The path on the host.
    pub name: String,
    /// All of the content.
    pub content: Vec<u8>,
}

/// Everything that differs; empty when nothing is to be done.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Change {
    /// The differences, in the order in which they were found.
    pub items: Vec<ChangeItem>,
    /// True for an action, whose effect cannot be known before it has run.
    pub unknown: bool,
}

impl Change {
    /// Nothing is to be done.
    pub fn none() -> Self {
        Self::default()
    }

    /// An action: it will act, and what it changes only it can tell.
    pub fn action() -> Self {
        Self { items: Vec::new(), unknown: true }
    }

    /// True when there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && !self.unknown
    }

    /// Says whether the property `what` differs.
    pub fn has(&self, what: &str) -> bool {
        self.items.iter().any(|item| item.what == what)
    }

    /// Adds a property, where `before` and `after` differ.
    pub fn property(&mut self, what: &str, before: Option<String>, after: Option<String>) -> &mut Self {
        if before != after {
            self.items.push(ChangeItem { what: what.to_owned(), before, after, diff: None, image: None });
        }
        self
    }

    /// Adds a text with its unified diff, where `before` and `after` differ. `name` heads the diff.
    /// Bytes that are not UTF-8, and texts above 1 MiB, are shown by their sizes only; of a diff, at most
    /// a thousand lines of a thousand characters each.
    pub fn text(&mut self, what: &str, name: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> &mut Self {
        if before == after {
            return self;
        }
        let size = |bytes: &[u8]| format!("{} bytes", bytes.len());
        let diff = unified(name, before.unwrap_or_default(), after.unwrap_or_default());
        self.items.push(ChangeItem {
            what: what.to_owned(),
            before: before.map(size),
            after: after.map(size),
            diff,
            image: None,
        });
        self.replaces(name, before)
    }

    /// Keeps with the last difference what it replaces.
    pub fn replaces(&mut self, name: &str, before: Option<&[u8]>) -> &mut Self {
        if let (Some(item), Some(content)) = (self.items.last_mut(), before) {
            item.image = Some(Arc::new(Image { name: name.to_owned(), content: content.to_vec() }));
        }
        self
    }

    /// The change as people read it: one line a property, then the diffs.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for item in &self.items {
            match (&item.diff, &item.before, &item.after) {
                (Some(diff), _, _) => out.push_str(diff),
                (None, Some(before), Some(after)) => {
                    out.push_str(&format!("{}: {before} → {after}\n", item.what))
                }
                (None, None, Some(after)) => out.push_str(&format!("{}: + {after}\n", item.what)),
                (None, Some(before), None) => out.push_str(&format!("{}: - {before}\n", item.what)),
                (None, None, None) => out.push_str(&format!("{}\n", item.what)),
            }
        }
        out
    }
}

fn unified(name: &str, before: &[u8], after: &[u8]) -> Option<String> {
    const LARGEST: usize = 1 << 20;
    if before.len().max(after.len()) > LARGEST {
        return None;
    }
    let (before, after) = (std::str::from_utf8(before).ok()?, std::str::from_utf8(after).ok()?);
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    Some(bounded(&diff.unified_diff().context_radius(3).header(name, name).to_string()))
}

/// After this a difference is told as what was found so far: right, and not the shortest.
const PATIENCE: Duration = Duration::from_millis(500);
/// Lines of a diff that are shown.
const LINES: usize = 1000;
/// Characters of a line that are shown.
const CHARACTERS: usize = 1000;

/// Shortens a diff that nobody could read: long lines and many lines, with what is left out told.
fn bounded(diff: &str) -> String {
    let mut out = String::with_capacity(diff.len().min(LINES * 80));
    for line in diff.split_inclusive('\n').take(LINES) {
        match line.char_indices().nth(CHARACTERS) {
            Some((end, _)) if line.len() > end + 1 => {
                let left = line[end..].trim_end_matches('\n').chars().count();
                out.push_str(&format!("{}… and {left} more characters\n", &line[..end]));
            }
            _ => out.push_str(line),
        }
    }
    match diff.lines().count().saturating_sub(LINES) {
        0 => {}
        left => out.push_str(&format!("… and {left} more lines of the diff\n")),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Change;

    #[test]
    fn equal_values_are_no_change() {
        let mut change = Change::none();
        change.property("mode", Some("0644".into()), Some("0644".into()));
        change.text("content", "/etc/motd", Some(b"a\n"), Some(b"a\n"));
        assert!(change.is_empty());
    }

    #[test]
    fn a_text_shows_its_unified_diff() {
        let mut change = Change::none();
        change.text("content", "/etc/motd", Some(b"a\nb\n"), Some(b"a\nc\n"));
        assert_eq!(change.to_text(), "--- /etc/motd\n+++ /etc/motd\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
    }

    #[test]
    fn any_text_has_a_diff_that_is_clear_and_bounded() {
        let many =
            |from: usize, to: usize| (from..to).map(|number| format!("line {number}\n")).collect::<String>();
        let header = "--- f\n+++ f\n";
        for (about, before, after, shown) in [
            (
                "no line break at the end",
                "a\nb".to_owned(),
                "a\nc".to_owned(),
                "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n"
                    .to_owned(),
            ),
            (
                "a line break at the end is new",
                "a".to_owned(),
                "a\n".to_owned(),
                "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n".to_owned(),
            ),
            ("other line ends", "a\r\n".to_owned(), "a\n".to_owned(), "@@ -1 +1 @@\n-a\r\n+a\n".to_owned()),
            (
                "one long line",
                format!("{}\n", "x".repeat(500_000)),
                format!("{}y\n", "x".repeat(500_000)),
                format!(
                    "@@ -1 +1 @@\n-{0}… and 499001 more characters\n+{0}… and 499002 more characters\n",
                    "x".repeat(999)
                ),
            ),
        ] {
            let mut change = Change::none();
            change.text("content", "f", Some(before.as_bytes()), Some(after.as_bytes()));
            assert_eq!(change.to_text(), format!("{header}{shown}"), "{about}");
        }
        let mut change = Change::none();
        change.text("content", "f", Some(many(0, 30_000).as_bytes()), Some(many(40_000, 70_000).as_bytes()));
        let shown = change.to_text();
        assert_eq!(shown.lines().count(), 1001);
        assert!(shown.ends_with("\n… and 59003 more lines of the diff\n"), "{}", &shown[shown.len() - 100..]);
        let (old, new) = ("a".repeat(5 << 20), "b".repeat((5 << 20) + 1));
        let mut change = Change::none();
        change.text("content", "f", Some(old.as_bytes()), Some(new.as_bytes()));
        assert_eq!(change.to_text(), "content: 5242880 bytes → 5242881 bytes\n");
    }

    #[test]
    fn binary_content_is_shown_by_size() {
        let mut change = Change::none();
        change.text("content", "/bin/x", Some(&[0xff, 0xfe]), None);
        assert_eq!(change.to_text(), "content: - 2 bytes\n");
    }
}
