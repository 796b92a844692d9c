//! The examples do what they say. They are compiled into this test as modules, so that it tests the
//! code as it is and needs no build of theirs.
#![allow(clippy::unwrap_used, dead_code)]

use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex};

#[path = "../../examples/lifecycle/main.rs"]
mod lifecycle;
#[path = "../../examples/middleware.rs"]
mod middleware;
mod middlewares;
mod output;
mod readme;
mod stepper;
mod stores;

use lifecycle::options::{Command, Options, parse};
use lifecycle::step::{Input, Output};

/// What was written, for a test to look at.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn options(args: &[&str]) -> Result<Command, String> {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    parse(&args)
}

fn parsed(args: &[&str]) -> Options {
    match options(args).unwrap() {
        Command::Run(options) => options,
        Command::Help => panic!("help"),
    }
}

fn lines(typed: &'static str) -> Input {
    Input::Lines(Box::new(Cursor::new(typed)))
}

fn typed(args: &[&str], keys: &'static str, color: bool) -> String {
    let written = Written::default();
    let output = Output::new(written.clone());
    lifecycle::run(&parsed(args), lines(keys), output, color).unwrap();
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn lifecycle(args: &[&str]) -> String {
    typed(args, "", false)
}
