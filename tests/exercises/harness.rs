//! What all exercises share.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::expect::expect_file;

/// Makes sure that the starting point of the exercise `name` fails its check, in the words that the
/// book shows.
#[track_caller]
pub(crate) fn fails(name: &str, check: impl FnOnce()) {
    // Unwind safety: nothing that the check touched is used again.
    let Err(panic) = catch_unwind(AssertUnwindSafe(check)) else {
        panic!("{name}/start.rs passes its check: it is solved, and no longer a starting point");
    };
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("");
    expect_file(&format!("book/src/generated/exercises/{name}.txt"), words);
}
