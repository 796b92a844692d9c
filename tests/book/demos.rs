//! The outputs that chapters show. Each is printed by a function here, whose code the chapter shows.
//!
//! A chapter's functions are in the file of its name; its `OUTPUTS` says what they print into:
//! `("wsgi/hello", hello)` is `book/src/generated/wsgi/hello.txt`.

#[path = "demos/after.rs"]
mod after;
#[path = "demos/before.rs"]
mod before;
#[path = "demos/dispatch.rs"]
mod dispatch;
#[path = "demos/errors.rs"]
mod errors;
#[path = "demos/make_response.rs"]
mod make_response;

/// A file below `book/src/generated`, without `.txt`, and what prints it.
pub(crate) type Output = (&'static str, fn() -> String);

/// Those of all chapters.
pub(crate) fn all() -> impl Iterator<Item = Output> {
    [
        after::OUTPUTS,
        before::OUTPUTS,
        dispatch::OUTPUTS,
        errors::OUTPUTS,
        make_response::OUTPUTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
