//! The hostile set: every mistake people make, with exactly what they see of it.
//!
//! A case is a file `mistakes/GROUP/NAME.case`: a line that says what is wrong, the command after `$`
//! (with variables before it), then the project's files, each after `>>> NAME`, at last what comes of
//! it: `>>> exit CODE`, `>>> stdout` where there is any, `>>> stderr`. `>>> NAME escaped` is a file
//! whose `\xNN` stand for bytes. Run with `ONEEX_UPDATE_CASES=1` to write down what comes now.

use std::path::{Path, PathBuf};

use oneex_testkit::project::{Finished, TestProject};
use regex::{Captures, Regex};
use similar::TextDiff;

/// Names this to rewrite what the cases expect.
const UPDATE: &str = "ONEEX_UPDATE_CASES";

macro_rules! groups {
    ($($test:ident: $group:literal;)*) => {
        const GROUPS: &[&str] = &[$($group),*];

        $(
            #[test]
            fn $test() {
                check($group);
            }
        )*
    };
}

groups! {
    arguments: "arguments";
    command_line: "command-line";
    declarations: "declarations";
    files: "files";
    inventory: "inventory";
    limits: "limits";
    names: "names";
    options: "options";
    params: "params";
    phases: "phases";
    project: "project";
    runtime: "runtime";
    syntax: "syntax";
}

/// What a case file says.
struct Case {
    /// Everything before what is expected, as it is written.
    given: String,
    command: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
    expected: String,
}

impl Case {
    fn parse(text: &str) -> Self {
        let at = text.find(">>> exit ").unwrap_or(text.len());
        let (given, expected) = text.split_at(at);
        let mut command = Vec::new();
        let mut files: Vec<(String, String)> = Vec::new();
        for line in given.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix(">>> ") {
                files.push((name.trim().to_owned(), String::new()));
            } else if let Some((_, text)) = files.last_mut() {
                text.push_str(line);
            } else if let Some(words) = line.strip_prefix("$ ") {
                command = shlex::split(words).expect("quotes that are closed");
            }
        }
        let files = files.into_iter().map(|(name, text)| match name.strip_suffix(" escaped") {
            Some(name) => (name.to_owned(), unescape(&text)),
            None => (name, text.into_bytes()),
        });
        Self { given: given.to_owned(), command, files: files.collect(), expected: expected.to_owned() }
    }

    /// Runs the command in a project of its own; returns what came of it, as a case file has it.
    fn play(&self) -> String {
        let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
        for (name, bytes) in &self.files {
            let path = project.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let variables = self.command.iter().take_while(|word| word.contains('=')).count();
        let (variables, words) = self.command.split_at(variables);
        assert_eq!(words.first().map(String::as_str), Some("oneex"), "a case runs `oneex`");
        let mut call = project.oneex(&words[1..]);
        for (name, value) in variables.iter().filter_map(|word| word.split_once('=')) {
            call = call.env(name, value);
        }
        let Finished { code, stdout, stderr } = call.run();
        let mut out = format!(">>> exit {code}\n");
        for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                let text = steady(&text.replace(&project.folder().display().to_string(), "[PROJECT]"));
                out.push_str(&format!(">>> {name}\n{}\n", text.trim_end()));
            }
        }
        out
    }
}

/// Bytes for `\xNN`; anything else as it is.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend(before.bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).expect("two hexadecimal digits"));
        rest = &after[2..];
    }
    bytes.extend(rest.bytes());
    bytes
}

/// Takes durations off: they differ from run to run, and short ones are not shown at all.
fn steady(text: &str) -> String {
    let times = Regex::new(r"(?m) \([\d.]+s\)$|( in )[\d.]+s$").unwrap();
    times
        .replace_all(text, |found: &Captures| match found.get(1) {
            Some(_) => " in [DURATION]",
            None => "",
        })
        .into_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/mistakes")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Plays all cases of a group, and fails with every difference found.
fn check(group: &str) {
    let mut differences = Vec::new();
    for path in entries(&folder().join(group)) {
        let text = std::fs::read_to_string(&path).unwrap();
        let case = Case::parse(&text);
        let actual = case.play();
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, case.given + &actual).unwrap();
        } else if actual != case.expected {
            let diff = TextDiff::from_lines(&case.expected, &actual);
            let diff = diff.unified_diff().context_radius(100).header("expected", "actual").to_string();
            differences.push(format!("{}\n{diff}", path.display()));
        }
    }
    assert!(differences.is_empty(), "{}\n({UPDATE}=1 accepts all of it)", differences.join("\n"));
}

#[test]
fn every_group_is_played() {
    let names = entries(&folder()).into_iter().map(|path| path.file_name().unwrap().to_owned());
    assert_eq!(names.collect::<Vec<_>>(), GROUPS, "the folders of the cases");
}

/// What no message may have: types and words of the implementation, and the traces of a crash.
#[test]
fn no_message_speaks_of_the_implementation() {
    let inner =
        Regex::new(r"alloc::|core::|rhai::|oneex_[a-z]+::|ImmutableString|Dynamic|\bi64\b|\bf64\b|panicked|anon\$|os error|unknown variant|hunter2hunter2")
            .unwrap();
    let mut count = 0;
    let mut complaints = Vec::new();
    for path in GROUPS.iter().flat_map(|group| entries(&folder().join(group))) {
        let case = Case::parse(&std::fs::read_to_string(&path).unwrap());
        count += 1;
        for line in case.expected.lines().filter(|line| inner.is_match(line)) {
            complaints.push(format!("{}: {line}", path.display()));
        }
    }
    assert!(count >= 60, "only {count} cases");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The mistakes of the script itself show the line and mark the place in it.
#[test]
fn mistakes_in_scripts_show_their_place() {
    let place = Regex::new(r"(?m)^ *--> .+:\d+:\d+$").unwrap();
    for group in ["syntax", "names", "arguments", "options", "declarations", "limits"] {
        for path in entries(&folder().join(group)) {
            let case = Case::parse(&std::fs::read_to_string(&path).unwrap());
            assert!(place.is_match(&case.expected) && case.expected.contains('^'), "{}", path.display());
        }
    }
}
