//! The outputs that chapters show. Each is printed by a function here, whose code the chapter shows.
//!
//! A chapter's functions are in the file of its name; its `OUTPUTS` says what they print into:
//! `("wsgi/hello", hello)` is `book/src/generated/wsgi/hello.txt`.

#[path = "demos/after.rs"]
mod after;
#[path = "demos/open_session.rs"]
mod open_session;
#[path = "demos/save_session.rs"]
mod save_session;
#[path = "demos/session_interface.rs"]
mod session_interface;
#[path = "demos/signing.rs"]
mod signing;

/// A file below `book/src/generated`, without `.txt`, and what prints it.
pub(crate) type Output = (&'static str, fn() -> String);

/// Those of all chapters.
pub(crate) fn all() -> impl Iterator<Item = Output> {
    [
        after::OUTPUTS,
        open_session::OUTPUTS,
        save_session::OUTPUTS,
        session_interface::OUTPUTS,
        signing::OUTPUTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
