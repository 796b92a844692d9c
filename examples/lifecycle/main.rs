//! Watch requests go through Flask's lifecycle.
//!
//! ```text
//! cargo run --example lifecycle                 three visits, each as a tree
//! cargo run --example lifecycle -- --step       the same, stopping at each function
//! cargo run --example lifecycle -- --store memory:
//!                                               the session in a store, and what goes to it
//! cargo run --example lifecycle -- --help       all options
//! ```
//!
//! The app is `tutorial.rs`: read it first; `apps/` has more of them. `visits.rs` sends the requests,
//! through the server in `server.rs`, and records them with `carafe::trace`; `report.rs` prints what was
//! recorded (`stored.rs` what went to a store), and `step.rs` stops on the way, with the code that `source.rs` finds,
//! until `keys.rs` has a key. No stage is listed anywhere in this example: all that it prints comes from the recording.

pub(crate) mod apps;
pub(crate) mod keys;
pub(crate) mod options;
pub(crate) mod report;
pub(crate) mod server;
pub(crate) mod source;
pub(crate) mod step;
pub(crate) mod stored;
pub(crate) mod tutorial;
pub(crate) mod visits;

use std::io::{self, BufReader, IsTerminal, Write};
use std::process::ExitCode;

use keys::Keys;
use options::{Command, Format, Options};
use report::Look;
use step::{Input, Output, Stepper};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let options = match options::parse(&args) {
        Ok(Command::Run(options)) => options,
        Ok(Command::Help) => return exit_code(write!(io::stdout(), "{}", options::HELP)),
        Err(message) => {
            eprintln!("lifecycle: {message}\nTry --help.");
            return ExitCode::from(2);
        }
    };
    let input = match options.step.then(Keys::of_terminal).flatten() {
        Some(keys) => Input::Keys(keys),
        None => Input::Lines(Box::new(BufReader::new(io::stdin()))),
    };
    exit_code(run(&options, input, Output::new(io::stdout()), color()))
}

/// Whoever reads may have seen enough: `lifecycle | head` is no failure.
fn exit_code(written: io::Result<()>) -> ExitCode {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("lifecycle: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Colour is for terminals, and for people who want it: see <https://no-color.org>.
fn color() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
}

/// All of the program but its arguments and its exit code; the tests call it too.
pub(crate) fn run(options: &Options, input: Input, mut out: Output, color: bool) -> io::Result<()> {
    if options.step {
        let stepper = Stepper::new(input, out.clone(), color);
        return step::run(options, &stepper, &mut out);
    }
    let visits = visits::all(options).map_err(io::Error::other)?;
    match options.format {
        Format::Tree => {
            let width = options.width;
            report::trees(options, visits, &mut out, Look { width, color })?;
        }
        Format::Json => report::json(visits, &mut out)?,
        Format::Mermaid => report::mermaid(visits, &mut out)?,
    }
    out.flush()
}
