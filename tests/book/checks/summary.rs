//! Every page is in the table of contents, and everything that is in there is a page.

use std::collections::HashSet;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{Book, SRC};

/// A line of `SUMMARY.md` that names a page.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) title: String,
    /// Below `book/src`.
    pub(crate) path: String,
}

pub(crate) fn parse(summary: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut open: Option<Entry> = None;
    for event in Parser::new(summary) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => {
                open = Some(Entry {
                    title: String::new(),
                    path: dest_url.to_string(),
                });
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(entry) = &mut open {
                    entry.title.push_str(&text);
                }
            }
            Event::End(TagEnd::Link) => entries.extend(open.take()),
            _ => {}
        }
    }
    entries
}

pub(crate) fn problems(book: &Book) -> Vec<String> {
    let mut problems = Vec::new();
    let mut listed = HashSet::new();
    for Entry { title, path } in &book.summary {
        let again = !listed.insert(path.as_str());
        if again {
            problems.push(format!("{SRC}SUMMARY.md: {path} is there twice"));
        }
        match book.pages.iter().find(|page| page.path == *path) {
            None => problems.push(format!("{SRC}SUMMARY.md: there is no {SRC}{path}")),
            Some(page) if page.title() != Some(title) => {
                let actual = page.title().unwrap_or("missing");
                problems.push(page.problem(
                    1,
                    format_args!("the title is {actual:?}, in SUMMARY.md it is {title:?}"),
                ));
            }
            Some(_) => {}
        }
    }
    for page in &book.pages {
        if !listed.contains(page.path.as_str()) {
            problems.push(page.problem(1, "is not in SUMMARY.md, so mdBook does not build it"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::{assert_finds, assert_none};
    use super::*;

    #[test]
    fn a_book_whose_pages_are_all_listed_is_right() {
        let book = Book::with(&[
            (
                "book/src/SUMMARY.md",
                "[Start](start.md)\n\n# In\n\n- [`g`: yours](g.md)\n",
            ),
            ("book/src/start.md", "# Start\n"),
            ("book/src/g.md", "# `g`: yours\n"),
        ]);
        assert_none(&problems(&book));
    }

    #[test]
    fn a_page_that_is_not_there() {
        let book = Book::with(&[("book/src/SUMMARY.md", "- [Push](push.md)\n")]);
        assert_finds(&problems(&book), "there is no book/src/push.md");
    }

    #[test]
    fn a_page_that_is_not_listed() {
        let book = Book::with(&[("book/src/push.md", "# Push\n")]);
        assert_finds(&problems(&book), "not in SUMMARY.md");
    }

    #[test]
    fn a_page_that_is_listed_twice() {
        let book = Book::with(&[
            (
                "book/src/SUMMARY.md",
                "- [Push](push.md)\n- [Push](push.md)\n",
            ),
            ("book/src/push.md", "# Push\n"),
        ]);
        assert_finds(&problems(&book), "twice");
    }

    #[test]
    fn another_title_than_in_the_table_of_contents() {
        let book = Book::page("# Pages\n");
        assert_finds(
            &problems(&book),
            "the title is \"Pages\", in SUMMARY.md it is \"Page\"",
        );
    }
}
