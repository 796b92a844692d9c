//! Where the framework's own messages go.
//!
//! Mirrors `flask/logging.py`: to the app's log where it has one, and to standard error where nobody
//! listens, so that an app without any logging set up does not fail in silence. The log is `tracing`,
//! and the target is `carafe::app`.
//!
//! Read next: `trace/`, what else goes through `tracing`.

use std::borrow::Cow;

use tracing::Level;

use crate::error::{Error, catch};
use crate::trace::visible;

/// An error that no caller will hear of.
pub(crate) fn error(message: &str, error: &Error) {
    let message = one_line(message);
    say(|| {
        if tracing::enabled!(target: "carafe::app", Level::ERROR) {
            let raised_at = error.location().map(tracing::field::display);
            tracing::error!(target: "carafe::app", %error, raised_at, "{message}");
        } else {
            let (name, text) = (error.type_name(), in_lines(&error.to_string()));
            match error.location() {
                Some(place) => eprintln!("{message}: {name}: {text} (raised at {place})"),
                None => eprintln!("{message}: {name}: {text}"),
            }
        }
    });
}

/// Where standard error is closed, or its disk is full, to write there panics. Nobody can be told that, and whoever had
/// something to report has better things to do than to end.
fn say(report: impl FnOnce()) {
    let _ = catch(|| {
        report();
        Ok(())
    });
}

/// A path may hold what would begin a line of its own, made up by a client.
fn one_line(message: &str) -> Cow<'_, str> {
    if !message.contains(char::is_control) {
        return Cow::Borrowed(message);
    }
    let escaped = message.chars().map(|c| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    });
    Cow::Owned(escaped.collect())
}

/// An error's text may quote a client, too, and have lines of its own: those are set in, so that none passes for another
/// message, and what a terminal would obey is shown.
fn in_lines(text: &str) -> String {
    visible(text, usize::MAX).replace('\n', "\n  ")
}

/// A cookie that is sent, and that a browser may not take. Sizes are in bytes.
pub(crate) fn cookie_too_large(cookie: &str, size: usize, limit: usize) {
    const MESSAGE: &str = "a cookie is too large: browsers may silently ignore it";
    say(|| {
        if tracing::enabled!(target: "carafe::app", Level::WARN) {
            tracing::warn!(target: "carafe::app", cookie, size, limit, "{MESSAGE}");
        } else {
            eprintln!("{MESSAGE}: {cookie} has {size} bytes, the limit is {limit}");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sent_begins_no_message_and_commands_no_terminal() {
        let path = "/a\u{1b}[2J\nException on /b";
        assert_eq!(one_line(path), "/a\\u{1b}[2J\\nException on /b");
        let text = "no user a\u{1b}[2J\r\nException on /b";
        assert_eq!(
            in_lines(text),
            "no user a\\u{1b}[2J\\u{d}\n  Exception on /b"
        );
    }
}
