//! A test in a process of its own, where no other one has run.

use std::any::type_name;
use std::env;
use std::process::Command;

/// Runs `test`, a closure in the test function itself, in a process that runs nothing else.
#[track_caller]
pub(crate) fn alone<F: FnOnce()>(test: F) {
    const INSIDE: &str = "CARAFE_TEST_INSIDE";
    if env::var_os(INSIDE).is_some() {
        return test();
    }
    // `program::module::the_test::{{closure}}`. Were it another name, no test would run, and none pass.
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    let (_, name) = path.split_once("::").unwrap();
    let mut process = Command::new(env::current_exe().unwrap());
    let args = ["--exact", name, "--nocapture"];
    let output = process.args(args).env(INSIDE, "1").output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("1 passed"), "{told}");
}
