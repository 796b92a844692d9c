//! A store of your own: sessions in one file, to which each save adds a line.
//!
//! ```text
//! cargo run --example own_store
//! ```
//!
//! puts three stores through the suite that all of Carafe's stores pass, `tests/stores/suite.rs`, and
//! prints what came of it:
//!
//! - `first.rs`, the four methods that have to be written, in the fewest lines. It works, and must not be
//!   used.
//! - `second.rs`, after the first mistakes.
//! - `store.rs`, which passes.
//!
//! Read them in this order. `log.rs` is the file that they share. To check a store of your own, add it to
//! [`STEPS`].

mod first;
mod log;
mod second;
pub(crate) mod store;
#[path = "../../tests/stores/suite.rs"]
#[allow(dead_code, reason = "the tests of the stores use the rest")]
pub(crate) mod suite;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, io, process};

use carafe::Error;
use carafe::session::store::Store;

use first::FirstStore;
use log::Log;
use second::SecondStore;
use store::LogStore;
use suite::Subject;

// ANCHOR: steps
/// A store to check, on the way to one that passes.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The store, with its file at this path. What one has written the next one finds there.
    pub(crate) open: fn(PathBuf) -> Arc<dyn Store>,
}

pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "first",
        open: |path| Arc::new(FirstStore { log: Log { path } }),
    },
    Step {
        name: "second",
        open: |path| Arc::new(SecondStore { log: Log { path } }),
    },
    Step {
        name: "log",
        open: |path| Arc::new(LogStore::new(path)),
    },
];
// ANCHOR_END: steps

// ANCHOR: complaints
/// Every sentence that is not true of the store, and why.
pub(crate) fn complaints(step: &Step) -> io::Result<Vec<(&'static str, Error)>> {
    let dir = Dir::new()?;
    let (path, open) = (dir.file(), step.open);
    let subject = Subject {
        name: step.name,
        store: Box::new(move || open(path.clone())),
        pass: Box::new(suite::clock_moves),
    };
    let mut complaints = suite::complaints(&subject);
    let when_down = suite::when_down(&subject, &|down| dir.hide_file(down));
    complaints.extend(when_down.err().map(|error| (suite::WHEN_DOWN, error)));
    Ok(complaints)
}
// ANCHOR_END: complaints

/// A directory that goes away with it.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carafe-own-store-{}-{next}", process::id());
        let dir = Dir(env::temp_dir().join(name));
        fs::create_dir_all(&dir.0)?;
        Ok(dir)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("sessions.log")
    }

    /// Puts a directory where the file was, which nobody can read or write, or the file back.
    fn hide_file(&self, hide: bool) {
        let (file, aside) = (self.file(), self.0.join("aside"));
        let done = match hide {
            true => fs::rename(&file, &aside).and_then(|()| fs::create_dir(&file)),
            false => fs::remove_dir(&file).and_then(|()| fs::rename(&aside, &file)),
        };
        if let Err(error) = done {
            eprintln!("{}: {error}", file.display());
        }
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The sentences of which not all stores are alike, as a table.
///
/// # Errors
/// Where there is no directory for their files.
pub(crate) fn table() -> io::Result<String> {
    let untrue: Vec<_> = STEPS.iter().map(complaints).collect::<io::Result<_>>()?;
    let cells =
        |cells: Vec<&str>| -> String { cells.iter().map(|cell| format!("{cell:>8}")).collect() };
    let names = STEPS.iter().map(|step| step.name).collect();
    let mut lines = vec![format!("{:<56}{}", "", cells(names))];
    let mut alike = 0;
    for sentence in suite::sentences().chain([suite::WHEN_DOWN]) {
        let results =
            untrue.iter().map(
                |untrue| match untrue.iter().any(|(found, _)| *found == sentence) {
                    true => "NO",
                    false => "yes",
                },
            );
        let results: Vec<&str> = results.collect();
        match results.contains(&"NO") {
            true => lines.push(format!("{sentence:<56}{}", cells(results))),
            false => alike += 1,
        }
    }
    lines.push(format!("and {alike} sentences that are true of all three"));
    Ok(lines.join("\n"))
}

/// What is wrong with one store, in the words of the checks.
pub(crate) fn told(step: &Step) -> io::Result<String> {
    let mut lines = vec![format!("{}:", step.name)];
    for (sentence, error) in complaints(step)? {
        lines.push(format!("  {sentence}\n      {error}"));
    }
    if lines.len() == 1 {
        lines.push("  nothing is wrong".to_owned());
    }
    Ok(lines.join("\n"))
}

fn main() -> io::Result<()> {
    println!("{}", table()?);
    for step in STEPS {
        println!("\n{}", told(step)?);
    }
    Ok(())
}
