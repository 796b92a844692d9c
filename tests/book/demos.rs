//! The outputs that chapters show. Each is printed by a function here, whose code the chapter shows.
//!
//! A chapter's functions are in the file of its name; its `OUTPUTS` says what they print into:
//! `("wsgi/hello", hello)` is `book/src/generated/wsgi/hello.txt`.

#[path = "demos/after.rs"]
mod after;
#[path = "demos/blueprints.rs"]
mod blueprints;
#[path = "demos/lines.rs"]
mod lines;
#[path = "demos/signals.rs"]
mod signals;
#[path = "demos/streaming.rs"]
mod streaming;
#[path = "demos/teardown.rs"]
mod teardown;
#[path = "demos/testing.rs"]
mod testing;
#[path = "demos/threads.rs"]
mod threads;

/// A file below `book/src/generated`, without `.txt`, and what prints it.
pub(crate) type Output = (&'static str, fn() -> String);

/// Those of all chapters.
pub(crate) fn all() -> impl Iterator<Item = Output> {
    [
        after::OUTPUTS,
        blueprints::OUTPUTS,
        signals::OUTPUTS,
        streaming::OUTPUTS,
        teardown::OUTPUTS,
        testing::OUTPUTS,
        threads::OUTPUTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
