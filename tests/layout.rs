//! Guard: the budgets of the book's page on architecture, and no file that nothing declares.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::sources::{self, SourceFile};

/// Source files over 500 lines, with the reason why they stay whole.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that an index may hold, with the reason.
const INDEX_FUNCTIONS: &[(&str, &str, &str)] = &[
    ("", "register", "an index that lists what it brings"),
    ("src/commands/mod.rs", "dispatch", "one match arm a command"),
    ("src/commands/mod.rs", "run", "one match arm a command"),
];

/// Lines of tests for a line of source, as [`tests_grow_with_the_source`] counts them. The aim of the page on
/// architecture is 1.0; this is what was reached when it was last raised. It may only rise; whoever adds tests
/// raises it.
const LEAST_TESTS: f64 = 0.87;

/// The ending of files that are tests as text: what is given, what is done, and exactly what must come of it.
const CASES: &str = "case";

/// The name of folders of test data that somebody else's program answered with, kept as text.
const RECORDED: &str = "recorded";

/// The ending of snapshots, which are kept by the tests that they are named after.
const SNAPSHOTS: &str = "snap";

fn product() -> Vec<SourceFile> {
    sources::all().into_iter().filter(|file| !file.is_test() && !file.path.starts_with("benches")).collect()
}

/// Fails with every complaint, one a line.
fn assert_none(what: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "{what}:\n  {}", complaints.join("\n  "));
}

/// The roots of crates, tests and benches as the manifests name them.
fn crate_roots() -> BTreeSet<PathBuf> {
    let metadata = crate::layering::metadata();
    let packages = metadata.workspace_packages();
    let targets = packages.iter().flat_map(|package| &package.targets);
    let path = |path: &Path| path.strip_prefix(sources::root()).unwrap().to_owned();
    targets.map(|target| path(target.src_path.as_std_path())).collect()
}

#[test]
fn every_file_is_declared() {
    let files = sources::all();
    let roots = crate_roots();
    let mut reached = roots.clone();
    loop {
        let before = reached.len();
        for file in &files {
            if reached.contains(&file.path) {
                reached.extend(file.declared(roots.contains(&file.path)));
            }
        }
        if reached.len() == before {
            break;
        }
    }
    let forgotten: Vec<String> = files
        .iter()
        .filter(|file| !reached.contains(&file.path))
        .map(|file| file.path.display().to_string())
        .collect();
    assert_none("no `mod` line declares these files, so nothing compiles them", &forgotten);
}

/// Files that are not Rust, in the folders of Rust: templates of `oneex new`, scripts, test data.
fn other_files() -> impl Iterator<Item = PathBuf> {
    let folders = ["src", "engine", "modules", "tests"].map(|folder| sources::root().join(folder));
    let files = folders.into_iter().flat_map(|folder| sources::files_below(&folder));
    files.filter(|path| path.extension().is_none_or(|ending| ending != "rs"))
}

#[test]
fn every_other_file_is_used() {
    let text: String = sources::all().into_iter().map(|file| file.text).collect();
    let setup = ["README.md", "tests/setup.sh"].map(|name| sources::root().join(name));
    let setup: String = setup.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let mut forgotten = Vec::new();
    for path in other_files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let used = match ending {
            // `oneex__report__json__tests__the_format_is_stable.snap`, with `-2` where a test has several.
            Some(SNAPSHOTS) => {
                let test = name.trim_end_matches(".snap").rsplit("__").next().unwrap_or_default();
                let test = test.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
                text.contains(&format!("fn {test}("))
                    || text.contains(&format!("assert_snapshot!(\"{test}\""))
            }
            // The runner of the cases walks its folder.
            Some(CASES) => path.starts_with(sources::root().join("tests/cli/mistakes")),
            _ => name == "Cargo.toml" || text.contains(name) || setup.contains(name),
        };
        if !used {
            forgotten.push(path.strip_prefix(sources::root()).unwrap().display().to_string());
        }
    }
    assert_none("nothing uses these files", &forgotten);
}

#[test]
fn source_files_are_small() {
    let mut complaints = Vec::new();
    let mut sizes = Vec::new();
    for file in product() {
        let lines = file.source_lines();
        sizes.push(lines);
        let limit = if file.is_mod_rs() { 120 } else { 500 };
        let excused = LONG_FILES.iter().any(|(path, _)| file.path == Path::new(path));
        if lines > limit && !excused {
            complaints.push(format!("{}: {lines} lines, the limit is {limit}", file.path.display()));
        }
    }
    assert_none("split these by purpose", &complaints);
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(median <= 120, "half of the source files are over {median} lines; the aim is 120");
}

#[test]
fn every_excuse_is_still_needed() {
    for (path, reason) in LONG_FILES {
        assert!(!reason.is_empty(), "`{path}` has no reason");
        let file = product().into_iter().find(|file| file.path == Path::new(path));
        assert!(file.is_some_and(|file| file.source_lines() > 500), "`{path}` needs no excuse any more");
    }
}

#[test]
fn an_index_holds_no_logic() {
    let mut complaints = Vec::new();
    for file in product().into_iter().filter(SourceFile::is_mod_rs) {
        for function in file.functions() {
            let allowed = INDEX_FUNCTIONS.iter().any(|(path, name, _)| {
                *name == function && (path.is_empty() || file.path == Path::new(path))
            });
            if !allowed {
                complaints.push(format!("{}: `{function}`", file.path.display()));
            }
        }
    }
    assert_none("a `mod.rs` is an index; give this logic a file with a name", &complaints);
}

#[test]
fn commands_and_operations_are_one_small_file_each() {
    let mut complaints = Vec::new();
    for file in product() {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        let (lines, limit) = if folder == Path::new("src/commands") {
            (file.source_lines(), 250)
        } else if folder.starts_with("modules") && folder.ends_with("ops") {
            (file.lines(), 400)
        } else {
            continue;
        };
        if lines > limit {
            complaints.push(format!("{}: {lines} lines, the limit is {limit}", file.path.display()));
        }
    }
    assert_none("too long", &complaints);
}

/// The lines, not blank, of the tests that are written as text: `*.case` below `tests/`, and what stands in
/// folders named `recorded`, which hold what the program is compared with. Snapshots are left out: a machine wrote
/// them, and the test that looks at one is counted already. So is test data that somebody else made.
fn lines_of_text_tests() -> usize {
    let counts = other_files().filter(|path| {
        let is_case = path.extension().is_some_and(|ending| ending == CASES);
        is_case || path.parent().and_then(Path::file_name).is_some_and(|folder| folder == RECORDED)
    });
    let texts = counts.filter_map(|path| std::fs::read_to_string(path).ok());
    texts.map(|text| text.lines().filter(|line| !line.trim().is_empty()).count()).sum()
}

/// How much is tested cannot be measured in lines, but what nobody tests can be seen by them.
///
/// A line counts when it says what is done: blank lines and documentation (`///`, `//!`) count on neither side, so
/// that neither a good manual costs tests nor an essay in a test pays for one. Source is every Rust line of `src/`,
/// `engine/`, `modules/` and `stdlib/` outside of `#[cfg(test)]`; benches are neither source nor tests. Tests are
/// the Rust lines of `tests/` with the test kit, of files and folders named `tests`, and of `#[cfg(test)]` items,
/// together with the tests that are written as text, see [`lines_of_text_tests`].
#[test]
fn tests_grow_with_the_source() {
    let tests: usize = sources::all().iter().map(|file| file.weight().tests).sum();
    let texts = lines_of_text_tests();
    let sources: usize = product().iter().map(|file| file.weight().source).sum();
    #[expect(clippy::cast_precision_loss, reason = "line counts are small")]
    let ratio = (tests + texts) as f64 / sources as f64;
    println!("{tests} lines of tests and {texts} of tests as text, {sources} lines of source: {ratio:.2}");
    assert!(
        ratio >= LEAST_TESTS,
        "{} lines of tests for {sources} lines of source: {ratio:.2}, the least is {LEAST_TESTS:.2}",
        tests + texts
    );
}

#[test]
fn comments_are_rare() {
    let files = product();
    let comments: usize = files.iter().map(SourceFile::plain_comments).sum();
    let lines: usize = files.iter().map(SourceFile::lines).sum();
    assert!(comments * 20 <= lines, "{comments} plain comments in {lines} lines: over 5 %");
}
