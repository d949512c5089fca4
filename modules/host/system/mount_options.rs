//! Options of mounts by their meaning, mount(8).

use std::collections::{BTreeMap, BTreeSet};

/// Words that say the opposite of each other: what holds without either comes first.
const PAIRS: &[[&str; 2]] = &[
    ["rw", "ro"],
    ["suid", "nosuid"],
    ["dev", "nodev"],
    ["exec", "noexec"],
    ["auto", "noauto"],
    ["async", "sync"],
    ["fail", "nofail"],
    ["diratime", "nodiratime"],
];

/// Words that say who may mount.
const WHO: &[&str] = &["nouser", "user", "users", "owner", "group"];

/// Words that say when access times are written.
const TIMES: &[&str] = &["relatime", "noatime", "strictatime", "atime"];

/// What options mean: those that say what holds without them are left out, and of those that say the opposite of
/// each other the last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Meaning {
    /// One word for each matter.
    values: BTreeMap<String, String>,
    /// Words for others than mount(8), which may come several times.
    others: BTreeSet<String>,
}

impl Meaning {
    fn of(options: &str) -> Self {
        let mut found = Self::default();
        for word in words(options) {
            found.take(word);
        }
        let is_usual = |matter: &String, value: &mut String| {
            let usual = PAIRS.iter().map(|[usual, _]| *usual).chain([WHO[0], TIMES[0]]);
            matter == value && usual.into_iter().any(|word| word == value)
        };
        found.values.retain(|matter, value| !is_usual(matter, value));
        found
    }

    fn take(&mut self, word: &str) {
        let mut set = |matter: &str, value: &str| {
            self.values.insert(matter.to_owned(), value.to_owned());
        };
        if let Some([usual, _]) = PAIRS.iter().find(|pair| pair.contains(&word)) {
            set(usual, word);
        } else if TIMES.contains(&word) {
            set(TIMES[0], if word == "atime" { TIMES[0] } else { word });
        } else if WHO.contains(&word) {
            set(WHO[0], word);
            if word != WHO[0] {
                set("suid", "nosuid");
                set("dev", "nodev");
                if word.starts_with("user") {
                    set("exec", "noexec");
                }
            }
        } else if word == "defaults" {
            for usual in ["rw", "suid", "dev", "exec", "auto", "async", WHO[0]] {
                set(usual, usual);
            }
        } else if word == "sw" {
            // What swap says where others say `defaults`.
        } else if word.starts_with("x-") || word.starts_with("X-") || word == "comment" {
            self.others.insert(word.to_owned());
        } else {
            set(word.split('=').next().unwrap_or_default(), word);
        }
    }
}

/// The words of a list of options; a comma between double quotes belongs to its word.
fn words(options: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    options
        .split(move |c: char| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        })
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

/// Whether two lists of options mean the same.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    Meaning::of(one) == Meaning::of(other)
}

/// What of the wanted options that the kernel tells of does not hold of a mount: as it is, and as it is to be. Only
/// words that are wanted count, since a kernel may say more of a mount than anybody asked for.
pub(crate) fn unfulfilled(wanted: &str, held: &str) -> Option<(String, String)> {
    let held: BTreeSet<&str> = held.split(',').collect();
    let mut differences = Vec::new();
    for word in words(wanted) {
        let pair = PAIRS[..4].iter().find(|pair| pair.contains(&word));
        let meant = Meaning::of(wanted);
        if let Some([usual, other]) = pair {
            let value = meant.values.get(*usual).map_or(*usual, String::as_str);
            let present = if held.contains(other) { *other } else { *usual };
            if present != value {
                differences.push((present.to_owned(), value.to_owned()));
            }
        } else if word == "noatime" && meant.values.get(TIMES[0]).is_some_and(|value| value == word) {
            let present = TIMES.iter().find(|time| held.contains(*time)).unwrap_or(&TIMES[2]);
            if *present != word {
                differences.push(((*present).to_owned(), word.to_owned()));
            }
        }
    }
    differences.dedup();
    let join = |texts: Vec<String>| texts.join(",");
    let (present, wanted): (Vec<_>, Vec<_>) = differences.into_iter().unzip();
    (!wanted.is_empty()).then(|| (join(present), join(wanted)))
}

#[cfg(test)]
mod tests {
    use super::{is_same, unfulfilled};

    #[test]
    fn options_are_compared_by_what_they_mean() {
        for (one, other) in [
            ("", "defaults"),
            ("defaults,noatime", "noatime"),
            ("noatime,nodev", "nodev,noatime"),
            ("ro,rw", "defaults"),
            ("ro,defaults", "rw"),
            ("size=1m,size=2m", "size=2m"),
            ("users,exec", "users,noexec,exec"),
            ("relatime,atime,", " rw"),
            ("x-a=1,x-b", "x-b,x-a=1"),
            ("sw", "defaults"),
            ("context=\"a,ro\",rw", "context=\"a,ro\""),
        ] {
            assert!(is_same(one, other), "{one:?} {other:?}");
        }
        for (one, other) in [
            ("defaults", "ro"),
            ("rw,ro", "rw"),
            ("user", "defaults"),
            ("user", "user,exec"),
            ("size=1m", "size=2m"),
            ("x-a=1", "x-a=1,x-a=2"),
            ("noatime", "nodiratime"),
            ("context=\"a,b\"", "context=\"b,a\""),
        ] {
            assert!(!is_same(one, other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_the_kernel_does_not_hold_is_told() {
        for (wanted, held, expected) in [
            ("defaults", "ro,nosuid,relatime", None),
            ("ro", "rw,relatime", Some(("rw", "ro"))),
            ("rw", "ro", Some(("ro", "rw"))),
            ("nodev,noexec,noatime", "rw,nodev,relatime", Some(("exec,relatime", "noexec,noatime"))),
            ("nodev,noexec,noatime", "rw,nodev,noexec,noatime,size=5k", None),
            ("size=9k,x-systemd.automount,nofail", "rw,size=5k", None),
            ("ro,rw", "rw", None),
            ("noatime,relatime", "rw,relatime", None),
        ] {
            let expected = expected.map(|(present, wanted)| (present.to_owned(), wanted.to_owned()));
            assert_eq!(unfulfilled(wanted, held), expected, "{wanted} {held}");
        }
    }
}
