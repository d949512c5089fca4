//! Texts as people, editors and broken disks spoil them: the same seed spoils in the same way, everywhere.

/// A source of chance that is the same on every machine: `SplitMix64`, by Sebastiano Vigna.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Chance that begins at `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % limit.max(1) as u64).unwrap_or_default()
    }

    /// One of these.
    ///
    /// # Panics
    /// When there is none.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// What stands where another value was expected.
const VALUES: &[&str] = &[
    "()",
    "0",
    "-1",
    "1.5",
    "100000",
    "9223372036854775808",
    "true",
    "\"\"",
    "\"x\"",
    "\"-5%\"",
    "\"5 parsecs\"",
    "[]",
    "[[]]",
    "#{}",
    "#{ a: 1 }",
    "{}",
    "null",
    "~",
    "|| 1",
    "|a, b, c| a",
    "local()",
    "hosts(\"~(\")",
    "'",
    "\"",
    "`${",
    "${x}",
    "task",
    "0o644",
    "!vault x",
    "&a",
    "*a",
    "1979-05-27",
];

/// What slips into a text: marks of other systems, wide and invisible characters, controls.
const SLIPS: &[&str] = &[
    "\0", "\u{feff}", "\r\n", "\r", "\t", "\u{a0}", "ü", "日本", "🚀", "e\u{301}", "\u{202e}", "\x1b[31m",
    "\u{2028}", "“", "\\", "%", "{{", "}}", "{%", "#}", "/*", "*/", "//", "---", "\u{7f}", "\u{85}",
];

/// Spoils `text` once to three times, always in the same way for one `seed`. What comes may be no UTF-8.
pub fn mutate(text: &str, seed: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let mut text = text.to_owned();
    for _ in 0..=chance.below(3) {
        text = spoil(&text, &mut chance);
    }
    match chance.below(16) {
        0 => cut(text.as_bytes(), &mut chance).to_vec(),
        1 => text.replace('\n', "\r\n").into_bytes(),
        2 => ["\u{feff}", &text].concat().into_bytes(),
        3 => with_byte(text.into_bytes(), &mut chance),
        _ => text.into_bytes(),
    }
}

/// Spoils bytes once to four times, always in the same way for one `seed`: bits flip, ranges are lost, doubled, repeated
/// and exchanged, and `pieces` slip in.
pub fn mutate_bytes(bytes: &[u8], pieces: &[&[u8]], seed: u64) -> Vec<u8> {
    let mut chance = Chance::new(seed);
    let mut bytes = bytes.to_vec();
    for _ in 0..=chance.below(4) {
        let (from, to) = range(bytes.len(), &mut chance);
        let at = chance.below(bytes.len() + 1);
        let part = bytes[from..to].to_vec();
        match chance.below(9) {
            0 if from < to => bytes[from] ^= 1 << chance.below(8),
            1 if from < to => bytes[from] = u8::try_from(chance.below(256)).unwrap_or_default(),
            2 => drop(bytes.drain(from..to)),
            3 => drop(bytes.splice(at..at, part)),
            4 => drop(bytes.splice(at..at, part.repeat(chance.below(40)))),
            5 => {
                bytes.drain(from..to);
                let at = at.min(bytes.len());
                bytes.splice(at..at, part);
            }
            6 => bytes.truncate(at),
            _ if pieces.is_empty() => bytes.reverse(),
            7 => drop(bytes.splice(from..to, chance.pick(pieces).to_vec())),
            _ => drop(bytes.splice(at..at, chance.pick(pieces).to_vec())),
        }
    }
    bytes
}

/// A part, short more often than long.
fn range(length: usize, chance: &mut Chance) -> (usize, usize) {
    let from = chance.below(length + 1);
    let most = chance.pick(&[1, 4, 16, 64]);
    (from, (from + chance.below(most + 1)).min(length))
}

fn spoil(text: &str, chance: &mut Chance) -> String {
    let mut tokens = tokens(text);
    let words: Vec<usize> = (0..tokens.len()).filter(|&at| !tokens[at].trim().is_empty()).collect();
    if words.is_empty() {
        return chance.pick(VALUES).to_owned();
    }
    let at = chance.pick(&words);
    let other = chance.pick(&words);
    let changed;
    match chance.below(10) {
        0 => drop(tokens.remove(at)),
        1 => tokens.insert(at, tokens[other]),
        2 => tokens.swap(at, other),
        3 => tokens[at] = chance.pick(VALUES),
        4 => tokens.insert(at, chance.pick(SLIPS)),
        5 => {
            changed = misspell(tokens[at], chance);
            tokens[at] = &changed;
        }
        6 => return lines(text, chance),
        7 => {
            changed = nest(tokens[at], chance);
            tokens[at] = &changed;
        }
        8 => {
            // Literals are where types are mistaken.
            let literals: Vec<usize> = words.iter().copied().filter(|&at| is_literal(tokens[at])).collect();
            let at = if literals.is_empty() { at } else { chance.pick(&literals) };
            tokens[at] = chance.pick(VALUES);
        }
        _ => {
            changed = inside(tokens[at], chance);
            tokens[at] = &changed;
        }
    }
    tokens.concat()
}

/// Words, literals in double quotes, runs of spaces, and single marks; together they are the text.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let end = match first {
            '"' => rest[1..].find(['"', '\n']).map_or(1, |end| end + 2),
            c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            ' ' => rest.find(|c| c != ' ').unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(end);
        found.push(token);
        rest = after;
    }
    found
}

fn is_literal(token: &str) -> bool {
    token.starts_with(|c: char| c == '"' || c.is_ascii_digit()) || matches!(token, "true" | "false")
}

fn misspell(token: &str, chance: &mut Chance) -> String {
    let mut letters: Vec<char> = token.chars().collect();
    let at = chance.below(letters.len());
    match chance.below(3) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        _ => {
            let next = (at + 1) % letters.len();
            letters.swap(at, next);
        }
    }
    letters.into_iter().collect()
}

/// Removes, doubles, swaps or lengthens whole lines.
fn lines(text: &str, chance: &mut Chance) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (at, other) = (chance.below(lines.len()), chance.below(lines.len()));
    let long;
    match chance.below(4) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[other]),
        2 => lines.swap(at, other),
        _ => {
            long = format!("{}{}", " x".repeat(20_000), lines[at]);
            lines[at] = &long;
        }
    }
    lines.concat()
}

fn nest(token: &str, chance: &mut Chance) -> String {
    let depth = chance.pick(&[3, 40, 1_000]);
    let (open, close) = chance.pick(&[
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("#{ a: ", " }"),
        ("-", ""),
        ("!", ""),
        ("x.", ""),
        ("- ", ""),
    ]);
    let close = if chance.below(4) == 0 { "" } else { close };
    format!("{}{token}{}", open.repeat(depth), close.repeat(depth))
}

/// Puts something into the middle of a token.
fn inside(token: &str, chance: &mut Chance) -> String {
    let at = chance.below(token.chars().count());
    let at = token.char_indices().nth(at).map_or(0, |(at, _)| at);
    format!("{}{}{}", &token[..at], chance.pick(SLIPS), &token[at..])
}

fn cut<'a>(bytes: &'a [u8], chance: &mut Chance) -> &'a [u8] {
    &bytes[..chance.below(bytes.len() + 1)]
}

fn with_byte(mut bytes: Vec<u8>, chance: &mut Chance) -> Vec<u8> {
    let at = chance.below(bytes.len() + 1);
    bytes.insert(at, chance.pick(&[0xff, 0x80, 0xc3, 0xed, 0x00]));
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{mutate, mutate_bytes, tokens};

    const TEXT: &str = "let a = #{ b: \"x y\", c: 5 };\n\tinfo(`${a.b} ü`);\n";

    #[test]
    fn tokens_together_are_the_text() {
        assert_eq!(tokens(TEXT).concat(), TEXT);
        assert!(tokens(TEXT).contains(&"\"x y\""));
        assert_eq!(tokens("\"open"), ["\"", "open"]);
    }

    #[test]
    fn a_seed_always_spoils_in_the_same_way() {
        let all: Vec<Vec<u8>> = (0..500).map(|seed| mutate(TEXT, seed)).collect();
        assert_eq!(all, (0..500).map(|seed| mutate(TEXT, seed)).collect::<Vec<_>>());
        let different: BTreeSet<&Vec<u8>> = all.iter().collect();
        assert!(different.len() > 400, "{}", different.len());
        assert!(all.iter().any(|bytes| std::str::from_utf8(bytes).is_err()), "some are no text");
    }

    #[test]
    fn bytes_are_spoiled_in_the_same_way_for_a_seed() {
        let pieces: [&[u8]; 2] = [b"PIECE", b"\0"];
        let all = |pieces: &[&[u8]]| -> Vec<Vec<u8>> {
            (0..500).map(|seed| mutate_bytes(TEXT.as_bytes(), pieces, seed)).collect()
        };
        let spoiled = all(&pieces);
        assert_eq!(spoiled, all(&pieces));
        let different: BTreeSet<&Vec<u8>> = spoiled.iter().collect();
        assert!(different.len() > 400, "{}", different.len());
        assert!(spoiled.iter().any(|bytes| bytes.windows(5).any(|window| window == b"PIECE")));
        assert!(spoiled.iter().any(|bytes| bytes.len() < TEXT.len() / 2), "some are cut");
        assert!(all(&[]).iter().all(|bytes| bytes.windows(5).all(|window| window != b"PIECE")));
        (0..200).for_each(|seed| drop(mutate_bytes(b"", &pieces, seed)));
    }

    #[test]
    fn an_empty_text_can_be_spoiled_too() {
        for text in ["", "\n", " "] {
            (0..200).for_each(|seed| drop(mutate(text, seed)));
        }
    }
}
