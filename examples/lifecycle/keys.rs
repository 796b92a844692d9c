//! `Keys`: a terminal that hands over each key, and not only whole lines.
//!
//! It does so as long as this is there; then it is as it was. Behind a pipe, in a test and on other systems than Unix
//! there are no keys: then `step.rs` reads lines.

use std::io::{self, BufRead, BufReader, Stdin};

#[cfg(unix)]
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices as Index, Termios, tcgetattr, tcsetattr,
};

/// Ctrl-C and Ctrl-D, which a terminal like this hands over, too.
const ENDS: [u8; 2] = [3, 4];
const ESCAPE: u8 = 0x1b;

pub(crate) struct Keys {
    input: BufReader<Stdin>,
    #[cfg(unix)]
    before: Termios,
}

impl Keys {
    /// The keys of the terminal that standard input is, if it is one.
    #[cfg(unix)]
    pub(crate) fn of_terminal() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        let mut single = before.clone();
        // Without the signal of Ctrl-C, which would leave the terminal like this.
        let off = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG;
        single.local_flags.remove(off);
        single.control_chars[Index::VMIN as usize] = 1;
        single.control_chars[Index::VTIME as usize] = 0;
        tcsetattr(io::stdin(), SetArg::TCSADRAIN, &single).ok()?;
        let input = BufReader::new(io::stdin());
        Some(Keys { input, before })
    }

    #[cfg(not(unix))]
    pub(crate) fn of_terminal() -> Option<Self> {
        None
    }

    /// The next key, `""` for Enter and the space bar, `None` where it is to end.
    pub(crate) fn press(&mut self) -> io::Result<Option<String>> {
        loop {
            let typed = self.input.fill_buf()?;
            let Some(&key) = typed.first() else {
                return Ok(None);
            };
            // An arrow is one key and several bytes, and so is an umlaut.
            let length = match key {
                ESCAPE | 128.. => typed.len(),
                _ => 1,
            };
            self.input.consume(length);
            return Ok(match key {
                ESCAPE => continue,
                _ if ENDS.contains(&key) => None,
                b'\n' | b'\r' | b' ' => Some(String::new()),
                _ => Some(char::from(key).to_string()),
            });
        }
    }
}

#[cfg(unix)]
impl Drop for Keys {
    fn drop(&mut self) {
        // Nobody is left to hear of a terminal that is gone.
        let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, &self.before);
    }
}
