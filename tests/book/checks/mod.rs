//! What holds for every page of the book, checked without mdBook.
//!
//! mdBook forgives much: an include of an anchor that is not there shows nothing, a link to nowhere is
//! a link, and either way it exits with 0. Each file here is one kind of mistake: a function
//! `problems` from a [`Book`] to sentences that name the file and the line, and tests in which it has
//! to find what is wrong in a book of a few lines.

pub(crate) mod code_pages;
pub(crate) mod commands;
pub(crate) mod exercises;
pub(crate) mod fences;
pub(crate) mod files;
pub(crate) mod heads;
pub(crate) mod includes;
pub(crate) mod links;
pub(crate) mod markup;
pub(crate) mod page;
pub(crate) mod shape;
pub(crate) mod summary;
pub(crate) mod unused;

use std::collections::HashMap;
use std::sync::Mutex;

use files::Files;
use page::Page;
use regex::Regex;
use summary::Entry;

/// Where the book's pages are.
pub(crate) const SRC: &str = "book/src/";

/// The book as it is written: its files, and its pages parsed.
pub(crate) struct Book {
    /// Everything that a page can show or name, by its path in the repository.
    pub(crate) files: Files,
    /// The table of contents.
    pub(crate) summary: Vec<Entry>,
    /// All pages, those of the source code too.
    pub(crate) pages: Vec<Page>,
}

impl Book {
    /// The book of this repository.
    pub(crate) fn read() -> Book {
        Book::of(Files::read(&[
            "book/src", "src", "examples", "tests", "benches",
        ]))
    }

    fn of(files: Files) -> Book {
        let summary = files.get("book/src/SUMMARY.md").unwrap_or_default();
        let summary = summary::parse(summary);
        let pages = files
            .below(SRC)
            .filter(|path| path.ends_with(".md") && *path != "SUMMARY.md")
            .map(|path| Page::parse(path, files.get(&format!("{SRC}{path}")).unwrap_or_default()))
            .collect();
        Book {
            files,
            summary,
            pages,
        }
    }

    /// A small book for a test, of pages and sources by their paths in the repository.
    fn with(files: &[(&str, &str)]) -> Book {
        Book::of(Files::of(files))
    }

    /// A book of one page, `page.md`.
    fn page(text: &str) -> Book {
        Book::with(&[
            ("book/src/SUMMARY.md", "- [Page](page.md)\n"),
            ("book/src/page.md", text),
        ])
    }

    /// The pages that somebody wrote: all but those of the source code.
    pub(crate) fn chapters(&self) -> impl Iterator<Item = &Page> {
        self.pages
            .iter()
            .filter(|page| !page.path.starts_with("code/"))
    }
}

/// A pattern, compiled once: that takes longer than all the reading.
fn regex(pattern: &str) -> Regex {
    static COMPILED: Mutex<Option<HashMap<String, Regex>>> = Mutex::new(None);
    let mut compiled = COMPILED.lock().unwrap();
    let compiled = compiled.get_or_insert_default();
    if let Some(regex) = compiled.get(pattern) {
        return regex.clone();
    }
    let regex = Regex::new(pattern).unwrap();
    compiled.insert(pattern.to_owned(), regex.clone());
    regex
}

/// Makes sure that there are no problems, and lists all of them where there are.
#[track_caller]
pub(crate) fn assert_none(problems: &[String]) {
    assert!(
        problems.is_empty(),
        "{} in the book:\n{}",
        match problems.len() {
            1 => "1 problem".to_owned(),
            count => format!("{count} problems"),
        },
        problems.join("\n")
    );
}

/// Makes sure that exactly one problem was found, and that it says so.
#[track_caller]
fn assert_finds(problems: &[String], words: &str) {
    assert!(
        matches!(problems, [problem] if problem.contains(words)),
        "expected one problem with {words:?}, found {problems:#?}"
    );
}
