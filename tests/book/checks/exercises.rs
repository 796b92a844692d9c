//! Each chapter's exercise is one that can be done: with a start, a check and a solution.

use std::collections::BTreeSet;

use super::Book;
use super::commands::tests_of;
use super::page::Page;

const FOLDER: &str = "tests/exercises/";

pub(crate) fn problems(book: &Book) -> Vec<String> {
    let mut problems = Vec::new();
    let tests = tests_of(&book.files, &format!("{FOLDER}main.rs"));
    let with_exercise = book
        .chapters()
        .filter_map(|page| Some((page, page.section("Exercise")?)));
    let mut asked = BTreeSet::new();
    for (page, section) in with_exercise {
        asked.insert(page.name());
        let missing = missing(book, page, &tests);
        problems.extend(
            missing
                .into_iter()
                .map(|what| page.problem(section.start, what)),
        );
    }
    for name in folders(book) {
        if !asked.contains(name) {
            problems.push(format!("{FOLDER}{name} is the exercise of no chapter"));
        }
    }
    problems
}

/// The names of the exercises that there are.
fn folders(book: &Book) -> BTreeSet<&str> {
    book.files
        .below(FOLDER)
        .filter_map(|path| Some(path.split_once('/')?.0))
        .collect()
}

/// What the exercise of a chapter lacks.
fn missing(book: &Book, page: &Page, tests: &[String]) -> Vec<String> {
    let name = page.name();
    let mut missing = Vec::new();
    for file in ["mod.rs", "start.rs", "solution.rs"] {
        let file = format!("{FOLDER}{name}/{file}");
        if !book.files.has(&file) {
            missing.push(format!("the exercise has no {file}"));
        }
    }
    for test in ["the_solution_passes", "the_start_fails", "yours"] {
        let test = format!("{name}::{test}");
        if !tests.contains(&test) {
            missing.push(format!("the exercise has no test {test}"));
        }
    }
    let start = format!("code/{FOLDER}{name}/start.md");
    if !page.links.iter().any(|link| link.text == start) {
        missing.push(format!("the exercise has no link to {start}"));
    }
    let command = format!("cargo test --test exercises {name}::yours -- --ignored");
    if !page.code().any(|(_, code)| code.contains(&command)) {
        missing.push(format!("the exercise does not say `{command}`"));
    }
    let failure = format!("{}generated/exercises/{name}.txt", super::SRC);
    let solution = format!("{FOLDER}{name}/solution.rs");
    for file in [failure, solution] {
        let mut included = page
            .includes
            .iter()
            .filter_map(|include| include.file.as_deref());
        if !included.any(|included| included == file) {
            missing.push(format!("the exercise does not include {file}"));
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::super::{assert_finds, assert_none};
    use super::*;

    const PAGE: &str = "# After\n\n## Exercise\n\n[start.rs](code/tests/exercises/after/start.md)\n\n\
                        ```sh\ncargo test --test exercises after::yours -- --ignored\n```\n\n\
                        ```text\n{{#include generated/exercises/after.txt}}\n```\n\n\
                        ```rust,ignore\n{{#include ../../tests/exercises/after/solution.rs:app}}\n```\n";
    const TESTS: &str = "#[test]\nfn the_solution_passes() {}\n#[test]\nfn the_start_fails() {}\n\
                         #[test]\nfn yours() {}\n";

    const RIGHT: &[(&str, &str)] = &[
        ("book/src/after.md", PAGE),
        ("tests/exercises/main.rs", "mod after;\n"),
        ("tests/exercises/after/mod.rs", TESTS),
        ("tests/exercises/after/start.rs", ""),
        ("tests/exercises/after/solution.rs", ""),
    ];

    #[test]
    fn an_exercise_that_can_be_done() {
        assert_none(&problems(&Book::with(RIGHT)));
    }

    #[test]
    fn a_file_that_is_missing() {
        for index in [3, 4] {
            let mut files = RIGHT.to_vec();
            let (file, _) = files.remove(index);
            assert_finds(&problems(&Book::with(&files)), file);
        }
    }

    #[test]
    fn an_exercise_that_is_not_compiled() {
        let mut files = RIGHT.to_vec();
        files[1].1 = "mod before;\n";
        let found = problems(&Book::with(&files));
        assert_eq!(found.len(), 3);
        assert!(found[0].contains("no test after::the_solution_passes"));
    }

    #[test]
    fn a_page_that_leaves_something_out() {
        for (left_out, words) in [
            (
                "code/tests/exercises/after/start.md",
                "no link to code/tests",
            ),
            (
                "after::yours",
                "does not say `cargo test --test exercises after::yours",
            ),
            (
                "generated/exercises/after.txt",
                "does not include book/src/generated",
            ),
            (
                "after/solution.rs",
                "does not include tests/exercises/after/solution.rs",
            ),
        ] {
            let page = PAGE.replace(left_out, "other");
            let mut files = RIGHT.to_vec();
            files[0].1 = &page;
            assert_finds(&problems(&Book::with(&files)), words);
        }
    }

    #[test]
    fn an_exercise_of_no_chapter() {
        let mut files = RIGHT.to_vec();
        files.push(("tests/exercises/push/mod.rs", ""));
        assert_finds(
            &problems(&Book::with(&files)),
            "push is the exercise of no chapter",
        );
    }
}
