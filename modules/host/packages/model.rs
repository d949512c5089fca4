//! What all package managers have in common.

use std::collections::{BTreeMap, BTreeSet};

use oneex_sdk::{Command, OpError, OpResult};

/// A package as a script names it: `curl`, or `curl=8.5.0-2` for exactly that version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PackageName {
    /// Its name.
    pub name: String,
    /// The version that it must have; any when left out.
    pub version: Option<String>,
}

impl PackageName {
    /// Reads `name` or `name=version`. What could be taken for an option or another word is `invalid`.
    pub(crate) fn parse(text: &str) -> OpResult<Self> {
        let (name, version) = match text.split_once('=') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let good = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-._:~".contains(c))
        };
        // apt takes a last `-` or `+` for "remove" and "install"; names such as `g++` are looked up first.
        if !good(name) || name.ends_with('-') || version.is_some_and(|version| !good(version)) {
            return Err(OpError::invalid(format!("`{text}` is not the name of a package"))
                .hint("write `name` or `name=version`"));
        }
        Ok(Self { name: name.to_owned(), version: version.map(str::to_owned) })
    }
}

/// What is done with packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Installed, or brought to the named or the newest version.
    Install,
    /// Removed.
    Remove,
}

/// Of which packages the newest versions are asked for, beside what is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Of none.
    Nothing,
    /// Of those that are not installed, and what stands in for them.
    Missing,
    /// Of all.
    All,
}

impl Need {
    /// The word that a look finds in its first parameter.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Missing => "missing",
            Self::All => "all",
        }
    }
}

/// How a package manager is to act.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    /// Whether the lists of packages are fetched first.
    pub update_cache: bool,
    /// Whether what a package only recommends is installed as well; the host's own setting when left out.
    pub recommends: Option<bool>,
    /// Whether what only removed packages needed is removed too.
    pub autoremove: bool,
    /// Whether configuration is removed with a package.
    pub purge: bool,
    /// Whether an older version may replace a newer one.
    pub allow_downgrade: bool,
    /// How many seconds to wait for another package manager to end.
    pub lock_timeout: u64,
}

/// What a package manager said of the host.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// Installed versions by name.
    pub installed: BTreeMap<String, String>,
    /// Names whose configuration alone is left.
    pub leftover: BTreeSet<String>,
    /// Names that installed packages stand in for.
    pub provided: BTreeSet<String>,
    /// The newest version by name that the sources have, where they know the package.
    pub candidates: BTreeMap<String, String>,
    /// Seconds since the lists of packages were fetched; nothing where they never were.
    pub cache_age: Option<u64>,
}

/// One package manager.
pub(crate) trait PackageManager: Send + Sync {
    /// Its name in facts and messages.
    fn name(&self) -> &'static str;

    /// The program by which it is recognised.
    fn program(&self) -> &'static str;

    /// A text for `sh` that prints, for a [`Need`] and the names in its parameters, what [`PackageManager::parse`] reads.
    /// It changes nothing.
    fn look(&self) -> &'static str;

    /// Reads what the text printed.
    fn parse(&self, printed: &str) -> Snapshot;

    /// The command that fetches the lists, where the policy says so, and then does what it is told.
    fn act(&self, act: Act, packages: &[PackageName], policy: &Policy) -> Command;
}

#[cfg(test)]
mod tests {
    use super::PackageName;

    #[test]
    fn names_are_names_with_or_without_version() {
        let parsed = PackageName::parse("libc6:i386=2.36-9+deb12u4").expect("a name");
        assert_eq!((parsed.name.as_str(), parsed.version.as_deref()), ("libc6:i386", Some("2.36-9+deb12u4")));
        assert_eq!(PackageName::parse("g++").expect("a name").version, None);
        for wrong in ["", "-y", "a b", "curl;id", "curl=", "=1", "../x", "$(id)", "vim-", "a/b", "curl=--x"] {
            assert!(PackageName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
