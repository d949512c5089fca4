//! Versions as a script names them, and the commits that they are.

use oneex_sdk::{OpError, OpResult};

/// What is to be checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Version {
    /// Whatever the other repository has checked out, which is its main branch.
    Head,
    /// A branch or a tag, or the first digits of a commit.
    Name(String),
    /// A whole reference: `refs/pull/7/head`.
    Reference(String),
    /// A commit by its whole name.
    Commit(String),
}

impl Version {
    /// Reads what a script says. What git-check-ref-format(1) forbids is `invalid`.
    pub(crate) fn parse(text: &str) -> OpResult<Self> {
        if text == "HEAD" {
            return Ok(Self::Head);
        }
        if matches!(text.len(), 40 | 64) && is_hexadecimal(text) {
            return Ok(Self::Commit(text.to_ascii_lowercase()));
        }
        let wrong = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
        let parts = || text.split('/');
        let is_name = !text.starts_with('-')
            && !text.contains(wrong)
            && !text.contains("..")
            && !text.contains("@{")
            && text != "@"
            && !text.ends_with('.')
            && parts().all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"));
        if !is_name {
            return Err(OpError::invalid(format!(
                "`version`: `{text}` cannot be a branch, a tag or a commit"
            ))
            .hint("write its name alone: `main`, `v1.2`, or the 40 digits of a commit"));
        }
        let name = text.to_owned();
        Ok(if text.starts_with("refs/") { Self::Reference(name) } else { Self::Name(name) })
    }

    /// What git-ls-remote(1) is asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        match self {
            Self::Head => vec!["HEAD".to_owned()],
            Self::Name(name) => {
                vec![
                    format!("refs/heads/{name}"),
                    format!("refs/tags/{name}"),
                    format!("refs/tags/{name}^{{}}"),
                ]
            }
            Self::Reference(name) => vec![name.clone(), format!("{name}^{{}}")],
            Self::Commit(_) => Vec::new(),
        }
    }

    /// Finds the version among what git-ls-remote(1) printed. A branch comes before a tag of the same name. Nothing
    /// where the repository has no such version.
    pub(crate) fn resolve(&self, printed: &str) -> Option<Target> {
        let rows = || printed.lines().filter_map(|line| line.split_once('\t'));
        let commit_of = |reference: &str| {
            rows().find(|(_, name)| *name == reference).map(|(commit, _)| commit.to_owned())
        };
        // The commit that an annotated tag stands for comes behind the tag itself.
        let peeled = |name: &str| commit_of(&format!("{name}^{{}}")).or_else(|| commit_of(name));
        match self {
            Self::Head => {
                let commit = rows().find(|(commit, name)| *name == "HEAD" && is_hexadecimal(commit))?.0;
                let branch = rows().find_map(|(target, name)| {
                    if name == "HEAD" { target.strip_prefix("ref: refs/heads/") } else { None }
                });
                Some(Target {
                    reference: branch.map_or_else(|| "HEAD".to_owned(), |name| format!("refs/heads/{name}")),
                    commit: commit.to_owned(),
                })
            }
            Self::Name(name) => {
                let (branch, tag) = (format!("refs/heads/{name}"), format!("refs/tags/{name}"));
                if let Some(commit) = commit_of(&branch) {
                    return Some(Target { reference: branch, commit });
                }
                if let Some(commit) = peeled(&tag) {
                    return Some(Target { reference: tag, commit });
                }
                let may_be_commit = name.len() >= 7 && name.len() < 64 && is_hexadecimal(name);
                may_be_commit.then(|| Target::commit(&name.to_ascii_lowercase()))
            }
            Self::Reference(name) => peeled(name).map(|commit| Target { reference: name.clone(), commit }),
            Self::Commit(commit) => Some(Target::commit(commit)),
        }
    }
}

/// A version that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The whole name of the branch, tag or other reference; nothing for a commit.
    pub(crate) reference: String,
    /// The commit; its first digits where a script names no more.
    pub(crate) commit: String,
}

impl Target {
    /// A commit that has no name.
    pub(crate) fn commit(commit: &str) -> Self {
        Self { reference: String::new(), commit: commit.to_owned() }
    }

    /// Whether a commit is the one that is wanted.
    pub(crate) fn is(&self, commit: &str) -> bool {
        commit.starts_with(&self.commit)
    }

    /// As people read it: `1f2e3d4c5b (main)`.
    pub(crate) fn shown(&self) -> String {
        let commit = short(&self.commit);
        let name = ["refs/heads/", "refs/tags/"]
            .iter()
            .find_map(|prefix| self.reference.strip_prefix(prefix))
            .unwrap_or(&self.reference);
        if name.is_empty() { commit.to_owned() } else { format!("{commit} ({name})") }
    }
}

/// The first digits of a commit, as people read it.
fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::{Target, Version};

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    #[test]
    fn names_are_names() {
        for (text, version) in [
            ("HEAD", Version::Head),
            ("main", Version::Name("main".into())),
            ("feature/a-b_c#1", Version::Name("feature/a-b_c#1".into())),
            ("deadbeef", Version::Name("deadbeef".into())),
            ("refs/pull/7/head", Version::Reference("refs/pull/7/head".into())),
            (ONE, Version::Commit(ONE.into())),
            (&"AB".repeat(20), Version::Commit("ab".repeat(20))),
        ] {
            assert_eq!(Version::parse(text).expect(text), version);
        }
        for wrong in [
            "", "-b", "a b", "a\nb", "a..b", "a~1", "HEAD^", "a:b", "a*", "a?", "[a", "a\\b", "a@{1}", "@",
            "a.", "/a", "a/", "a//b", "a/.b", "a.lock", "a.lock/b",
        ] {
            let error = Version::parse(wrong).expect_err(wrong);
            assert!(error.message.contains("cannot be a branch, a tag or a commit"), "{wrong}");
        }
    }

    #[test]
    fn names_become_commits() {
        let target = |reference: &str, commit: &str| {
            Some(Target { reference: reference.to_owned(), commit: commit.to_owned() })
        };
        for (version, printed, expected) in [
            ("HEAD", format!("ref: refs/heads/trunk\tHEAD\n{ONE}\tHEAD\n"), target("refs/heads/trunk", ONE)),
            ("HEAD", format!("{ONE}\tHEAD\n"), target("HEAD", ONE)),
            ("HEAD", String::new(), None),
            ("a", format!("{ONE}\trefs/heads/a\n"), target("refs/heads/a", ONE)),
            ("a", format!("{ONE}\trefs/tags/a\n"), target("refs/tags/a", ONE)),
            ("a", format!("{ONE}\trefs/tags/a\n{TWO}\trefs/tags/a^{{}}\n"), target("refs/tags/a", TWO)),
            ("a", format!("{ONE}\trefs/heads/a\n{TWO}\trefs/tags/a\n"), target("refs/heads/a", ONE)),
            // `git ls-remote` also finds what only ends so.
            ("a", format!("{ONE}\trefs/heads/x/refs/heads/a\n"), None),
            ("refs/pull/7/head", format!("{ONE}\trefs/pull/7/head\n"), target("refs/pull/7/head", ONE)),
            ("refs/pull/7/head", String::new(), None),
            ("abcdef1", String::new(), target("", "abcdef1")),
            ("abcdef", String::new(), None),
            (ONE, String::new(), target("", ONE)),
        ] {
            let version = Version::parse(version).expect("a version");
            assert_eq!(version.resolve(&printed), expected, "{version:?} {printed}");
        }
    }

    #[test]
    fn a_version_is_shown_with_its_name() {
        for (reference, shown) in [
            ("refs/heads/main", "1111111111 (main)"),
            ("refs/tags/v1", "1111111111 (v1)"),
            ("refs/pull/7/head", "1111111111 (refs/pull/7/head)"),
            ("", "1111111111"),
        ] {
            let target = Target { reference: reference.into(), commit: ONE.into() };
            assert_eq!(target.shown(), shown);
            assert!(target.is(ONE) && !target.is(TWO));
        }
    }
}
