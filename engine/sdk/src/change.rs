//! The difference between what is and what is wanted.

use serde::Serialize;
use similar::TextDiff;

/// One property that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeItem {
    /// What differs: `mode`, `content`, `state`, `package curl`.
    pub what: String,
    /// The present value, as a person reads it; nothing where there is none.
    pub before: Option<String>,
    /// The wanted value; nothing where it is to be removed.
    pub after: Option<String>,
    /// For text, a unified diff with three lines of context.
    pub diff: Option<String>,
}

/// Everything that differs; empty when nothing is to be done.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
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
            self.items.push(ChangeItem { what: what.to_owned(), before, after, diff: None });
        }
        self
    }

    /// Adds a text with its unified diff, where `before` and `after` differ. `name` heads the diff.
    /// Bytes that are not UTF-8, and texts above 1 MiB, are shown by their sizes only.
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
        });
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
    let diff = TextDiff::from_lines(before, after);
    Some(diff.unified_diff().context_radius(3).header(name, name).to_string())
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
    fn binary_content_is_shown_by_size() {
        let mut change = Change::none();
        change.text("content", "/bin/x", Some(&[0xff, 0xfe]), None);
        assert_eq!(change.to_text(), "content: - 2 bytes\n");
    }
}
