//! What the benchmark does where it lacks something: the tests' servers ask `crate::missing` for it.

/// It goes on, and the table has a row that says so.
pub(crate) fn missing(what: &str) {
    println!("Not measured: there is no {what}; to have it: bash tests/run");
}
