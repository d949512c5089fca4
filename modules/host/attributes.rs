//! Mode, owner and group: what is wanted, and what differs.

use oneex_sdk::Change;

use super::mode::{Mode, octal};
use super::probe::Found;

/// What is wanted; what is left out stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Attributes<'a> {
    pub(crate) mode: Option<&'a Mode>,
    /// A name or a number.
    pub(crate) owner: Option<&'a str>,
    /// A name or a number.
    pub(crate) group: Option<&'a str>,
}

impl Attributes<'_> {
    /// The permission bits that are wanted, where any are; a symbolic mode of something new starts
    /// from 0644, or 0755 for a folder.
    pub(crate) fn bits(&self, found: Option<&Found>, is_directory: bool) -> Option<u32> {
        let new = if is_directory { 0o755 } else { 0o644 };
        self.mode.map(|mode| mode.bits(found.map_or(new, |found| found.mode), is_directory))
    }

    /// Adds what differs.
    pub(crate) fn differ(&self, change: &mut Change, found: Option<&Found>, is_directory: bool) {
        if let Some(bits) = self.bits(found, is_directory) {
            change.property("mode", found.map(|found| octal(found.mode)), Some(octal(bits)));
        }
        let owner = found.map(|found| (&found.owner, found.uid));
        let group = found.map(|found| (&found.group, found.gid));
        for (what, wanted, present) in [("owner", self.owner, owner), ("group", self.group, group)] {
            let Some(wanted) = wanted else { continue };
            let present = present.map(|(name, number)| {
                if *name == wanted || number.to_string() == wanted { wanted.to_owned() } else { name.clone() }
            });
            change.property(what, present, Some(wanted.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use oneex_sdk::Change;

    use super::Attributes;
    use crate::host::Mode;
    use crate::host::probe::{FileType, Found};

    fn found() -> Found {
        Found {
            file_type: FileType::File,
            mode: 0o640,
            uid: 0,
            gid: 33,
            owner: "root".into(),
            group: "www-data".into(),
            size: 0,
            mtime: 0,
            atime: 0,
            ctime: 0,
            inode: 1,
            device: 1,
            links: 1,
            target: None,
            sha256: None,
            content: None,
        }
    }

    #[test]
    fn decisions() {
        let found = found();
        for (mode, owner, group, text) in [
            (None, None, None, ""),
            (Some("0640"), Some("root"), Some("www-data"), ""),
            (Some("u=rw,g=r"), Some("0"), Some("33"), ""),
            (Some("0600"), None, None, "mode: 0640 → 0600\n"),
            (
                Some("g+w"),
                Some("ops"),
                Some("0"),
                "mode: 0640 → 0660\nowner: root → ops\ngroup: www-data → 0\n",
            ),
        ] {
            let mode = mode.map(|mode| Mode::parse(mode).expect("a mode"));
            let mut change = Change::none();
            Attributes { mode: mode.as_ref(), owner, group }.differ(&mut change, Some(&found), false);
            assert_eq!(change.to_text(), text);
        }
    }
}
