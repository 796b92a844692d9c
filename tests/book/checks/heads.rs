//! What a file says at its top about other files is so: the code that it is about, and what to read next.
//!
//! The book is not all that is read: `tests/README.md` leads through the tests, and each file on to another.

use super::files::{Files, resolve};
use super::{Book, regex};

pub(crate) fn problems(book: &Book) -> Vec<String> {
    let files = &book.files;
    let mut problems = Vec::new();
    for folder in ["src", "tests", "examples"] {
        let below = format!("{folder}/");
        for path in files.below(&below).filter(|path| path.ends_with(".rs")) {
            let path = format!("{below}{path}");
            let head = head(files.get(&path).unwrap_or_default());
            let wrong = code(files, &head).chain(next(files, &path, &head));
            problems.extend(wrong.map(|what| format!("{path}: {what}")));
        }
    }
    let guide = files.get("tests/README.md").unwrap_or_default();
    let tests = files.below("tests/").filter(|path| path.ends_with(".rs"));
    let unnamed = tests.filter(|path| !path.contains('/') && !guide.contains(&format!("`{path}`")));
    problems.extend(unnamed.map(|path| format!("tests/README.md: does not tell of {path}")));
    problems
}

/// The comment at the top of a file, in one line.
fn head(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Of `src/lifecycle.rs`, `wsgi_app`: the file is there, and the function or the type in it.
fn code(files: &Files, head: &str) -> impl Iterator<Item = String> {
    let named = regex(r"`((?:src|tests|examples)/[\w/]+\.rs)`(?:, `(\w+)`( in )?)?");
    let problem = |found: regex::Captures<'_>| {
        let file = &found[1];
        let Some(text) = files.get(file) else {
            return Some(format!("there is no {file}"));
        };
        let function = found.get(2).filter(|_| found.get(3).is_none())?.as_str();
        (!regex(&format!(r"\b(fn|struct|enum|trait) {function}\b")).is_match(text))
            .then(|| format!("{file} has no {function}"))
    };
    named
        .captures_iter(head)
        .filter_map(problem)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Of what follows "Next:" or "Read next:": each file is there, seen from this one.
fn next(files: &Files, path: &str, head: &str) -> impl Iterator<Item = String> {
    let (folder, _) = path.rsplit_once('/').unwrap_or_default();
    let own = path.trim_end_matches(".rs");
    let from = [folder, own, "src", ""];
    let there = |name: &str| {
        let mut seen = from.iter().filter_map(|folder| resolve(folder, name));
        seen.any(|path| files.has(&path))
    };
    let next = head.rsplit_once("ext:").map_or("", |(_, next)| next);
    let names = regex(r"`([\w./]+\.rs)`");
    names
        .captures_iter(next)
        .map(|found| found[1].to_owned())
        .filter(|name| !there(name))
        .map(|name| format!("there is no {name} to read next"))
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::super::{assert_finds, assert_none};
    use super::*;

    fn book(head: &str) -> Book {
        Book::with(&[
            ("src/app.rs", head),
            ("src/app/run.rs", "pub fn run() {}"),
            ("tests/app.rs", "//! The code: `src/app/run.rs`, `run`."),
            ("tests/README.md", "| `app.rs` | the app |"),
        ])
    }

    #[test]
    fn heads_that_are_right() {
        for head in [
            "//! An app.",
            "//! Called by `src/app/run.rs`, `run`.\n//! Read next: `run.rs`, `../tests/app.rs`.",
            "//! `src/app/run.rs`, `Thread` in the standard library.",
        ] {
            assert_none(&problems(&book(head)));
        }
    }

    #[test]
    fn heads_that_name_what_is_not_there() {
        assert_finds(&problems(&book("//! `src/ran.rs`")), "no src/ran.rs");
        assert_finds(
            &problems(&book("//! `src/app/run.rs`, `ran`")),
            "has no ran",
        );
        assert_finds(
            &problems(&book("//! Read next:\n//! `ran.rs`.")),
            "no ran.rs to read next",
        );
    }

    #[test]
    fn a_test_that_the_guide_leaves_out() {
        let files = [("tests/app.rs", ""), ("tests/README.md", "")];
        assert_finds(&problems(&Book::with(&files)), "does not tell of app.rs");
    }
}
