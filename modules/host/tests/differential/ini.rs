//! `ini` beside `community.general.ini_file`.

use oneex_sdk::json;
use proptest::prelude::*;
use regex::Regex;

use super::lines::modes;
use super::twins::{Call, Did, Seed, compare, differ, same, without_nothing};
use crate::host::ops::Ini;

const LINES: &[&str] = &[
    "[s]", "[t]", "[ s ]", "[s.x]", "a = 1", "a=1", "a = 2", "a= 2", "  a = 1", "#a = 1", ";a=2", "# a = 9",
    "a", "#a", "a = x y", "b = x", "ab = 1", "a.b = 1", "A = 1", "", " ", "# note", "; note", "a=", "key: 1",
    "ä = ö",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..12)
        .prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect())
}

/// What is asked for, in words of both.
#[derive(Debug, Clone)]
struct Options {
    call: Call,
    option: Option<&'static str>,
    values: Vec<&'static str>,
    is_absent: bool,
    exclusive: bool,
    allow_no_value: bool,
    modify_inactive: bool,
}

fn options() -> impl Strategy<Value = Options> {
    let names = (
        prop::option::weighted(0.8, prop::sample::select(vec!["s", "t", "s.x", "new one"])),
        prop::option::weighted(0.9, prop::sample::select(vec!["a", "b", "a.b", "A", "new", "ä"])),
        prop::collection::vec(
            prop::sample::select(vec!["1", "2", "x y", "a=b", "", "#1", "ö", "$1 \\1"]),
            0..4,
        ),
    );
    let flags = (
        prop::bool::weighted(0.25),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.2),
        any::<bool>(),
        any::<bool>(),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.9),
    );
    (names, flags, modes()).prop_map(|((section, option, values), flags, mode)| {
        let (is_absent, exclusive, allow_no_value, no_extra_spaces, ignore_spaces, modify_inactive, create) =
            flags;
        // Without both, theirs takes the first line of the file.
        let option = option.or(section.is_none().then_some("a"));
        let values = if option.is_some() { values } else { Vec::new() };
        // Nothing is done by theirs, and refused by ours.
        let exclusive = exclusive || is_absent && values.is_empty();
        let mut ours = without_nothing(json!({
            "path": "@here/f", "section": section, "option": option, "allow_no_value": allow_no_value,
            "no_extra_spaces": no_extra_spaces, "ignore_spaces": ignore_spaces, "mode": mode,
            "state": if is_absent { "absent" } else { "present" },
        }));
        ours["exclusive"] = json!(exclusive);
        ours["modify_inactive_option"] = json!(modify_inactive);
        // A file that is not there has no option here, and is an error there.
        ours["create"] = json!(create || is_absent);
        match values.as_slice() {
            [] => {}
            [value] => ours["value"] = json!(value),
            values => ours["values"] = json!(values),
        }
        let mut theirs = ours.clone();
        if option.is_none() {
            // A section alone needs this there.
            theirs["allow_no_value"] = json!(true);
        }
        let call = Call { ours, module: "community.general.ini_file", theirs };
        Options { call, option, values, is_absent, exclusive, allow_no_value, modify_inactive }
    })
}

impl Options {
    /// Lines of the option behind `#` or `;`, which stay here and go there where others of the option do.
    fn comments(&self) -> Option<Regex> {
        let is_so = !self.is_absent && self.exclusive && !self.allow_no_value && self.modify_inactive;
        let option = self.option.filter(|_| is_so)?;
        let pattern = format!(r"(?m)^[ \t]*[#;][ \t]*{}[ \t]*(=.*)?\n", regex::escape(option));
        Some(Regex::new(&pattern).expect("a pattern"))
    }

    /// With `allow_no_value`, theirs leaves further lines of the option whatever `exclusive` says, or takes their
    /// values; a value of nothing is there with `=` in the first run, and without in the second.
    fn leaves_lines(&self, text: &str) -> bool {
        let Some(option) = self.option.filter(|_| self.allow_no_value && !self.is_absent) else {
            return false;
        };
        let pattern = format!(r"(?m)^[ \t]*[#;]?[ \t]*{}[ \t]*(=|$)", regex::escape(option));
        let lines = Regex::new(&pattern).expect("a pattern").find_iter(text).count();
        lines > usize::from(self.values.is_empty()) || self.values.contains(&"")
    }

    /// Of several sections with the name theirs takes one out in each run.
    fn leaves_sections(&self, text: &str) -> bool {
        let name = self.call.ours["section"].as_str().unwrap_or_default();
        let is_of = |line: &&str| line.trim_matches(['[', ']', ' ']) == name && line.starts_with('[');
        self.option.is_none() && self.is_absent && text.lines().filter(is_of).count() > 1
    }

    /// Then it also adds the option without a value in a second run.
    fn goes_on(&self) -> bool {
        self.allow_no_value && !self.is_absent && !self.values.is_empty()
    }
}

/// Contents without what is no difference: an empty line at the beginning of a new file, a blank behind `=` without a
/// value, and the comments of [`Options::comments`].
fn plain(did: &Did, is_new: bool, comments: Option<&Regex>) -> [Option<String>; 2] {
    did.trees.each_ref().map(|tree| {
        let entry = tree.get("f")?.replace("\\n", "\n").replace('"', "\n").replace("= \n", "=\n");
        let entry =
            comments.map_or_else(|| entry.clone(), |comments| comments.replace_all(&entry, "").into());
        let lines: Vec<&str> = entry.lines().filter(|line| !is_new || !line.is_empty()).collect();
        Some(lines.join("\n"))
    })
}

#[test]
fn options_become_what_ansible_makes_of_them() {
    let case = (options(), prop::option::weighted(0.9, text()));
    compare(500, &case, |twins, (options, text)| {
        let file = |content: &String| Seed::File { name: "f".into(), content: content.clone(), mode: 0o640 };
        let seeds: Vec<Seed> = text.iter().map(file).collect();
        let (ours, theirs) = twins.both(|| Ini, &seeds, &options.call);
        prop_assert!(!theirs.crashed, "{} {}: {theirs}", options.call.module, options.call.theirs);
        prop_assert!(
            ours.failure.is_some() || ours.runs[1] == Some(false),
            "{:?}\n{ours}",
            options.call.ours
        );
        let text = text.unwrap_or_default();
        if options.leaves_lines(&text) || options.leaves_sections(&text) {
            return Ok(());
        }
        if same(&options.call, &ours, &theirs).is_ok() {
            return Ok(());
        }
        let comments = options.comments().filter(|comments| comments.is_match(&text));
        let of = |did| plain(did, text.is_empty(), comments.as_ref());
        // An empty value there leaves a blank at the end of the line, which is a change of a line without it.
        let is_empty = options.values.contains(&"") && text.contains("a=\n");
        // It does not look at the mode in a plan.
        let is_mode = options.call.ours.get("mode").is_some() && ours.plan == Some(true);
        let count = if options.goes_on() { 1 } else { 2 };
        let agrees = ours.failure.is_none() == theirs.failure.is_none()
            && of(&ours)[..count] == of(&theirs)[..count]
            && (comments.is_some() || is_empty || ours.runs[..count] == theirs.runs[..count])
            && (comments.is_some() || is_empty || is_mode || ours.plan == theirs.plan);
        if agrees { Ok(()) } else { Err(differ(&options.call, &ours, &theirs)) }
    });
}

/// Line breaks belong to the file, here; theirs writes line feeds, and ends the last line.
#[test]
fn line_breaks_stay_what_they_were_and_options_agree() {
    let case = (options(), text(), any::<bool>(), any::<bool>());
    compare(100, &case, |twins, (options, text, is_crlf, is_cut)| {
        let mut file = if is_crlf { text.replace('\n', "\r\n") } else { text.clone() };
        if is_cut {
            file.truncate(file.trim_end_matches(['\r', '\n']).len());
        }
        if options.leaves_lines(&text) || options.leaves_sections(&text) || file.is_empty() {
            return Ok(());
        }
        let seeds = [Seed::File { name: "f".into(), content: file, mode: 0o640 }];
        let (mut ours, mut theirs) = twins.both(|| Ini, &seeds, &options.call);
        prop_assert!(!theirs.crashed, "{} {}: {theirs}", options.call.module, options.call.theirs);
        for tree in ours.trees.iter_mut().chain(&mut theirs.trees) {
            for entry in tree.values_mut() {
                *entry = entry.replace("\\r\\n", "\\n").replace("\\n\"", "\"");
            }
        }
        let comments = options.comments();
        let of = |did| plain(did, false, comments.as_ref());
        let count = if options.goes_on() { 1 } else { 2 };
        let agrees =
            ours.failure.is_none() == theirs.failure.is_none() && of(&ours)[..count] == of(&theirs)[..count];
        prop_assert!(agrees, "{}", differ(&options.call, &ours, &theirs));
        Ok(())
    });
}

#[test]
fn of_several_sections_both_mean_the_same() {
    let line = prop::sample::select(vec![
        "[p]", "[p]", "[q]", "ip = 1", "ip = 2", "key = x", "key = y", "# note", "",
    ]);
    let text = prop::collection::vec(line, 0..12)
        .prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect());
    let condition =
        (prop::sample::select(vec!["ip", "key"]), prop::sample::subsequence(vec!["1", "2", "x"], 1..3));
    let edit = prop::sample::select(vec![
        None,
        Some(("key", "y")),
        Some(("key", "x")),
        Some(("new", "1")),
        Some(("ip", "2")),
    ]);
    let case = (text, prop::collection::vec(condition, 1..3), edit, prop::bool::weighted(0.3));
    compare(
        100,
        &case,
        |twins, (text, conditions, edit, is_absent): (String, Vec<(&str, Vec<&str>)>, _, bool)| {
            let conditions =
                conditions.iter().map(|(option, values)| json!({ "option": option, "values": values }));
            let mut ours = json!({
                "path": "@here/f", "section": "p", "section_has_values": conditions.collect::<Vec<_>>(),
                "state": if is_absent { "absent" } else { "present" },
            });
            if let Some((option, value)) = edit {
                (ours["option"], ours["value"]) = (json!(option), json!(value));
            }
            let mut theirs = ours.clone();
            theirs["allow_no_value"] = json!(edit.is_none());
            let call = Call { ours, module: "community.general.ini_file", theirs };
            let is_new = text.is_empty();
            let seeds = [Seed::File { name: "f".into(), content: text, mode: 0o640 }];
            let (ours, theirs) = twins.both(|| Ini, &seeds, &call);
            // What takes the value away that the section is known by would add a section in each run.
            let is_refused = ours.failure.as_ref().is_some_and(|failure| failure.contains("afterwards"));
            let agrees = ours.failure.is_none()
                && ours.runs[1] == Some(false)
                && plain(&ours, is_new, None)[0] == plain(&theirs, is_new, None)[0]
                && ours.runs[0] == theirs.runs[0];
            // Of several sections that are meant, theirs takes one out in each run.
            let goes_on = is_absent && ours.runs[1] == Some(false) && theirs.runs[1] == Some(true);
            if agrees || is_refused || goes_on { Ok(()) } else { Err(differ(&call, &ours, &theirs)) }
        },
    );
}
