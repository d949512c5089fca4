//! Access control lists as getfacl(1) shows them.
//!
//! Source: acl(5).

use oneex_sdk::{OpError, OpResult};

/// Reads permissions; `X` is an `x` where `is_executable`.
pub(crate) fn bits(text: &str, is_executable: bool) -> OpResult<String> {
    let letters = match text.as_bytes() {
        [digit @ b'0'..=b'7'] => {
            let has = |bit: u8| digit & bit != 0;
            return Ok([(4, 'r'), (2, 'w'), (1, 'x')]
                .map(|(bit, letter)| if has(bit) { letter } else { '-' })
                .iter()
                .collect());
        }
        _ => text,
    };
    if letters.is_empty() || !letters.chars().all(|letter| "rwxX-".contains(letter)) {
        return Err(OpError::invalid(format!("`permissions`: `{text}` is not made of `rwxX`")));
    }
    let has =
        |letter: char| letters.contains(letter) || (letter == 'x' && is_executable && letters.contains('X'));
    Ok("rwx".chars().map(|letter| if has(letter) { letter } else { '-' }).collect())
}

/// A path below a folder, and its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Below {
    /// It begins with `./`; `.` is the folder itself.
    pub(crate) path: String,
    pub(crate) is_folder: bool,
    pub(crate) list: List,
}

/// A path as getfacl(1) writes it: a line break is `\012`, and a backslash two.
fn unquoted(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('\\') {
            out.push('\\');
            rest = after;
        } else {
            out.push(char::from(u8::from_str_radix(after.get(..3)?, 8).ok()?));
            rest = &after[3..];
        }
    }
    Some(out + rest)
}

/// The entries below each `# file: `.
fn blocks(lines: &[&str]) -> Option<Vec<(String, Vec<String>)>> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines {
        if let Some(path) = line.strip_prefix("# file: ") {
            all.push((unquoted(path)?, Vec::new()));
        } else if !line.is_empty() && !line.starts_with('#') {
            all.last_mut()?.1.push((*line).to_owned());
        }
    }
    Some(all)
}

/// An access control list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    /// Entries with names, and the same ones with numbers.
    entries: Vec<[String; 2]>,
    /// It is a folder, or somebody may execute it.
    pub(crate) is_executable: bool,
}

impl List {
    /// Reads `folder` or `file`, then the list with names, then with numbers, with lines `=` between them.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split("=\n");
        let is_folder = parts.next()? == "folder\n";
        let entries =
            |part: &str| part.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        Self::of(is_folder, entries(parts.next()?), entries(parts.next()?))
    }

    /// Reads lists below `# file: PATH`: those of folders and of all else with names, then the same with numbers, with
    /// lines `=` between them.
    pub(crate) fn parse_all(text: &str) -> Option<Vec<Below>> {
        let parts: Vec<Vec<&str>> =
            text.lines().collect::<Vec<_>>().split(|line| *line == "=").map(<[&str]>::to_vec).collect();
        let [folders, files, folder_numbers, file_numbers] = parts.try_into().ok()?;
        let mut all = Vec::new();
        for (is_folder, names, numbers) in [(true, folders, folder_numbers), (false, files, file_numbers)] {
            let (names, numbers) = (blocks(&names)?, blocks(&numbers)?);
            if names.len() != numbers.len() {
                return None;
            }
            for ((path, names), (same, numbers)) in names.into_iter().zip(numbers) {
                let list = Self::of(is_folder, names, numbers).filter(|_| path == same)?;
                all.push(Below { path, is_folder, list });
            }
        }
        Some(all)
    }

    fn of(is_folder: bool, names: Vec<String>, numbers: Vec<String>) -> Option<Self> {
        let is_executable =
            is_folder || names.iter().any(|entry| !entry.starts_with("default:") && entry.ends_with('x'));
        let is_whole = names.len() == numbers.len() && !names.is_empty();
        let pairs = names.into_iter().zip(numbers).map(|(name, number)| [name, number]);
        is_whole.then(|| Self { entries: pairs.collect(), is_executable })
    }

    /// The permissions of an entry.
    pub(crate) fn permissions(&self, entry: &str) -> Option<&str> {
        let of = |text: &'_ String| text.rsplit_once(':').is_some_and(|(name, _)| name == entry);
        let found = self.entries.iter().find(|pair| pair.iter().any(of))?;
        found[0].rsplit_once(':').map(|(_, permissions)| permissions)
    }

    /// The mask where it would hide some of an entry's permissions, and the mask that setfacl(1) makes of all
    /// entries. It holds for named users and all groups.
    pub(crate) fn hiding_mask(&self, entry: &str, permissions: &str) -> Option<(String, String)> {
        let (scope, rest) = entry.strip_prefix("default:").map_or(("", entry), |rest| ("default:", rest));
        let is_masked =
            |entry: &str| entry.starts_with("group:") || entry.starts_with("user:") && entry != "user:";
        let mask = self.permissions(&format!("{scope}mask:")).filter(|_| is_masked(rest))?;
        let has = |permissions: &str, letter| permissions.contains(letter);
        if !"rwx".chars().any(|letter| has(permissions, letter) && !has(mask, letter)) {
            return None;
        }
        let others = self.entries.iter().filter_map(|pair| {
            let [name, number] = pair.each_ref().map(|text| text.strip_prefix(scope)?.rsplit_once(':'));
            let ((name, permissions), (number, _)) = (name?, number?);
            (is_masked(name) && name != rest && number != rest).then_some(permissions)
        });
        let all: Vec<&str> = others.chain([permissions]).collect();
        let needed =
            "rwx".chars().map(|letter| if all.iter().any(|one| has(one, letter)) { letter } else { '-' });
        Some((mask.to_owned(), needed.collect()))
    }

    /// The entries, with names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.entries.iter().map(|pair| pair[0].clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{List, bits};

    #[test]
    fn what_the_tool_says_is_read() {
        let list =
            List::parse("file\n=\nuser::rw-\nuser:ops:r-x\n\n=\nuser::rw-\nuser:7:r-x\n\n").expect("a list");
        assert_eq!((list.permissions("user:ops"), list.permissions("user:7")), (Some("r-x"), Some("r-x")));
        assert_eq!((list.permissions("user:"), list.permissions("user:x")), (Some("rw-"), None));
        assert!(list.is_executable);
        let list =
            "file\n=\nuser::rw-\nuser:ops:rw-\ngroup::r-x\nmask::r--\nother::r--\ndefault:user::rwx\n=\n";
        let list =
            List::parse(&format!("{list}{}", list[7..list.len() - 2].replace("ops", "7"))).expect("a list");
        for (entry, permissions, expected) in [
            ("user:ops", "rw-", Some(("r--", "rwx"))),
            ("user:7", "-w-", Some(("r--", "rwx"))),
            ("user:8", "-w-", Some(("r--", "rwx"))),
            ("group:", "-w-", Some(("r--", "rw-"))),
            ("user:ops", "r--", None),
            ("user:", "rwx", None),
            ("other:", "rwx", None),
            ("default:user:ops", "rwx", None),
        ] {
            let expected = expected.map(|(mask, needed): (&str, &str)| (mask.to_owned(), needed.to_owned()));
            assert_eq!(list.hiding_mask(entry, permissions), expected, "{entry}");
        }
        for text in ["", "file\n", "file\n=\na\n", "file\n=\na\n=\n", "file\n=\n=\n"] {
            assert_eq!(List::parse(text), None, "{text:?}");
        }
        let blocks = |name: &str| {
            format!("# file: .\n# owner: 0\nuser::rwx\n\n=\n# file: ./a\\012b\\\\012\nuser:{name}:r--\n\n")
        };
        let all = List::parse_all(&format!("{}=\n{}", blocks("ops"), blocks("7"))).expect("lists");
        assert_eq!(
            all.iter().map(|one| (one.path.as_str(), one.is_folder)).collect::<Vec<_>>(),
            [(".", true), ("./a\nb\\012", false)]
        );
        assert_eq!((all[1].list.permissions("user:7"), all[1].list.is_executable), (Some("r--"), false));
        for text in [
            "",
            "=\n=\n",
            "# file: \\9\n=\n=\n# file: \\9\n=\n",
            "# file: a\nuser::r--\n=\n=\n=\n",
            "user::r--\n=\n=\nuser::r--\n=\n",
        ] {
            assert_eq!(List::parse_all(text), None, "{text:?}");
        }
        let read = |text: &str, is_executable| bits(text, is_executable).expect(text);
        assert_eq!(
            [read("rX", false), read("rX", true), read("5", false), read("-w-", false)],
            ["r--", "r-x", "r-x", "-w-"]
        );
    }
}
