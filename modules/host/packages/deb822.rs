//! Sources of apt as paragraphs of fields, and the older form that has a line for each; sources.list(5).

use oneex_sdk::{OpError, OpResult};

/// A paragraph: names of fields with their values, in the order in which they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Paragraph(Vec<(String, String)>);

impl Paragraph {
    /// Adds a field, unless its value is empty.
    pub(crate) fn field(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.0.push((name.to_owned(), value));
        }
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The text of a file with this paragraph alone. A value of several lines goes on behind a blank; a line with nothing
    /// in it is a dot there.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            text.push_str(name);
            text.push(':');
            if value.contains('\n') {
                for line in value.trim_end().lines() {
                    text.push_str("\n ");
                    text.push_str(if line.trim().is_empty() { "." } else { line });
                }
            } else {
                text.push(' ');
                text.push_str(value);
            }
            text.push('\n');
        }
        text
    }
}

/// Options of the older form, and the fields that they are.
const OPTIONS: &[(&str, &str)] = &[
    ("arch", "Architectures"),
    ("lang", "Languages"),
    ("target", "Targets"),
    ("pdiffs", "PDiffs"),
    ("by-hash", "By-Hash"),
    ("allow-insecure", "Allow-Insecure"),
    ("allow-weak", "Allow-Weak"),
    ("allow-downgrade-to-insecure", "Allow-Downgrade-To-Insecure"),
    ("trusted", "Trusted"),
    ("signed-by", "Signed-By"),
    ("check-valid-until", "Check-Valid-Until"),
    ("valid-until-min", "Valid-Until-Min"),
    ("valid-until-max", "Valid-Until-Max"),
    ("check-date", "Check-Date"),
    ("date-max-future", "Date-Max-Future"),
    ("inrelease-path", "InRelease-Path"),
];

/// Reads a line of the older form: `deb [signed-by=/etc/apt/keyrings/x.asc] https://example.org/debian stable main`.
pub(crate) fn parse_line(line: &str) -> OpResult<Paragraph> {
    let wrong = |why: &str| {
        OpError::invalid(format!("`repo`: {why}"))
            .hint("write for example `deb [signed-by=/etc/apt/keyrings/x.asc] https://example.org/debian stable main`")
    };
    let line = line.trim();
    let (kind, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    if !matches!(kind, "deb" | "deb-src") {
        return Err(wrong("a line begins with `deb` or `deb-src`"));
    }
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(|| wrong("a `]` is missing"))?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (Some(uri), Some(suite)) = (words.next(), words.next()) else {
        return Err(wrong("an address and a suite are missing"));
    };
    let mut paragraph = Paragraph::default();
    paragraph.field("Types", kind);
    paragraph.field("URIs", uri);
    paragraph.field("Suites", suite);
    paragraph.field("Components", words.collect::<Vec<_>>().join(" "));
    for option in options.split_whitespace() {
        let (name, value) =
            option.split_once('=').ok_or_else(|| wrong(&format!("the option `{option}` has no `=`")))?;
        let (name, ending) = match (name.strip_suffix('+'), name.strip_suffix('-')) {
            (Some(name), _) => (name, "-Add"),
            (_, Some(name)) => (name, "-Remove"),
            _ => (name, ""),
        };
        let (_, field) = OPTIONS
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| wrong(&format!("apt has no option `{name}`")))?;
        paragraph.field(&format!("{field}{ending}"), value.replace(',', " "));
    }
    Ok(paragraph)
}

/// Refuses names of files that apt would not read.
pub(crate) fn check_source_name(name: &str) -> OpResult<()> {
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if name.is_empty() || name.starts_with(['.', '-']) || !is_name {
        return Err(OpError::invalid(format!(
            "`name`: `{}` cannot be the name of a file of sources",
            name.escape_debug()
        ))
        .hint("letters, digits, `_`, `-` and `.` are allowed"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Paragraph, check_source_name, parse_line};

    #[test]
    fn names_are_those_that_apt_reads() {
        for (name, is_good) in [
            ("docker", true),
            ("a.b_c-1", true),
            ("", false),
            ("a b", false),
            ("../x", false),
            (".x", false),
            ("-x", false),
            ("a\n", false),
            ("größe", false),
        ] {
            assert_eq!(check_source_name(name).is_ok(), is_good, "{name:?}");
        }
    }

    #[test]
    fn a_paragraph_is_written_as_apt_reads_it() {
        let mut paragraph = Paragraph::default();
        paragraph.field("Types", "deb deb-src");
        paragraph.field("Components", "");
        paragraph.field("Signed-By", "-----BEGIN\n\n abc\n-----END\n");
        assert_eq!(paragraph.text(), "Types: deb deb-src\nSigned-By:\n -----BEGIN\n .\n  abc\n -----END\n");
        assert_eq!((paragraph.get("Types"), paragraph.get("URIs")), (Some("deb deb-src"), None));
    }

    #[test]
    fn lines_of_the_older_form_become_fields() {
        for (line, text) in [
            (
                "deb http://x.org/debian stable main",
                "Types: deb\nURIs: http://x.org/debian\nSuites: stable\nComponents: main\n",
            ),
            ("  deb-src\tcopy:/srv  ./ ", "Types: deb-src\nURIs: copy:/srv\nSuites: ./\n"),
            (
                "deb [ arch=amd64,arm64 signed-by=/k.asc lang+=de trusted=yes ] https://x.org a b c",
                "Types: deb\nURIs: https://x.org\nSuites: a\nComponents: b c\nArchitectures: amd64 arm64\n\
                 Signed-By: /k.asc\nLanguages-Add: de\nTrusted: yes\n",
            ),
            (
                "deb [arch-=i386] https://x.org a b",
                "Types: deb\nURIs: https://x.org\nSuites: a\nComponents: b\nArchitectures-Remove: i386\n",
            ),
        ] {
            assert_eq!(parse_line(line).expect(line).text(), text);
        }
        for (line, message) in [
            ("", "a line begins with `deb` or `deb-src`"),
            ("ppa:x/y", "a line begins with `deb` or `deb-src`"),
            ("deb http://x.org", "an address and a suite are missing"),
            ("deb [arch=amd64 http://x.org a b", "a `]` is missing"),
            ("deb [arch] http://x.org a b", "the option `arch` has no `=`"),
            ("deb [archs=x] http://x.org a b", "apt has no option `archs`"),
        ] {
            assert_eq!(parse_line(line).expect_err(line).message, format!("`repo`: {message}"));
        }
    }
}
