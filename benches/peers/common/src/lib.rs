//! What the peers share, so that each of them holds only what its framework is about: the options, the session, the key.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Long enough for all of them: Rocket and actix ask for 64 bytes.
pub const SECRET_KEY: &[u8; 64] =
    b"sixty-four bytes that only a benchmark would call a secret key..";

/// A request that waits does so for this long at most, in milliseconds.
pub const LONGEST_WAIT: u64 = 10_000;

/// What `/login` puts into the session, and `/counter` counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub n: u64,
    pub username: String,
}

impl Session {
    /// What `/login` sets the session to.
    #[must_use]
    pub fn jack() -> Self {
        Session {
            n: 41,
            username: "jack".to_owned(),
        }
    }

    /// What `/counter` answers.
    #[must_use]
    pub fn greeting(&self) -> String {
        format!("{} {}", self.username, self.n)
    }
}

/// The command line.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// `--bind ADDR`; port 0 is any that is free.
    pub bind: SocketAddr,
    /// `--threads N`: workers that serve requests.
    pub threads: usize,
    /// `--header-timeout`: only the bare hyper server has it as an option.
    pub header_timeout: bool,
}

impl Options {
    /// Reads the command line, or ends the program with a message.
    #[must_use]
    pub fn from_args() -> Self {
        let mut options = Options {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            threads: 2,
            header_timeout: false,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let understood = match arg.as_str() {
                "--bind" => args
                    .next()
                    .and_then(|value| value.parse().ok())
                    .map(|bind| options.bind = bind),
                "--threads" => args
                    .next()
                    .and_then(|value| value.parse().ok())
                    .map(|threads| options.threads = threads),
                "--header-timeout" => {
                    options.header_timeout = true;
                    Some(())
                }
                _ => None,
            };
            if understood.is_none() {
                eprintln!("{arg}: expected --bind ADDR, --threads N");
                std::process::exit(2);
            }
        }
        options
    }
}

/// The line that `run` waits for.
pub fn announce(address: SocketAddr) {
    println!("listening on http://{address}");
}
