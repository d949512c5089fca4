//! Settings of the kernel, sysctl.d(5): their names, and the files that keep them.

use oneex_sdk::{OpError, OpResult};

/// The place of a setting below `/proc/sys`. A name whose first separator is a dot has dots for slashes and slashes
/// for dots; one whose first separator is a slash is a path already.
pub(crate) fn place(name: &str) -> String {
    match name.find(['.', '/']) {
        Some(at) if name[at..].starts_with('.') => name
            .chars()
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                other => other,
            })
            .collect(),
        _ => name.to_owned(),
    }
}

/// Refuses what is no name of a setting.
pub(crate) fn check_name(name: &str) -> OpResult<()> {
    let wrong = |c: char| c.is_whitespace() || c.is_control() || "=#;*?[]-".contains(c) && c != '-';
    let is_path = |part: &str| !part.is_empty() && part != "." && part != "..";
    if name.starts_with('-') || name.contains(wrong) || !place(name).split('/').all(is_path) {
        return Err(OpError::invalid(format!("`{name}` is not the name of a kernel setting"))
            .hint("write it as sysctl(8) does: `net.ipv4.ip_forward`"));
    }
    Ok(())
}

/// A value with its blanks as one each: the kernel prints tabs where people write blanks.
pub(crate) fn plain(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads a line: name and value. A name may have `-` before it, which lets its failure pass.
fn parse(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    Some((name.strip_prefix('-').unwrap_or(name).trim(), value.trim()))
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

/// Gives the setting one line: the last one of a file counts and takes the value, others of it go.
pub(crate) fn with_setting(text: &str, name: &str, value: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_of = |line: &str| parse(line).is_some_and(|(found, _)| place(found) == place(name));
    let last = lines.iter().rposition(|line| is_of(line));
    let mut out = String::with_capacity(text.len() + 64);
    for (at, line) in lines.iter().enumerate() {
        if Some(at) == last {
            let is_same = parse(line).is_some_and(|(_, found)| plain(found) == plain(value));
            if is_same {
                out.push_str(line);
            } else {
                out.push_str(&format!("{name}={value}{}", &line[bare(line).len()..]));
            }
        } else if !is_of(line) {
            out.push_str(line);
        }
    }
    if last.is_none() {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("{name}={value}\n"));
    }
    out
}

/// Takes out all lines of the setting.
pub(crate) fn without_setting(text: &str, name: &str) -> String {
    let is_of = |line: &&str| parse(line).is_some_and(|(found, _)| place(found) == place(name));
    text.split_inclusive('\n').filter(|line| !is_of(line)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{check_name, parse, place, plain, with_setting, without_setting};

    #[test]
    fn names_lead_where_sysctl_reads_them() {
        for (name, expected) in [
            ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
            ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
            ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
            ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ] {
            assert_eq!(place(name), expected);
            assert!(check_name(name).is_ok(), "{name}");
        }
        for wrong in
            ["", "-w", "a b", "a=b", "a..b", "../etc", "a/../b", "/a", "a/", "a.b\n", "*", "net.*", "#a"]
        {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(plain("4096\t 16384  9\n"), "4096 16384 9");
    }

    #[test]
    fn edits() {
        for (text, expected) in [
            ("", "a.b=1 2\n"),
            ("# a.b=1", "# a.b=1\na.b=1 2\n"),
            ("a.b = 1\t2  # no comment\n", "a.b=1 2\n"),
            ("a/b =  1\t2\nc=3\n", "a/b =  1\t2\nc=3\n"),
            ("-a.b=0\r\nc=3", "a.b=1 2\r\nc=3"),
            ("a.b=1 2\nc=3\na.b=4", "c=3\na.b=1 2"),
            ("; a.b=1\na.bc=1\nnonsense\n", "; a.b=1\na.bc=1\nnonsense\na.b=1 2\n"),
        ] {
            let after = with_setting(text, "a.b", "1 2");
            assert_eq!(after, expected, "{text:?}");
            assert_eq!(with_setting(&after, "a.b", "1 2"), after);
            assert_eq!(without_setting(&after, "a.b"), without_setting(text, "a.b") + missing_end(text));
        }
    }

    /// A last line that had no break gets one before the next.
    fn missing_end(text: &str) -> &'static str {
        if text == "# a.b=1" { "\n" } else { "" }
    }

    proptest! {
        #[test]
        fn an_edit_is_done_once_and_keeps_all_other_lines(
            lines in proptest::collection::vec("[-#; ]{0,2}(own|a)[./](b|own) ?=? ?[0-9 \t]{0,4}", 0..8),
            value in "[0-9]{1,3}( [0-9]{1,3})?",
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let after = with_setting(&text, "own.own", &value);
            prop_assert_eq!(with_setting(&after, "own.own", &value), after.clone());
            prop_assert_eq!(without_setting(&after, "own.own"), without_setting(&text, "own.own"));
            let set: Vec<_> = after.lines().filter_map(parse).filter(|(name, _)| place(name) == "own/own").collect();
            prop_assert_eq!(set.len(), 1);
            prop_assert_eq!(plain(set[0].1), plain(&value));
        }
    }
}
