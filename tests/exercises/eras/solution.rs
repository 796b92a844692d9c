//! The error is behind the one that the handler is given.

use carafe::{App, Error, HttpException, Scaffold, abort};

use super::{DatabaseMoves, orders, total};

// ANCHOR: app
pub(crate) fn create_app() -> App {
    let mut app = App::new("exercise");
    app.get("/orders", orders);
    app.get("/total", total);
    app.get("/abort", || Err::<&str, _>(abort(500)));
    app.errorhandler(500, apologize);
    app
}

fn apologize(error: &HttpException) -> (&'static str, u16) {
    let original = error.original_exception.as_ref();
    if original.is_some_and(Error::is::<DatabaseMoves>) {
        ("Come back in an hour.", 500)
    } else {
        ("Something is broken.", 500)
    }
}
// ANCHOR_END: app
