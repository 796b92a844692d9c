//! What a test does where it lacks something: it says so where it is seen, and fails if `CI` is set.

use std::io::{self, Write};

/// A program that `bash tests/run` installs.
///
/// # Panics
/// As [`not_checked`].
#[track_caller]
pub(crate) fn missing(program: &str) {
    not_checked(&format!("there is no {program}; run: bash tests/run"));
}

/// # Panics
/// Where `CI` is set: there the check must not be left out.
#[track_caller]
pub(crate) fn not_checked(why: &str) {
    let message = format!("NOT CHECKED: {why}");
    assert!(std::env::var_os("CI").is_none(), "{message}");
    // Past the test harness, which hides what a passing test prints.
    drop(writeln!(io::stderr(), "{message}"));
}
