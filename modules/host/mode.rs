//! File modes as people write them.

use std::borrow::Cow;
use std::fmt;

/// A file mode in options: an octal string such as `"0644"`, or a symbolic one such as `"u=rw,go=r"`.
///
/// Symbolic clauses are those of chmod(1p); a clause without `ugoa` is for all three, whatever the
/// umask. A number is refused: `644` in a script is decimal, and not the mode that it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    text: String,
    clauses: Clauses,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Clauses {
    Octal(u32),
    Symbolic(Vec<Clause>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Clause {
    /// The bits of `ugo` that it is for: 0o700, 0o070, 0o007 and sums.
    who: u32,
    steps: Vec<(char, String)>,
}

impl Mode {
    /// Reads a mode; the error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no file mode: write for example `\"0644\"` or `\"u=rw,go=r\"`");
        let is_octal = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let clauses = if is_octal {
            let bits = u32::from_str_radix(text, 8).map_err(|_| wrong())?;
            if text.len() < 3 || bits > 0o7777 {
                return Err(wrong());
            }
            Clauses::Octal(bits)
        } else {
            Clauses::Symbolic(
                text.split(',').map(|part| clause(part).ok_or_else(wrong)).collect::<Result<_, _>>()?,
            )
        };
        Ok(Self { text: text.to_owned(), clauses })
    }

    /// What only the owner reads and writes: 0600.
    pub fn private() -> Self {
        Self { text: "0600".to_owned(), clauses: Clauses::Octal(0o600) }
    }

    /// These permission bits.
    pub(crate) fn of_bits(bits: u32) -> Self {
        let bits = bits & 0o7777;
        Self { text: octal(bits), clauses: Clauses::Octal(bits) }
    }

    /// The permission bits that follow from it for something that has `current` now.
    pub fn bits(&self, current: u32, is_directory: bool) -> u32 {
        match &self.clauses {
            Clauses::Octal(bits) => *bits,
            Clauses::Symbolic(clauses) => clauses.iter().fold(current & 0o7777, |mode, clause| {
                clause
                    .steps
                    .iter()
                    .fold(mode, |mode, (sign, letters)| step(mode, clause.who, *sign, letters, is_directory))
            }),
        }
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Shows permission bits as `stat` and `ls` users write them: four octal digits.
pub(crate) fn octal(bits: u32) -> String {
    format!("{:04o}", bits & 0o7777)
}

fn clause(text: &str) -> Option<Clause> {
    let signs = text.find(['+', '-', '='])?;
    let (letters, mut rest) = text.split_at(signs);
    let who = letters.chars().try_fold(0, |who, letter| match letter {
        'u' => Some(who | 0o700),
        'g' => Some(who | 0o070),
        'o' => Some(who | 0o007),
        'a' => Some(0o777),
        _ => None,
    })?;
    let mut steps = Vec::new();
    while let Some(sign) = rest.chars().next() {
        let tail = rest.get(1..)?;
        let end = tail.find(['+', '-', '=']).unwrap_or(tail.len());
        let (letters, after) = tail.split_at(end);
        let is_copy = matches!(letters, "u" | "g" | "o");
        if !is_copy && !letters.chars().all(|letter| "rwxXst".contains(letter)) {
            return None;
        }
        steps.push((sign, letters.to_owned()));
        rest = after;
    }
    Some(Clause { who: if who == 0 { 0o777 } else { who }, steps })
}

fn step(mode: u32, who: u32, sign: char, letters: &str, is_directory: bool) -> u32 {
    let spread = |three: u32| (three << 6 | three << 3 | three) & who;
    let mut bits = 0;
    for letter in letters.chars() {
        bits |= match letter {
            'r' => spread(4),
            'w' => spread(2),
            'x' => spread(1),
            'X' if is_directory || mode & 0o111 != 0 => spread(1),
            's' => (if who & 0o700 != 0 { 0o4000 } else { 0 }) | (if who & 0o070 != 0 { 0o2000 } else { 0 }),
            't' => 0o1000,
            'u' => spread(mode >> 6 & 7),
            'g' => spread(mode >> 3 & 7),
            'o' => spread(mode & 7),
            _ => 0,
        };
    }
    let special =
        if who == 0o777 { 0o7000 } else { (who & 0o700) << 3 & 0o4000 | (who & 0o070) << 6 & 0o2000 };
    match sign {
        '+' => mode | bits,
        '-' => mode & !bits,
        // As GNU chmod, `=` keeps the set-id bits of a folder.
        _ if is_directory => mode & !who & !(special & 0o1000) | bits,
        _ => mode & !who & !special | bits,
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for Mode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Mode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl serde::de::Visitor<'_> for Written {
            type Value = Mode;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file mode as a string, such as `\"0644\"` or `\"u=rw,go=r\"`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Mode, E> {
                Mode::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Written)
    }
}

impl schemars::JsonSchema for Mode {
    fn schema_name() -> Cow<'static, str> {
        "Mode".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "file-mode" })
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, octal};

    #[test]
    fn modes_are_what_chmod_makes_of_them() {
        for (start, text) in [
            (0o644, "0600"),
            (0o644, "u=rwx,go=rx"),
            (0o644, "a+x"),
            (0o755, "go-rwx"),
            (0o640, "o=g"),
            (0o600, "u+x,g=u-w"),
            (0o644, "+X"),
            (0o744, "a+X"),
            (0o755, "u+s,g+s"),
            (0o4755, "u=rwx"),
            (0o2755, "g=rx"),
            (0o600, "a="),
            (0o755, "+t"),
        ] {
            let file = tempfile::NamedTempFile::new().expect("a file");
            let run = |mode: &str| {
                let done = std::process::Command::new("chmod").arg(mode).arg(file.path()).status();
                assert!(done.is_ok_and(|status| status.success()), "chmod {mode}");
            };
            run(&octal(start));
            run(text);
            let metadata = std::fs::metadata(file.path()).expect("metadata");
            let expected = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
            let bits = Mode::parse(text).expect(text).bits(start, false);
            assert_eq!(octal(bits), octal(expected), "{text} on {start:o}");
        }
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for text in ["", "8", "0888", "77777", "64", "rw", "u=q", "z=r", "u"] {
            assert!(Mode::parse(text).is_err(), "{text}");
        }
        let error = serde_json::from_value::<Mode>(serde_json::json!(644)).expect_err("a number");
        assert_eq!(
            error.to_string(),
            "invalid type: integer `644`, expected a file mode as a string, such as `\"0644\"` or `\"u=rw,go=r\"`"
        );
    }
}
