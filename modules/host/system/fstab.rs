//! Lines of fstab(5).

use super::mount_options::is_same;

/// A file system, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FstabEntry {
    /// What is mounted: a device, `UUID=…`, `host:/path`.
    pub(crate) source: String,
    /// Where; `none` for swap.
    pub(crate) path: String,
    /// The type of the file system.
    pub(crate) fstype: String,
    /// The options, with commas between them.
    pub(crate) options: String,
    /// Whether dump(8) saves it.
    pub(crate) dump: u32,
    /// When fsck(8) checks it.
    pub(crate) pass: u32,
}

impl FstabEntry {
    /// Reads a line; nothing for comments, empty lines, and what mount(8) would not read.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let mut words = line.split_whitespace();
        let mut word = || words.next().map(decode);
        let (source, path, fstype) = (word()?, word()?, word()?);
        let options = word().unwrap_or_else(|| "defaults".to_owned());
        let number = |word: Option<String>| match word {
            None => Some(0),
            // What follows may be a comment.
            Some(text) if text.starts_with('#') => Some(0),
            Some(text) => text.parse().ok(),
        };
        let dump = number(word())?;
        Some(Self { source, path, fstype, options, dump, pass: number(word())? })
    }

    /// Whether both mean the same.
    fn agrees(&self, other: &Self) -> bool {
        let rest = |entry: &Self| {
            let Self { source, path, fstype, dump, pass, .. } = entry;
            (source.clone(), trimmed(path).to_owned(), fstype.clone(), *dump, *pass)
        };
        is_same(&self.options, &other.options) && rest(self) == rest(other)
    }

    /// Whether both are in the same place; swap has none, and is known by its source.
    fn is_in_place_of(&self, other: &Self) -> bool {
        let place = |entry: &Self| match entry.fstype.as_str() {
            "swap" => format!("swap {}", entry.source),
            _ => format!("at {}", trimmed(&entry.path)),
        };
        place(self) == place(other)
    }

    fn line(&self) -> String {
        let Self { source, path, fstype, options, dump, pass } = self;
        let words = [source, path, fstype, options].map(|word| encode(word));
        format!("{} {dump} {pass}", words.join(" "))
    }
}

fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => path,
        short => short,
    }
}

/// Writes what would end a field as `\040`, as getmntent(3) reads it.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' | '\t' | '\n' | '\\' | '#' => out.push_str(&format!("\\{:03o}", u32::from(c))),
            other => out.push(other),
        }
    }
    out
}

/// Reads `\040` and its like.
pub(crate) fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits =
            tail.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        let is_octal = |digits: &&str| digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        match digits.filter(is_octal).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[3..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

/// Gives the place its line: the first one that is there for it is changed where it means something else.
pub(crate) fn with_mount(text: &str, wanted: &FstabEntry) -> String {
    let mut out = String::with_capacity(text.len() + 128);
    let mut is_done = false;
    for line in text.split_inclusive('\n') {
        match FstabEntry::parse(line).filter(|found| !is_done && found.is_in_place_of(wanted)) {
            Some(found) if !found.agrees(wanted) => {
                out.push_str(&wanted.line());
                out.push_str(&line[bare(line).len()..]);
                is_done = true;
            }
            found => {
                is_done |= found.is_some();
                out.push_str(line);
            }
        }
    }
    if !is_done {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&wanted.line());
        out.push('\n');
    }
    out
}

/// Takes out all lines of a place; with a source only those of that.
pub(crate) fn without_mount(text: &str, path: &str, source: Option<&str>) -> String {
    let goes = |line: &&str| {
        FstabEntry::parse(line).is_some_and(|found| {
            trimmed(&found.path) == trimmed(path) && source.is_none_or(|source| found.source == source)
        })
    };
    text.split_inclusive('\n').filter(|line| !goes(line)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FstabEntry, decode, encode, with_mount, without_mount};

    fn entry(options: &str) -> FstabEntry {
        FstabEntry {
            source: "/dev/sdb1".into(),
            path: "/srv/a b".into(),
            fstype: "ext4".into(),
            options: options.into(),
            dump: 0,
            pass: 2,
        }
    }

    #[test]
    fn lines_are_read_as_mount_reads_them() {
        let line = "/dev/sdb1 /srv/a\\040b ext4 noatime 0 2";
        assert_eq!(FstabEntry::parse(line), Some(entry("noatime")));
        assert_eq!(entry("noatime").line(), line);
        let short = FstabEntry::parse("\ttmpfs\t/tmp  tmpfs").expect("three words are enough");
        assert_eq!((short.options.as_str(), short.dump, short.pass), ("defaults", 0, 0));
        assert_eq!(FstabEntry::parse("a /b c d 1 # x").map(|entry| (entry.dump, entry.pass)), Some((1, 0)));
        for wrong in ["", "# a b c", "a /b", "a /b c d x", "a /b c d 0 -1"] {
            assert_eq!(FstabEntry::parse(wrong), None, "{wrong}");
        }
        for (text, expected) in [("\\04", "\\04"), ("\\999", "\\999"), ("\\134040", "\\040"), ("ä\\", "ä\\")]
        {
            assert_eq!(decode(text), expected);
        }
    }

    #[test]
    fn edits() {
        let line = "/dev/sdb1 /srv/a\\040b ext4 noatime 0 2";
        for (text, expected) in [
            ("", format!("{line}\n")),
            ("# x\nproc /proc proc", format!("# x\nproc /proc proc\n{line}\n")),
            (
                "/dev/sdb1\t/srv/a\\040b/ ext4 defaults,noatime 0 2",
                "/dev/sdb1\t/srv/a\\040b/ ext4 defaults,noatime 0 2".to_owned(),
            ),
            ("/dev/sda1 /srv/a\\040b ext4 noatime 0 2\nz z z\n", format!("{line}\nz z z\n")),
            ("/dev/sdb1 /srv/a\\040b ext4 noatime,ro 0 2", line.to_owned()),
            ("/dev/sdb1 /srv/a\\040b ext4 noatime 0 1\r\n", format!("{line}\r\n")),
            ("/dev/sdb1 /srv/a ext4 noatime 0 2\n", format!("/dev/sdb1 /srv/a ext4 noatime 0 2\n{line}\n")),
        ] {
            let after = with_mount(text, &entry("noatime"));
            assert_eq!(after, expected, "{text:?}");
            assert_eq!(with_mount(&after, &entry("noatime")), after);
            assert!(!without_mount(&after, "/srv/a b", None).contains("a\\040b"));
        }
        let swap = FstabEntry { fstype: "swap".into(), path: "none".into(), ..entry("sw") };
        let text = "/swap none swap sw 0 0\n";
        assert_eq!(with_mount(text, &swap), "/swap none swap sw 0 0\n/dev/sdb1 none swap sw 0 2\n");
        assert_eq!(without_mount(text, "none", Some("/other")), text);
        assert_eq!(without_mount(text, "none", Some("/swap")), "");
    }

    proptest! {
        #[test]
        fn any_name_is_read_as_it_was_written(name in "[ -~\\t\\n]{1,12}") {
            prop_assert_eq!(decode(&encode(&name)), name.clone());
            let written = FstabEntry { path: format!("/{name}"), source: name, ..entry("ro") };
            let read = FstabEntry::parse(&written.line());
            prop_assert_eq!(read, Some(written));
        }
    }
}
