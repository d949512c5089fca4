//! Fragments of a file: the files of a folder, of a host or of the controller.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oneex_sdk::{OpError, OpResult};

use super::content::Answer;

/// A fragment: the name of its file, and what that holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(crate) name: Vec<u8>,
    pub(crate) content: Vec<u8>,
}

/// A [`super::content::Question`] for the fragments of the folder `$1`: it answers `folder`, or why not, and a line
/// `file` with name and content of each.
pub(crate) const QUESTION: &str = r#"
encoded() { base64 | tr -d '\n'; }
folder=${1%/}
if [ ! -d "$folder/" ]; then echo none; return; fi
if [ ! -r "$folder/" ] || [ ! -x "$folder/" ]; then echo closed; return; fi
size=0
for file in "$folder"/* "$folder"/.*; do
    [ -f "$file" ] || continue
    [ -r "$file" ] || { echo closed; return; }
    more=$(wc -c <"$file")
    size=$((size + more))
    [ "$size" -le 8388608 ] || { echo large; return; }
done
echo folder
for file in "$folder"/* "$folder"/.*; do
    [ -f "$file" ] || continue
    printf 'file '
    printf %s "${file##*/}" | encoded
    printf ' '
    encoded <"$file"
    echo
done
"#;

/// The fragments that a host answered with.
pub(crate) fn answered(folder: &str, answer: &Answer) -> OpResult<Vec<Fragment>> {
    let wrong = || OpError::failed(format!("`{folder}`: the host answered in a way that is not understood"));
    match answer.said.lines().next() {
        Some("folder") => {}
        Some("none") => return Err(OpError::invalid(format!("`{folder}` is no folder"))),
        Some("closed") => {
            let error = OpError::denied(format!("`{folder}` cannot be read, or a file in it"));
            return Err(error.hint("does the task need `.sudo()`?"));
        }
        Some("large") => {
            return Err(OpError::invalid(format!("`{folder}` has more than 8 MiB of fragments")));
        }
        _ => return Err(wrong()),
    }
    let decoded = |text: &str| STANDARD.decode(text).map_err(|_| wrong());
    let read = |line: &str| {
        let (name, content) = line.split_once(' ').ok_or_else(wrong)?;
        Ok(Fragment { name: decoded(name)?, content: decoded(content)? })
    };
    answer.values("file").map(read).collect()
}

/// The fragments of a folder of the controller.
pub(crate) fn of_folder(folder: &Path) -> OpResult<Vec<Fragment>> {
    let failed = |path: &Path, error: std::io::Error| {
        OpError::invalid(format!("`{}` cannot be read: {error}", path.display()))
    };
    let mut fragments = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        if path.is_file() {
            let content = std::fs::read(&path).map_err(|error| failed(&path, error))?;
            let name = path.file_name().unwrap_or_default().as_bytes().to_vec();
            fragments.push(Fragment { name, content });
        }
    }
    Ok(fragments)
}

/// All fragments as one content, by the bytes of their names. Each begins on a line of its own, and so does what is
/// behind a delimiter.
pub(crate) fn joined(mut fragments: Vec<Fragment>, delimiter: Option<&str>) -> Vec<u8> {
    fragments.sort_by(|one, other| one.name.cmp(&other.name));
    let mut content: Vec<u8> = Vec::new();
    for (at, fragment) in fragments.iter().enumerate() {
        // An empty fragment has no line break at its end either.
        if at > 0 && !fragments[at - 1].content.ends_with(b"\n") {
            content.push(b'\n');
        }
        if let Some(delimiter) = delimiter.filter(|delimiter| at > 0 && !delimiter.is_empty()) {
            content.extend(delimiter.as_bytes());
            if !delimiter.ends_with('\n') {
                content.push(b'\n');
            }
        }
        content.extend(&fragment.content);
    }
    content
}

#[cfg(test)]
mod tests {
    use super::{Fragment, joined};

    #[test]
    fn fragments_are_put_together_as_ansible_does() {
        for (contents, delimiter, expected) in [
            (&["a", "b"][..], None, "a\nb"),
            (&["a\n", "b\n"], None, "a\nb\n"),
            (&["a", "b"], Some("-"), "a\n-\nb"),
            (&["a\n", "b"], Some("-\n"), "a\n-\nb"),
            (&["a\n", "", "b"], None, "a\n\nb"),
            (&["a", "b"], Some(""), "a\nb"),
            (&["a"], Some("-"), "a"),
        ] {
            let name = |at: usize| format!("{}", contents.len() - at).into_bytes();
            let fragments = contents.iter().enumerate().rev().map(|(at, content)| Fragment {
                name: name(contents.len() - at),
                content: content.as_bytes().to_vec(),
            });
            let content = joined(fragments.collect(), delimiter);
            assert_eq!(String::from_utf8_lossy(&content), expected, "{contents:?} {delimiter:?}");
        }
    }
}
