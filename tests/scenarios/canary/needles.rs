//! What is looked for: parts of each canary in every form in which they could come back. Nothing here is the program's:
//! its own list of encodings is what is on trial.

use std::collections::{BTreeMap, BTreeSet};

use regex::bytes::{Regex, RegexBuilder};

/// A secret of the test, and where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Canary {
    pub(super) name: &'static str,
    /// Letters and digits, which no encoding of texts changes; nothing else holds them.
    core: String,
    /// The whole secret.
    pub(super) value: String,
}

/// Letters and digits that differ for each number.
fn core(number: u64) -> String {
    let letters = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995_2f8d_4711;
    let step = |_| {
        // xorshift64, Marsaglia 2003
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(letters[(state % letters.len() as u64) as usize])
    };
    (0..20).map(step).collect()
}

impl Canary {
    /// A secret with characters that every encoding treats in its own way.
    pub(super) fn new(number: u64, name: &'static str) -> Self {
        let core = core(number);
        Self { name, value: format!("p/+ '\"&<é%{core}$x\\="), core }
    }

    /// One of letters and digits alone.
    pub(super) fn plain(number: u64, name: &'static str) -> Self {
        let core = core(number);
        Self { name, value: core.clone(), core }
    }

    /// One of several lines.
    pub(super) fn lines(number: u64, name: &'static str) -> Self {
        let core = core(number);
        let (one, two) = core.split_at(10);
        Self { name, value: format!("first {one}\n  and {two}\nend of it {core}"), core }
    }

    /// Halves of it, so that a part is found as well.
    fn halves(&self) -> [&str; 2] {
        let (one, two) = self.core.split_at(10);
        [one, two]
    }
}

/// Base64 without padding (RFC 4648, section 4) of the bytes, `offset` bytes from the beginning of a text; without the
/// characters that depend on what stands beside them.
fn base64(bytes: &[u8], offset: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let skip = (6 - offset * 8 % 6) % 6;
    let letter = |bits: &[bool]| LETTERS[bits.iter().fold(0, |sum, bit| sum * 2 + usize::from(*bit))];
    bits[skip..].chunks_exact(6).map(|bits| char::from(letter(bits))).collect()
}

/// Finds canaries in bytes.
pub(super) struct Finder {
    canaries: Vec<Canary>,
    /// What is found as it is, and what is found in letters of either case.
    exact: Needles,
    folded: Needles,
}

/// Texts that a part of a canary may come back as, and whose.
struct Needles {
    texts: BTreeMap<String, usize>,
    any: Regex,
}

impl Needles {
    fn new(texts: BTreeMap<String, usize>) -> Self {
        let all: Vec<String> = texts.keys().map(|text| regex::escape(text)).collect();
        let any = RegexBuilder::new(&all.join("|")).unicode(false).size_limit(1 << 28).build().unwrap();
        Self { texts, any }
    }

    fn find(&self, bytes: &[u8]) -> impl Iterator<Item = usize> {
        self.any.find_iter(bytes).map(|hit| self.texts[&*String::from_utf8_lossy(hit.as_bytes())])
    }
}

impl Finder {
    pub(super) fn new(canaries: Vec<Canary>) -> Self {
        let (mut exact, mut folded) = (BTreeMap::new(), BTreeMap::new());
        for (index, canary) in canaries.iter().enumerate() {
            for half in canary.halves() {
                let reversed: String = half.chars().rev().collect();
                let digits: Vec<String> = half.bytes().map(|byte| format!("{byte:02x}")).collect();
                for text in [half.to_owned(), reversed, digits.concat(), digits.join(":"), digits.join("\\x")]
                {
                    folded.insert(text.to_lowercase(), index);
                }
                let once = (0..3).map(|offset| base64(half.as_bytes(), offset));
                let twice =
                    (0..9).map(|offset| base64(base64(half.as_bytes(), offset % 3).as_bytes(), offset / 3));
                exact.extend(once.chain(twice).map(|text| (text, index)));
            }
        }
        Self { canaries, exact: Needles::new(exact), folded: Needles::new(folded) }
    }

    /// The names of the canaries of which a part stands in these bytes, also with line breaks in it.
    pub(super) fn find(&self, bytes: &[u8]) -> Vec<&'static str> {
        let mut found = BTreeSet::new();
        for bytes in [bytes, &unwrapped(bytes)] {
            found.extend(self.exact.find(bytes));
            found.extend(self.folded.find(&bytes.to_ascii_lowercase()));
        }
        found.into_iter().map(|index| self.canaries[index].name).collect()
    }

    /// The same, with the lines in which they stand where they stand in one.
    pub(super) fn explain(&self, text: &str) -> Vec<String> {
        let lines =
            text.lines().filter_map(|line| Some((self.find(line.as_bytes()).first().copied()?, line)));
        let shown = lines.map(|(name, line)| format!("{name}: {line}"));
        shown.chain(self.find(text.as_bytes()).into_iter().map(str::to_owned)).collect()
    }
}

/// Without white space, and without the line breaks of JSON.
fn unwrapped(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
    while let Some((first, after)) = rest.split_first() {
        let is_break = *first == b'\\' && matches!(after.first(), Some(b'n' | b'r'));
        if !is_break && !first.is_ascii_whitespace() {
            out.push(*first);
        }
        rest = after.get(usize::from(is_break)..).unwrap_or_default();
    }
    out
}

#[test]
fn a_part_of_a_canary_is_found_in_every_form() {
    let canaries = [Canary::new(1, "one"), Canary::plain(2, "two"), Canary::lines(3, "three")];
    let finder = Finder::new(canaries.to_vec());
    for canary in &canaries {
        for half in canary.halves() {
            let digits: Vec<String> = half.bytes().map(|byte| format!("{byte:02X}")).collect();
            let mut forms = vec![half.to_owned(), half.to_lowercase(), half.to_uppercase()];
            forms.extend([digits.concat(), digits.join(" "), digits.join(":"), digits.join("\\x")]);
            for before in ["", "x", "xy", "xyz", "user:"] {
                let text = format!("{before}{half}");
                // A text of whole groups, so that nothing is cut off at the end.
                let text = format!("{text}{}", "=".repeat(3 - text.len() % 3));
                let once = base64(text.as_bytes(), 0);
                forms.push(base64(format!("{before}{once}===").as_bytes(), 0));
                forms.push(once);
            }
            for form in forms {
                let wrapped = format!("{}\n   {}", &form[..5], &form[5..]);
                let escaped = format!("{}\\n{}", &form[..5], &form[5..]);
                for text in [form, wrapped, escaped] {
                    assert_eq!(finder.find(format!("a {text} b").as_bytes()), [canary.name], "{text}");
                }
            }
        }
    }
    assert_eq!(finder.find(b"nothing of them"), [""; 0]);
}

#[test]
fn base64_is_as_the_rfc_has_it() {
    // RFC 4648, section 10.
    for (text, expected) in [("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("fooba", "Zm9vYm")] {
        assert_eq!(base64(text.as_bytes(), 0), expected);
    }
    // `printf '\0bar' | base64` is `AGJhcg==`, and with one byte more before it `AABiYXI=`.
    assert_eq!((base64(b"bar", 1).as_str(), base64(b"bar", 2).as_str()), ("Jhc", "iYX"));
}
