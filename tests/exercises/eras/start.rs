//! As it was written for Flask 1.0: the handler looks at the error that it is given.

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
    let error = Error::from(error.clone());
    if error.is::<DatabaseMoves>() {
        ("Come back in an hour.", 500)
    } else {
        ("Something is broken.", 500)
    }
}
// ANCHOR_END: app
