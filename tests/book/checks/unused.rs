//! What lies beside the pages is shown by one of them.

use std::collections::BTreeSet;

use super::files::resolve;
use super::{Book, SRC, markup};

/// The folders of `book/src` whose files are there to be shown.
const FOLDERS: &[&str] = &["generated/", "figures/"];

/// What real Flasks did, as `tests/eras/run` recorded it: other outputs are made of it.
const RECORDED: &str = "generated/eras/";

pub(crate) fn problems(book: &Book) -> Vec<String> {
    let used = used(book);
    let files = book.files.below(SRC);
    let shown = files.filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)));
    shown
        .filter(|path| !used.contains(*path))
        .filter(|path| !(path.starts_with(RECORDED) && path.ends_with(".json")))
        .map(|path| format!("{SRC}{path} is shown on no page"))
        .collect()
}

/// Files below `book/src` that a page includes or names, or that something does that a page includes.
fn used(book: &Book) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for page in book.chapters() {
        let files = page
            .includes
            .iter()
            .filter_map(|include| include.file.as_deref());
        let included = files.filter_map(|file| file.strip_prefix(SRC));
        let links = page.links.iter().map(|link| link.text.as_str());
        for path in included {
            let text = book.files.get(&format!("{SRC}{path}")).unwrap_or_default();
            if path.ends_with(".html") || path.ends_with(".svg") {
                used.extend(markup::links(text).filter_map(|link| resolve("", link)));
            }
            used.insert(path.to_owned());
        }
        used.extend(links.filter_map(|link| resolve("", link)));
    }
    used
}

#[cfg(test)]
mod tests {
    use super::super::{assert_finds, assert_none};
    use super::*;

    const FILES: &[(&str, &str)] = &[
        (
            "book/src/page.md",
            "{{#include generated/a.html}}\n\n![b](figures/b.svg)\n",
        ),
        (
            "book/src/generated/a.html",
            "<x-y src=\"generated/c.json\"></x-y>",
        ),
        ("book/src/generated/c.json", "{}"),
        ("book/src/figures/b.svg", "<svg/>"),
    ];

    #[test]
    fn files_that_are_shown() {
        assert_none(&problems(&Book::with(FILES)));
    }

    #[test]
    fn a_file_that_is_shown_on_no_page() {
        for (index, words) in [(2, "c.json"), (3, "d.svg")] {
            let mut files = FILES.to_vec();
            if index == 2 {
                files[1].1 = "<x-y></x-y>";
            } else {
                files.push(("book/src/figures/d.svg", "<svg/>"));
            }
            assert_finds(&problems(&Book::with(&files)), words);
        }
    }
}
