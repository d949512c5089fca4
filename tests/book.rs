//! Guard: what the README and the book show is true.
//!
//! Every page is played in a project folder of its own, from top to bottom:
//!
//! - `rhai`, `toml`, `yaml` and other blocks with `file:PATH` after the language are written there;
//! - a `rhai` block that is not called `wrong` is loaded, with the parameters that `set:NAME=VALUE` gives;
//! - the lines of a `console` block that begin with `$ ` are run, and what follows them is compared with what
//!   they print: `…` stands for any number of lines, `[code N]` for an exit code other than 0.

use std::path::{Path, PathBuf};

use oneex_testkit::project::TestProject;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use crate::sources;

/// A fenced block: the words after the fence, and its text.
struct Block {
    words: Vec<String>,
    text: String,
}

impl Block {
    fn language(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The values of the words that begin with `key:`.
    fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.words.iter().filter_map(move |word| word.strip_prefix(key)?.strip_prefix(':'))
    }
}

fn pages() -> Vec<PathBuf> {
    ["README.md", "runbooks", "stdlib", "book/src"]
        .iter()
        .map(|name| sources::root().join(name))
        .flat_map(|path| if path.is_dir() { sources::files_below(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let words = info.split_whitespace().map(str::to_owned).collect();
                open = Some(Block { words, text: String::new() });
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.text.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

/// A page that is being played.
struct Stage {
    project: TestProject,
    folder: PathBuf,
    page: String,
}

impl Stage {
    fn new(page: &Path) -> Self {
        let project = TestProject::new("/bin/sh");
        let page = page.strip_prefix(sources::root()).unwrap().display().to_string();
        Self { folder: project.folder(), project, page }
    }

    fn play(&mut self, block: &Block) {
        let mut file = None;
        for name in block.values("file") {
            self.project.write(self.folder.join(name), &block.text);
            file = Some(name.to_owned());
        }
        match block.language() {
            "console" => self.console(&block.text),
            "rhai" if !block.words.iter().any(|word| word == "wrong") => self.load(block, file.as_deref()),
            _ => {}
        }
    }

    /// Loads a runbook without running it.
    fn load(&self, block: &Block, file: Option<&str>) {
        let name = file.unwrap_or("block.rhai");
        self.project.write(self.folder.join(name), &block.text);
        let set: String = block.values("set").map(|value| format!(" --set '{value}'")).collect();
        let (code, output) = self.shell(&format!("oneex graph '{name}'{set}"));
        assert_eq!(code, 0, "{}: a runbook does not load\n{}\n{output}", self.page, block.text);
    }

    fn console(&mut self, text: &str) {
        for step in text.split("$ ").skip(1) {
            let (command, wanted) = step.split_once('\n').unwrap_or((step, ""));
            if let Some(folder) = command.strip_prefix("cd ") {
                self.folder.push(folder);
                continue;
            }
            let mut wanted: Vec<&str> = wanted.lines().map(str::trim_end).collect();
            let code = wanted.last().and_then(|line| line.strip_prefix("[code ")?.strip_suffix(']'));
            let code: i32 = code.map_or(0, |code| code.parse().unwrap());
            if code != 0 {
                wanted.pop();
            }
            let (got, output) = self.shell(command);
            assert_eq!(got, code, "{}: `{command}`\n{output}", self.page);
            let lines: Vec<&str> = output.lines().map(str::trim_end).collect();
            assert!(
                wanted.is_empty() || matches(&wanted, &lines),
                "{}: `{command}` prints\n{output}\nand the page says\n{}",
                self.page,
                wanted.join("\n")
            );
        }
    }

    /// Runs a command with `oneex` in its path; gives the code and both streams, redacted.
    fn shell(&self, command: &str) -> (i32, String) {
        let program = Path::new(env!("CARGO_BIN_EXE_oneex"));
        let search = std::env::var("PATH").unwrap_or_default();
        let search = format!("{}:{search}", program.parent().unwrap().display());
        let script = format!("cd '{}' && {{ {command}\n}} 2>&1", self.folder.display());
        let finished = self.project.oneex(["-c", &script]).env("PATH", search).run();
        (finished.code, self.project.redact(&finished.stdout))
    }
}

/// Compares lines; a wanted `…` stands for any number of them.
fn matches(wanted: &[&str], lines: &[&str]) -> bool {
    match wanted.split_first() {
        None => lines.is_empty(),
        Some((&"…", rest)) => (0..=lines.len()).any(|skipped| matches(rest, &lines[skipped..])),
        Some((first, rest)) => lines.first() == Some(first) && matches(rest, &lines[1..]),
    }
}

#[test]
fn what_the_pages_show_works() {
    for path in pages() {
        let mut stage = Stage::new(&path);
        for block in blocks(&std::fs::read_to_string(&path).unwrap()) {
            stage.play(&block);
        }
    }
}

#[test]
fn every_page_of_the_book_is_in_its_summary() {
    let book = sources::root().join("book/src");
    let summary = std::fs::read_to_string(book.join("SUMMARY.md")).unwrap();
    for path in sources::files_below(&book) {
        let name = path.strip_prefix(&book).unwrap().display().to_string();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "`{name}` is not in the summary"
        );
    }
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    for path in pages() {
        let text = std::fs::read_to_string(&path).unwrap();
        for event in Parser::new(&text) {
            let Event::Start(Tag::Link { dest_url, .. }) = event else { continue };
            let target = dest_url.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let there = path.parent().unwrap().join(target).exists();
            assert!(there, "{}: the link `{target}` leads nowhere", path.display());
        }
    }
}

#[test]
fn exit_codes_are_told_alike_everywhere() {
    let rows = |text: &str| -> Vec<String> {
        let table = text.lines().map(|line| line.trim_start_matches("///").trim());
        table
            .filter(|line| line.starts_with("| ") && line[2..].starts_with(char::is_numeric))
            .map(str::to_owned)
            .collect()
    };
    let read = |name: &str| std::fs::read_to_string(sources::root().join(name)).unwrap();
    let source = rows(&read("src/exit.rs"));
    assert!(source.len() >= 7, "`src/exit.rs` has a table of the codes: {source:?}");
    assert_eq!(rows(&read("README.md")), source);
    assert_eq!(rows(&read("book/src/reference/exit-codes.md")), source);
}

/// A row of the table of events: the event, when it happens, and its fields.
fn event_rows(page: &str) -> Vec<(String, Vec<String>)> {
    let cells = page.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let rows = cells.filter(|cells| cells.len() == 5 && cells[1].starts_with('`'));
    rows.map(|cells| {
        let fields = cells[3].trim_matches('`').split_whitespace().map(str::to_owned).collect();
        (cells[1].trim_matches('`').to_owned(), fields)
    })
    .collect()
}

/// What the page calls the objects and words inside an event, with where and what they are in the source.
const INSIDE: [(&str, &str, &str); 13] = [
    ("status` of a node", "engine/src/run/event.rs", "NodeStatus"),
    ("status` of an operation", "engine/src/run/event.rs", "OpStatus"),
    ("status` of a run", "engine/src/run/event.rs", "RunStatus"),
    ("level", "engine/src/run/event.rs", "Level"),
    ("node", "engine/src/run/context.rs", "NodeKey"),
    ("position", "engine/src/diag.rs", "Position"),
    ("failure", "engine/src/run/code.rs", "Failure"),
    ("kind` of a failure", "engine/sdk/src/error.rs", "ErrorKind"),
    ("change", "engine/sdk/src/change.rs", "Change"),
    ("an item of `items", "engine/sdk/src/change.rs", "ChangeItem"),
    ("an item of `errors", "engine/src/run/event.rs", "Mistake"),
    ("summary", "engine/src/run/event.rs", "RunSummary"),
    ("counts", "engine/src/run/event.rs", "Counts"),
];

/// The variants of an enum as serde writes them, with their fields; a struct is one of its own name.
fn shape(path: &str, name: &str) -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(sources::root().join(path)).unwrap();
    let is_skipped = |field: &&syn::Field| {
        field.attrs.iter().any(|attribute| {
            let tokens =
                attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default();
            attribute.path().is_ident("serde") && tokens == "skip"
        })
    };
    let names = |fields: &syn::Fields| {
        let written = fields.iter().filter(|field| !is_skipped(field));
        written.filter_map(|field| Some(field.ident.as_ref()?.to_string())).collect()
    };
    let found = syn::parse_file(&text).unwrap().items.into_iter().find_map(|item| match item {
        syn::Item::Enum(item) if item.ident == name => {
            let variants = item.variants.iter();
            Some(
                variants
                    .map(|variant| (snake_case(&variant.ident.to_string()), names(&variant.fields)))
                    .collect(),
            )
        }
        syn::Item::Struct(item) if item.ident == name => Some(vec![(name.to_owned(), names(&item.fields))]),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("{path} has no `{name}`"))
}

#[test]
fn the_page_of_events_lists_every_event_with_its_fields() {
    let page = std::fs::read_to_string(sources::root().join("book/src/reference/events.md")).unwrap();
    let (events, inside) = page.split_once("| inside |").unwrap();
    let told = event_rows(events);
    assert!(told.len() >= 16, "the events were not found: {told:?}");
    assert_eq!(told, shape("engine/src/run/event.rs", "RunEvent"));

    let rows: Vec<Vec<&str>> = inside.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    for (called, path, name) in INSIDE {
        let row = rows.iter().find(|cells| cells.len() == 5 && cells[1].trim_matches('`') == called);
        let row = row.unwrap_or_else(|| panic!("the page says nothing of `{called}`"));
        let told: Vec<&str> = row[3].trim_matches('`').split(' ').collect();
        let is: Vec<String> = match shape(path, name).as_slice() {
            [(of_struct, fields)] if of_struct == name => fields.clone(),
            variants => variants.iter().map(|(variant, _)| variant.clone()).collect(),
        };
        assert_eq!(told, is, "{called}");
    }
    assert_eq!(
        rows.iter().filter(|cells| cells.len() == 5).count(),
        INSIDE.len() + 1,
        "rows that nothing compares"
    );
}

/// The name of a variant as serde writes it.
fn snake_case(name: &str) -> String {
    let mut words = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            words.push('_');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[test]
fn a_page_is_compared_line_by_line() {
    assert!(matches(&["a", "…", "c"], &["a", "b", "b", "c"]));
    assert!(matches(&["a", "…"], &["a"]));
    assert!(!matches(&["a"], &["a", "b"]));
    assert!(!matches(&["b"], &["a"]));
    let blocks = blocks("```rhai set:a=1 file:x.rhai\nlet a = 1;\n```\n\ntext\n");
    assert_eq!(blocks[0].language(), "rhai");
    assert_eq!(blocks[0].values("set").collect::<Vec<_>>(), ["a=1"]);
    assert_eq!(blocks[0].text, "let a = 1;\n");
}
