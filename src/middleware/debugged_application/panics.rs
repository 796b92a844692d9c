//! Where a panic was: the one thing that a panic's message does not say.
//!
//! Only Rust's panic hook is told. So the first request that is recorded puts one in front of the hook that
//! is there; it notes the panics of threads that want to know, and calls the other one in any case.
//!
//! Read next: `report.rs`, which shows it.

use std::cell::RefCell;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::thread;

use crate::error::panic_message;

/// A panic, and where it was.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    pub(super) message: String,
    pub(super) file: String,
    pub(super) line: u32,
}

thread_local! {
    /// The panics of this thread since it wants to know.
    static NOTED: RefCell<Option<Vec<Noted>>> = const { RefCell::new(None) };
}

/// Runs `f`, and notes the panics in it on this thread; `f` catches them.
pub(super) fn noted<R>(f: impl FnOnce() -> R) -> (R, Vec<Noted>) {
    static HOOK: Once = Once::new();
    // A thread that panics may not change the hook.
    if !thread::panicking() {
        HOOK.call_once(put_hook);
    }
    // A request inside of a request notes its own.
    let outer = NOTED.replace(Some(Vec::new()));
    let result = f();
    let noted = NOTED.replace(outer).unwrap_or_default();
    (result, noted)
}

fn put_hook() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // A panic while a thread ends has nowhere to be noted.
        _ = NOTED.try_with(|noted| {
            if let (Ok(mut noted), Some(place)) = (noted.try_borrow_mut(), info.location())
                && let Some(noted) = &mut *noted
            {
                noted.push(Noted {
                    message: panic_message(info.payload()).to_owned(),
                    file: place.file().to_owned(),
                    line: place.line(),
                });
            }
        });
        before(info);
    }));
}

/// The lines around a line, each with its number; none where there is no such file here.
pub(super) fn excerpt(file: &str, line: u32) -> Vec<(u32, String)> {
    const AROUND: u32 = 4;
    let Some(source) = find(file).and_then(|path| std::fs::read_to_string(path).ok()) else {
        return Vec::new();
    };
    let first = line.saturating_sub(AROUND).max(1);
    let lines = (1..).zip(source.lines());
    lines
        .skip_while(|(number, _)| *number < first)
        .take_while(|(number, _)| *number <= line.saturating_add(AROUND))
        .map(|(number, text)| (number, text.to_owned()))
        .collect()
}

/// A file that the compiler knew by this name: from the folder that it ran in, which is the package's or
/// that of a workspace above it.
fn find(file: &str) -> Option<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let folders = [Some(PathBuf::from(".")), package].into_iter().flatten();
    let mut paths = folders.flat_map(|folder| {
        let above: Vec<PathBuf> = folder.ancestors().map(|above| above.join(file)).collect();
        above
    });
    paths.find(|path: &PathBuf| Path::is_file(path))
}
