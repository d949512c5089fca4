//! Files of sections and options, as Ansible's module `ini_file` reads and edits them.

use std::ops::Range;

use regex::Regex;

use super::lines::{bare, joined, replaced, split_mark};

/// Which option of which section, and how it is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct IniEdit<'a> {
    /// The section without its brackets; nothing is the part before the first.
    pub(crate) section: Option<&'a str>,
    /// What the section holds, of several with the same name.
    pub(crate) conditions: Vec<IniCondition<'a>>,
    /// The option; nothing is the section itself.
    pub(crate) option: Option<&'a str>,
    /// What it is set to, or what is removed.
    pub(crate) values: IniValues,
    /// No other line of the option is there.
    pub(crate) exclusive: bool,
    /// An option without a value is one.
    pub(crate) allow_no_value: bool,
    /// `a=b`, and not `a = b`.
    pub(crate) no_extra_spaces: bool,
    /// A line that only differs in its blanks is right.
    pub(crate) ignore_spaces: bool,
    /// A line behind `#` or `;` is made the option's.
    pub(crate) modify_inactive_option: bool,
}

/// An option that a section has, with one of these values; of none any will do.
#[derive(Debug, Clone, Default)]
pub(crate) struct IniCondition<'a> {
    pub(crate) option: &'a str,
    pub(crate) values: IniValues,
}

/// The values of an option, in their order.
pub(crate) type IniValues = Vec<String>;

/// One line of an option.
struct Found<'a> {
    is_active: bool,
    value: &'a str,
}

impl IniEdit<'_> {
    fn line(&self, option: &str, value: Option<&str>) -> String {
        match value {
            None => option.to_owned(),
            Some("") if self.allow_no_value => option.to_owned(),
            Some(value) if self.no_extra_spaces => format!("{option}={value}"),
            Some(value) => format!("{option} = {value}").trim_end().to_owned(),
        }
    }

    /// The range of lines after the heading of the section; nothing where there is none that meets the conditions.
    fn range(&self, lines: &[String]) -> Option<Range<usize>> {
        let of = |start: usize| {
            let length = lines[start..].iter().position(|line| line.starts_with('['));
            start..length.map_or(lines.len(), |length| start + length)
        };
        let Some(name) = self.section else { return Some(of(0)) };
        let headings = lines.iter().enumerate().filter(|(_, line)| heading(line) == Some(name.trim()));
        headings.map(|(at, _)| of(at + 1)).find(|range| self.is_met(&lines[range.clone()]))
    }

    fn is_met(&self, lines: &[String]) -> bool {
        self.conditions.iter().all(|condition| {
            let pattern = pattern(condition.option);
            let values = lines.iter().filter_map(|line| found(pattern.as_ref()?, line));
            let mut active = values.filter(|found| found.is_active);
            active.any(|found| {
                condition.values.is_empty() || condition.values.iter().any(|one| one == found.value)
            })
        })
    }

    /// The lines of a new section below its heading, which meet its conditions.
    fn new_section(&self) -> Vec<String> {
        let mut values = self.values.clone();
        let mut lines = Vec::new();
        for IniCondition { option, values: wanted } in &self.conditions {
            if self.option == Some(option) {
                let missing = wanted.iter().filter(|value| !self.exclusive && !self.values.contains(value));
                values.extend(missing.cloned());
            } else if wanted.is_empty() {
                lines.push(self.line(option, None));
            } else {
                lines.extend(wanted.iter().map(|value| self.line(option, Some(value))));
            }
        }
        lines.extend(new_lines(self, &values, true));
        lines
    }
}

/// The name between the brackets.
fn heading(line: &str) -> Option<&str> {
    Some(line.strip_prefix('[')?.split_once(']')?.0.trim())
}

/// Reads a line as one of `option`; a pattern that stands for any option is not needed anywhere.
fn pattern(option: &str) -> Option<Regex> {
    Regex::new(&format!(r"^[ \t]*([#;]?)[ \t]*{}[ \t]*(?:=|$)[ \t]*(.*)$", regex::escape(option))).ok()
}

fn found<'a>(pattern: &Regex, line: &'a str) -> Option<Found<'a>> {
    let captures = pattern.captures(bare(line))?;
    let value = captures.get(2)?.as_str().trim_end();
    Some(Found { is_active: captures.get(1)?.is_empty(), value })
}

/// Puts the option there with its values, or the section alone.
pub(crate) fn with_option(text: &str, edit: &IniEdit<'_>) -> String {
    let (mark, text) = split_mark(text);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let Some(range) = edit.range(&lines) else {
        lines.extend(edit.section.map(|section| format!("[{}]", section.trim())));
        lines.extend(edit.new_section());
        return [mark, &joined(text, &lines)].concat();
    };
    let Some((option, pattern)) = edit.option.and_then(|option| Some((option, pattern(option)?))) else {
        return [mark, text].concat();
    };
    let mut section: Vec<(String, bool)> =
        lines[range.clone()].iter().map(|line| (line.clone(), false)).collect();
    let mut left = edit.values.clone();
    let fits = |line: &str| {
        found(&pattern, line)
            .filter(|found| found.is_active || edit.modify_inactive_option)
            .map(|found| found.value.to_owned())
    };
    let settle = |slot: &mut (String, bool), line: String| {
        let present = found(&pattern, &slot.0);
        let is_same = present
            .zip(found(&pattern, &line))
            .is_some_and(|(old, new)| old.is_active && old.value == new.value);
        if !(is_same && edit.ignore_spaces) && bare(&slot.0) != line {
            slot.0 = replaced(&slot.0, &line);
        }
        slot.1 = true;
    };
    let mut has_no_value = false;
    // The lines that have a wanted value already keep it, each one value.
    for slot in &mut section {
        let Some(value) = fits(&slot.0) else { continue };
        if let Some(at) = left.iter().position(|wanted| *wanted == value) {
            left.remove(at);
            has_no_value |= value.is_empty() && edit.allow_no_value;
            settle(slot, edit.line(option, Some(&value)));
        } else if left.is_empty() && edit.values.is_empty() && edit.allow_no_value {
            has_no_value = true;
            settle(slot, option.to_owned());
            break;
        }
    }
    if edit.exclusive {
        for slot in &mut section {
            if !left.is_empty() && !slot.1 && fits(&slot.0).is_some() {
                let value = left.remove(0);
                settle(slot, edit.line(option, Some(&value)));
            }
        }
        section.retain(|(line, is_settled)| {
            *is_settled || found(&pattern, line).is_none_or(|found| !found.is_active)
        });
    }
    // What is missing goes behind the last line that is neither empty nor a comment.
    let is_content = |line: &str| {
        !bare(line).trim_start_matches([' ', '\t']).is_empty()
            && !bare(line).trim_start_matches([' ', '\t']).starts_with(['#', ';'])
    };
    let at = section.iter().rposition(|(line, _)| is_content(line)).map_or(0, |at| at + 1);
    let new = new_lines(edit, &left, !has_no_value && edit.values.is_empty());
    section.splice(at..at, new.into_iter().map(|line| (line, true)));
    lines.splice(range, section.into_iter().map(|(line, _)| line));
    [mark, &joined(text, &lines)].concat()
}

fn new_lines(edit: &IniEdit<'_>, values: &[String], bare: bool) -> Vec<String> {
    match edit.option {
        Some(option) if !values.is_empty() => {
            values.iter().map(|value| edit.line(option, Some(value))).collect()
        }
        Some(option) if edit.allow_no_value && bare => vec![option.to_owned()],
        _ => Vec::new(),
    }
}

/// Takes the option out, or the whole section where no option is named. Where a section goes, or is not met any more, the
/// next one of that name is meant.
pub(crate) fn without_option(text: &str, edit: &IniEdit<'_>) -> String {
    let mut text = text.to_owned();
    loop {
        let shorter = without_first(&text, edit);
        if shorter == text {
            return text;
        }
        text = shorter;
    }
}

fn without_first(text: &str, edit: &IniEdit<'_>) -> String {
    let (mark, text) = split_mark(text);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let Some(range) = edit.range(&lines) else { return [mark, text].concat() };
    let Some(pattern) = edit.option.and_then(pattern) else {
        let heading = usize::from(edit.section.is_some());
        lines.drain(range.start - heading..range.end);
        return [mark, &lines.concat()].concat();
    };
    let goes = |line: &String| {
        found(&pattern, line).is_some_and(|found| {
            found.is_active && (edit.exclusive || edit.values.iter().any(|value| value == found.value))
        })
    };
    let kept: Vec<String> = lines[range.clone()].iter().filter(|line| !goes(line)).cloned().collect();
    lines.splice(range, kept);
    [mark, &lines.concat()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{IniCondition, IniEdit, with_option, without_option};

    fn edit<'a>(section: &'a str, option: &'a str, values: &[&str]) -> IniEdit<'a> {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        IniEdit {
            section: some(section),
            option: some(option),
            values,
            exclusive: true,
            modify_inactive_option: true,
            ..IniEdit::default()
        }
    }

    #[test]
    fn options_are_set() {
        for (text, wanted, expected) in [
            ("", edit("s", "a", &["1"]), "[s]\na = 1\n"),
            ("", edit("", "a", &["1"]), "a = 1\n"),
            ("[s]\na=1\n", edit("s", "a", &["1"]), "[s]\na = 1\n"),
            ("[s]\na=1\n", IniEdit { ignore_spaces: true, ..edit("s", "a", &["1"]) }, "[s]\na=1\n"),
            ("[s]\na=1\n", IniEdit { no_extra_spaces: true, ..edit("s", "a", &["2"]) }, "[s]\na=2\n"),
            ("[s]\na = 1\n[t]\na = 1\n", edit("t", "a", &["2"]), "[s]\na = 1\n[t]\na = 2\n"),
            ("[s]\nb = 1\n\n# end\n[t]\n", edit("s", "a", &["2"]), "[s]\nb = 1\na = 2\n\n# end\n[t]\n"),
            ("[s]\n# c\n[t]", edit("s", "a", &["2"]), "[s]\na = 2\n# c\n[t]"),
            ("[s]\n;a = 1\n", edit("s", "a", &["2"]), "[s]\na = 2\n"),
            (
                "[s]\n;a = 1\n",
                IniEdit { modify_inactive_option: false, ..edit("s", "a", &["2"]) },
                "[s]\na = 2\n;a = 1\n",
            ),
            ("[s]\na = 1\na = 2\n", edit("s", "a", &["2"]), "[s]\na = 2\n"),
            (
                "[s]\na = 1\n",
                IniEdit { exclusive: false, ..edit("s", "a", &["2", "3"]) },
                "[s]\na = 1\na = 2\na = 3\n",
            ),
            ("[s]\na = 1\nb = 1\na = 9\n", edit("s", "a", &["2", "1"]), "[s]\na = 1\nb = 1\na = 2\n"),
            ("[ s ]\r\na = 1\r\n", edit("s", "a", &["2"]), "[ s ]\r\na = 2\r\n"),
            ("[s]\na = 1", edit("s", "b", &["2"]), "[s]\na = 1\nb = 2"),
            ("[s]\na = 1", edit("t", "b", &["2"]), "[s]\na = 1\n[t]\nb = 2"),
            ("[s]", edit("t", "", &[]), "[s]\n[t]"),
            ("\u{feff}[s]\n", edit("s", "a", &["1"]), "\u{feff}[s]\na = 1\n"),
            ("[s.*]\na=1\n[sxx]\n", edit("s.*", "a.b", &["$1 \\1"]), "[s.*]\na=1\na.b = $1 \\1\n[sxx]\n"),
            ("[s]\na = 1\n", IniEdit { allow_no_value: true, ..edit("s", "a", &[]) }, "[s]\na\n"),
            ("[s]\nb\n", IniEdit { allow_no_value: true, ..edit("s", "a", &[]) }, "[s]\nb\na\n"),
            ("[s]\na = 1\na\n", IniEdit { allow_no_value: true, ..edit("s", "a", &[]) }, "[s]\na\n"),
            ("[s]\n", IniEdit { allow_no_value: true, ..edit("s", "a", &["", "1"]) }, "[s]\na\na = 1\n"),
            ("[s]\na = 1\na\n", IniEdit { allow_no_value: true, ..edit("s", "a", &["2"]) }, "[s]\na = 2\n"),
            ("[s]\na\n", IniEdit { allow_no_value: true, ..edit("s", "a", &[]) }, "[s]\na\n"),
            ("[s]\nab = 1\n", edit("s", "a", &[""]), "[s]\nab = 1\na =\n"),
        ] {
            let once = with_option(text, &wanted);
            assert_eq!(once, expected, "{text:?} {wanted:?}");
            assert_eq!(with_option(&once, &wanted), once, "the second time: {wanted:?}");
        }
    }

    #[test]
    fn of_several_sections_the_one_that_has_the_values_is_meant() {
        let peers = "[p]\nip = 1\nkey = x\n[p]\nip = 2\n#ip = 3\n[q]\nip = 3\n";
        let with = |option, values: &[&str], conditions: &[(&'static str, &[&str])]| {
            let condition = |(option, values): &(&'static str, &[&str])| IniCondition {
                option,
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            };
            IniEdit { conditions: conditions.iter().map(condition).collect(), ..edit("p", option, values) }
        };
        for (wanted, expected) in [
            (with("key", &["y"], &[("ip", &["2"])]), peers.replace("ip = 2\n", "ip = 2\nkey = y\n")),
            (with("key", &["y"], &[("ip", &["9", "1"])]), peers.replace("key = x", "key = y")),
            (with("key", &["y"], &[("key", &[])]), peers.replace("key = x", "key = y")),
            (
                with("key", &["y"], &[("ip", &["2"]), ("key", &["x"])]),
                format!("{peers}[p]\nip = 2\nkey = y\n"),
            ),
            // A comment is no value.
            (with("key", &["y"], &[("ip", &["3"])]), format!("{peers}[p]\nip = 3\nkey = y\n")),
            (with("", &[], &[("ip", &["4", "5"])]), format!("{peers}[p]\nip = 4\nip = 5\n")),
            (
                IniEdit { exclusive: false, ..with("ip", &["6"], &[("ip", &["7"])]) },
                format!("{peers}[p]\nip = 6\nip = 7\n"),
            ),
        ] {
            let once = with_option(peers, &wanted);
            assert_eq!(once, expected, "{wanted:?}");
            if wanted.conditions.len() < 2 {
                assert_eq!(with_option(&once, &wanted), once, "the second time: {wanted:?}");
            }
        }
        for (wanted, expected) in [
            (with("", &[], &[("ip", &["2"])]), peers.replace("[p]\nip = 2\n#ip = 3\n", "")),
            (with("key", &[], &[("ip", &["1"])]), peers.replace("key = x\n", "")),
            (with("", &[], &[("ip", &["3"])]), peers.to_owned()),
        ] {
            assert_eq!(without_option(peers, &wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn options_and_sections_are_removed() {
        for (text, wanted, expected) in [
            ("[s]\na = 1\nb = 2\n", edit("s", "a", &[]), "[s]\nb = 2\n"),
            ("[s]\n#a = 1\na\n", edit("s", "a", &[]), "[s]\n#a = 1\n"),
            ("[s]\na = 1\na = 2\n", IniEdit { exclusive: false, ..edit("s", "a", &["2"]) }, "[s]\na = 1\n"),
            ("[s]\na = 1\n[t]\nb\n[u]", edit("t", "", &[]), "[s]\na = 1\n[u]"),
            ("a\n[t]\nb", edit("t", "", &[]), "a\n"),
            ("[t]\nb\n[u]\n[t]\n", edit("t", "", &[]), "[u]\n"),
            ("a = 1\n[t]\na = 1\n", edit("", "a", &[]), "[t]\na = 1\n"),
            ("[s]\n", edit("t", "a", &[]), "[s]\n"),
        ] {
            assert_eq!(without_option(text, &wanted), expected, "{text:?} {wanted:?}");
        }
    }

    fn document() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("[s]".to_owned()),
            Just("[t]".to_owned()),
            "[ab] ?= ?[xy ]{0,3}",
            "[#;] ?[ab] ?= ?[xy]{0,2}",
            "[ab]",
            "# [a-zé]{0,5}",
            Just(String::new()),
        ];
        let lines = proptest::collection::vec((line, prop_oneof![Just("\n"), Just("\r\n")]), 0..12);
        (lines, any::<bool>()).prop_map(|(lines, ended)| {
            let text: String = lines.into_iter().flat_map(|(line, end)| [line, end.to_owned()]).collect();
            if ended { text } else { text.trim_end_matches(['\r', '\n']).to_owned() }
        })
    }

    proptest! {
        #[test]
        fn all_else_stays(text in document(), section in "[stu]", value in "[xyz]{1,2}", spaces: bool) {
            let wanted = IniEdit { no_extra_spaces: spaces, ..edit(&section, "a", &[&value]) };
            let once = with_option(&text, &wanted);
            prop_assert_eq!(with_option(&once, &wanted), once.clone());
            // Lines of other options, comments and headings are all there, in their order and with their breaks.
            let is_other = |line: &&str| !line.trim_start_matches(['#', ';', ' ']).starts_with('a');
            let others = |text: &str| text.lines().filter(is_other).map(str::to_owned).collect::<Vec<_>>();
            let mut expected = others(&text);
            if !expected.contains(&format!("[{section}]")) {
                expected.push(format!("[{section}]"));
            }
            prop_assert_eq!(others(&once), expected);
            let ends = text.is_empty() || text.ends_with('\n') || once.lines().last() == Some("");
            prop_assert_eq!(once.ends_with('\n'), ends);
            // What a reader finds is the value.
            let set = if spaces { format!("a={value}") } else { format!("a = {value}") };
            let inside = once.lines().skip_while(|line| *line != format!("[{section}]")).skip(1);
            let mut found = inside.take_while(|line| !line.starts_with('[')).filter(|line| line.starts_with('a'));
            prop_assert_eq!(found.next(), Some(set.as_str()));
            prop_assert_eq!(found.next(), None);
            let gone = without_option(&once, &edit(&section, "a", &[]));
            prop_assert_eq!(without_option(&gone, &edit(&section, "a", &[])), gone.clone());
            prop_assert_eq!(others(&gone), others(&once));
        }
    }
}
