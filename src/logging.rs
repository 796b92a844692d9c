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

/// An error that no caller will hear of.
pub(crate) fn error(message: &str, error: &Error) {
    let message = one_line(message);
    say(|| {
        if tracing::enabled!(target: "carafe::app", Level::ERROR) {
            let raised_at = error.location().map(tracing::field::display);
            tracing::error!(target: "carafe::app", %error, raised_at, "{message}");
        } else {
            let name = error.type_name();
            match error.location() {
                Some(place) => eprintln!("{message}: {name}: {error} (raised at {place})"),
                None => eprintln!("{message}: {name}: {error}"),
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
