//! Ansible's host patterns: `web:&prod:!web3`, `db[0:2]`, `~re`, `web*.example`.
//!
//! Source: ansible-core's `inventory/manager.py`.

use std::sync::{Arc, LazyLock};

use indexmap::IndexSet;
use regex::Regex;

use super::address::parse_address;
use super::data::{HostIndex, Inventory};

static PIECES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?:[^\s:\[\]]|\[[^\]]*\])+").ok());
static SUBSCRIPT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(.+)\[(?:(-?[0-9]+)|([0-9]+)([:-])([0-9]*))\]$").ok());

/// Why a text is no host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing is chosen.
    #[error("the host pattern is empty")]
    Empty,
    /// After `~` stands no regular expression.
    #[error("`{pattern}` is no regular expression: {why}")]
    Regex {
        /// The part of the pattern.
        pattern: String,
        /// The cause, on one line.
        why: String,
    },
    /// `[` without `]`, or the other way round.
    #[error("`{0}` has a bracket without its other half")]
    Bracket(String),
    /// A subscript whose number is too large to mean anything.
    #[error("the subscript of `{0}` is too large")]
    Subscript(String),
}

/// What a part of a pattern does with the hosts chosen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Add,
    Keep,
    Remove,
}

/// Which of the hosts found a subscript takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subscript {
    /// `[2]`, `[-1]`
    At(i64),
    /// `[0:2]`, the end included; `[1:]` without one.
    Range(usize, Option<usize>),
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact(String),
    Regex(Arc<Regex>),
}

/// One part of a pattern.
#[derive(Debug, Clone)]
struct Part {
    sign: Sign,
    /// As it is written, without its sign: a host of that very name is meant first.
    text: String,
    matcher: Matcher,
    /// A glob or a regular expression is also compared with host names where a group matched.
    also_hosts: bool,
    subscript: Option<Subscript>,
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.sign == other.sign && self.text == other.text
    }
}

/// A parsed host pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Parts in the order in which they apply: those that add, those that keep, those that remove.
    parts: Vec<Part>,
    text: String,
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if let Some(piece) = half_bracket(text) {
            return Err(PatternError::Bracket(piece));
        }
        let mut parts = split(text).into_iter().map(part).collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() {
            return Err(PatternError::Empty);
        }
        if !parts.iter().any(|part| part.sign == Sign::Add) {
            parts.insert(0, part("all")?);
        }
        parts.sort_by_key(|part| match part.sign {
            Sign::Add => 0,
            Sign::Keep => 1,
            Sign::Remove => 2,
        });
        Ok(Self { parts, text: text.trim().to_owned() })
    }

    /// The hosts that the pattern chooses, in the order in which Ansible has them: by parts, in each by
    /// groups, in each as the inventory writes them.
    pub(super) fn resolve(&self, inventory: &Inventory) -> IndexSet<Arc<str>> {
        let mut chosen: IndexSet<Arc<str>> = IndexSet::new();
        for part in &self.parts {
            let found = part.names(inventory);
            match part.sign {
                Sign::Add => chosen.extend(found),
                Sign::Keep => chosen.retain(|name| found.contains(name)),
                Sign::Remove => chosen.retain(|name| !found.contains(name)),
            }
        }
        chosen
    }

    /// The parts that match neither a group nor a host.
    pub(super) fn unknown(&self, inventory: &Inventory) -> Vec<String> {
        let missing = |part: &&Part| {
            part.text != "all" && part.names(inventory).is_empty() && !part.is_group(inventory)
        };
        self.parts.iter().filter(missing).map(|part| part.text.clone()).collect()
    }
}

/// Splits at commas, or, where the text is no address, at colons outside brackets.
fn split(text: &str) -> Vec<&str> {
    let pieces: Vec<&str> = if text.contains(',') {
        text.split(',').collect()
    } else if parse_address(text.trim()).is_some() {
        vec![text]
    } else {
        PIECES
            .as_ref()
            .map(|pieces| pieces.find_iter(text).map(|piece| piece.as_str()).collect())
            .unwrap_or_default()
    };
    pieces.into_iter().map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

/// The text where it has a bracket that is not closed, or not opened. Ansible drops it, and so turns
/// `~[` into all hosts; that is nobody's intention.
fn half_bracket(text: &str) -> Option<String> {
    if text.contains(',') || parse_address(text.trim()).is_some() {
        return None;
    }
    let rest = PIECES.as_ref()?.replace_all(text, "");
    rest.contains(['[', ']']).then(|| text.trim().to_owned())
}

fn part(piece: &str) -> Result<Part, PatternError> {
    let (sign, text) = match piece.chars().next() {
        Some('!') => (Sign::Remove, &piece[1..]),
        Some('&') => (Sign::Keep, &piece[1..]),
        _ => (Sign::Add, piece),
    };
    if text.is_empty() {
        return Err(PatternError::Empty);
    }
    if let Some(expression) = text.strip_prefix('~') {
        let matcher = Matcher::Regex(regex(text, &format!("^(?:{expression})"))?);
        return Ok(Part { sign, text: text.to_owned(), matcher, also_hosts: true, subscript: None });
    }
    let (name, subscript) = subscript(text)?;
    let glob = name.contains(['?', '*', '[']);
    let matcher =
        if glob { Matcher::Regex(regex(text, &translate(name))?) } else { Matcher::Exact(name.to_owned()) };
    Ok(Part { sign, text: text.to_owned(), matcher, also_hosts: glob || name.contains('.'), subscript })
}

fn regex(text: &str, expression: &str) -> Result<Arc<Regex>, PatternError> {
    Regex::new(expression).map(Arc::new).map_err(|error| {
        let why =
            error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        PatternError::Regex { pattern: text.to_owned(), why }
    })
}

fn subscript(text: &str) -> Result<(&str, Option<Subscript>), PatternError> {
    let Some(found) = SUBSCRIPT.as_ref().and_then(|subscript| subscript.captures(text)) else {
        return Ok((text, None));
    };
    let large = || PatternError::Subscript(text.to_owned());
    let name = found.get(1).map_or(text, |name| name.as_str());
    if let Some(at) = found.get(2) {
        return Ok((name, Some(Subscript::At(at.as_str().parse().map_err(|_| large())?))));
    }
    let number = |index: usize| found.get(index).map_or("", |number| number.as_str());
    let start = number(3).parse().map_err(|_| large())?;
    let end = match number(5) {
        "" => None,
        end => Some(end.parse().map_err(|_| large())?),
    };
    Ok((name, Some(Subscript::Range(start, end))))
}

/// A shell glob as a regular expression, as Python's `fnmatch.translate` has it.
fn translate(glob: &str) -> String {
    let chars: Vec<char> = glob.chars().collect();
    let mut out = String::from("(?s)^");
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        at += 1;
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => {
                // `]` directly after `[` or `[!` belongs to the class.
                let first = at + usize::from(chars.get(at) == Some(&'!'));
                let from = first + usize::from(chars.get(first) == Some(&']'));
                match chars.iter().skip(from).position(|c| *c == ']') {
                    None => out.push_str("\\["),
                    Some(length) => {
                        let class: String = chars[first..from + length].iter().collect();
                        out.push_str(if first > at { "[^" } else { "[" });
                        for c in class.chars() {
                            if matches!(c, '\\' | '[' | ']' | '^' | '&' | '~') {
                                out.push('\\');
                            }
                            out.push(c);
                        }
                        out.push(']');
                        at = from + length + 1;
                    }
                }
            }
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push('$');
    out
}

impl Part {
    fn names(&self, inventory: &Inventory) -> IndexSet<Arc<str>> {
        // A plain host is meant before any group of that name.
        if let Some((name, _)) = inventory.hosts.get_key_value(self.text.as_str()) {
            return IndexSet::from([Arc::clone(name)]);
        }
        let found = self.indexes(inventory);
        if found.is_empty() && self.subscript.is_none() && inventory.is_implicit(&self.text) {
            return IndexSet::from([Arc::from(self.text.as_str())]);
        }
        let name = |index: &HostIndex| inventory.host_name(*index);
        match self.subscript {
            None => found.iter().map(name).collect(),
            Some(Subscript::At(at)) => {
                let length = i64::try_from(found.len()).unwrap_or(i64::MAX);
                let index = if at < 0 { length + at } else { at };
                let index = usize::try_from(index).ok().and_then(|index| found.get_index(index));
                index.map(name).into_iter().collect()
            }
            Some(Subscript::Range(start, end)) => {
                // Ansible takes the one host at `start` for an end of 0.
                let take = match end {
                    None => usize::MAX,
                    Some(0) => 1,
                    Some(end) => (end + 1).saturating_sub(start),
                };
                found.iter().skip(start).take(take).map(name).collect()
            }
        }
    }

    fn is_group(&self, inventory: &Inventory) -> bool {
        inventory.groups.contains_key(self.text.as_str())
    }

    fn indexes(&self, inventory: &Inventory) -> IndexSet<HostIndex> {
        let mut found = IndexSet::new();
        match &self.matcher {
            Matcher::Exact(name) => {
                let group = inventory.groups.get_index_of(name.as_str());
                if let Some(group) = group {
                    found.extend(inventory.members(group).iter().copied());
                }
                if group.is_none() || self.also_hosts {
                    found.extend(inventory.hosts.get_index_of(name.as_str()));
                }
            }
            Matcher::Regex(regex) => {
                for (index, name) in inventory.groups.keys().enumerate() {
                    if regex.is_match(name) {
                        found.extend(inventory.members(index).iter().copied());
                    }
                }
                let hosts = inventory.hosts.keys().enumerate();
                found.extend(hosts.filter(|(_, name)| regex.is_match(name)).map(|(index, _)| index));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::PatternError;
    use crate::diag::SourceMap;
    use crate::inventory::{HostSet, Inventory, InventorySource};

    fn inventory() -> Inventory {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hosts.ini");
        std::fs::write(&path, include_str!("recorded/hosts.ini")).expect("a file");
        Inventory::load(&[InventorySource::File(path)], &SourceMap::default()).expect("an inventory")
    }

    /// `patterns.tsv` was recorded from ansible-core 2.19.14.
    #[test]
    fn patterns_choose_what_ansible_chooses_in_its_order() {
        let inventory = inventory();
        for line in include_str!("recorded/patterns.tsv").lines() {
            let (pattern, wanted) = line.split_once('\t').expect("a tab");
            let found = HostSet::pattern(pattern).expect(pattern).resolve(&inventory);
            assert_eq!(found.join(" "), wanted, "{pattern}");
        }
    }

    #[test]
    fn unknown_parts_and_mistakes_are_named() {
        let inventory = inventory();
        let set = HostSet::pattern("web:nothing:!dbb").expect("a pattern");
        assert_eq!(set.unknown_names(&inventory), ["nothing", "dbb"]);
        assert_eq!(inventory.nearest_name("wbe"), Some("web"));
        assert_eq!(HostSet::pattern(" "), Err(PatternError::Empty));
        assert!(matches!(HostSet::pattern("~("), Err(PatternError::Regex { .. })));
    }

    #[test]
    fn variables_come_from_groups_and_lines() {
        let host = inventory().host("web10.example").expect("a host");
        assert_eq!(host.groups, ["web", "prod"]);
        assert_eq!(
            (host.target.port, &host.vars["role"], &host.vars["tier"]),
            (Some(2222), &"edge".into(), &"prod".into())
        );
    }

    proptest::proptest! {
        #[test]
        fn sets_obey_their_algebra(one in 0_usize..5, other in 0_usize..5) {
            let inventory = inventory();
            let names = ["web", "db", "prod", "staging", "all"];
            let set = |index: usize| HostSet::pattern(names[index]).expect("a pattern");
            let sorted = |set: HostSet| {
                let mut names = set.resolve(&inventory);
                names.sort();
                names
            };
            let (a, b) = (set(one), set(other));
            proptest::prop_assert_eq!(sorted(a.clone() + b.clone()), sorted(b.clone() + a.clone()));
            proptest::prop_assert_eq!(sorted((a.clone() - b.clone()) + (a.clone() & b.clone())), sorted(a.clone()));
            let text = format!("{}:&{}", names[one], names[other]);
            proptest::prop_assert_eq!(HostSet::pattern(&text).expect("a pattern").resolve(&inventory), (a & b).resolve(&inventory));
        }

        #[test]
        fn never_panics(text in "[a-z0-9:,&!~*?\\[\\]. -]{0,24}") {
            if let Ok(set) = HostSet::pattern(&text) {
                set.resolve(&Inventory::default());
            }
        }
    }
}
