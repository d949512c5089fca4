//! Lines of limits.conf(5).

/// A limit: for whom, which kind, of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit<'a> {
    /// A user, `@group`, `*`, or a range of numbers.
    pub(crate) domain: &'a str,
    /// `soft`, `hard` or `-`.
    pub(crate) kind: &'a str,
    /// `nofile`, `nproc` and their like.
    pub(crate) item: &'a str,
    /// A number, or `unlimited`.
    pub(crate) value: &'a str,
}

impl<'a> Limit<'a> {
    /// Reads a line; nothing for comments, empty lines, and what pam_limits(8) would not read.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let (domain, kind, item, value) = (words.next()?, words.next()?, words.next()?, words.next()?);
        words.next().is_none().then_some(Self { domain, kind, item, value })
    }

    fn is_of(&self, other: &Self) -> bool {
        (self.domain, self.kind, self.item) == (other.domain, other.kind, other.item)
    }

    fn line(&self, comment: Option<&str>) -> String {
        let Self { domain, kind, item, value } = self;
        let comment = comment.map(|text| format!("\t# {text}")).unwrap_or_default();
        format!("{domain}\t{kind}\t{item}\t{value}{comment}")
    }
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

/// Gives the limit one line. The last one of a text counts, and takes the value; others of it go. Without a new
/// comment it keeps the one that it has.
pub(crate) fn with_limit(text: &str, wanted: &Limit<'_>, comment: Option<&str>) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_of = |line: &str| Limit::parse(bare(line)).is_some_and(|limit| limit.is_of(wanted));
    let last = lines.iter().rposition(|line| is_of(line));
    let mut out = String::with_capacity(text.len() + 64);
    for (at, line) in lines.iter().enumerate() {
        let found = Limit::parse(bare(line));
        if Some(at) == last && found.as_ref() != Some(wanted) {
            let kept = bare(line).split_once('#').map(|(_, comment)| comment.trim());
            out.push_str(&wanted.line(comment.or(kept).filter(|comment| !comment.is_empty())));
            out.push_str(&line[bare(line).len()..]);
        } else if Some(at) == last || !is_of(line) {
            out.push_str(line);
        }
    }
    if last.is_none() {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&wanted.line(comment));
        out.push('\n');
    }
    out
}

/// Takes out all lines of the limit, whatever their value.
pub(crate) fn without_limit(text: &str, limit: &Limit<'_>) -> String {
    let goes = |line: &&str| Limit::parse(bare(line)).is_some_and(|found| found.is_of(limit));
    text.split_inclusive('\n').filter(|line| !goes(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Limit, with_limit, without_limit};

    const WANTED: Limit<'_> = Limit { domain: "@web", kind: "soft", item: "nofile", value: "65536" };

    #[test]
    fn lines_are_read_as_pam_limits_reads_them() {
        for (line, expected) in [
            ("@web soft nofile 65536", Some(WANTED)),
            ("\t@web  soft\tnofile 65536  # why", Some(WANTED)),
            ("# @web soft nofile 65536", None),
            ("@web soft nofile", None),
            ("@web soft nofile 1 2", None),
            ("", None),
        ] {
            assert_eq!(Limit::parse(line), expected, "{line:?}");
        }
    }

    #[test]
    fn edits() {
        let line = "@web\tsoft\tnofile\t65536";
        for (text, expected) in [
            ("", format!("{line}\n")),
            ("# x", format!("# x\n{line}\n")),
            ("@web soft nofile 1", line.to_owned()),
            ("@web soft nofile 1 #why #2\n", format!("{line}\t# why #2\n")),
            ("@web soft nofile 1 #", line.to_owned()),
            ("@web soft nofile 65536 # why\n", "@web soft nofile 65536 # why\n".to_owned()),
            ("@web soft nofile 1\n@db soft nofile 2\n", format!("{line}\n@db soft nofile 2\n")),
            ("@web soft nofile 1\r\n# x\r\n", format!("{line}\r\n# x\r\n")),
            // The last of several counts for pam_limits(8), so that it is the one that stays.
            ("@web soft nofile 65536\n* - nproc 9\n@web soft nofile 1\n", format!("* - nproc 9\n{line}\n")),
            ("@web hard nofile 1\nnonsense\n", format!("@web hard nofile 1\nnonsense\n{line}\n")),
        ] {
            let after = with_limit(text, &WANTED, None);
            assert_eq!(after, expected, "{text:?}");
            assert_eq!(with_limit(&after, &WANTED, None), after);
            assert!(!without_limit(&after, &WANTED).contains("@web soft"));
        }
        assert_eq!(with_limit("", &WANTED, Some("why")), format!("{line}\t# why\n"));
        assert_eq!(without_limit("a\n@web soft nofile 7 # x\nb", &WANTED), "a\nb");
    }
}
