//! What a look at a checkout found.

use oneex_sdk::{OpError, OpResult};

/// What is in the place of a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing.
    Absent,
    /// A folder with nothing in it.
    Empty,
    /// A repository.
    Repository,
}

impl Place {
    /// The word that scripts have for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Empty => "empty",
            Self::Repository => "repository",
        }
    }
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// What is there.
    pub(crate) place: Place,
    /// The commit that is checked out.
    pub(crate) head: Option<String>,
    /// The address of the other repository.
    pub(crate) url: Option<String>,
    /// Files of the repository that were changed, added or removed on the host.
    pub(crate) modified: usize,
    /// The first of them.
    pub(crate) example: Option<String>,
    /// Submodules that are not at the commit that the repository names.
    pub(crate) submodules: usize,
    /// Whether an earlier run was ended while it checked out.
    pub(crate) cut_short: bool,
    /// Whether only a part of the history is there.
    pub(crate) is_shallow: bool,
    /// What the other repository said of the version.
    pub(crate) remote: String,
}

impl Found {
    /// Reads what the look printed.
    pub(crate) fn parse(dest: &str, printed: &str) -> OpResult<Self> {
        let (here, remote) = match printed.split_once("\nremote\n") {
            Some((here, remote)) => (here, remote),
            None => (printed, ""),
        };
        let mut lines = here.lines();
        let place = match lines.next() {
            Some("absent") => Place::Absent,
            Some("empty") => Place::Empty,
            Some("repository") => Place::Repository,
            Some("file") => return Err(OpError::invalid(format!("`{dest}` is no folder"))),
            Some("other") => {
                return Err(OpError::failed(format!("`{dest}` has content, and is no repository"))
                    .hint("move it away, or remove it with `absent` first"));
            }
            Some("none") => {
                return Err(
                    OpError::failed("the host has no `git`").hint("install it first: `h.packages(\"git\")`")
                );
            }
            _ => return Err(OpError::failed(format!("the look at `{dest}` was not understood"))),
        };
        let mut found = Self {
            place,
            head: None,
            url: None,
            modified: 0,
            example: None,
            submodules: 0,
            cut_short: false,
            is_shallow: false,
            remote: remote.to_owned(),
        };
        for line in lines {
            match line.split_once('\t') {
                Some(("head", commit)) if !commit.is_empty() => found.head = Some(commit.to_owned()),
                Some(("url", url)) if !url.is_empty() => found.url = Some(url.to_owned()),
                Some(("modified", status)) => {
                    found.modified += 1;
                    found.example.get_or_insert_with(|| status.get(3..).unwrap_or(status).to_owned());
                }
                Some(("submodule", _)) => found.submodules += 1,
                Some(("cut", _)) => found.cut_short = true,
                Some(("shallow", _)) => found.is_shallow = true,
                _ => {}
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Place};

    #[test]
    fn what_was_printed_is_understood() {
        let printed = "repository\nhead\tabc\nurl\thttps://example.org/a b\nmodified\t M a file\nmodified\tD  b\n\
                       submodule\t-1 lib\ncut\t\nshallow\t\nremote\nabc\tHEAD\n";
        let found = Found::parse("/srv", printed).expect("a repository");
        assert_eq!(
            found,
            Found {
                place: Place::Repository,
                head: Some("abc".into()),
                url: Some("https://example.org/a b".into()),
                modified: 2,
                example: Some("a file".into()),
                submodules: 1,
                cut_short: true,
                is_shallow: true,
                remote: "abc\tHEAD\n".into(),
            }
        );
        let bare = Found::parse("/srv", "repository\nhead\t\nurl\t\n").expect("a repository");
        assert_eq!((bare.head, bare.url, bare.modified, bare.remote.as_str()), (None, None, 0, ""));
        assert_eq!(Found::parse("/srv", "empty\nremote\n\n").expect("empty").place, Place::Empty);
    }

    #[test]
    fn what_cannot_be_a_checkout_is_named() {
        for (printed, message) in [
            ("file\n", "`/srv` is no folder"),
            ("other\n", "`/srv` has content, and is no repository"),
            ("none\n", "the host has no `git`"),
            ("", "the look at `/srv` was not understood"),
        ] {
            assert_eq!(Found::parse("/srv", printed).expect_err(printed).message, message);
        }
    }
}
