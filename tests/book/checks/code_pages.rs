//! The pages that show a whole source file: written for each file that a chapter links to.
//!
//! A chapter links to `code/src/lifecycle.md`, and `src/lifecycle.rs` is what that page includes. mdBook
//! builds only what is in `SUMMARY.md`, so these pages are listed at its end, folded below one page
//! that lists them too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::files::Files;
use super::page::Page;
use super::summary::Entry;
use super::{Book, SRC, regex};

/// The line of `SUMMARY.md` from which on it is generated.
const IN_SUMMARY: &str = "- [The code](code/index.md)\n";

/// A source file, and the words that say what it is.
type Source<'a> = (&'a str, String);

/// The generated pages by their path in the repository, `SUMMARY.md` among them, and what is in
/// the way of others.
pub(crate) fn pages(book: &Book) -> (BTreeMap<String, String>, Vec<String>) {
    let mut problems = Vec::new();
    let mut pages = BTreeMap::new();
    let mut sources: Vec<Source<'_>> = Vec::new();
    for (link, from) in linked(book) {
        let place = &from[0].place;
        let source = source_of(&book.files, &link);
        let about = source.and_then(|source| about(book.files.get(source)?));
        match (source, about) {
            (Some(source), Some(about)) => {
                pages.insert(format!("{SRC}{link}"), page(&link, source, &about, &from));
                sources.push((source, about));
            }
            (Some(source), None) => {
                problems.push(format!("{place}: {source} does not begin with what it is"));
            }
            (None, _) => problems.push(format!("{place}: {link} is the page of no source file")),
        }
    }
    sources.sort();
    pages.insert(format!("{SRC}code/index.md"), index(&sources));
    let summary = book.files.get("book/src/SUMMARY.md").unwrap_or_default();
    match summary.split_once(IN_SUMMARY) {
        Some((written, _)) => {
            pages.insert(format!("{SRC}SUMMARY.md"), listed(written, &sources));
        }
        None => problems.push(format!("{SRC}SUMMARY.md has no line {IN_SUMMARY:?}")),
    }
    (pages, problems)
}

/// A chapter that links to a page of source code.
struct From<'a> {
    /// Its first link, for a problem.
    place: String,
    /// Below `book/src`.
    path: &'a str,
    title: &'a str,
}

/// The pages of source code that chapters link to, and the chapters that do, in their order.
fn linked(book: &Book) -> BTreeMap<String, Vec<From<'_>>> {
    let mut linked: BTreeMap<String, Vec<From<'_>>> = BTreeMap::new();
    let order = |page: &&Page| {
        let at = |entry: &Entry| entry.path == page.path;
        book.summary.iter().position(at).unwrap_or(usize::MAX)
    };
    let mut chapters: Vec<&Page> = book.chapters().collect();
    chapters.sort_by_key(order);
    for page in chapters {
        for link in &page.links {
            let path = link.text.split('#').next().unwrap_or_default();
            if path.starts_with("code/") && path.ends_with(".md") && path != "code/index.md" {
                let from = linked.entry(path.to_owned()).or_default();
                if from.iter().all(|from| from.path != page.path) {
                    from.push(From {
                        place: page.problem(link.line, "linked here"),
                        path: &page.path,
                        title: page.title().unwrap_or(&page.path),
                    });
                }
            }
        }
    }
    linked
}

/// What a page shows: `code/src/app.md` is of `src/app.rs`, `code/tests/eras/record.py.md` of `record.py`.
fn source_of<'a>(files: &'a Files, link: &str) -> Option<&'a str> {
    let path = link.strip_prefix("code/")?.strip_suffix(".md")?;
    let rust = format!("{path}.rs");
    files.below("").find(|file| *file == path || *file == rust)
}

/// The first paragraph of the comment with which a file begins.
fn about(source: &str) -> Option<String> {
    let lines = source
        .lines()
        .skip_while(|line| line.starts_with("#!") || line.trim().is_empty());
    let comment = regex(r#"^(?://!|#(?:[^!\[]|$)|""")\s?(.*?)(?:""")?$"#);
    let words: Vec<String> = lines
        .map_while(|line| Some(comment.captures(line)?[1].trim().to_owned()))
        .take_while(|words| !words.is_empty())
        .collect();
    // A link of rustdoc's leads nowhere in a book.
    let link = regex(r"\[(`[^`]+`)\](?:\([^)]*\))?");
    let words = words.join(" ");
    (!words.is_empty()).then(|| link.replace_all(&words, "$1").into_owned())
}

fn page(link: &str, source: &str, about: &str, from: &[From<'_>]) -> String {
    let depth = link.matches('/').count();
    let (chapters, root) = ("../".repeat(depth), "../".repeat(depth + 2));
    let language = match source.rsplit_once('.') {
        Some((_, "py")) => "python",
        Some((_, extension)) => extension,
        None => "text",
    };
    let mut back: Vec<String> = Vec::new();
    for From { path, title, .. } in from {
        back.push(format!("[{title}]({chapters}{path})"));
    }
    let back = back.join(", ");
    format!(
        "# {source}\n\n{about}\n\nChapters that show it: {back}.\n\n\
         ````{language}\n{{{{#include {root}{source}}}}}\n````\n"
    )
}

/// The folders of the list, and what is in them; a file is in the first that fits.
const FOLDERS: &[(&str, &str)] = &[
    ("src/", "The library"),
    ("examples/", "Examples"),
    ("tests/book/demos/", "What the chapters print"),
    ("tests/exercises/", "Exercises"),
    ("", "Tests, a file a stage"),
];

fn index(sources: &[Source<'_>]) -> String {
    let mut list =
        "# The code\n\nThe files that the chapters show parts of, whole and as they are compiled.\n"
            .to_owned();
    let mut left: Vec<&Source<'_>> = sources.iter().collect();
    for (folder, title) in FOLDERS {
        let (here, others) = left
            .into_iter()
            .partition(|(source, _)| source.starts_with(folder));
        left = others;
        let here: Vec<&Source<'_>> = here;
        if !here.is_empty() {
            _ = write!(list, "\n## {title}\n\n");
        }
        for (source, about) in here {
            let page = source.trim_end_matches(".rs");
            _ = writeln!(list, "- [{source}]({page}.md): {about}");
        }
    }
    list
}

fn listed(written: &str, sources: &[Source<'_>]) -> String {
    let lines = sources.iter().map(|(source, _)| {
        let page = source.trim_end_matches(".rs");
        format!("  - [{source}](code/{page}.md)\n")
    });
    let lines: String = lines.collect();
    format!("{written}{IN_SUMMARY}{lines}")
}

/// Pages that no chapter links to any more.
pub(crate) fn leftover(book: &Book) -> BTreeSet<String> {
    let linked = linked(book);
    let there = book
        .files
        .below(SRC)
        .filter(|path| path.starts_with("code/"));
    let kept = |path: &&str| !linked.contains_key(*path) && *path != "code/index.md";
    there
        .filter(kept)
        .map(|path| format!("{SRC}{path}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book<'a>(link: &'a str, source: &'a str) -> Book {
        Book::with(&[
            (
                "book/src/SUMMARY.md",
                "- [Page](page.md)\n- [The code](code/index.md)\n  - [old](old.md)\n",
            ),
            ("book/src/page.md", &format!("# Page\n\n[a]({link})\n")),
            ("book/src/code/src/old.md", "# src/old.rs\n"),
            ("src/json/app.rs", source),
            ("src/old.rs", "//! Old.\n"),
        ])
    }

    #[test]
    fn a_page_is_made_of_each_linked_file() {
        let book = book(
            "code/src/json/app.md#srcapprs",
            "//! The [`App`]: what\n//! it is.\n//!\n//! More.\n",
        );
        let (pages, problems) = pages(&book);
        super::super::assert_none(&problems);
        assert_eq!(
            pages["book/src/code/src/json/app.md"],
            "# src/json/app.rs\n\nThe `App`: what it is.\n\n\
             Chapters that show it: [Page](../../../page.md).\n\n````rs\n{{#include ../../../../../src/json/app.rs}}\n````\n"
        );
        assert_eq!(
            pages["book/src/SUMMARY.md"],
            "- [Page](page.md)\n- [The code](code/index.md)\n  - [src/json/app.rs](code/src/json/app.md)\n"
        );
        assert!(
            pages["book/src/code/index.md"]
                .contains("[src/json/app.rs](src/json/app.md): The `App`")
        );
        assert_eq!(pages.len(), 3);
        assert!(leftover(&book).contains("book/src/code/src/old.md"));
    }

    #[test]
    fn the_include_of_such_a_page_is_found() {
        let text = page("code/src/json/app.md", "src/json/app.rs", "It is.", &[]);
        let page = super::super::Page::parse("code/src/json/app.md", &text);
        assert_eq!(page.includes[0].file.as_deref(), Some("src/json/app.rs"));
    }

    #[test]
    fn what_a_file_is_ends_before_its_attributes() {
        assert_eq!(
            about("//! It is.\n#![allow(unused)]\n"),
            Some("It is.".to_owned())
        );
        assert_eq!(
            about("#!/bin/sh\n# It is.\n\n# More.\n"),
            Some("It is.".to_owned())
        );
    }

    #[test]
    fn a_file_that_is_not_there() {
        let (_, found) = pages(&book("code/src/ap.md", "//! App.\n"));
        assert!(found[0].contains("page.md:3") && found[0].contains("of no source file"));
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is() {
        let (_, found) = pages(&book("code/src/json/app.md", "use x;\n"));
        assert!(found[0].contains("does not begin with what it is"));
    }
}
