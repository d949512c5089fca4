//! Checksums as scripts and files of sums write them.

use std::path::Path;

use oneex_sdk::{OpError, OpResult};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// How a sum is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    const ALL: [(&'static str, Self, usize); 6] = [
        ("md5", Self::Md5, 32),
        ("sha1", Self::Sha1, 40),
        ("sha224", Self::Sha224, 56),
        ("sha256", Self::Sha256, 64),
        ("sha384", Self::Sha384, 96),
        ("sha512", Self::Sha512, 128),
    ];

    fn row(self) -> (&'static str, usize) {
        let row = Self::ALL.iter().find(|(_, algorithm, _)| *algorithm == self);
        row.map_or(("sha256", 64), |(name, _, digits)| (*name, *digits))
    }

    /// Its name, to which `sum` is added for the program of a host.
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    /// The sum of a file of the controller.
    pub(crate) fn of_file(self, path: &Path) -> std::io::Result<String> {
        fn sum<D: Digest + std::io::Write>(path: &Path) -> std::io::Result<String> {
            let mut digest = D::new();
            std::io::copy(&mut std::fs::File::open(path)?, &mut digest)?;
            Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
        }
        match self {
            Self::Md5 => sum::<md5::Md5>(path),
            Self::Sha1 => sum::<Sha1>(path),
            Self::Sha224 => sum::<Sha224>(path),
            Self::Sha256 => sum::<Sha256>(path),
            Self::Sha384 => sum::<Sha384>(path),
            Self::Sha512 => sum::<Sha512>(path),
        }
    }
}

/// A sum that a content must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Checksum {
    /// The sum itself.
    Digits(Algorithm, String),
    /// The address of a file with sums.
    At(Algorithm, String),
}

impl Checksum {
    /// Reads `sha256:DIGITS` or `sha256:https://…`.
    pub(crate) fn parse(text: &str) -> OpResult<Self> {
        let wrong = |why: String| {
            OpError::invalid(format!("`checksum`: {why}")).hint(
                "write `sha256:` and 64 hexadecimal digits, or `sha256:` and the address of a file with sums",
            )
        };
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| wrong(format!("`{}` names no algorithm", text.escape_debug())))?;
        let row = Algorithm::ALL.iter().find(|(known, ..)| *known == name);
        let (_, algorithm, _) =
            row.ok_or_else(|| wrong(format!("`{}` is no algorithm that is known", name.escape_debug())))?;
        if value.starts_with("http://") || value.starts_with("https://") {
            return Ok(Self::At(*algorithm, value.to_owned()));
        }
        let digits = digits(*algorithm, value.trim());
        digits.map(|digits| Self::Digits(*algorithm, digits)).ok_or_else(|| {
            let (name, count) = algorithm.row();
            wrong(format!("a {name} has {count} hexadecimal digits"))
        })
    }
}

fn digits(algorithm: Algorithm, text: &str) -> Option<String> {
    let is_sum = text.len() == algorithm.row().1 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sum.then(|| text.to_ascii_lowercase())
}

/// Finds the sum of the file `name` in a file of sums: lines of `SUM  NAME`, as sha256sum(1) writes them, of `SHA256 (NAME)
/// = SUM`, or one sum alone.
pub(crate) fn find_sum(algorithm: Algorithm, name: &str, sums: &str) -> Option<String> {
    let mut alone = None;
    for line in sums.lines() {
        let line = line.trim();
        if let Some((before, sum)) = line.rsplit_once(" = ")
            && let Some((_, named)) = before.split_once(" (")
            && named.strip_suffix(')') == Some(name)
        {
            return digits(algorithm, sum.trim());
        }
        let (sum, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let Some(sum) = digits(algorithm, sum) else { continue };
        let named = rest.trim_start().trim_start_matches('*').trim_start_matches("./");
        if named == name || named.rsplit('/').next() == Some(name) {
            return Some(sum);
        }
        if rest.trim().is_empty() {
            alone.get_or_insert(sum);
        }
    }
    alone
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Checksum, find_sum};

    #[test]
    fn checksums_are_read() {
        let sum = "AB".repeat(32);
        let parsed = Checksum::parse(&format!("sha256:{sum}")).expect("a sum");
        assert_eq!(parsed, Checksum::Digits(Algorithm::Sha256, sum.to_lowercase()));
        let at = Checksum::parse("md5:https://x.org/SUMS").expect("an address");
        assert_eq!(at, Checksum::At(Algorithm::Md5, "https://x.org/SUMS".into()));
        for (text, message) in [
            (sum.as_str(), format!("`{sum}` names no algorithm")),
            ("crc:1", "`crc` is no algorithm that is known".into()),
            ("sha256:12", "a sha256 has 64 hexadecimal digits".into()),
            ("sha1:zz", "a sha1 has 40 hexadecimal digits".into()),
        ] {
            assert_eq!(Checksum::parse(text).expect_err(text).message, format!("`checksum`: {message}"));
        }
    }

    #[test]
    fn sums_are_found_in_files_of_sums() {
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        for (sums, expected) in [
            (format!("{two}  other\n{one}  a.tgz\n"), Some(&one)),
            (format!("{one} *a.tgz\n"), Some(&one)),
            (format!("{one}  ./dist/a.tgz\n"), Some(&one)),
            (format!("# sums\nSHA256 (other) = {two}\nSHA256 (a.tgz) = {one}\n"), Some(&one)),
            (format!("{one}\n"), Some(&one)),
            (format!("{two}  other\n"), None),
            (format!("{}  a.tgz\n", &one[1..]), None),
            (String::new(), None),
        ] {
            assert_eq!(find_sum(Algorithm::Sha256, "a.tgz", &sums).as_ref(), expected, "{sums}");
        }
    }

    #[test]
    fn sums_are_those_of_real_programs() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "größe\n").expect("written");
        for (name, algorithm, _) in Algorithm::ALL {
            let output =
                std::process::Command::new(format!("{name}sum")).arg(file.path()).output().expect(name);
            let expected = String::from_utf8_lossy(&output.stdout).split(' ').next().map(str::to_owned);
            assert_eq!(algorithm.of_file(file.path()).ok(), expected, "{name}");
        }
    }
}
