//! Guard: the pages of the reference that are made from the program are what the program says now.
//!
//! `ONEEX_UPDATE_PAGES=1` writes them anew.

use oneex_testkit::project::TestProject;

use crate::sources;

/// The help of the program and of each command.
fn command_line(project: &TestProject) -> String {
    let say = |words: &[&str]| project.oneex(words).run().expect_code(0).stdout;
    let help = say(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.map_while(|line| line.split_whitespace().next());
    let mut page = format!("# The command line\n\n{}\n```text\n{help}```\n", MADE);
    for command in commands.filter(|command| *command != "help") {
        page.push_str(&format!("\n## oneex {command}\n\n```text\n{}```\n", say(&[command, "--help"])));
    }
    page
}

/// The manual of everything that `oneex doc` lists below headings that `wanted` takes.
fn manuals(project: &TestProject, title: &str, wanted: impl Fn(&str) -> bool) -> String {
    let say = |words: &[&str]| project.oneex(words).run().expect_code(0).stdout;
    let mut page = format!("# {title}\n\n{MADE}");
    let mut taken = false;
    for line in say(&["doc"]).lines().filter(|line| !line.is_empty()) {
        if let Some(row) = line.strip_prefix("  ") {
            let name = row.split_whitespace().next().unwrap();
            if taken {
                page.push_str(&format!("\n### {name}\n\n```text\n{}```\n", say(&["doc", name])));
            }
        } else {
            let group = line.trim_end_matches(':');
            taken = wanted(group);
            if taken {
                let (first, rest) = group.split_at(1);
                page.push_str(&format!("\n## {}{rest}\n", first.to_uppercase()));
            }
        }
    }
    page
}

/// What every such page begins with.
const MADE: &str = "This page is made from the program, and a test compares the two.\n";

/// Compares a page with the program, or writes it.
#[track_caller]
fn compare(name: &str, made: &str) {
    let path = sources::root().join("book/src/reference").join(name);
    if std::env::var_os("ONEEX_UPDATE_PAGES").is_some_and(|value| value == "1") {
        std::fs::write(&path, made).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = page.lines().zip(made.lines()).find(|(page, made)| page != made);
    assert!(
        page == made,
        "`{name}` is stale, first at {differs:?}; `ONEEX_UPDATE_PAGES=1 cargo test` writes it anew"
    );
}

#[test]
fn the_page_of_the_command_line_is_what_help_says() {
    let made = command_line(&TestProject::new(env!("CARGO_BIN_EXE_oneex")));
    assert!(made.matches("\n## oneex ").count() >= 10, "{made}");
    compare("command-line.md", &made);
}

#[test]
fn the_page_of_operations_is_what_their_manuals_say() {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    let made = manuals(&project, "Operations", |group| group.starts_with("operations"));
    assert!(made.matches("\n### ").count() >= 20, "{made}");
    compare("operations.md", &made);
}

#[test]
fn the_pages_of_words_and_helpers_are_what_their_manuals_say() {
    let project = TestProject::new(env!("CARGO_BIN_EXE_oneex"));
    let words = manuals(&project, "Words", |group| !group.starts_with("operations") && group != "helpers");
    let library = manuals(&project, "The library", |group| group == "helpers");
    assert!(words.matches("\n### ").count() >= 50 && library.matches("\n### ").count() >= 80);
    compare("words.md", &words);
    compare("library.md", &library);
}
