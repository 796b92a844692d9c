//! Files that must equal what the code prints now. `UPDATE=1 cargo test` writes them instead.

use std::fs;
use std::path::PathBuf;

/// Compares the file at `path`, relative to the repository, with `actual`, or writes it where `UPDATE` is set.
#[track_caller]
pub(crate) fn expect_file(path: &str, actual: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    let actual = format!("{}\n", actual.trim_end());
    let there = fs::read_to_string(&file).unwrap_or_default();
    if there == actual {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        let written = file.parent().map_or(Ok(()), fs::create_dir_all);
        written
            .and_then(|()| fs::write(&file, actual))
            .unwrap_or_else(|error| panic!("{path} cannot be written: {error}"));
        return;
    }
    assert_eq!(
        there, actual,
        "{path} is not what the code prints now. UPDATE=1 cargo test rewrites it."
    );
}
