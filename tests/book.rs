//! The book is kept true: what it shows is what the code prints now, and what it names is there.
//!
//! `UPDATE=1 cargo test --test book` writes the generated files anew. `book/here.rs` makes the trace
//! that a chapter opens with; `book/demos.rs` lists the outputs that chapters show, each printed by a
//! function that the chapter shows too.
#![allow(clippy::unwrap_used, dead_code)] // The example's own functions are not all in use here.

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

use expect::expect_file;

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
}
