//! The Rust sources of the workspace as data, for the guards: which are tests, and what they hold.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::Visit;

/// The folders that hold crates and tests; each is walked whole.
const FOLDERS: [&str; 6] = ["src", "engine", "modules", "stdlib", "tests", "benches"];

/// One Rust file.
pub(crate) struct SourceFile {
    /// Its path from the repository's root.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
}

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder`, without build output and version control.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            if matches!(name.to_str(), Some("target" | ".git" | ".oneex")) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Every Rust file of the workspace.
pub(crate) fn all() -> Vec<SourceFile> {
    FOLDERS
        .iter()
        .map(|folder| root().join(folder))
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| files_below(&folder))
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            SourceFile { path: path.strip_prefix(root()).unwrap().to_owned(), text, syntax }
        })
        .collect()
}

/// Lines that say what is done, blank ones and documentation left out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) source: usize,
    pub(crate) tests: usize,
}

impl SourceFile {
    /// True for files that hold nothing but tests or tools of tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests")
            || self.path.components().any(|part| part.as_os_str() == "tests")
            || self.path.file_stem().is_some_and(|stem| stem == "tests")
    }

    pub(crate) fn is_mod_rs(&self) -> bool {
        self.path.file_name().is_some_and(|name| name == "mod.rs")
    }

    /// How many lines the file has.
    pub(crate) fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// How many of its lines are tests.
    pub(crate) fn test_lines(&self) -> usize {
        if self.is_test() {
            return self.lines();
        }
        self.test_items().into_iter().map(Iterator::count).sum()
    }

    /// How many of its lines are not tests.
    pub(crate) fn source_lines(&self) -> usize {
        self.lines() - self.test_lines()
    }

    /// How many of its lines say what the program or a test does, and how many of those are tests: blank lines
    /// and documentation are not counted.
    pub(crate) fn weight(&self) -> Weight {
        let mut documented = BTreeSet::new();
        documentation(self.text.parse().unwrap(), &mut documented);
        let tests = self.test_items();
        let mut weight = Weight::default();
        for (at, line) in self.text.lines().enumerate() {
            if line.trim().is_empty() || documented.contains(&(at + 1)) {
                continue;
            }
            if self.is_test() || tests.iter().any(|lines| lines.contains(&(at + 1))) {
                weight.tests += 1;
            } else {
                weight.source += 1;
            }
        }
        weight
    }

    /// The lines of the items that are compiled for tests only.
    fn test_items(&self) -> Vec<RangeInclusive<usize>> {
        let tests = self.syntax.items.iter().filter(|item| is_for_tests(item_attributes(item)));
        tests.map(|item| item.span().start().line..=item.span().end().line).collect()
    }

    /// The lines that hold nothing but a plain comment, documentation left out.
    pub(crate) fn plain_comments(&self) -> usize {
        let mut covered = BTreeSet::new();
        cover(self.text.parse().unwrap(), &mut covered);
        let lines = self.text.lines().enumerate();
        lines.filter(|(at, line)| line.trim_start().starts_with("//") && !covered.contains(&(at + 1))).count()
    }

    /// The names of all functions that have a body, tests left out.
    pub(crate) fn functions(&self) -> Vec<String> {
        let mut functions = Functions(Vec::new());
        for item in self.syntax.items.iter().filter(|item| !is_for_tests(item_attributes(item))) {
            functions.visit_item(item);
        }
        functions.0
    }

    /// The files that its plain `mod` lines bring in; those of a crate's root stand beside it.
    pub(crate) fn declared(&self, is_root: bool) -> Vec<PathBuf> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let stem = self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let below = if is_root || stem == "mod" { folder.to_owned() } else { folder.join(stem) };
        let mut found = Vec::new();
        declared_in(&self.syntax.items, &below, &mut found);
        found
    }
}

fn declared_in(items: &[syn::Item], below: &Path, found: &mut Vec<PathBuf>) {
    for item in items {
        let syn::Item::Mod(module) = item else { continue };
        let name = module.ident.to_string();
        let name = name.trim_start_matches("r#");
        if let Some((_, items)) = &module.content {
            declared_in(items, &below.join(name), found);
        } else {
            found.push(below.join(format!("{name}.rs")));
            found.push(below.join(name).join("mod.rs"));
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

fn item_attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        _ => &[],
    }
}

/// Notes the lines of documentation: `///`, `//!`, and `#[doc = …]`, which is what they are to the compiler.
fn documentation(stream: TokenStream, lines: &mut BTreeSet<usize>) {
    let mut is_named = false;
    for tree in stream {
        match &tree {
            TokenTree::Group(group) => documentation(group.stream(), lines),
            TokenTree::Ident(name) => is_named = name == "doc",
            TokenTree::Literal(text) if is_named => {
                lines.extend(text.span().start().line..=text.span().end().line);
            }
            _ => {}
        }
    }
}

/// Notes the lines on which a token stands; documentation counts as tokens, plain comments do not.
fn cover(stream: TokenStream, covered: &mut BTreeSet<usize>) {
    for tree in stream {
        if let TokenTree::Group(group) = &tree {
            covered.insert(group.span_open().start().line);
            covered.insert(group.span_close().start().line);
            cover(group.stream(), covered);
        } else {
            covered.extend(tree.span().start().line..=tree.span().end().line);
        }
    }
}

struct Functions(Vec<String>);

impl Visit<'_> for Functions {
    fn visit_item_fn(&mut self, function: &syn::ItemFn) {
        self.0.push(function.sig.ident.to_string());
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        self.0.push(function.sig.ident.to_string());
    }
}

#[test]
fn a_source_is_counted_right() {
    let text = "//! Doc.\n\n// why\nfn a() {\n    // inner\n    let _ = \"\n// text\n\";\n}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nmod c;\n";
    let file = SourceFile {
        path: "engine/src/x.rs".into(),
        text: text.to_owned(),
        syntax: syn::parse_file(text).unwrap(),
    };
    assert_eq!((file.lines(), file.test_lines(), file.source_lines()), (15, 4, 11));
    // Neither `//! Doc.` nor the two empty lines; the comments, and what stands in a text, count.
    assert_eq!(file.weight(), Weight { source: 8, tests: 4 });
    assert_eq!(file.plain_comments(), 2);
    assert_eq!(file.functions(), ["a"]);
    let declared = |folder: &str| [format!("{folder}/c.rs").into(), format!("{folder}/c/mod.rs").into()];
    assert_eq!(file.declared(false), declared("engine/src/x").map(|path: PathBuf| path));
    assert_eq!(file.declared(true), declared("engine/src").map(|path: PathBuf| path));
}

#[test]
fn documentation_and_blank_lines_weigh_nothing() {
    let cases = [
        ("/// One.\n/// Two.\nfn a() {}\n", Weight { source: 1, tests: 0 }),
        ("#[doc = \"one\"]\nfn a() {}\n", Weight { source: 1, tests: 0 }),
        ("/** One.\n\n Two. */\nfn a() {}\n", Weight { source: 1, tests: 0 }),
        ("const A: &str = \"\n/// no documentation\n\";\n", Weight { source: 3, tests: 0 }),
        ("#[cfg(test)]\nmod tests {\n    //! Doc.\n\n    fn a() {}\n}\n", Weight { source: 0, tests: 4 }),
        ("/// Doc.\n#[cfg(test)]\nimpl A {}\nfn a() {}\n", Weight { source: 1, tests: 2 }),
    ];
    for (text, wanted) in cases {
        let syntax = syn::parse_file(text).unwrap();
        let file = SourceFile { path: "engine/src/x.rs".into(), text: text.to_owned(), syntax };
        assert_eq!(file.weight(), wanted, "{text}");
    }
}
