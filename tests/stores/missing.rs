//! What a test does where it lacks something: it says so where it is seen, and fails if `CI` is set.

use std::io::{self, Write};

/// # Panics
/// Where `CI` is set: there the check must not be left out.
pub(crate) fn missing(what: &str) {
    let message = format!("NOT CHECKED: there is no {what}; run: bash tests/run");
    assert!(std::env::var_os("CI").is_none(), "{message}");
    // Past the test harness, which hides what a passing test prints.
    drop(writeln!(io::stderr(), "{message}"));
}
