//! What an archive holds.

use std::path::PathBuf;

use oneex_sdk::{OpError, OpResult};

/// One thing in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// The parts of its path.
    pub(super) parts: Vec<String>,
    /// What it is.
    pub(super) kind: MemberKind,
    /// Its permissions, without set-id and sticky bits; nothing where the archive does not say.
    pub(super) mode: Option<u32>,
    /// When it was changed last, in seconds since 1970; nothing where the archive does not say so exactly.
    pub(super) modified: Option<i64>,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MemberKind {
    /// A folder.
    Folder,
    /// A file; its content is in a file of the controller.
    File { from: PathBuf, size: u64, sha256: String },
    /// A symbolic link, with what it points to.
    Link(String),
    /// Another name of a file that came before, by the parts of its path.
    SameAs(Vec<String>),
}

/// The parts of a path in an archive; none for the folder itself. What leaves the folder is refused, and so is a name
/// that is no text.
pub(super) fn parts(path: &[u8]) -> OpResult<Vec<String>> {
    let shown = String::from_utf8_lossy(path);
    let refused = |why: &str| {
        Err(OpError::invalid(format!("`{}` in the archive {why}", shown.escape_debug()))
            .hint("an archive from somebody who is trusted has no such name"))
    };
    let Ok(text) = std::str::from_utf8(path) else {
        return refused("is not UTF-8");
    };
    if text.starts_with('/') {
        return refused("is an absolute path");
    }
    if text.contains('\0') {
        return refused("holds a NUL");
    }
    let parts: Vec<String> =
        text.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect();
    if parts.iter().any(|part| part == "..") {
        return refused("leads out of the folder");
    }
    Ok(parts)
}

/// More links than these on the way to one place are followed by no system, path_resolution(7).
const MOST_LINKS: usize = 40;

/// Whether a link in `folder` leads out of the outermost one. `link` knows the other links of the archive, which are
/// followed: behind one of them, `..` is not what it seems to be.
pub(super) fn leads_out<'a>(
    folder: &[String],
    target: &'a str,
    link: impl Fn(&[String]) -> Option<&'a str>,
) -> bool {
    let mut at = folder.to_vec();
    let mut left: Vec<&str> = Vec::new();
    let mut next = Some(target);
    for _ in 0..=MOST_LINKS {
        if let Some(target) = next.take() {
            if target.starts_with('/') {
                return true;
            }
            left.extend(target.split('/').rev());
        }
        while let Some(part) = left.pop() {
            match part {
                "" | "." => {}
                ".." if at.pop().is_none() => return true,
                ".." => {}
                name => {
                    at.push(name.to_owned());
                    if let Some(target) = link(&at) {
                        at.pop();
                        next = Some(target);
                        break;
                    }
                }
            }
        }
        if next.is_none() {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{leads_out, parts};

    #[test]
    fn paths_stay_in_the_folder() {
        for (path, expected) in [
            ("a/b", vec!["a", "b"]),
            ("./a//b/", vec!["a", "b"]),
            ("./", vec![]),
            ("-n/$(id)/ x", vec!["-n", "$(id)", " x"]),
            ("..a/b..", vec!["..a", "b.."]),
        ] {
            assert_eq!(parts(path.as_bytes()).expect(path), expected);
        }
        for (path, message) in [
            (&b"/etc/passwd"[..], "`/etc/passwd` in the archive is an absolute path"),
            (b"a/../../b", "`a/../../b` in the archive leads out of the folder"),
            (b"..", "`..` in the archive leads out of the folder"),
            (b"a\0b", "`a\\0b` in the archive holds a NUL"),
            (b"\xff", "`\u{fffd}` in the archive is not UTF-8"),
        ] {
            assert_eq!(parts(path).expect_err(message).message, message);
        }
    }

    #[test]
    fn links_that_lead_out_are_known() {
        let links = [("here", "."), ("d/up", ".."), ("loop", "loop"), ("deep", "d/e"), ("out", "/")];
        let link = |at: &[String]| {
            let path = at.join("/");
            links.iter().find(|(name, _)| *name == path).map(|(_, target)| *target)
        };
        for (folder, target, is_out) in [
            ("", "a", false),
            ("", "a/../b", false),
            ("", "..", true),
            ("", "a/../../b", true),
            ("x", "../b", false),
            ("x", "../../b", true),
            ("x/y", "../../b", false),
            ("", "/etc", true),
            ("", "./.", false),
            ("x", "..//../a", true),
            ("", "here/..", true),
            ("", "here/here/x", false),
            ("", "d/up/x", false),
            ("", "d/up/..", true),
            ("", "d/up/here/../x", true),
            ("", "deep/../../x", false),
            ("", "deep/../../../x", true),
            ("x", "../out", true),
            ("", "loop", false),
            ("", "loop/../..", false),
        ] {
            let parts: Vec<String> =
                folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
            assert_eq!(leads_out(&parts, target, link), is_out, "{folder} {target}");
        }
    }
}
