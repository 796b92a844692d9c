//! The book is kept true: what it shows is what the code prints now, and what it names is there.
//!
//! `UPDATE=1 cargo test --test book` writes the generated files anew, and the minutes that each chapter
//! takes, and checks nothing else.
//! `book/here.rs` makes the trace that a chapter opens with; `book/demos.rs` lists the outputs that
//! chapters show, each printed by a function that the chapter shows too; `book/checks` reads the pages.
#![allow(clippy::unwrap_used, dead_code)] // The example's own functions are not all in use here.
#![allow(clippy::duplicate_mod)] // Two examples bring the checks of any session interface.

use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;
use std::{env, fs};

#[path = "book/checks/mod.rs"]
mod checks;
#[path = "book/demos.rs"]
mod demos;
#[path = "expect/mod.rs"]
mod expect;
#[path = "book/here.rs"]
mod here;
#[path = "../examples/lifecycle/main.rs"]
mod lifecycle;
#[path = "../examples/memory_sessions/main.rs"]
mod memory_sessions;
#[path = "../examples/live_book/moments/mod.rs"]
mod moments;
#[path = "../examples/own_store/main.rs"]
mod own_store;

#[path = "book/stepper.rs"]
mod stepper;

use checks::{Book, assert_none};
use expect::expect_file;
use stepper::stores::expect_played;

static BOOK: LazyLock<Book> = LazyLock::new(Book::read);

/// Checks the book, unless it is just being written: then what one test writes, another misses.
#[track_caller]
fn check(problems: impl FnOnce(&Book) -> Vec<String>) {
    if env::var_os("UPDATE").is_none() {
        assert_none(&problems(&BOOK));
    }
}

#[test]
fn each_chapter_opens_with_the_trace_of_its_stage() {
    for place in here::PLACES {
        let file = format!("book/src/generated/here/{}.txt", place.chapter);
        expect_file(&file, &place.outline());
    }
}

#[test]
fn the_outputs_are_what_the_code_prints() {
    for (name, demo) in demos::all() {
        expect_file(&format!("book/src/generated/{name}.txt"), &demo());
    }
    if cfg!(not(feature = "server")) {
        let left_out = "NOT CHECKED: what the chapters on the server show. \
            Run: cargo test --features server --test book\n";
        assert!(env::var_os("CI").is_none(), "{left_out}");
        // Past the test harness, which hides what a passing test prints.
        drop(std::io::stderr().write_all(left_out.as_bytes()));
    }
}

#[test]
fn the_steppers_play_what_the_code_does() {
    for scene in stepper::SCENES {
        let file = format!("book/src/generated/stepper/{}.html", scene.name);
        expect_file(&file, &stepper::fragment(scene));
    }
    expect_played("store_memory", "A session in memory", "memory:");
    let dir = std::env::temp_dir().join(format!("carafe-stepper-{}", std::process::id()));
    let url = format!("file://{}", dir.display());
    expect_played("store_files", "A session in a file", &url);
    drop(fs::remove_dir_all(dir));
    let eras = stepper::eras::fragment();
    expect_file("book/src/generated/stepper/eras.html", &eras);
}

#[test]
fn every_source_file_that_is_linked_has_its_page() {
    let (pages, problems) = checks::code_pages::pages(&BOOK);
    check(|_| problems);
    for (file, text) in &pages {
        expect_file(file, text);
    }
    for file in checks::code_pages::leftover(&BOOK) {
        assert!(
            env::var_os("UPDATE").is_some(),
            "no chapter links to {file}. UPDATE=1 cargo test --test book removes it."
        );
        fs::remove_file(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    }
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    check(checks::summary::problems);
}

#[test]
fn every_include_shows_something() {
    check(checks::includes::problems);
}

#[test]
fn every_link_leads_somewhere() {
    check(checks::links::problems);
}

#[test]
fn every_chapter_has_the_same_shape() {
    for page in BOOK.chapters().filter(|_| env::var_os("UPDATE").is_some()) {
        if let Some(timed) = checks::shape::timed(page) {
            expect_file(&format!("book/src/{}", page.path), &timed);
        }
    }
    check(checks::shape::problems);
}

#[test]
fn all_code_is_compiled_and_all_output_printed() {
    check(checks::fences::problems);
}

#[test]
fn every_command_runs_something_that_is_there() {
    check(checks::commands::problems);
}

#[test]
fn the_top_of_each_file_leads_to_what_is_there() {
    check(checks::heads::problems);
}

#[test]
fn every_exercise_can_be_done() {
    check(checks::exercises::problems);
}

#[test]
fn nothing_lies_around_unused() {
    check(checks::unused::problems);
}
