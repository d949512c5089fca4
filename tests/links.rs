//! Guard: links between the pages lead somewhere, and every chapter is in the book's table of contents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::sources;

/// What one page offers and asks for.
#[derive(Default)]
struct Page {
    /// The anchors of its headings.
    anchors: BTreeSet<String>,
    /// Where its links lead, those that leave the project left out.
    links: Vec<String>,
}

impl Page {
    fn read(markdown: &str) -> Self {
        let mut page = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new(markdown) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::End(TagEnd::Heading(_)) => {
                    page.anchor(&heading.take().unwrap_or_default());
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. })
                    if !dest_url.contains("://") && !dest_url.starts_with("mailto:") =>
                {
                    page.links.push(dest_url.into_string());
                }
                _ => {}
            }
        }
        page
    }

    /// The name that mdBook gives a heading; the second one of a text gets a number.
    fn anchor(&mut self, heading: &str) {
        let letters = heading.trim().to_lowercase();
        let name: String = letters
            .chars()
            .filter(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | ' '))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let mut unique = name.clone();
        for number in 1.. {
            if self.anchors.insert(unique) {
                break;
            }
            unique = format!("{name}-{number}");
        }
    }
}

/// Every page of the project, by its path from the root.
fn pages() -> BTreeMap<PathBuf, Page> {
    sources::files_below(sources::root())
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| {
            let page = Page::read(&std::fs::read_to_string(&path).expect("a page"));
            (path.strip_prefix(sources::root()).expect("a path below the root").to_owned(), page)
        })
        .collect()
}

/// `path` without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
        plain
    })
}

/// What is wrong with a link of the page at `from`.
fn wrong(pages: &BTreeMap<PathBuf, Page>, from: &Path, link: &str) -> Option<String> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let to = if path.is_empty() {
        from.to_owned()
    } else {
        plain(&from.parent().unwrap_or(Path::new("")).join(path))
    };
    if !sources::root().join(&to).exists() {
        return Some(format!("{}: `{link}`: there is no `{}`", from.display(), to.display()));
    }
    let in_book = |path: &Path| path.starts_with("book/src");
    if in_book(from) && !in_book(&to) {
        return Some(format!("{}: `{link}` leads out of the book", from.display()));
    }
    let anchor = anchor?;
    let known = pages.get(&to).is_some_and(|page| page.anchors.contains(anchor));
    (!known).then(|| format!("{}: `{link}`: `{}` has no such heading", from.display(), to.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let links: usize = pages.values().map(|page| page.links.len()).sum();
    assert!(pages.len() >= 20 && links >= 30, "{} pages and {links} links were found", pages.len());
    let wrong: Vec<String> = pages
        .iter()
        .flat_map(|(from, page)| page.links.iter().filter_map(|link| wrong(&pages, from, link)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_chapter_is_in_the_table_of_contents_once() {
    let pages = pages();
    let book = Path::new("book/src");
    let contents = &pages[&book.join("SUMMARY.md")].links;
    let mut listed: Vec<PathBuf> = contents.iter().map(|link| book.join(link)).collect();
    listed.sort();
    let chapters: Vec<PathBuf> = pages
        .keys()
        .filter(|path| path.starts_with(book) && !path.ends_with("SUMMARY.md"))
        .cloned()
        .collect();
    assert_eq!(listed, chapters);
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = Page::read(
        "# One `two`, three!\n\n## Same\n\n## Same\n\n[a](b.md#c) [x](https://x.invalid) ![i](i.png)",
    );
    let anchors: Vec<&str> = page.anchors.iter().map(String::as_str).collect();
    assert_eq!(anchors, ["one-two-three", "same", "same-1"]);
    assert_eq!(page.links, ["b.md#c", "i.png"]);
    let pages = pages();
    let from = Path::new("book/src/index.md");
    for (link, found) in [
        ("guide/inventory.md", false),
        ("guide/inventory.md#variables", false),
        ("./guide/../guide/inventory.md", false),
        ("guide/inventories.md", true),
        ("guide/inventory.md#variable", true),
        ("#nothing", true),
        ("../../README.md", true),
    ] {
        assert_eq!(wrong(&pages, from, link).is_some(), found, "{link}");
    }
}
