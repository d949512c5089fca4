//! The framing of what the script prints.

use std::collections::BTreeMap;

use oneex_sdk::{OpError, OpResult};

/// The texts of the script's sections by name, white space around them removed.
#[derive(Debug, Default)]
pub(super) struct Sections(BTreeMap<String, String>);

impl Sections {
    /// Splits the script's output. Output without its last section was cut and is `failed`.
    pub(super) fn split(output: &[u8]) -> OpResult<Self> {
        let mut parts =
            output.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).trim().to_owned());
        // What comes before the first section is a greeting of the login shell.
        parts.next();
        let mut sections = BTreeMap::new();
        while let Some(name) = parts.next() {
            sections.insert(name, parts.next().unwrap_or_default());
        }
        match sections.remove("end") {
            Some(_) => Ok(Self(sections)),
            None => Err(OpError::failed("the facts of the host are incomplete")
                .hint("its `sh` must be a POSIX shell; try `sh -c 'printf \"\\000\"'` there")),
        }
    }

    /// The text of a section; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The text of a section, where it is not empty.
    pub(super) fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// The sections whose names begin with `prefix`, named without it.
    pub(super) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, text)| Some((name.strip_prefix(prefix)?, text.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::Sections;

    #[test]
    fn texts_are_found_by_name() {
        let sections =
            Sections::split(b"Welcome!\n\0a\0 one\ntwo \n\0empty\0\0local/x\0{}\0end\0").expect("complete");
        assert_eq!(
            (sections.text("a"), sections.some("empty"), sections.text("none")),
            ("one\ntwo", None, "")
        );
        assert_eq!(sections.below("local/").collect::<Vec<_>>(), [("x", "{}")]);
    }

    #[test]
    fn output_that_was_cut_is_an_error() {
        for cut in [&b""[..], b"sh: not found", b"\0a\0one\0b\0"] {
            assert!(Sections::split(cut).is_err(), "{cut:?}");
        }
    }
}
