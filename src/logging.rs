//! Where the framework's own messages go.
//!
//! Mirrors `flask/logging.py`: to the app's log where it has one, and to standard error where nobody
//! listens, so that an app without any logging set up does not fail in silence. The log is `tracing`,
//! and the target is `carafe::app`.
//!
//! Read next: `trace/`, what else goes through `tracing`.

use tracing::Level;

use crate::error::Error;

/// An error that no caller will hear of.
pub(crate) fn error(message: &str, error: &Error) {
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
}

/// A cookie that is sent, and that a browser may not take. Sizes are in bytes.
pub(crate) fn cookie_too_large(cookie: &str, size: usize, limit: usize) {
    const MESSAGE: &str = "a cookie is too large: browsers may silently ignore it";
    if tracing::enabled!(target: "carafe::app", Level::WARN) {
        tracing::warn!(target: "carafe::app", cookie, size, limit, "{MESSAGE}");
    } else {
        eprintln!("{MESSAGE}: {cookie} has {size} bytes, the limit is {limit}");
    }
}
