//! The pages that show a whole source file: written for each file that a chapter links to.
//!
//! A chapter links to `code/src/lifecycle.md`, and `src/lifecycle.rs` is what that page includes. mdBook
//! builds only what is in `SUMMARY.md`, so these pages are listed at its end, folded below one page
//! that lists them too.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Files;
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
    for (link, place) in linked(book) {
        let source = source_of(&book.files, &link);
        let about = source.and_then(|source| about(book.files.get(source)?));
        match (source, about) {
            (Some(source), Some(about)) => {
                pages.insert(format!("{SRC}{link}"), page(&link, source, &about));
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

/// The pages of source code that chapters link to, and where one does.
fn linked(book: &Book) -> BTreeMap<String, String> {
    let mut linked = BTreeMap::new();
    for page in book.chapters() {
        for link in &page.links {
            let path = link.text.split('#').next().unwrap_or_default();
            if path.starts_with("code/") && path.ends_with(".md") && path != "code/index.md" {
                let place = page.problem(link.line, "linked here");
                linked.entry(path.to_owned()).or_insert(place);
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
    let comment = regex(r#"^(?://!|#|""")\s?(.*?)(?:""")?$"#);
    let words: Vec<String> = lines
        .map_while(|line| Some(comment.captures(line)?[1].trim().to_owned()))
        .take_while(|words| !words.is_empty())
        .collect();
    // A link of rustdoc's leads nowhere in a book.
    let link = regex(r"\[(`[^`]+`)\](?:\([^)]*\))?");
    let words = words.join(" ");
    (!words.is_empty()).then(|| link.replace_all(&words, "$1").into_owned())
}

fn page(link: &str, source: &str, about: &str) -> String {
    let up = "../".repeat(link.matches('/').count() + 2);
    let language = match source.rsplit_once('.') {
        Some((_, "py")) => "python",
        Some((_, extension)) => extension,
        None => "text",
    };
    format!("# {source}\n\n{about}\n\n````{language}\n{{{{#include {up}{source}}}}}\n````\n")
}

fn index(sources: &[Source<'_>]) -> String {
    let lines = sources.iter().map(|(source, about)| {
        let page = source.trim_end_matches(".rs");
        format!("- [{source}]({page}.md): {about}\n")
    });
    let lines: String = lines.collect();
    format!(
        "# The code\n\nThe files that the chapters show parts of, whole and as they are compiled.\n\n{lines}"
    )
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
             ````rs\n{{#include ../../../../../src/json/app.rs}}\n````\n"
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
        let text = page("code/src/json/app.md", "src/json/app.rs", "It is.");
        let page = super::super::Page::parse("code/src/json/app.md", &text);
        assert_eq!(page.includes[0].file.as_deref(), Some("src/json/app.rs"));
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
