//! Every include shows something. mdBook shows nothing for an anchor that is not there.

use super::files::Files;
use super::page::Include;
use super::{Book, regex};

pub(crate) fn problems(book: &Book) -> Vec<String> {
    let mut problems = Vec::new();
    for page in &book.pages {
        for include in &page.includes {
            if let Err(what) = check(&book.files, include) {
                problems.push(page.problem(include.line, what));
            }
        }
    }
    problems
}

fn check(files: &Files, include: &Include) -> Result<(), String> {
    if include.helper != "include" {
        return Err(format!(
            "#{} is not used here, only #include",
            include.helper
        ));
    }
    let file = include
        .file
        .as_deref()
        .ok_or("the include leads out of the repository")?;
    let text = files
        .get(file)
        .ok_or_else(|| format!("there is no file {file}"))?;
    if text.trim().is_empty() {
        return Err(format!("{file} is empty"));
    }
    if text.contains("{{#include") {
        return Err(format!(
            "{file} has an include itself, which mdBook would follow"
        ));
    }
    if let Some(part) = &include.part {
        check_anchor(file, text, part)?;
    }
    let is_markup = file.ends_with(".svg") || file.ends_with(".html");
    match (include.in_fence, is_markup) {
        (false, false) => Err(format!("{file} is included outside of a code block")),
        (true, true) => Err(format!(
            "{file} is included in a code block, it would show as text"
        )),
        (false, true) => check_markup(file, text),
        (true, false) => Ok(()),
    }
}

fn check_anchor(file: &str, text: &str, anchor: &str) -> Result<(), String> {
    let name = regex(r"^[A-Za-z_][\w-]*$");
    if !name.is_match(anchor) {
        return Err(format!(
            "{anchor:?} is no anchor; lines are not included by their number"
        ));
    }
    let marker = regex(r"ANCHOR(_END)?:\s*([\w-]+)");
    let mut opened = false;
    let mut something = false;
    for line in text.lines() {
        match marker.captures(line) {
            Some(found) if &found[2] == anchor => match (found.get(1).is_some(), opened) {
                (true, true) if something => return check_once(file, text, anchor),
                (true, true) => return Err(format!("anchor {anchor} in {file} is empty")),
                (true, false) => {
                    return Err(format!("anchor {anchor} in {file} ends before it begins"));
                }
                (false, _) => opened = true,
            },
            Some(_) => {}
            None => something |= opened && !line.trim().is_empty(),
        }
    }
    if opened {
        Err(format!("anchor {anchor} in {file} has no end"))
    } else {
        Err(format!("there is no anchor {anchor} in {file}"))
    }
}

/// mdBook shows only the first of two anchors with one name.
fn check_once(file: &str, text: &str, anchor: &str) -> Result<(), String> {
    let marker = regex(&format!(r"ANCHOR:\s*{anchor}\s*$"));
    match text.lines().filter(|line| marker.is_match(line)).count() {
        1 => Ok(()),
        _ => Err(format!("anchor {anchor} is more than once in {file}")),
    }
}

/// An empty line ends a block of HTML: what follows would be read as Markdown.
fn check_markup(file: &str, text: &str) -> Result<(), String> {
    let mut lines = text.trim_end().lines().enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let goes_on = |next: &str| next.starts_with('<') || next.trim().is_empty();
        if line.trim().is_empty() && lines.peek().is_some_and(|(_, next)| !goes_on(next)) {
            let line = index + 1;
            return Err(format!(
                "{file}:{line} is empty, which ends the HTML around it"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{assert_finds, assert_none};
    use super::*;

    const SOURCE: &str = "// ANCHOR: outer\nfn one() {}\n    // ANCHOR: inner\n    fn two() {}\n    \
                          // ANCHOR_END: inner\n// ANCHOR_END: outer\n// ANCHOR: empty\n// ANCHOR_END: empty\n\
                          // ANCHOR: open\nfn three() {}\n";

    fn found(include: &str) -> Vec<String> {
        let text = format!("# Page\n\n```rust,ignore\n{{{{#{include}}}}}\n```\n");
        problems(&Book::with(&[
            ("book/src/page.md", &text),
            ("src/app.rs", SOURCE),
        ]))
    }

    #[test]
    fn anchors_and_whole_files_are_right() {
        assert_none(&found("include ../../src/app.rs:outer"));
        assert_none(&found("include ../../src/app.rs:inner"));
        assert_none(&found("include ../../src/app.rs"));
    }

    #[test]
    fn a_file_that_is_not_there() {
        assert_finds(
            &found("include ../../src/ap.rs"),
            "page.md:4: there is no file src/ap.rs",
        );
        assert_finds(&found("include ../../../x"), "out of the repository");
    }

    #[test]
    fn an_anchor_that_is_not_there() {
        assert_finds(&found("include ../../src/app.rs:oter"), "no anchor oter");
        assert_finds(&found("include ../../src/app.rs:empty"), "is empty");
        assert_finds(&found("include ../../src/app.rs:open"), "has no end");
    }

    #[test]
    fn lines_by_their_number() {
        assert_finds(&found("include ../../src/app.rs:2:3"), "is no anchor");
        assert_finds(&found("include ../../src/app.rs:2"), "is no anchor");
        assert_finds(&found("include ../../src/app.rs::3"), "is no anchor");
        assert_finds(&found("include ../../src/app.rs:"), "is no anchor");
    }

    #[test]
    fn an_include_in_what_is_included() {
        let text = "```text\n{{#include a.txt}}\n```\n";
        let book = Book::with(&[("book/src/page.md", text), ("book/src/a.txt", text)]);
        assert_finds(&problems(&book), "has an include itself");
    }

    #[test]
    fn another_helper() {
        assert_finds(
            &found("rustdoc_include ../../src/app.rs:outer"),
            "only #include",
        );
    }

    #[test]
    fn an_anchor_with_a_namesake() {
        let source = "// ANCHOR: a\nfn a() {}\n// ANCHOR_END: a\n// ANCHOR: a\n// ANCHOR_END: a\n";
        let text = "```rust,ignore\n{{#include ../../src/app.rs:a}}\n```\n";
        let book = Book::with(&[("book/src/page.md", text), ("src/app.rs", source)]);
        assert_finds(&problems(&book), "more than once");
    }

    #[test]
    fn code_outside_of_a_code_block_and_markup_in_one() {
        let book = Book::with(&[
            (
                "book/src/page.md",
                "{{#include a.txt}}\n\n```text\n{{#include a.svg}}\n```\n",
            ),
            ("book/src/a.txt", "a"),
            ("book/src/a.svg", "<svg></svg>"),
        ]);
        assert_eq!(problems(&book).len(), 2);
    }

    #[test]
    fn an_empty_line_within_markup() {
        let book = Book::with(&[
            ("book/src/page.md", "{{#include a.svg}}\n"),
            ("book/src/a.svg", "<svg>\n\n  <text>a</text>\n</svg>"),
        ]);
        assert_finds(&problems(&book), "a.svg:2 is empty");
    }
}
