//! `line` beside `lineinfile`.

use oneex_sdk::{Value, json};
use proptest::prelude::*;

use super::twins::{Call, Did, Seed, compare, differ, same};
use crate::host::ops::Line;

/// A call of `line`, in words that both have.
#[derive(Debug, Clone)]
struct Options {
    line: Option<String>,
    regexp: Option<String>,
    search_string: Option<String>,
    is_absent: bool,
    backrefs: bool,
    firstmatch: bool,
    after: Option<String>,
    before: Option<String>,
    create: bool,
    mode: Option<&'static str>,
}

impl Options {
    fn call(&self) -> Call {
        let state = if self.is_absent { "absent" } else { "present" };
        let common = json!({
            "path": "@here/f", "regexp": self.regexp, "search_string": self.search_string, "state": state,
            "backrefs": self.backrefs, "firstmatch": self.firstmatch, "insertafter": self.after,
            "insertbefore": self.before, "create": self.create, "mode": self.mode,
        });
        let with = |line: Option<String>| {
            let mut options = common.clone();
            options["line"] = json!(line);
            if let Value::Object(map) = &mut options {
                map.retain(|_, value| !value.is_null() && *value != json!(false));
            }
            options
        };
        // Groups are written `$1` here, as the crate `regex` has it, and `\1` there.
        let theirs =
            self.line.clone().map(|line| if self.backrefs { line.replace("$1", "\\1") } else { line });
        Call { ours: with(self.line.clone()), module: "lineinfile", theirs: with(theirs) }
    }
}

fn words() -> impl Strategy<Value = String> {
    let words = [
        "a",
        "b",
        "a = 1",
        "#a = 1",
        "a = 2",
        "b c",
        "",
        "  a",
        "a\tb",
        "ä ö",
        "x'y\"z",
        "$(id) `x`",
        "-n",
        "*",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

/// Texts of lines; every line has its break.
pub(super) fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(words(), 0..7)
        .prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}

pub(super) fn pattern() -> impl Strategy<Value = String> {
    let patterns = ["^a", "a$", "^#?a = ", "b", "[bc]+$", "^$", "(a) =", "nothing", "^\\s+a", "ö", "'"];
    prop::sample::select(patterns.to_vec()).prop_map(str::to_owned)
}

pub(super) fn place() -> impl Strategy<Value = (Option<String>, Option<String>)> {
    prop_oneof![
        3 => Just((None, None)),
        1 => Just((Some("EOF".to_owned()), None)),
        1 => Just((None, Some("BOF".to_owned()))),
        3 => pattern().prop_map(|pattern| (Some(pattern), None)),
        3 => pattern().prop_map(|pattern| (None, Some(pattern))),
    ]
}

pub(super) fn modes() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::weighted(
        0.2,
        prop::sample::select(vec!["0600", "0644", "u+x", "g-r,o=", "a=r", "u=rw,go=r"]),
    )
}

fn options() -> impl Strategy<Value = Options> {
    let which = (
        prop::option::weighted(0.9, prop_oneof![5 => words(), 1 => Just("$1 = 9".to_owned())]),
        prop::option::weighted(0.5, pattern()),
        prop::option::weighted(0.2, words()),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.3),
    );
    (which, place(), prop::bool::weighted(0.3), modes()).prop_map(|(which, (after, before), create, mode)| {
        let (line, regexp, search_string, is_absent, backrefs, firstmatch) = which;
        // Without a regular expression it does nothing: to us that is a mistake.
        let backrefs = backrefs && regexp.is_some();
        Options { line, regexp, search_string, is_absent, backrefs, firstmatch, after, before, create, mode }
    })
}

/// Where `firstmatch` stops at the place for the line, Ansible does not see that the line is already there, further
/// down, and adds it: with `insertbefore` in each run.
fn adds_again(options: &Options, text: &str) -> bool {
    let is_there = text.lines().any(|line| Some(line) == options.line.as_deref());
    options.firstmatch && is_there && (options.after.is_some() || options.before.is_some())
}

/// What finds the line does not find the new one. Ansible then changes the next that it finds, in each run, also where
/// the new one was there before; ours stops there.
fn goes_on(options: &Options) -> bool {
    let line = options.line.as_deref().unwrap_or_default();
    let line = if options.backrefs { line.replace("$1", "a") } else { line.to_owned() };
    let fits = |pattern: &String| regex::Regex::new(pattern).expect("a pattern").is_match(&line);
    let is_found = options.regexp.as_ref().map(fits);
    let is_found = is_found.or(options.search_string.as_ref().map(|text| line.contains(text)));
    is_found == Some(false) && !options.is_absent
}

fn seeds(text: Option<&String>) -> Vec<Seed> {
    let file = |content: &String| Seed::File { name: "f".to_owned(), content: content.clone(), mode: 0o640 };
    text.map(file).into_iter().collect()
}

#[test]
fn a_line_is_put_where_ansible_puts_it() {
    let case = (options(), prop::option::weighted(0.9, text()));
    compare(400, &case, |twins, (options, text)| {
        let call = options.call();
        let (ours, theirs) = twins.both(|| Line, &seeds(text.as_ref()), &call);
        prop_assert!(ours.failure.is_some() || ours.runs[1] == Some(false), "{:?}\n{ours}", call.ours);
        if adds_again(&options, text.as_deref().unwrap_or_default()) || goes_on(&options) {
            return Ok(());
        }
        same(&call, &ours, &theirs)
    });
}

/// Line breaks belong to the file: one that is missing at the end stays missing, and CRLF stays. Ansible ends what it
/// writes, and a line that is there already, with a line feed. What the lines say is the same.
#[test]
fn line_breaks_stay_what_they_were_and_lines_agree() {
    let breaks = (options(), text(), any::<bool>(), any::<bool>());
    compare(150, &breaks, |twins, (options, text, is_crlf, is_cut)| {
        let call = options.call();
        let mut text = if is_crlf { text.replace('\n', "\r\n") } else { text };
        if is_cut && !text.is_empty() {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        let uses_end =
            |pattern: &Option<String>| pattern.as_ref().is_some_and(|pattern| pattern.contains('$'));
        // To them `$` is not before a CR, and an empty line is not empty.
        if is_crlf && [&options.regexp, &options.after, &options.before].into_iter().any(uses_end) {
            return Ok(());
        }
        let (ours, theirs) = twins.both(|| Line, &seeds(Some(&text)), &call);
        // Behind a last line without a break it puts the new one on the same line.
        let glues = is_cut && options.after.is_some();
        let is_skipped = glues || adds_again(&options, &text) || goes_on(&options) || theirs.crashed;
        if is_skipped || ours.failure.is_some() && theirs.failure.is_some() {
            return Ok(());
        }
        let plain = |did: &Did| {
            did.trees.clone().map(|tree| tree["f"].replace("\\r\\n", "\\n").replace("\\n\"", "\""))
        };
        if plain(&ours) == plain(&theirs) && ours.failure == theirs.failure && ours.runs[1] == Some(false) {
            Ok(())
        } else {
            Err(differ(&call, &ours, &theirs))
        }
    });
}
