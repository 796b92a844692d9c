//! `--step`: at which functions it stops, and when it ends.

use std::io::{self, Write};

use super::lifecycle::step::Output;
use super::{lifecycle, lines, parsed, typed};

/// The titles of the functions that it stopped at.
pub(super) fn stops(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let mut stops = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let number = line
            .split("━━ ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        if number.is_some_and(|number| number.parse::<u32>().is_ok()) {
            let path = lines[at + 1..].iter().take_while(|line| !line.is_empty());
            stops.extend(path.last().map(|line| line.trim()));
        }
    }
    stops
}

#[test]
fn stepping_goes_into_each_function_or_out_of_it() {
    let text = typed(&["--step"], "\n\nout\nwhat\nn\no\nq\n", false);
    assert_eq!(
        stops(&text),
        [
            "Flask.wsgi_app",
            "Flask.request_context",
            // Out of this one: past what is inside.
            "RequestContext.__init__",
            "RequestContext.push",
            "Flask.app_context",
            "AppContext.push",
        ]
    );
    assert!(text.contains("n, o or q? "));
    // Where the page is longer than the screen, its last line says what it is about.
    assert!(text.contains("\nFlask.app_context   n or Enter: next   o: out of it   q: quit"));
    assert!(text.contains("pub fn push(self: &Rc<Self>) -> Result<(), Error> {"));
    // How a request ends is in what is shown of where it begins.
    assert!(text.contains("ctx.auto_pop(error.as_ref())"));
    assert!(!text.contains("is answered"), "it went on after q");
}

#[test]
fn stepping_shows_the_apps_own_functions_and_what_changed() {
    let keys = "\n".repeat(300);
    let text = typed(&["--step"], keys.leak(), false);
    assert!(text.contains("fn login() -> Result<String, Error> {"));
    assert!(text.contains("session          → {\"username\":\"jack\"}  new  accessed  modified"));
    assert_eq!(text.matches("is answered").count(), 3);
    assert!(stops(&text).contains(&"signal request_started"));
}

#[test]
fn stepping_ends_with_its_input() {
    let text = typed(&["--step"], "\n", false);
    assert_eq!(stops(&text).len(), 2);
}

/// Takes some bytes and then no more, like `head`.
struct Pipe(usize);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_an_error_and_no_panic() {
    for args in [
        &[][..],
        &["--format=json"],
        &["--format=mermaid"],
        &["--step"],
    ] {
        let output = Output::new(Pipe(700));
        let error = lifecycle::run(&parsed(args), lines("\n\n\n\n\n"), output, false);
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}

/// The terminal is a process's standard input, so this has a process of its own.
#[cfg(unix)]
#[test]
fn on_a_terminal_each_key_is_an_answer_and_then_it_is_as_it_was() {
    use std::fs::File;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use nix::sys::termios::{LocalFlags, tcgetattr};

    use super::lifecycle::keys::Keys;

    const NAME: &str = "stepper::on_a_terminal_each_key_is_an_answer_and_then_it_is_as_it_was";
    const INSIDE: &str = "CARAFE_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        let mut keys = Keys::of_terminal().expect("standard input is a terminal");
        println!("\nready");
        let words = ["n", "o", ""].map(|word| Some(word.to_owned()));
        assert_eq!([(); 3].map(|()| keys.press().unwrap()), words);
        return assert_eq!(keys.press().unwrap(), None, "Ctrl-C");
    }
    let terminal = nix::pty::openpty(None, None).unwrap();
    let flags = || tcgetattr(&terminal.slave).unwrap().local_flags;
    let (before, of_lines) = (
        flags(),
        LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG,
    );
    assert!(before.contains(of_lines));

    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .stdin(terminal.slave.try_clone().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap() == "ready"),
        "it is not ready"
    );
    // It waits for no end of a line, shows nothing, and gets no signal.
    assert!(!flags().intersects(of_lines));
    let mut keyboard = File::from(terminal.master);
    keyboard.write_all(b"no\r\x03").unwrap();
    assert!(process.wait().unwrap().success());
    assert_eq!(flags(), before);
}
