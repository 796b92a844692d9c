//! The outputs that chapters show. Each is printed by a function here, whose code the chapter shows.
//!
//! A chapter's functions are in the file of its name; its `OUTPUTS` says what they print into:
//! `("wsgi/hello", hello)` is `book/src/generated/wsgi/hello.txt`.

#[path = "demos/after.rs"]
mod after;
#[path = "demos/differences.rs"]
mod differences;
#[path = "demos/sharing.rs"]
mod sharing;
#[path = "demos/surprises.rs"]
mod surprises;

/// A file below `book/src/generated`, without `.txt`, and what prints it.
pub(crate) type Output = (&'static str, fn() -> String);

/// Those of all chapters.
pub(crate) fn all() -> impl Iterator<Item = Output> {
    [
        after::OUTPUTS,
        differences::OUTPUTS,
        sharing::OUTPUTS,
        surprises::OUTPUTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
