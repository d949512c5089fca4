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
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-._:~^".contains(c))
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
    /// Names that are to be held, or not to be held any more.
    pub hold: Option<(bool, Vec<String>)>,
}

impl Policy {
    /// The parameters that every script of a package manager takes before the packages: lock timeout, whether lists are
    /// fetched, recommended packages (`yes`, `no` or nothing), downgrades, autoremove, purge, `hold`, `unhold` or
    /// nothing, the names for that in one word, and `install` or `remove`.
    pub(crate) fn words(&self, act: Act) -> Vec<String> {
        let word = |yes: bool| if yes { "yes" } else { "" }.to_owned();
        let (hold, names) = match &self.hold {
            None => (String::new(), String::new()),
            Some((held, names)) => (if *held { "hold" } else { "unhold" }.to_owned(), names.join(" ")),
        };
        vec![
            self.lock_timeout.to_string(),
            word(self.update_cache),
            self.recommends.map_or("", |wanted| if wanted { "yes" } else { "no" }).to_owned(),
            word(self.allow_downgrade),
            word(self.autoremove),
            word(self.purge),
            hold,
            names,
            match act {
                Act::Install => "install".to_owned(),
                Act::Remove => "remove".to_owned(),
            },
        ]
    }
}

/// A script for `act` with [`Policy::words`] and the packages, each with its version where one is wanted, behind
/// `separator`.
pub(crate) fn script(
    text: &str,
    separator: &str,
    act: Act,
    packages: &[PackageName],
    policy: &Policy,
) -> Command {
    let mut words = policy.words(act);
    words.extend(packages.iter().map(|package| match &package.version {
        Some(version) if act == Act::Install => format!("{}{separator}{version}", package.name),
        _ => package.name.clone(),
    }));
    Command::script(format!("{NAMES}{text}"), words)
}

/// Gives the parameters their names, and leaves the packages in `$@`. `wait_for` waits until the process ends whose number
/// is in one of its files, `gone` until its file is gone; both say who holds it when they give up.
const NAMES: &str = r#"export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
lock=$1 update=$2 recommends=$3 downgrade=$4 autoremove=$5 purge=$6 hold=$7 holds=$8 verb=$9
shift 9
give_up() { echo "E: Could not get lock $1. It is held by $2" >&2; exit 100; }
wait_for() {
    end=$(($(date +%s) + lock))
    for file; do
        while pid=$(cat "$file" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; do
            [ "$(date +%s)" -lt "$end" ] || give_up "$file" "process $pid"
            sleep 1
        done
    done
}
gone() {
    end=$(($(date +%s) + lock))
    while [ -e "$1" ]; do
        [ "$(date +%s)" -lt "$end" ] || give_up "$1" "another package manager, or is left of one that was ended"
        sleep 1
    done
}
"#;

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
    /// Names that are held at their version.
    pub held: BTreeSet<String>,
    /// Seconds since the lists of packages were fetched; nothing where they never were.
    pub cache_age: Option<u64>,
    /// What it said where it could not name the newest versions.
    pub trouble: Option<String>,
}

impl Snapshot {
    /// Reads lines of `package NAME VERSION`, `provides NAME`, `candidate NAME VERSION`, `held NAME`, `age SECONDS` and
    /// `trouble WORDS`, with tabs between the words. What else is printed is passed over.
    pub(crate) fn of_lines(printed: &str) -> Self {
        let mut snapshot = Self::default();
        for line in printed.lines() {
            let mut words = line.split('\t').map(str::trim);
            let (Some(kind), Some(first), second) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            match (kind, second) {
                ("package", Some(version)) => {
                    drop(snapshot.installed.insert(first.to_owned(), version.to_owned()));
                }
                ("candidate", Some(version)) => {
                    snapshot.candidates.entry(first.to_owned()).or_insert_with(|| version.to_owned());
                }
                ("provides", _) => drop(snapshot.provided.insert(first.to_owned())),
                ("held", _) => drop(snapshot.held.insert(first.to_owned())),
                ("age", _) => snapshot.cache_age = first.parse().ok(),
                ("trouble", _) => snapshot.trouble = Some(first.to_owned()),
                _ => {}
            }
        }
        snapshot
    }
}

/// One package manager.
pub(crate) trait PackageManager: Send + Sync {
    /// Its name in facts and messages.
    fn name(&self) -> &'static str;

    /// The programs by which it is recognised, the best first. The look finds the one that is there in `$program`.
    fn programs(&self) -> &'static [&'static str];

    /// A text for `sh` that prints, for a [`Need`] and the names in its parameters, what [`PackageManager::parse`] reads.
    /// It changes nothing.
    fn look(&self) -> String;

    /// Reads what the text printed.
    fn parse(&self, printed: &str) -> Snapshot {
        Snapshot::of_lines(printed)
    }

    /// Options that it cannot follow, and why.
    fn lacks(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether an installed version is the one that a script names.
    fn is_version(&self, installed: &str, wanted: &str) -> bool {
        installed == wanted
    }

    /// The command that fetches the lists, where the policy says so, and then does what it is told.
    fn act(&self, act: Act, packages: &[PackageName], policy: &Policy) -> Command;
}

/// Whether a version of the form `EPOCH:VERSION-RELEASE` is the one that a script names, which may leave out what it does
/// not care for.
pub(crate) fn is_version_in_parts(installed: &str, wanted: &str) -> bool {
    let installed = if wanted.contains(':') {
        installed
    } else {
        installed.split_once(':').map_or(installed, |(_, rest)| rest)
    };
    let without_release = installed.rsplit_once('-').map(|(version, _)| version);
    installed == wanted || (!wanted.contains('-') && without_release == Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::{PackageName, Snapshot, is_version_in_parts};

    #[test]
    fn versions_may_leave_out_epoch_and_release() {
        for (installed, wanted, is_same) in [
            ("1.0-1", "1.0-1", true),
            ("1.0-1", "1.0", true),
            ("2:1.0-1", "1.0", true),
            ("2:1.0-1", "1.0-1", true),
            ("2:1.0-1", "2:1.0-1", true),
            ("2:1.0-1", "2:1.0", true),
            ("2:1.0-1", "3:1.0-1", false),
            ("1.0-1", "1.0-2", false),
            ("1.0-1", "1", false),
            ("1.0", "1.0", true),
        ] {
            assert_eq!(is_version_in_parts(installed, wanted), is_same, "{installed} {wanted}");
        }
    }

    #[test]
    fn lines_are_read_and_noise_is_not() {
        let printed = "package\tcurl\t8.5-1\nprovides\tawk\ncandidate\tcurl\t8.6-1\ncandidate\tcurl\t8.4-1\nheld\tcurl\n\
                       age\t7\ntrouble\tno lists\nwarning: x\npackage\thalf\n\n";
        let snapshot = Snapshot::of_lines(printed);
        assert_eq!(snapshot.installed.into_iter().collect::<Vec<_>>(), [("curl".into(), "8.5-1".into())]);
        assert_eq!(snapshot.candidates.into_iter().collect::<Vec<_>>(), [("curl".into(), "8.6-1".into())]);
        assert!(snapshot.provided.contains("awk") && snapshot.held.contains("curl"));
        assert_eq!((snapshot.cache_age, snapshot.trouble.as_deref()), (Some(7), Some("no lists")));
    }

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
